//! A domain that is loaded before it is told of: nobody sees or hears it, and then, in one transaction, everybody may.

use crate::care::ends;
use crate::import::{folder, line};
use crate::replay::{assert_same, rebuilt, snapshot};
use crate::support::*;
use nayose::clock::Clock;
use nayose::registry::{Announcement, Audience, DomainState, FeedCommand, Reached, Registry, Staged, Subscription};
use nayose::store::export;
use serde_json::Value;

fn rows(url: &str, table: &str) -> usize {
    let mut lines = Vec::new();
    export(url, &mut lines).unwrap();
    let begin = format!("[\"{table}\",");
    String::from_utf8(lines).unwrap().lines().filter(|line| line.starts_with(&begin)).count()
}

/// How many subscribers are to be told anew of all that this domain has, and of nothing else.
fn told_anew(url: &str, domain: &str) -> usize {
    let mut lines = Vec::new();
    export(url, &mut lines).unwrap();
    let of = |line: &&str| line.starts_with("[\"subscriber\",") && line.contains(&format!(",\"{domain}\","));
    String::from_utf8(lines).unwrap().lines().filter(of).count()
}

fn import(registry: &Registry, domain: &str, value: &str, said: &Said) {
    let entry = registry.entry(id(domain, value), demographics(said)).unwrap();
    registry.import(vec![entry], &Reached { file: value.to_owned(), line: 1 }).unwrap();
}

#[test]
fn what_is_staged_is_matched_and_neither_answered_nor_told() {
    for place in places() {
        let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
        feed(&registry, "h01", "1", &hanako());
        feed(&registry, "h03", "1", &her_sister());
        assert_eq!(registry.stage(&caller(), "h02").unwrap(), Staged::Now);
        assert_eq!(registry.stage(&caller(), "h02").unwrap(), Staged::Before);
        assert_eq!(registry.stage(&caller(), "h01").unwrap(), Staged::Told);
        let kept = snapshot(&place.url);
        let (told, regionals) = (rows(&place.url, "outbox"), rows(&place.url, "regional_id"));
        import(&registry, "h02", "1", &hanako_at_the_clinic());
        import(&registry, "h02", "2", &her_twin());
        let command = FeedCommand {
            identifiers: vec![id("h02", "3")],
            other_identifiers: Vec::new(),
            demographics: demographics(&her_twin()),
        };
        // Its own system may go on feeding it.
        assert_eq!(registry.feed(&intake("m", "m"), command).unwrap().outcome.refusal, None);
        assert_eq!(rows(&place.url, "outbox"), told, "{}: nobody is told", place.url);
        assert_eq!(rows(&place.url, "regional_id"), regionals, "and nobody gets an ID by it");
        let report = registry.domain_report("h02").unwrap().unwrap();
        assert_eq!((report.records, report.persons, report.linked), (3, 2, 1), "but it is matched");
        assert_eq!(others(&registry, "h01", "1").len(), 1, "the regional ID alone");
        let asked = |asked: &str, wanted: &str| {
            let found = registry.cross_reference(&caller(), &id(asked, "1"), &[oid(wanted)]).unwrap();
            found.map(|_| ()).map_err(|refusals| refusals.iter().map(|one| one.reason).collect::<Vec<_>>())
        };
        assert_eq!(asked("h02", "2.999.1.11"), asked("nowhere", "2.999.1.11"), "as if it were not there");
        assert_eq!(asked("h01", "2.999.1.12"), asked("h01", "2.999.77"));
        // A record of a live domain joins the staged twin, who gets her ID by that.
        feed(&registry, "h04", "1", &her_twin());
        assert_eq!(rows(&place.url, "regional_id"), regionals + 1);
        assert_eq!(others(&registry, "h04", "1").len(), 1);
        let told = rows(&place.url, "outbox");
        let viewer = Subscription {
            system: "viewer".to_owned(),
            domains: vec![],
            audience: Audience::Consumer,
            snapshot: false,
        };
        registry.subscribe(&[viewer]).unwrap();
        assert_eq!(registry.stage(&caller(), "h05").unwrap(), Staged::Now);
        import(&registry, "h05", "1", &her_twin());
        assert_eq!(told_anew(&place.url, "h02") + told_anew(&place.url, "h05"), 0);
        let live = |key, heard| registry.change_domain_state(&caller(), key, DomainState::Live, heard).unwrap();
        assert!(live("h05", Announcement::Silence));
        assert_eq!(told_anew(&place.url, "h05"), 0, "nobody hears of it");
        assert!(live("h02", Announcement::Snapshot));
        assert_eq!(others(&registry, "h01", "1").len(), 2);
        assert_eq!(others(&registry, "h04", "1").len(), 4);
        assert_eq!(told_anew(&place.url, "h02"), 1, "each person of it is told of");
        assert!(live("h02", Announcement::Silence));
        assert_eq!(told_anew(&place.url, "h02"), 1, "what was to be told still is");
        assert_eq!(rows(&place.url, "outbox"), told, "as it is when it is told");
        assert!(registry.verify().unwrap().iter().all(|finding| finding.broken == 0), "{:?}", registry.verify());
        drop(registry);
        check_replay(&place, kept);
    }
}

/// What the journal holds of it comes to the same.
fn check_replay(live: &nayose::store::testing::Place, kept: Vec<u8>) {
    let changes: crate::histories::Changes = Default::default();
    let feeds = [("m", "h02", "3")];
    for (message, domain, value) in feeds {
        let command = FeedCommand {
            identifiers: vec![id(domain, value)],
            other_identifiers: Vec::new(),
            demographics: demographics(&her_twin()),
        };
        changes.lock().unwrap().insert(message.to_owned(), crate::histories::Told::Feed(Box::new(command)));
    }
    for row in crate::replay::journal(&live.url).into_iter().filter(|row| row.transaction_name == "ITI-44") {
        let command = FeedCommand {
            identifiers: vec![id("h04", "1")],
            other_identifiers: Vec::new(),
            demographics: demographics(&her_twin()),
        };
        let told = crate::histories::Told::Feed(Box::new(command));
        changes.lock().unwrap().entry(row.message_id).or_insert(told);
    }
    let (again, replayed) = rebuilt(live, kept, &changes, settings());
    assert!(replayed.is_ok(), "{}: {replayed:?}", live.url);
    assert_same(live, &again, "staged and gone live");
}

#[test]
fn a_domain_is_staged_and_goes_live_by_command() {
    for place in places() {
        let folder = folder(&place.url, &line("", "1", &hanako()));
        feed(&registry(&place.open(&Clock::system()).unwrap(), settings()), "h01", "9", &hanako());
        let words = ["import", "people.csv", "--mapping", "mapping.toml", "--stage", "--json", "--domain"];
        let told: Value = serde_json::from_str(&ends(folder.path(), &[&words[..], &["h02"]].concat(), 0)).unwrap();
        assert_eq!((&told["staged"]["state"], &told["staged"]["linked"]), (&"staged".into(), &1.into()), "{told}");
        assert!(ends(folder.path(), &[&words[..], &["h01"]].concat(), 2).contains("only a domain without records"));
        assert!(ends(folder.path(), &["domain", "report", "h02"], 0).contains("h02 is staged: 1 records of 1 persons"));
        let live = ends(folder.path(), &["domain", "state", "h02", "live", "--subscribers", "snapshot"], 0);
        assert!(live.contains("h02") && live.contains("live"), "{live}");
        let registry = registry(&place.open(&Clock::system()).unwrap(), settings());
        assert_eq!(others(&registry, "h01", "9").len(), 2, "and stays live after a start");
    }
}
