//! The weight of each candidate pair, by the model's three classes and the frequency of what agrees.
//!
//! No pair may allocate, but one whose given names are doubtful and are asked how they may be read; and the order of
//! threads must never show in the result.

use super::further::Compare;
use super::readings::Readings;
use super::table::{NameRow, NameTexts, Row, Symbol, Table};
use crate::matching::comparison::{Comparison, Field, Tradition};
use crate::matching::frequencies::{self, Script};
use crate::matching::guard::{self, Guard, PairFacts};
use crate::matching::levels::{self, Agreement, Code, MISSING};
use crate::matching::model::{Level, Model};
use crate::matching::normalize::western;

/// A small file is a part of a base of so many records at least, as a small store is.
pub const LEAST_POPULATION: f64 = 1000.0;

/// How many fields a pattern can hold.
pub const MOST_FIELDS: usize = 32;
/// The first further field.
pub const CORE: usize = 6;

/// The levels of all fields, four bits each.
pub type Pattern = u128;

/// The level of a field in a pattern.
pub fn code_of(pattern: Pattern, field: usize) -> Code {
    u8::try_from((pattern >> (4 * field)) & 15).unwrap_or(MISSING)
}

fn put(pattern: &mut Pattern, field: usize, code: Code) {
    *pattern |= Pattern::from(code & 15) << (4 * field);
}

/// The probabilities of the levels of one field, by code.
#[derive(Clone, Debug)]
pub struct FieldWeights {
    /// Between records of one person.
    pub m: [f64; 16],
    /// Between records of unrelated people.
    pub u: [f64; 16],
    /// Between records of a household.
    pub h: [f64; 16],
    /// How many levels there are.
    pub levels: usize,
}

impl FieldWeights {
    fn of(levels: &[Level]) -> Self {
        let mut of = Self { m: [1.0; 16], u: [1.0; 16], h: [1.0; 16], levels: levels.len() };
        for (at, level) in levels.iter().enumerate() {
            let slots = (of.m.get_mut(at + 1), of.u.get_mut(at + 1), of.h.get_mut(at + 1));
            if let (Some(m), Some(u), Some(h)) = slots {
                (*m, *u, *h) = (level.m, level.u, level.h);
            }
        }
        of
    }
}

/// The levels that the model has for a further field, or those from which training starts.
pub fn further_levels(model: &Model, id: &str, compare: Compare) -> Vec<Level> {
    let names = compare.scale();
    let known =
        model.further(id).filter(|levels| levels.iter().map(|level| level.id.as_str()).eq(names.iter().copied()));
    known.map_or_else(|| compare.levels(), <[Level]>::to_vec)
}

/// A model made ready for a table.
#[derive(Clone, Debug)]
pub struct Weights {
    /// By field: the six, then the further ones.
    pub fields: Vec<FieldWeights>,
    tradition: Tradition,
    bits: Vec<([f64; 16], [f64; 16])>,
    household: f64,
    /// log2 of the prior odds within one source, and across.
    pub prior: [f64; 2],
    frequencies: [Frequency; 6],
    further: Vec<Option<Frequency>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Frequency {
    total: f64,
    collision: f64,
}

impl Frequency {
    /// Bits to add for agreement on a value that `count` records have.
    fn bits(self, count: u32) -> f64 {
        frequencies::bits(self.collision, self.total, f64::from(count))
    }
}

fn frequency(texts: &super::table::Texts) -> Frequency {
    let (total, collision) = texts.total_and_collision();
    Frequency { total, collision }
}

impl Weights {
    /// The weights of `model` for the fields and frequencies of `table`.
    pub fn of(model: &Model, table: &Table) -> Self {
        let tradition = model.tradition();
        let core = Field::ALL.into_iter().map(|field| {
            let names = levels::scale(tradition, field);
            names.iter().filter_map(|name| model.level(field, name).cloned()).collect::<Vec<_>>()
        });
        let further = table.fields.iter().map(|field| further_levels(model, &field.id, field.compare));
        let fields: Vec<FieldWeights> = core.chain(further).map(|levels| FieldWeights::of(&levels)).collect();
        let records = f64::from(u32::try_from(table.len()).unwrap_or(u32::MAX)).max(LEAST_POPULATION);
        let odds = |per_record: f64| (per_record / (records - 1.0)).min(0.5);
        let prior = odds(model.matches_per_record());
        let prior = (prior / (1.0 - prior)).log2();
        // What the model takes for the average of agreement, so that a file of few names is weighed as one.
        let average = |at: usize| fields.get(at).map_or(0.0, |field: &FieldWeights| of_exact(&field.u));
        let script = |names: &NameTexts| {
            let (family, given) = (frequency(&names.family), frequency(&names.given));
            (Frequency { collision: average(0), ..family }, Frequency { collision: average(1), ..given })
        };
        let (kanji, latin) = (script(&table.kanji), script(&table.latin));
        let reading = (frequency(&table.reading.family), frequency(&table.reading.given));
        let mut of = Self {
            bits: Vec::new(),
            fields,
            tradition,
            household: odds(model.household_size()),
            prior: [prior, prior],
            frequencies: [kanji.0, kanji.1, reading.0, reading.1, latin.0, latin.1],
            further: table
                .fields
                .iter()
                .zip(&table.values)
                .map(|(field, texts)| field.compare.has_frequencies().then(|| frequency(texts)))
                .collect(),
        };
        of.bits = of.fields.iter().enumerate().map(|(at, weights)| bits(weights, at < 2)).collect();
        of
    }

