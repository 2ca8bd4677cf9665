//! What the matcher must do, told with invented people.

use super::*;
use crate::identity::{Field, *};
use proptest::prelude::*;

mod accounts;
mod candidates;
mod families;
mod guards;
mod levels;
mod pinned;
mod safety;

/// kanji family, given; kana family, given; birth; sex; address line; telephone.
type Said<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, Sex, &'a str, &'a str);

fn person(said: Said<'_>) -> Demographics {
    let (family, given, family_kana, given_kana, birth, sex, line, phone) = said;
    let mut names = Vec::new();
    if !family.is_empty() {
        names.push(PersonName::simple(Some(Representation::Ideographic), family, given));
    }
    if !family_kana.is_empty() {
        names.push(PersonName::simple(Some(Representation::Syllabic), family_kana, given_kana));
    }
    let text = AddressPart { kind: AddressPartKind::Text, value: line.to_owned() };
    let telecom = Telecom { uses: Vec::new(), scheme: TelecomScheme::Phone, value: phone.to_owned() };
    Demographics {
        names: Field::Set(names),
        sex: Field::Set(sex),
        birth_date: PartialDate::parse_hl7(birth).map_or(Field::Keep, Field::Set),
        addresses: if line.is_empty() {
            Field::Keep
        } else {
            Field::Set(vec![Address { uses: vec![], parts: vec![text] }])
        },
        telecoms: if phone.is_empty() { Field::Keep } else { Field::Set(vec![telecom]) },
        ..Default::default()
    }
}

const F: Sex = Sex::Female;
const HANAKO: Said<'static> =
    ("斎藤", "花子", "サイトウ", "ハナコ", "19800314", F, "架空県見本市北町1丁目2番3号", "090-1234-5671");

fn feed(index: &mut MemoryIndex, id: i64, said: Said<'_>, model: &Model) -> Outcome {
    let record = ComparisonRecord::of(&person(said));
    let verdict = decide(&record, None, &Constraints::default(), model, index).unwrap();
    let person = match verdict.outcome {
        Outcome::Match { person } => person,
        _ => PersonId(id),
    };
    index.insert(RecordId(id), Some(person), &record);
    verdict.outcome
}

fn against_hanako(said: Said<'_>, model: &Model) -> Outcome {
    let mut index = MemoryIndex::new();
    feed(&mut index, 1, HANAKO, model);
    feed(&mut index, 2, said, model)
}

#[test]
fn one_person_at_two_hospitals_and_her_relatives() {
    let model = Model::japanese();
    let line = "架空県見本市北町1-2-3";
    let same = Outcome::Match { person: PersonId(1) };
    for (said, expect) in [
        (("齋藤", "花子", "ｻｲﾄｳ", "ﾊﾅｺ", "19800314", F, "架空県見本市北町9-8-7", "090-1234-5671"), same),
        (("齋藤", "花子", "ｻｲﾄｳ", "ﾊﾅｺ", "19800314", F, "架空県見本市北町9-8-7", ""), same),
        (("斎藤", "花子", "サイトウ", "ハナコ", "19800314", F, "", ""), same),
        (("斎●", "花子", "サイトウ", "ハナコ", "19800314", F, line, ""), same),
        (("花子", "斎藤", "ハナコ", "サイトウ", "19800314", F, line, "09012345671"), same),
        (("斎藤", "明美", "サイトウ", "アケミ", "19830901", F, line, "090-1234-5671"), Outcome::NonMatch),
        (("斎藤", "桃子", "サイトウ", "モモコ", "19800314", F, line, "090-1234-5671"), Outcome::Possible),
        (("斎藤", "花代", "サイトウ", "ハナヨ", "19800314", F, line, "090-1234-5671"), Outcome::Possible),
        (
            ("田中", "一郎", "タナカ", "イチロウ", "19610708", Sex::Male, "架空県別市南町4-5-6", "03-2222-3456"),
            Outcome::NonMatch,
        ),
    ] {
        assert_eq!(against_hanako(said, &model), expect, "{} {}", said.0, said.1);
    }
}

#[test]
fn a_namesake_with_a_slip_does_not_make_the_sure_match_doubtful() {
    let model = Model::japanese();
    let mut index = MemoryIndex::new();
    feed(&mut index, 1, HANAKO, &model);
    let namesake = ("斎藤", "花子", "サイトウ", "ハナコ", "19800814", F, "架空県見本市南町7-7", "090-7777-1111");
    assert_eq!(feed(&mut index, 2, namesake, &model), Outcome::Possible, "held for her birth date");
    assert_eq!(feed(&mut index, 3, HANAKO, &model), Outcome::Match { person: PersonId(1) });
    assert_eq!(feed(&mut index, 4, namesake, &model), Outcome::Match { person: PersonId(2) });
}

