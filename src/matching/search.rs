//! A query by demographics as clauses over search tokens, and as an exact filter with a degree.
//!
//! The clauses find at least what the filter lets through; they may find more. Identifiers and domains of a
//! query are not the matcher's: the registry looks them up.

use super::normalize::{self, western};
use super::record::date_number;
use super::seam::{SearchClause, SearchToken, TokenMatch};
use super::tokens::{self, NameKinds, kind};
use crate::identity::{
    Address, BirthCriterion, Demographics, DemographicsQuery, NameCriterion, NamePartKind, PersonName, Telecom,
};
use strsim::osa_distance;

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

/// One thing sought: any of the tokens, in one of the ways.
struct Sought {
    any_of: Vec<SearchToken>,
    prefix: bool,
    similar: bool,
}

const CLOSE_HEAD: usize = 3;

fn head(text: &str) -> Option<String> {
    let head: String = text.chars().take(CLOSE_HEAD).collect();
    (text.chars().count() > CLOSE_HEAD).then_some(head)
}

fn is_spelled_by_sound(kind: i16) -> bool {
    matches!(
        kind,
        kind::FAMILY_READING | kind::GIVEN_READING | kind::FAMILY_LATIN | kind::GIVEN_LATIN | kind::MOTHER_READING
    )
}

impl Sought {
    fn exactly(any_of: Vec<SearchToken>) -> Self {
        Self { any_of, prefix: false, similar: false }
    }

    fn matches(&self) -> Vec<TokenMatch> {
        let mut found = Vec::new();
        for token in &self.any_of {
            if self.prefix {
                found.push(TokenMatch::Prefix(token.clone()));
                continue;
            }
            found.push(TokenMatch::Exact(token.clone()));
            if !self.similar {
                continue;
            }
            if token.kind == kind::GIVEN_LATIN {
                let forms = western::forms(&token.value).into_iter();
                found.extend(
                    forms.map(|form| TokenMatch::Exact(SearchToken { kind: token.kind, value: form.to_owned() })),
                );
            }
            if let Some(value) = head(&token.value).filter(|_| is_spelled_by_sound(token.kind)) {
                found.push(TokenMatch::Prefix(SearchToken { kind: token.kind, value }));
            }
        }
        found
    }

    /// How well the tokens of a record satisfy it.
    fn degree(&self, record: &[SearchToken]) -> Option<u8> {
        let pairs = self.any_of.iter().flat_map(|sought| {
            record.iter().filter(move |token| token.kind == sought.kind).map(move |token| (sought, token))
        });
        pairs.filter_map(|(sought, token)| self.degree_of(sought, token)).max()
    }

