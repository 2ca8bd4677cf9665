//! A query by demographics as clauses over search tokens, and as an exact filter with a degree.
//!
//! The clauses find at least what the filter lets through; they may find more. Identifiers and domains of a
//! query are not the matcher's: the registry looks them up.

use super::normalize::{self, western};
use super::pattern::{Pattern, is_pattern, patterns};
use super::record::date_number;
use super::seam::{SearchClause, SearchToken, TokenKinds, TokenMatch, is_close};
use super::tokens::{self, NameKinds, kind};
use crate::identity::{
    Address, BirthCriterion, DemographicsQuery, NameCriterion, NamePartKind, PartialDate, PersonName, Telecom,
};

/// How names of a query are compared (`pdq.names`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamePolicy {
    /// Equal after normalisation, then alike or close, in order of degree.
    Similar,
    /// Names that begin with what is sought.
    Prefix,
    /// Equal after normalisation; a trailing `*` still asks for a prefix.
    Exact,
}

/// One thing sought: any of the tokens, in one of the ways, or any of the patterns.
struct Sought {
    any_of: Vec<SearchToken>,
    patterns: Vec<Pattern>,
    prefix: bool,
    similar: bool,
}

const CLOSE_HEAD: usize = 3;

/// Degrees of one criterion: equal after normalisation.
const EQUAL: u8 = 100;
/// Begins with what is sought, or fits its pattern, where that was asked for.
const BEGINS: u8 = 90;
/// Another form of the same given name.
const FAMILIAR: u8 = 85;
/// One letter apart by sound; a birth date of less precision.
const CLOSE: u8 = 80;
/// Begins with what is sought, where anything alike was asked for.
const LOOSE: u8 = 75;

/// Bytes of the letters that a close value has in common; none where it has no more than those.
fn head(text: &str) -> Option<usize> {
    text.char_indices().nth(CLOSE_HEAD).map(|(at, _)| at)
}

fn is_spelled_by_sound(kind: i16) -> bool {
    matches!(
        kind,
        kind::FAMILY_READING | kind::GIVEN_READING | kind::FAMILY_LATIN | kind::GIVEN_LATIN | kind::MOTHER_READING
    )
}

impl Sought {
    fn exactly(any_of: Vec<SearchToken>) -> Self {
        Self { any_of, patterns: Vec::new(), prefix: false, similar: false }
    }

    /// How it is looked up; none where what fits may begin anyhow, so that only a filter can tell.
    fn matches(&self) -> Option<Vec<TokenMatch>> {
        if !self.patterns.is_empty() {
            return self.patterns.iter().map(|pattern| pattern.head().map(TokenMatch::Prefix)).collect();
        }
        let mut found = Vec::new();
        for token in &self.any_of {
            let wanted = if self.prefix { TokenMatch::Prefix } else { TokenMatch::Exact };
            found.push(wanted(token.clone()));
            if !self.similar {
                continue;
            }
            if token.kind == kind::GIVEN_LATIN {
                let forms = western::forms(&token.value).into_iter();
                found.extend(
                    forms.map(|form| TokenMatch::Exact(SearchToken { kind: token.kind, value: form.to_owned() })),
                );
            }
            if let Some(head) = head(&token.value).filter(|_| is_spelled_by_sound(token.kind)) {
                found.push(TokenMatch::Close { kind: token.kind, value: token.value.clone(), head });
            }
        }
        Some(found)
    }

    /// The kinds of tokens that can satisfy it.
    fn kinds(&self) -> impl Iterator<Item = i16> {
        self.any_of.iter().map(|token| token.kind).chain(self.patterns.iter().map(Pattern::kind))
    }

    /// How well the tokens of a record satisfy it.
    fn degree(&self, record: &[SearchToken]) -> Option<u8> {
        if !self.patterns.is_empty() {
            let fits = self.patterns.iter().any(|pattern| record.iter().any(|token| pattern.fits(token)));
            return fits.then_some(BEGINS);
        }
        let pairs = self.any_of.iter().flat_map(|sought| {
            record.iter().filter(move |token| token.kind == sought.kind).map(move |token| (sought, token))
        });
        pairs.filter_map(|(sought, token)| self.degree_of(sought, token)).max()
    }

    fn degree_of(&self, sought: &SearchToken, token: &SearchToken) -> Option<u8> {
        let (a, b) = (sought.value.as_str(), token.value.as_str());
        if a == b {
            return Some(EQUAL);
        }
        if self.similar {
            if sought.kind == kind::GIVEN_LATIN && western::forms(a).contains(&b) {
                return Some(FAMILIAR);
            }
            if is_spelled_by_sound(sought.kind) && head(a).is_some_and(|head| is_close(a, head, b)) {
                return Some(CLOSE);
            }
        }
        let begins = self.prefix && b.starts_with(a);
        begins.then_some(if self.similar { LOOSE } else { BEGINS })
    }
}