    /// The levels of a pair.
    pub fn pattern(&self, table: &Table, a: u32, b: u32) -> Pattern {
        let (x, y) = (table.row(a), table.row(b));
        let mut pattern = 0;
        let (family, given) = names(self.tradition, table, &x, &y);
        let given = self.readings(table).map_or(given, |readings| readings.level(table, &x, &y, given));
        put(&mut pattern, 0, family);
        put(&mut pattern, 1, given);
        put(&mut pattern, 2, levels::birth(x.birth, y.birth));
        let sex = if x.sex == 0 || y.sex == 0 { MISSING } else { 1 + u8::from(x.sex != y.sex) };
        put(&mut pattern, 3, sex);
        put(&mut pattern, 4, place(table, &x, &y));
        put(&mut pattern, 5, phones(table, &x, &y));
        for (at, ((field, texts), (p, q))) in
            table.fields.iter().zip(&table.values).zip(table.further(a).iter().zip(table.further(b))).enumerate()
        {
            let code = if *p == 0 || *q == 0 {
                MISSING
            } else if p == q && field.compare != Compare::Insurance {
                1
            } else {
                field.compare.level(texts.text(*p), texts.text(*q))
            };
            put(&mut pattern, CORE + at, code);
        }
        pattern
    }

    /// log2 of P(levels | one person) over the mixture of household and unrelated, with what the values' frequency adds.
    pub fn evidence(&self, pattern: Pattern, frequency_bits: f64) -> f64 {
        let (mut unrelated, mut household) = (frequency_bits, 0.0);
        for (at, (versus_u, versus_h)) in self.bits.iter().enumerate() {
            let code = usize::from(code_of(pattern, at));
            unrelated += versus_u.get(code).copied().unwrap_or(0.0);
            household += versus_h.get(code).copied().unwrap_or(0.0);
        }
        -(self.household * (-household).exp2() + (1.0 - self.household) * (-unrelated).exp2()).log2()
    }

    /// What the frequency of the values on which a pair agrees adds.
    pub fn frequency_bits(&self, table: &Table, pattern: Pattern, a: u32, b: u32) -> f64 {
        (0..self.fields.len()).map(|field| self.frequency_of(table, (field, code_of(pattern, field)), a, b)).sum()
    }

    /// Likewise of one field, where the pair agrees on it at this level.
    pub fn frequency_of(&self, table: &Table, (field, code): (usize, Code), a: u32, b: u32) -> f64 {
        if let Some(at) = field.checked_sub(CORE) {
            let known = self.further.get(at).zip(table.values.get(at)).zip(table.further(a).get(at));
            return match (known, code) {
                (Some(((Some(frequency), texts), symbol)), 1) => frequency.bits(texts.count(*symbol)),
                _ => 0.0,
            };
        }
        if field > 1 {
            return 0.0;
        }
        let x = if code == levels::SWAPPED { self.commoner(table, a, b) } else { table.row(a) };
        let part = |name: NameRow| if field == 0 { name.family } else { name.given };
        let other = if code == levels::SWAPPED { x } else { table.row(b) };
        let bits = |script: usize, names: &NameTexts, of: fn(&Row) -> NameRow| {
            let texts = if field == 0 { &names.family } else { &names.given };
            let frequency = self.frequencies.get(2 * script + field).copied().unwrap_or_default();
            // Readings that agree but for a mark are not one text: the slip is the rarer one.
            frequency.bits(texts.count(part(of(&x))).max(texts.count(part(of(&other)))))
        };
        match frequencies::script_of(self.tradition, code, part(x.kanji) != 0) {
            Some(Script::Kanji) => bits(0, &table.kanji, |row| row.kanji),
            Some(Script::Reading) => bits(1, &table.reading, |row| row.reading),
            Some(Script::Latin) => bits(2, &table.latin, |row| row.latin),
            None => 0.0,
        }
    }