#[test]
fn sparse_but_exact_matches_in_a_base_of_a_million() {
    for population in [10_000, 1_000_000] {
        let model = Model::japanese().with_settings(Settings { population, ..Settings::default() });
        let said = ("斎藤", "花子", "サイトウ", "ハナコ", "19800314", F, "", "");
        assert_eq!(against_hanako(said, &model), Outcome::Match { person: PersonId(1) }, "{population}");
    }
}

#[test]
fn eight_variants_become_one_person_in_any_order() {
    let line = "架空県見本市北町1丁目2番3号";
    let variants: [Said<'_>; 8] = [
        HANAKO,
        ("齋藤", "花子", "ｻｲﾄｳ", "ﾊﾅｺ", "19800314", F, line, "09012345671"),
        ("斉藤", "花子", "さいとう", "はなこ", "19800314", F, "架空県見本市北町一丁目二番三号", ""),
        ("斎藤", "花子", "サイトウ", "ハナコ", "19800314", F, "架空県見本市北町9-8-7", "090-1234-5671"),
        ("斎藤", "花子", "", "", "19800314", F, line, ""),
        ("齊藤", "花子", "サイトー", "ハナコ", "19800314", F, "", "+81-90-1234-5671"),
        ("斎藤", "花子", "サイトウ", "ハナコ", "19800314", F, "〒100-0005 架空県見本市北町１－２－３", "03-1111-2345"),
        ("斎藤", "花子", "サイトウ", "ハナコ", "19800314", F, "", ""),
    ];
    let model = Model::japanese();
    for turn in 0..8 {
        for reversed in [false, true] {
            let mut order: Vec<usize> = (0..8).map(|n| (n * 3 + turn) % 8).collect();
            if reversed {
                order.reverse();
            }
            let mut index = MemoryIndex::new();
            index.insert(RecordId(99), None, &ComparisonRecord::of(&person(HANAKO)));
            let outcomes: Vec<Outcome> =
                order.iter().zip(1..).map(|(at, id)| feed(&mut index, id, variants[*at], &model)).collect();
            assert!(
                outcomes[1..].iter().all(|o| *o == Outcome::Match { person: PersonId(1) }),
                "{order:?} {outcomes:?}"
            );
        }
    }
}

#[test]
fn western_names() {
    let said = |family: &str, given: &str, birth: &str| Demographics {
        names: Field::Set(vec![PersonName::simple(None, family, given)]),
        ..person(("", "", "", "", birth, Sex::Male, "12 Main Street", "415-555-2671"))
    };
    let record = |family, given, birth| ComparisonRecord::of(&said(family, given, birth));
    let model = Model::western();
    let william = record("Müller", "William", "19800314");
    for (family, given, birth, least, most) in [
        ("MULLER", "WILLIAM", "19800314", 10.0, 99.0),
        ("Muller", "Bill", "19800314", 10.0, 99.0),
        ("Muller", "Peter", "19830901", -99.0, -1.0),
    ] {
        let bits = model.score(&william, &record(family, given, birth)).bits;
        assert!((least..=most).contains(&bits), "{family} {given} {bits}");
    }
    let (jr, sr) = (record("Doe Jr", "Adam", "19800314"), record("Doe Sr", "Adam", "19800314"));
    assert!(guard::of_pair(&jr, &sr, &model.score(&jr, &sr).comparison).contains(&Guard::Suffix));
}

#[test]
fn stewards_stand_above_weights() {
    let model = Model::japanese();
    let mut index = MemoryIndex::new();
    feed(&mut index, 1, HANAKO, &model);
    let twin = ComparisonRecord::of(&person(HANAKO));
    let cannot = Constraints { cannot_link: [RecordId(1)].into(), ..Default::default() };
    assert_eq!(decide(&twin, None, &cannot, &model, &mut index).unwrap().outcome, Outcome::NonMatch);
    let other = ComparisonRecord::of(&person(("田中", "一郎", "タナカ", "イチロウ", "19610708", Sex::Male, "", "")));
    let must = Constraints { must_link: [RecordId(1)].into(), ..Default::default() };
    let verdict = decide(&other, None, &must, &model, &mut index).unwrap();
    assert_eq!(verdict.outcome, Outcome::Match { person: PersonId(1) });
    let own = decide(&twin, Some(RecordId(1)), &Constraints::default(), &model, &mut index).unwrap();
    assert_eq!(own.outcome, Outcome::NonMatch, "a record is no candidate for itself");
}

#[test]
fn multiple_birth_order_and_newborns_hold() {
    let born = |order| {
        let mut said = person(HANAKO);
        said.birth_order = Field::Set(order);
        ComparisonRecord::of(&said)
    };
    let levels = Model::japanese().score(&born(1), &born(2)).comparison;
    assert_eq!(guard::of_pair(&born(1), &born(2), &levels), [Guard::BirthOrder]);
    let line = HANAKO.6;
    let baby = ("斎藤", "ベビー", "サイトウ", "ベビー", "19800314", F, line, HANAKO.7);
    assert_eq!(against_hanako(baby, &Model::japanese()), Outcome::Possible);
}