fn unwild(text: &str) -> (String, bool) {
    let folded = normalize::fold(text);
    match folded.strip_suffix('*') {
        Some(head) => (head.trim_end_matches('*').to_owned(), true),
        None => (text.to_owned(), false),
    }
}

/// What has no normal form can be found nowhere; the value `*` is in no record.
fn nothing() -> Vec<SearchToken> {
    vec![SearchToken { kind: kind::SEX, value: "*".to_owned() }]
}

/// What one part of a name asks for; none where it asks for nothing, as `*` does.
fn sought_name(kinds: &[NameKinds], text: &str, how: How) -> Option<Sought> {
    if is_pattern(text) {
        let patterns = patterns(kinds, text)?;
        return Some(Sought { any_of: Vec::new(), patterns, prefix: false, similar: false });
    }
    if text.trim().is_empty() {
        return None;
    }
    let mut any_of: Vec<SearchToken> = kinds.iter().flat_map(|kinds| tokens::name_tokens(*kinds, text)).collect();
    if any_of.is_empty() {
        any_of = nothing();
    }
    Some(Sought { any_of, patterns: Vec::new(), prefix: how.prefix, similar: how.similar })
}

/// How a name may differ from what is sought.
#[derive(Clone, Copy)]
struct How {
    prefix: bool,
    similar: bool,
}

impl How {
    /// By the network's rule; who asks for names alike gets those that begin so too, unless names must be exact.
    fn of(policy: NamePolicy, alike: bool) -> Self {
        match policy {
            NamePolicy::Exact => Self { prefix: false, similar: false },
            NamePolicy::Similar | NamePolicy::Prefix if alike => Self { prefix: true, similar: true },
            NamePolicy::Similar => Self { prefix: false, similar: true },
            NamePolicy::Prefix => Self { prefix: true, similar: false },
        }
    }
}

/// What a name asks for: of each name all must hold. First the family name, then the given names.
struct SoughtName {
    family: Option<Sought>,
    given: Vec<Sought>,
}

impl SoughtName {
    fn of(criterion: &NameCriterion, policy: NamePolicy) -> Option<Self> {
        let name = &criterion.name;
        let how = How::of(policy, criterion.similar);
        let found = if tokens::is_text_only(name) {
            Self { family: None, given: text_sought(name, how) }
        } else {
            let family = sought_name(&[NameKinds::Family], &name.family(), how);
            let given =
                name.parts_of(NamePartKind::Given).filter_map(|text| sought_name(&[NameKinds::Given], text, how));
            Self { family, given: given.collect() }
        };
        (found.family.is_some() || !found.given.is_empty()).then_some(found)
    }

    fn all(&self) -> impl Iterator<Item = &Sought> {
        self.family.iter().chain(&self.given)
    }

    fn degree(&self, record: &[SearchToken]) -> Option<u8> {
        mean(self.all().map(|sought| sought.degree(record)))
    }
}

/// A name of text only: each word is a family or a given name, or it is the whole name without a blank.
fn text_sought(name: &PersonName, how: How) -> Vec<Sought> {
    let whole = |kind: i16| match kind {
        kind::FAMILY_KANJI => Some(kind::FULL_KANJI),
        kind::FAMILY_READING => Some(kind::JOINED_READING),
        _ => None,
    };
    let words = tokens::text_words(name);
    let alone = words.len() == 1;
    let each = words.iter().filter_map(|word| {
        let mut sought = sought_name(&[NameKinds::Family, NameKinds::Given], word, how)?;
        if alone {
            let joined = sought.any_of.iter().filter_map(|token| Some((whole(token.kind)?, token.value.clone())));
            let joined: Vec<SearchToken> = joined.map(|(kind, value)| SearchToken { kind, value }).collect();
            sought.any_of.extend(joined);
            let over: Vec<Pattern> =
                sought.patterns.iter().filter_map(|pattern| Some(pattern.over(whole(pattern.kind())?))).collect();
            sought.patterns.extend(over);
        }
        Some(sought)
    });
    each.collect()
}

fn sought_address(address: &Address) -> Vec<Sought> {
    let wild = address.parts.iter().any(|part| normalize::fold(&part.value).ends_with('*'));
    let mut plain = address.clone();
    for part in &mut plain.parts {
        part.value = unwild(&part.value).0;
    }
    let found = tokens::place_tokens(&plain);
    let found = if found.is_empty() { nothing() } else { found };
    found.into_iter().map(|token| Sought { prefix: wild, ..Sought::exactly(vec![token]) }).collect()
}