    /// Of two records with exchanged names, the one that has them in the more usual place.
    fn commoner(&self, table: &Table, a: u32, b: u32) -> Row {
        let (x, y) = (table.row(a), table.row(b));
        let usual = |row: &Row| {
            let count = |names: &NameTexts, name: NameRow| {
                u64::from(names.family.count(name.family)) * u64::from(names.given.count(name.given))
            };
            count(&table.kanji, row.kanji).max(count(&table.reading, row.reading)).max(count(&table.latin, row.latin))
        };
        if usual(&x) >= usual(&y) { x } else { y }
    }

    /// The weight of a pair and the guards that it raises.
    pub fn pair(&self, table: &Table, a: u32, b: u32) -> Pair {
        let pattern = self.pattern(table, a, b);
        let evidence = self.evidence(pattern, self.frequency_bits(table, pattern, a, b));
        let bits = evidence + self.prior_of(table, a, b);
        let bits = if says_nothing(pattern) { bits.min(NOTHING) } else { bits };
        let (guards, dependence) =
            if bits > KEPT { self.guards(table, pattern, self.facts(table, pattern, a, b)) } else { (0, 0.0) };
        let read = |readings: &Readings| {
            let (x, y, code) = (table.row(a), table.row(b), code_of(pattern, 1));
            readings.are_needed(table, &x, &y, code) || code == MISSING && readings.tell_apart(table, &x, &y, code)
        };
        let guards = if bits > KEPT && self.readings(table).is_some_and(read) { guards | BY_READING } else { guards };
        Pair { a, b, bits: bits + dependence, guards }
    }

    /// Which scale names are compared on.
    pub fn tradition(&self) -> Tradition {
        self.tradition
    }

    /// How given names are read, where that is looked at.
    pub fn readings<'t>(&self, table: &'t Table) -> Option<&'t Readings> {
        (self.tradition == Tradition::Japanese).then_some(&table.readings)
    }

    /// log2 of the prior odds of a pair.
    pub fn prior_of(&self, table: &Table, a: u32, b: u32) -> f64 {
        of_kind(self.prior, table.row(a).source != table.row(b).source)
    }

    /// What a pair says beside its levels.
    pub fn facts(&self, table: &Table, pattern: Pattern, a: u32, b: u32) -> PairFacts {
        let (x, y) = (table.row(a), table.row(b));
        let given = levels::name(self.tradition, Field::Given, code_of(pattern, 1));
        PairFacts {
            births: [x.birth, y.birth],
            orders: [x.birth_order, y.birth_order],
            suffixes_differ: x.suffix != 0 && y.suffix != 0 && x.suffix != y.suffix,
            newborn: [x.newborn, y.newborn],
            men: x.sex == 2 && y.sex == 2,
            two_names: given == Some("near") && two_names(table, &x, &y),
            mail: self.agrees(table, pattern, Compare::Mail, MAIL_IS_NEAR),
            housed: x.block != 0 && y.block != 0,
        }
    }

    /// The guards that a pattern raises, and what they take back.
    pub fn guards(&self, table: &Table, pattern: Pattern, facts: PairFacts) -> (u16, f64) {
        let of = |at: usize, field| levels::name(self.tradition, field, code_of(pattern, at));
        let comparison = Comparison {
            family: of(0, Field::Family),
            given: of(1, Field::Given),
            birth: of(2, Field::Birth),
            sex: of(3, Field::Sex),
            address: of(4, Field::Address),
            phone: of(5, Field::Phone),
        };
        // A number issued to one person says who it is where names and dates leave it open.
        let issued =
            self.agrees(table, pattern, Compare::Identifier, 1) || self.agrees(table, pattern, Compare::Insurance, 1);
        let mut raised = guard::of_facts(facts, &comparison);
        raised.retain(|guard| guard.is_veto() || !issued);
        (raised.iter().fold(0, |set, guard| set | bit(*guard)), guard::dependence(&raised))
    }

    /// Whether a further field that is compared in this way agrees, at this level or above.
    fn agrees(&self, table: &Table, pattern: Pattern, compare: Compare, weakest: Code) -> bool {
        table
            .fields
            .iter()
            .enumerate()
            .any(|(at, field)| field.compare == compare && (1..=weakest).contains(&code_of(pattern, CORE + at)))
    }
}