#[test]
fn an_overfull_key_is_never_an_empty_list() {
    let mut index = MemoryIndex::new();
    let only_phone = |phone| ComparisonRecord::of(&person(("", "", "", "", "", F, "", phone)));
    for id in 1..=500 {
        index.insert(RecordId(id), Some(PersonId(id)), &only_phone("03-1234-5678"));
    }
    let (found, retrieval) = retrieval::retrieve(&only_phone("03-1234-5678"), None, &mut index).unwrap();
    assert_eq!((found.len(), retrieval.overfull_keys, retrieval.degraded), (64, 1, true));
}

#[test]
fn explanations_hold_levels_not_values() {
    let record = ComparisonRecord::of(&person(HANAKO));
    let model = Model::japanese();
    let explained = Explanation::of(&model.score(&record, &record), &[Guard::Twin], &model);
    let shown = format!("{} {}", explained.to_text(), serde_json::to_string(&explained).unwrap());
    assert!(shown.contains("kanji_and_kana_equal") && shown.contains("review") && shown.contains("twin"), "{shown}");
    for value in ["斎", "花", "サイトウ", "1980", "5671"] {
        assert!(!shown.contains(value) && !format!("{record:?}").contains(value), "{value}");
    }
}

#[test]
fn keys_are_stable_and_skip_what_is_missing() {
    let first = ComparisonRecord::of(&person(HANAKO)).blocking_keys();
    assert!(first.len() >= 12 && first.windows(2).all(|w| w[0] < w[1]));
    let nothing = person(("", "", "", "", "19000101", F, "", "000-0000-0000"));
    assert!(ComparisonRecord::of(&nothing).blocking_keys().is_empty());
    let mut masked = person(HANAKO);
    masked.telecoms = Field::Masked;
    assert_eq!(ComparisonRecord::of(&masked).blocking_keys().len(), first.len() - 1);
}

fn query(names: &[(&str, &str)]) -> DemographicsQuery {
    let name = |(family, given): &(&str, &str)| NameCriterion {
        name: PersonName::simple(None, family, given),
        similar: false,
    };
    DemographicsQuery { names: names.iter().map(name).collect(), ..Default::default() }
}

#[test]
fn any_spelling_of_a_name_finds_the_person() {
    use NamePolicy::{Exact, Prefix, Similar};
    let hanako = person(HANAKO);
    for (names, policy, found) in [
        (vec![("齋藤", "")], Exact, true),
        (vec![("", "花子")], Exact, true),
        (vec![("さいとう", "はなこ")], Exact, true),
        (vec![("SAITOH", "Hanako")], Exact, true),
        (vec![("Saito", "Hanaka")], Exact, false),
        (vec![("Saito", "Hanaka")], Similar, true),
        (vec![("Sai*", "")], Exact, true),
        (vec![("斎", "")], Prefix, true),
        (vec![("斎", "")], Similar, false),
        (vec![("田中", ""), ("斎藤", "花子")], Exact, true),
        (vec![("田中", "花子")], Similar, false),
    ] {
        assert_eq!(degree(&query(&names), &hanako, policy).is_some(), found, "{names:?} {policy:?}");
    }
}

#[test]
fn every_parameter_works_alone() {
    let hanako = person(HANAKO);
    let none = DemographicsQuery::default();
    let text = |value: &str| Address {
        uses: vec![],
        parts: vec![AddressPart { kind: AddressPartKind::City, value: value.to_owned() }],
    };
    let phone = Telecom { uses: vec![], scheme: TelecomScheme::Phone, value: "+81 90 1234 5671".to_owned() };
    let birth = |from, to| Some(BirthCriterion { from: Some(from), to: Some(to) });
    for (name, query, found) in [
        ("sex", DemographicsQuery { sex: Some(F), ..none.clone() }, true),
        ("other sex", DemographicsQuery { sex: Some(Sex::Male), ..none.clone() }, false),
        ("birth", DemographicsQuery { birth: birth(19_800_101, 19_801_231), ..none.clone() }, true),
        ("other birth", DemographicsQuery { birth: birth(19_810_101, 19_811_231), ..none.clone() }, false),
        ("city", DemographicsQuery { addresses: vec![text("別市"), text("見本市")], ..none.clone() }, true),
        ("other city", DemographicsQuery { addresses: vec![text("別市")], ..none.clone() }, false),
        ("phone", DemographicsQuery { telecoms: vec![phone], ..none.clone() }, true),
    ] {
        assert_eq!(degree(&query, &hanako, NamePolicy::Similar).is_some(), found, "{name}");
        assert!(!clauses(&query, NamePolicy::Similar).is_empty(), "{name}");
    }
}