    fn degree_of(&self, sought: &SearchToken, token: &SearchToken) -> Option<u8> {
        let (a, b) = (sought.value.as_str(), token.value.as_str());
        if a == b {
            return Some(100);
        }
        if self.prefix && b.starts_with(a) {
            return Some(90);
        }
        if !self.similar || self.prefix {
            return None;
        }
        if sought.kind == kind::GIVEN_LATIN && western::forms(a).contains(&b) {
            return Some(85);
        }
        let close = is_spelled_by_sound(sought.kind) && osa_distance(a, b) <= 1;
        let heads = head(a).is_some_and(|head| b.starts_with(&head));
        (close && heads).then_some(80)
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

fn sought_name(kinds: &[NameKinds], text: &str, policy: NamePolicy) -> Option<Sought> {
    let (text, wild) = unwild(text);
    if text.trim().is_empty() {
        return None;
    }
    let mut any_of: Vec<SearchToken> = kinds.iter().flat_map(|kinds| tokens::name_tokens(*kinds, &text)).collect();
    if any_of.is_empty() {
        any_of = nothing();
    }
    Some(Sought { any_of, prefix: wild || policy == NamePolicy::Prefix, similar: policy == NamePolicy::Similar })
}

/// What a name asks for: of each name all must hold. First the family name, then the given names.
struct SoughtName {
    family: Option<Sought>,
    given: Vec<Sought>,
}

impl SoughtName {
    fn of(criterion: &NameCriterion, policy: NamePolicy) -> Option<Self> {
        let name = &criterion.name;
        let policy = if criterion.similar && policy == NamePolicy::Prefix { NamePolicy::Similar } else { policy };
        if tokens::is_text_only(name) {
            return Some(Self { family: None, given: text_sought(name, policy) });
        }
        let family = sought_name(&[NameKinds::Family], &name.family(), policy);
        let given =
            name.parts_of(NamePartKind::Given).filter_map(|text| sought_name(&[NameKinds::Given], text, policy));
        let found = Self { family, given: given.collect() };
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
fn text_sought(name: &PersonName, policy: NamePolicy) -> Vec<Sought> {
    let words = tokens::text_words(name);
    let alone = words.len() == 1;
    let each = words.iter().filter_map(|word| {
        let mut sought = sought_name(&[NameKinds::Family, NameKinds::Given], word, policy)?;
        if alone {
            let whole: Vec<SearchToken> = sought
                .any_of
                .iter()
                .filter_map(|token| match token.kind {
                    kind::FAMILY_KANJI => Some((kind::FULL_KANJI, &token.value)),
                    kind::FAMILY_READING => Some((kind::JOINED_READING, &token.value)),
                    _ => None,
                })
                .map(|(kind, value)| SearchToken { kind, value: value.clone() })
                .collect();
            sought.any_of.extend(whole);
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
    found.into_iter().map(|token| Sought { any_of: vec![token], prefix: wild, similar: false }).collect()
}

fn sought_telecoms(telecoms: &[Telecom]) -> Option<Sought> {
    let found: Vec<SearchToken> = telecoms.iter().filter_map(tokens::telecom_token).collect();
    let found = if found.is_empty() { nothing() } else { found };
    (!telecoms.is_empty()).then_some(Sought::exactly(found))
}

fn sought_mothers(names: &[PersonName], policy: NamePolicy) -> Vec<Vec<Sought>> {
    let words = |name| tokens::mother_words(name).into_iter();
    let all = names
        .iter()
        .map(|name| words(name).filter_map(|word| sought_name(&[NameKinds::Mother], &word, policy)).collect());
    all.filter(|sought: &Vec<Sought>| !sought.is_empty()).collect()
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
    let any_of: Vec<TokenMatch> = sought.iter().flat_map(|sought| sought.matches()).collect();
    (!any_of.is_empty()).then_some(SearchClause { any_of })
}

/// Alternatives of which each asks for several things, as clauses: all of the only one, else one of each.
fn alternatives(groups: &[Vec<&Sought>]) -> Vec<SearchClause> {
    match groups {
        [] => Vec::new(),
        [only] => only.iter().filter_map(|sought| clause(&[*sought])).collect(),
        many => {
            let firsts: Vec<&Sought> = many.iter().filter_map(|group| group.first().copied()).collect();
            let lasts: Vec<&Sought> = many.iter().filter_map(|group| group.last().copied()).collect();
            clause(&firsts).into_iter().chain(clause(&lasts)).collect()
        }
    }
}

/// How little an alternative tells, for the order in which clauses are sought: few people share a telephone or a
/// day of birth, more a name, many a place, and half of all a sex.
fn vagueness(wanted: &TokenMatch) -> u8 {
    let kind = match wanted {
        TokenMatch::Range { from, to, .. } if from != to => return 4,
        TokenMatch::Range { kind, .. } => *kind,
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
            names: query.names.iter().filter_map(|name| SoughtName::of(name, policy)).collect(),
            birth: query.birth,
            sex: query.sex.map(|sex| Sought::exactly(vec![tokens::sex_token(sex)])),
            addresses: query.addresses.iter().map(sought_address).collect(),
            telecoms: sought_telecoms(&query.telecoms),
            mothers: sought_mothers(&query.mothers_maiden_names, policy),
            minimum_degree: query.minimum_degree,
        }
    }

    /// What a record must hold to come into question, the most telling first; empty where the query constrains
    /// nothing that tokens know.
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

    /// Whether a record is what the query asks for, and how well: 100 where every criterion holds exactly. `record` are
    /// the search tokens of what it says, and nothing else.
    pub fn degree(&self, record: &[SearchToken], demographics: &Demographics) -> Option<u8> {
        let of_all = |group: &Vec<Sought>| mean(group.iter().map(|sought| sought.degree(record)));
        let mut criteria: Vec<Option<u8>> = Vec::new();
        if !self.names.is_empty() {
            criteria.push(self.names.iter().filter_map(|name| name.degree(record)).max());
        }
        criteria.extend(self.sex.iter().map(|sex| sex.degree(record)));
        criteria.extend(self.birth.map(|birth| birth_degree(birth, demographics)));
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

fn birth_degree(birth: BirthCriterion, demographics: &Demographics) -> Option<u8> {
    let date = demographics.birth_date.value().filter(|date| date_number(date) != 0)?;
    let (first, last) = date.period();
    let within = birth.from.is_none_or(|from| last >= from) && birth.to.is_none_or(|to| first <= to);
    within.then_some(if first == last { 100 } else { 80 })
}
