use super::*;
use std::collections::BTreeSet;
use std::convert::Infallible;

fn account(a: Said<'_>, b: Said<'_>, others: &[Guard], model: &Model) -> Account {
    let (a, b) = (ComparisonRecord::of(&person(a)), ComparisonRecord::of(&person(b)));
    Account::of((&a, &b), others, model, |_| Ok::<_, Infallible>((2, false))).unwrap()
}

/// Hanako as another clerk writes her, who has moved.
const MOVED: Said<'static> =
    ("齋藤", "花子", "サイトウ", "ハナコ", "19800314", F, "架空県別府市南町4丁目5番6号", "090-1234-5671");
const TWIN: Said<'static> =
    ("斎藤", "由美", "サイトウ", "ユミ", "19800314", F, "架空県見本市北町1丁目2番3号", "090-1234-5671");

#[test]
fn the_steps_add_up_to_the_weight_of_the_decision() {
    for (model, other) in [(Model::japanese(), MOVED), (Model::japanese(), TWIN), (Model::western(), MOVED)] {
        let explained = account(HANAKO, other, &[], &model);
        let (a, b) = (ComparisonRecord::of(&person(HANAKO)), ComparisonRecord::of(&person(other)));
        let decided = model.score(&a, &b);
        let last = explained.steps.last().unwrap();
        assert!((last.sum - decided.bits).abs() < 0.01, "{} and {}", last.sum, decided.bits);
        assert!((explained.steps.iter().map(|step| step.bits).sum::<f64>() - decided.bits).abs() < 0.1);
        assert_eq!(explained.steps[0].of, "prior");
        let together = explained.steps.iter().find(|step| step.of == "together").map_or(0.0, |step| step.bits);
        assert!((together - decided.dependence_bits).abs() < 0.01, "{together}");
    }
}

#[test]
fn what_would_flip_it_does_flip_it() {
    let model = Model::japanese();
    let explained = account(HANAKO, MOVED, &[], &model);
    assert_eq!(explained.explanation.zone, "auto");
    // Another birth date and nothing else: a steward is asked, as the account says beforehand.
    let slip = explained.flips.iter().find(|flip| flip.of == "birth" && flip.zone == "review").unwrap();
    assert!(explained.flips.iter().all(|flip| flip.zone != "auto"), "{:?}", explained.flips);
    let birth = match slip.to {
        "day_and_month_swapped" => "19801403",
        "one_digit" => "19800315",
        "year_next" => "19811225",
        other => panic!("{other}"),
    };
    let slipped = account(HANAKO, (MOVED.0, MOVED.1, MOVED.2, MOVED.3, birth, F, MOVED.6, MOVED.7), &[], &model);
    assert_eq!((slipped.explanation.zone, slipped.explanation.weight), (slip.zone, slip.weight));
}

#[test]
fn a_guard_that_stands_in_the_way_is_named() {
    let model = Model::japanese();
    let explained = account(HANAKO, HANAKO, &[Guard::SecondPerson], &model);
    assert_eq!(explained.explanation.zone, "review");
    let flip = explained.flips.iter().find(|flip| flip.of == "guard").unwrap();
    assert_eq!((flip.from, flip.zone), ("second_person", "auto"));
    assert!(explained.to_text().contains("another person is nearly as likely"));
}

#[test]
fn the_keys_in_common_are_named_rarest_first() {
    let model = Model::japanese();
    let (a, b) = (ComparisonRecord::of(&person(HANAKO)), ComparisonRecord::of(&person(MOVED)));
    let common = a.blocking_keys().into_iter().filter(|key| b.blocking_keys().contains(key)).count();
    let mut size = 10;
    let explained = Account::of((&a, &b), &[], &model, |_| {
        size -= 1;
        Ok::<_, Infallible>((size, size > 8))
    });
    let keys = explained.unwrap().keys;
    assert_eq!(keys.len(), common);
    assert!(keys.iter().any(|key| key.made_of == "telephone"), "{keys:?}");
    assert!(keys.windows(2).all(|two| two[0].records <= two[1].records), "{keys:?}");
    assert!(keys.last().unwrap().overfull);
    let nobody = account(HANAKO, ("高橋", "健", "タカハシ", "ケン", "19510101", Sex::Male, "", ""), &[], &model);
    assert_eq!((nobody.keys.len(), nobody.explanation.zone), (0, "new"));
    assert!(nobody.to_text().contains("no key in common"));
}

#[test]
fn neither_text_nor_picture_holds_a_value() {
    let explained = account(HANAKO, MOVED, &[Guard::Twin], &Model::japanese());
    let shown =
        format!("{} {} {}", explained.to_text(), explained.to_svg(), serde_json::to_string(&explained).unwrap());
    for value in ["斎", "花", "サイトウ", "1980", "5671", "見本", "北町"] {
        assert!(!shown.contains(value), "{value}: {shown}");
    }
}

#[test]
fn the_picture_has_a_bar_for_each_step_and_a_line_for_each_threshold() {
    let explained = account(HANAKO, MOVED, &[], &Model::japanese());
    let svg = explained.to_svg();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<rect x=").count(), explained.steps.len() + 1);
    assert_eq!(svg.matches("<line").count(), 3);
    assert!(svg.contains("asked from -1") && svg.contains("linked from +10") && svg.contains("match: +"), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

fn records(said: &[Said<'_>]) -> Vec<(RecordId, ComparisonRecord)> {
    said.iter().zip(1..).map(|(said, id)| (RecordId(id), ComparisonRecord::of(&person(*said)))).collect()
}

#[test]
fn a_weak_bridge_is_found_with_the_smaller_group() {
    let model = Model::japanese();
    let stranger: Said<'static> =
        ("高橋", "健", "タカハシ", "ケン", "19510101", Sex::Male, "架空県遠方市1-1", "03-9999-1111");
    let none = BTreeSet::new();
    assert_eq!(bridge(&records(&[HANAKO, MOVED, HANAKO]), &none, &model), None, "one woman");
    assert_eq!(bridge(&records(&[HANAKO]), &none, &model), None);
    let found = bridge(&records(&[HANAKO, MOVED, stranger, HANAKO]), &none, &model).unwrap();
    assert_eq!(found.goes, [RecordId(3)]);
    assert_eq!(found.stays, [RecordId(1), RecordId(2), RecordId(4)]);
    assert!(found.against == 3 && found.bits < -15.0, "{found:?}");
    let two = bridge(&records(&[HANAKO, stranger, stranger, HANAKO, MOVED]), &none, &model).unwrap();
    assert_eq!(two.goes, [RecordId(2), RecordId(3)]);
    // What a steward has told to be one is not cut.
    let told = BTreeSet::from([(RecordId(3), RecordId(2))]);
    assert_eq!(bridge(&records(&[HANAKO, MOVED, stranger, HANAKO]), &told, &model), None);
    // Nor are they who were together before that word.
    let told = BTreeSet::from([(RecordId(1), RecordId(3))]);
    assert_eq!(bridge(&records(&[HANAKO, MOVED, stranger, stranger]), &told, &model), None);
    let again = bridge(&records(&[HANAKO, MOVED, stranger, HANAKO, TWIN]), &told, &model).unwrap();
    assert_eq!(again.goes, [RecordId(5)], "but for who came besides");
}