/// Whether two near given names are each a name by itself: of those that are known, or so common here that neither can
/// be a slip of the other.
fn two_names(table: &Table, x: &Row, y: &Row) -> bool {
    const FEWEST: u32 = 5;
    /// A slip of a name is rarer beside it than one in so many.
    const RARER: u32 = 10;
    let (p, q) = (x.latin.given, y.latin.given);
    let texts = &table.latin.given;
    let (low, high) = (texts.count(p).min(texts.count(q)), texts.count(p).max(texts.count(q)));
    let (a, b) = (texts.text(p), texts.text(q));
    western::are_two_names(a, b) || (low >= FEWEST && low >= high / RARER && !western::are_one_name(a, b))
}

/// Of probabilities by level that of whole agreement on a name.
fn of_exact(by_level: &[f64; 16]) -> f64 {
    by_level.get(usize::from(levels::weighed_as(Field::Given, levels::SWAPPED))).copied().unwrap_or(0.0)
}

/// Whether two records have no value in common by which anybody could be known: a sex is none.
fn says_nothing(pattern: Pattern) -> bool {
    const SEX: Pattern = 15 << (4 * 3);
    pattern & !SEX == 0
}

/// The weight of records that say nothing of each other: they are never one person's, and nobody is asked.
const NOTHING: f64 = -10.0;

/// Of two values the one for pairs within one source, or across.
pub fn of_kind([within, across]: [f64; 2], is_across: bool) -> f64 {
    if is_across { across } else { within }
}

/// Pairs below this weight are not kept: a probability of 0.02.
pub const KEPT: f64 = -5.7;

/// The bit of a guard in a set.
pub fn bit(guard: Guard) -> u16 {
    match guard {
        Guard::Twin => 1,
        Guard::BirthOrder => 2,
        Guard::Suffix => 4,
        Guard::Generation => 8,
        Guard::Namesake => 16,
        Guard::Newborn => 32,
        Guard::Contradiction => 64,
        Guard::Size => 128,
        Guard::Unnamed => 256,
        Guard::Undated => 512,
        _ => 1024,
    }
}

/// The guards that ask whether there is another member of the family who is not known: where all records are at hand
/// and none is another's, there is none.
pub const OPEN: u16 = 256 | 512;

/// The guard that asks whether there is another of that name: where all records are at hand it is known how many have it.
pub const NAMESAKE: u16 = 16;

/// Given names that agree only by how they may be read: asked until the whole persons are compared.
pub const BY_READING: u16 = 2048;

/// The weakest level of a mail address on which it is the same but for a slip.
const MAIL_IS_NEAR: Code = 3;

/// The guards that tell of twins, and of parents and children.
pub const RELATIVES: u16 = 1 | 2 | 4 | 8;

/// The guards that forbid.
pub const VETOES: u16 = 2 | 4;

fn bits(weights: &FieldWeights, is_name: bool) -> ([f64; 16], [f64; 16]) {
    let ratio = |below: &[f64; 16]| {
        let mut out = [0.0; 16];
        for (slot, (m, other)) in out.iter_mut().zip(weights.m.iter().zip(below)).skip(1) {
            *slot = (m / other).log2();
        }
        if is_name {
            let exact = out.get(usize::from(levels::weighed_as(Field::Given, levels::SWAPPED))).copied();
            if let (Some(slot), Some(exact)) = (out.get_mut(usize::from(levels::SWAPPED)), exact) {
                *slot = exact;
            }
        }
        out
    };
    (ratio(&weights.u), ratio(&weights.h))
}