fn clauses(query: &DemographicsQuery, policy: NamePolicy) -> Vec<SearchClause> {
    SearchPlan::of(query, policy).clauses()
}

fn degree(query: &DemographicsQuery, said: &Demographics, policy: NamePolicy) -> Option<u8> {
    let plan = SearchPlan::of(query, policy);
    let asked_for = plan.kinds();
    let tokens: Vec<SearchToken> =
        search_tokens(said).into_iter().filter(|token| asked_for.holds(token.kind)).collect();
    let birth_date = || Ok::<_, std::convert::Infallible>(said.birth_date.value().cloned());
    let Ok(degree) = plan.degree(&tokens, birth_date);
    degree
}

fn satisfies(clauses: &[SearchClause], tokens: &[SearchToken]) -> bool {
    clauses.iter().all(|clause| clause.is_met_by(tokens))
}

#[test]
fn the_most_telling_clause_comes_first() {
    let mut asked = query(&[("斎藤", "花子")]);
    asked.sex = Some(F);
    asked.birth = Some(BirthCriterion { from: Some(19_800_314), to: Some(19_800_314) });
    let kinds = |asked: &DemographicsQuery| -> Vec<i16> {
        let first = |clause: &SearchClause| match clause.any_of.first() {
            Some(TokenMatch::Exact(token) | TokenMatch::Prefix(token)) => token.kind,
            Some(TokenMatch::Range { kind, .. } | TokenMatch::Close { kind, .. }) => *kind,
            None => 0,
        };
        clauses(asked, NamePolicy::Exact).iter().map(first).collect()
    };
    assert_eq!(kinds(&asked), [tokens::kind::BIRTH, 1, 2, tokens::kind::SEX]);
    asked.birth = Some(BirthCriterion { from: Some(19_800_314), to: None });
    assert_eq!(kinds(&asked), [1, 2, tokens::kind::BIRTH, tokens::kind::SEX]);
}

fn names() -> impl Strategy<Value = (&'static str, &'static str)> {
    let families = prop::sample::select(vec![
        "",
        "斎藤",
        "齋藤",
        "サイトウ",
        "Saito",
        "Sa*",
        "田中",
        "Smith",
        "さい*",
        "サイト",
        "?",
    ]);
    let givens =
        prop::sample::select(vec!["", "花子", "ハナコ", "Hanako", "William", "Bill", "Ha*", "ハナオ", "Hanaka"]);
    (families, givens)
}

#[test]
fn who_has_no_name_yet_is_found_by_what_was_written() {
    let written = [("コバヤシ", "ベビー"), ("不明", "不明"), ("Doe", "Unknown")];
    for name in written {
        let mut said = person(HANAKO);
        said.names = Field::Set(vec![PersonName::simple(None, name.0, name.1)]);
        let asked = query(&[name]);
        assert_eq!(degree(&asked, &said, NamePolicy::Exact), Some(100), "{name:?}");
        assert!(satisfies(&clauses(&asked, NamePolicy::Exact), &search_tokens(&said)), "{name:?}");
    }
}

proptest! {
    #[test]
    fn clauses_find_all_that_the_filter_lets_through(
        record in prop::collection::vec(names(), 1..3),
        sought in prop::collection::vec(names(), 0..4),
        birth in prop::sample::select(vec!["1980", "198003", "19800314", "19790101"]),
        from in 19_790_101..19_811_231i32,
        policy in prop::sample::select(vec![NamePolicy::Similar, NamePolicy::Prefix, NamePolicy::Exact]),
    ) {
        let mut said = person(("", "", "", "", birth, F, HANAKO.6, HANAKO.7));
        said.names = Field::Set(record.iter().map(|(f, g)| PersonName::simple(None, f, g)).collect());
        let mut asked = query(&sought);
        asked.birth = Some(BirthCriterion { from: Some(from), to: None });
        if degree(&asked, &said, policy).is_some() {
            prop_assert!(satisfies(&clauses(&asked, policy), &search_tokens(&said)));
        }
    }

    #[test]
    fn rows_survive_the_round_trip(record in prop::collection::vec(names(), 0..4), line in "\\PC{0,40}", phone in "[0-9]{0,12}") {
        let mut said = person(("", "", "", "", "19800314", F, &line, &phone));
        said.names = Field::Set(record.iter().map(|(f, g)| PersonName::simple(None, f, g)).collect());
        let record = ComparisonRecord::of(&said);
        let bytes = record.encode();
        prop_assert_eq!(ComparisonRecord::decode(&bytes), Ok(record));
        for end in 0..bytes.len() {
            prop_assert!(ComparisonRecord::decode(&bytes[..end]).is_err());
        }
    }
}