fn sought_telecoms(telecoms: &[Telecom]) -> Option<Sought> {
    let found: Vec<SearchToken> = telecoms.iter().filter_map(tokens::telecom_token).collect();
    let found = if found.is_empty() { nothing() } else { found };
    (!telecoms.is_empty()).then_some(Sought::exactly(found))
}

/// What each of several alternatives asks for; nothing at all where one of them asks for nothing.
fn any_of<T>(alternatives: impl Iterator<Item = Option<T>>) -> Vec<T> {
    alternatives.collect::<Option<Vec<T>>>().unwrap_or_default()
}

fn sought_mother(name: &PersonName, how: How) -> Option<Vec<Sought>> {
    let words = tokens::mother_words(name);
    let sought: Vec<Sought> = words.iter().filter_map(|word| sought_name(&[NameKinds::Mother], word, how)).collect();
    (!sought.is_empty()).then_some(sought)
}

fn birth_matches(birth: BirthCriterion) -> Vec<TokenMatch> {
    let (from, to) = (birth.from.unwrap_or(0).max(0), birth.to.unwrap_or(99_999_999).max(0));
    vec![
        TokenMatch::Range { kind: kind::BIRTH, from: format!("{from:08}"), to: format!("{to:08}") },
        TokenMatch::Range {
            kind: kind::BIRTH_YEAR,
            from: format!("{:04}", from / 10_000),
            to: format!("{:04}", to / 10_000),
        },
    ]
}

fn clause(sought: &[&Sought]) -> Option<SearchClause> {
    let each: Option<Vec<Vec<TokenMatch>>> = sought.iter().map(|sought| sought.matches()).collect();
    let any_of = each?.concat();
    (!any_of.is_empty()).then_some(SearchClause { any_of })
}

/// Alternatives of which each asks for several things, as clauses: all of the only one, else one of each.
fn alternatives(groups: &[Vec<&Sought>]) -> Vec<SearchClause> {
    match groups {
        [] => Vec::new(),
        [only] => only.iter().filter_map(|sought| clause(&[*sought])).collect(),
        many => {
            let looked_up = |sought: &&&Sought| sought.matches().is_some();
            let first: Option<Vec<&Sought>> = many.iter().map(|group| group.iter().find(looked_up).copied()).collect();
            let last: Option<Vec<&Sought>> =
                many.iter().map(|group| group.iter().rev().find(looked_up).copied()).collect();
            [first, last].into_iter().flatten().filter_map(|one_of_each| clause(&one_of_each)).collect()
        }
    }
}

/// How little an alternative tells, for the order in which clauses are sought: few people share a telephone or a
/// day of birth, more a name, many a place, and half of all a sex.
fn vagueness(wanted: &TokenMatch) -> u8 {
    let kind = match wanted {
        TokenMatch::Range { from, to, .. } if from != to => return 4,
        TokenMatch::Range { kind, .. } | TokenMatch::Close { kind, .. } => *kind,
        TokenMatch::Exact(token) | TokenMatch::Prefix(token) => token.kind,
    };
    match kind {
        kind::PHONE | kind::MAIL | kind::BIRTH | kind::BIRTH_YEAR => 0,
        kind::POSTAL | kind::PREFECTURE | kind::CITY | kind::TOWN | kind::BLOCK => 3,
        kind::SEX => 5,
        _ => 1,
    }
}

/// A query made ready once, to find records by its clauses and to grade each by its tokens.
pub struct SearchPlan {
    names: Vec<SoughtName>,
    birth: Option<BirthCriterion>,
    sex: Option<Sought>,
    addresses: Vec<Vec<Sought>>,
    telecoms: Option<Sought>,
    mothers: Vec<Vec<Sought>>,
    minimum_degree: Option<u8>,
}

impl SearchPlan {
    /// The plan of `query`, names found as `policy` says.
    pub fn of(query: &DemographicsQuery, policy: NamePolicy) -> Self {
        Self {
            names: any_of(query.names.iter().map(|name| SoughtName::of(name, policy))),
            birth: query.birth,
            sex: query.sex.map(|sex| Sought::exactly(vec![tokens::sex_token(sex)])),
            addresses: query.addresses.iter().map(sought_address).collect(),
            telecoms: sought_telecoms(&query.telecoms),
            mothers: any_of(query.mothers_maiden_names.iter().map(|name| sought_mother(name, How::of(policy, false)))),
            minimum_degree: query.minimum_degree,
        }
    }