fn place(table: &Table, x: &Row, y: &Row) -> Code {
    let parts = [
        (&table.postal, x.postal, y.postal),
        (&table.city, x.city, y.city),
        (&table.town, x.town, y.town),
        (&table.block, x.block, y.block),
    ];
    // Equal texts have one number, so that most texts need not be read.
    let equal = parts.map(|(_, p, q)| (p != 0 && q != 0).then_some(p == q));
    levels::place_by(equal, |part| parts.get(part).map_or(("", ""), |(texts, p, q)| (texts.text(*p), texts.text(*q))))
}

fn phones(table: &Table, x: &Row, y: &Row) -> Code {
    let mut best = MISSING;
    for p in x.phones.iter().filter(|p| **p != 0) {
        for q in y.phones.iter().filter(|q| **q != 0) {
            let code = if p == q { 1 } else { levels::phone(table.phone.text(*p), table.phone.text(*q)) };
            best = levels::stronger(best, code);
        }
    }
    best
}

fn agreement(texts: &super::table::Texts, p: Symbol, q: Symbol, of: fn(&str, &str) -> Agreement) -> Option<Agreement> {
    (p != 0 && q != 0)
        .then(|| if p == q && !texts.is_wild(p) { Agreement::Equal } else { of(texts.text(p), texts.text(q)) })
}

type Part = fn(NameRow) -> Symbol;

fn names(tradition: Tradition, table: &Table, x: &Row, y: &Row) -> (Code, Code) {
    let japanese =
        |kanji: &super::table::Texts, kana: &super::table::Texts, reading: &super::table::Texts, of: Part| {
            let on_kanji = agreement(kanji, of(x.kanji), of(y.kanji), levels::kanji_agreement);
            let on_kana = agreement(kana, of(x.kana), of(y.kana), levels::kana_agreement)
                .or_else(|| agreement(reading, of(x.reading), of(y.reading), levels::kana_agreement));
            levels::japanese(on_kanji, on_kana)
        };
    let western = |latin: &super::table::Texts, reading: &super::table::Texts, of: Part, is_given: bool| {
        let both = (x.latin.family != 0 || x.latin.given != 0) && (y.latin.family != 0 || y.latin.given != 0);
        let (texts, p, q) =
            if both { (latin, of(x.latin), of(y.latin)) } else { (reading, of(x.reading), of(y.reading)) };
        match (p, q) {
            (0, _) | (_, 0) => MISSING,
            (p, q) if p == q => 2,
            (p, q) if is_given => levels::western_given(texts.text(p), texts.text(q)),
            (p, q) => levels::western_family(texts.text(p), texts.text(q)),
        }
    };
    let (kanji, kana, reading, latin) = (&table.kanji, &table.kana, &table.reading, &table.latin);
    let (family, given) = match tradition {
        Tradition::Japanese => (
            japanese(&kanji.family, &kana.family, &reading.family, |name| name.family),
            japanese(&kanji.given, &kana.given, &reading.given, |name| name.given),
        ),
        Tradition::Western => (
            western(&latin.family, &reading.family, |name| name.family, false),
            western(&latin.given, &reading.given, |name| name.given, true),
        ),
    };
    let family = levels::of_family(tradition, family, x.sex == 1 && y.sex == 1);
    let weak =
        levels::is_weak_name(tradition, Field::Family, family) && levels::is_weak_name(tradition, Field::Given, given);
    let crossed = |texts: &NameTexts, p: NameRow, q: NameRow| {
        levels::are_crossed(
            (texts.family.text(p.family), texts.given.text(p.given)),
            (texts.family.text(q.family), texts.given.text(q.given)),
        )
    };
    if weak && (crossed(kanji, x.kanji, y.kanji) || crossed(reading, x.reading, y.reading)) {
        return (levels::SWAPPED, levels::SWAPPED);
    }
    if tradition == Tradition::Western && levels::may_be_moved(family, given) {
        let both = (x.latin.family != 0 || x.latin.given != 0) && (y.latin.family != 0 || y.latin.given != 0);
        let (texts, p, q) = if both { (latin, x.latin, y.latin) } else { (reading, x.reading, y.reading) };
        let of = |name: NameRow| (texts.family.text(name.family), texts.given.text(name.given));
        let moved = levels::moved(of(p), of(q));
        if moved != (MISSING, MISSING) {
            return moved;
        }
    }
    (family, given)
}

/// A scored pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The later record.
    pub a: u32,
    /// The earlier one.
    pub b: u32,
    /// log2 of the odds.
    pub bits: f64,
    /// The guards that it raises, as a set.
    pub guards: u16,
}