    /// Whether it asks for anything at all.
    pub fn constrains(&self) -> bool {
        let lists = [self.names.is_empty(), self.addresses.is_empty(), self.mothers.is_empty()];
        lists.contains(&false) || self.birth.is_some() || self.sex.is_some() || self.telecoms.is_some()
    }

    /// What a record must hold to come into question, the most telling first; empty where the query constrains
    /// nothing that can be looked up.
    pub fn clauses(&self) -> Vec<SearchClause> {
        fn groups(all: &[Vec<Sought>]) -> Vec<Vec<&Sought>> {
            all.iter().map(|group| group.iter().collect()).collect()
        }
        let names: Vec<Vec<&Sought>> = self.names.iter().map(|name| name.all().collect()).collect();
        let mut found = alternatives(&names);
        found.extend(self.birth.map(|birth| SearchClause { any_of: birth_matches(birth) }));
        found.extend(self.sex.iter().filter_map(|sex| clause(&[sex])));
        found.extend(alternatives(&groups(&self.addresses)));
        found.extend(self.telecoms.iter().filter_map(|sought| clause(&[sought])));
        found.extend(alternatives(&groups(&self.mothers)));
        found.sort_by_key(|clause| clause.any_of.iter().map(vagueness).max());
        found
    }

    /// The kinds of all tokens that the query asks about: to know the others of a record tells nothing.
    pub fn kinds(&self) -> TokenKinds {
        let names = self.names.iter().flat_map(SoughtName::all);
        let groups = self.addresses.iter().chain(&self.mothers).flatten();
        let all = names.chain(groups).chain(&self.sex).chain(&self.telecoms);
        let birth = self.birth.iter().flat_map(|_| [kind::BIRTH, kind::BIRTH_YEAR]);
        all.flat_map(Sought::kinds).chain(birth).collect()
    }

    /// Whether a record is what the query asks for, and how well: 100 where every criterion holds exactly. `record` are
    /// the search tokens of what it says, those of [`SearchPlan::kinds`] at least; its birth date is asked for where
    /// it is sought and no token tells the day.
    pub fn degree<E>(
        &self,
        record: &[SearchToken],
        birth_date: impl FnOnce() -> Result<Option<PartialDate>, E>,
    ) -> Result<Option<u8>, E> {
        let born = match self.birth {
            Some(birth) => Some(match day_of_birth(record) {
                Some(day) => birth_degree(birth, (day, day)),
                None if record.iter().all(|token| token.kind != kind::BIRTH_YEAR) => None,
                None => birth_date()?
                    .filter(|date| date_number(date) != 0)
                    .and_then(|date| birth_degree(birth, date.period())),
            }),
            None => None,
        };
        Ok(self.degree_with(record, born))
    }

    /// Likewise with the degree of the birth date, where that is sought.
    fn degree_with(&self, record: &[SearchToken], born: Option<Option<u8>>) -> Option<u8> {
        let of_all = |group: &Vec<Sought>| mean(group.iter().map(|sought| sought.degree(record)));
        let mut criteria: Vec<Option<u8>> = Vec::new();
        if !self.names.is_empty() {
            criteria.push(self.names.iter().filter_map(|name| name.degree(record)).max());
        }
        criteria.extend(self.sex.iter().map(|sex| sex.degree(record)));
        criteria.extend(born);
        if !self.addresses.is_empty() {
            criteria.push(self.addresses.iter().filter_map(of_all).max());
        }
        criteria.extend(self.telecoms.iter().map(|sought| sought.degree(record)));
        if !self.mothers.is_empty() {
            criteria.push(self.mothers.iter().filter_map(of_all).max());
        }
        let found = if criteria.is_empty() { 100 } else { mean(criteria.into_iter())? };
        self.minimum_degree.is_none_or(|least| found >= least).then_some(found)
    }
}

fn mean(degrees: impl Iterator<Item = Option<u8>>) -> Option<u8> {
    let all: Vec<u32> = degrees.map(|degree| degree.map(u32::from)).collect::<Option<_>>()?;
    let count = u32::try_from(all.len()).ok()?;
    u8::try_from(all.iter().sum::<u32>().checked_div(count)?).ok()
}

/// The day that a token tells, as a number.
fn day_of_birth(record: &[SearchToken]) -> Option<i32> {
    record.iter().find(|token| token.kind == kind::BIRTH)?.value.parse().ok()
}

fn birth_degree(birth: BirthCriterion, (first, last): (i32, i32)) -> Option<u8> {
    let within = birth.from.is_none_or(|from| last >= from) && birth.to.is_none_or(|to| first <= to);
    within.then_some(if first == last { EQUAL } else { CLOSE })
}
