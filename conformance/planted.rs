//! Bugs planted between the wire and our own service: each must make at least one case fail.
//!
//! A suite that passes whatever a server does proves nothing. Each bug spoils requests or replies as a mistake in
//! a server would, and is played against the few cases that are about it.

use crate::wire::{Bug, serve};
use crate::{folder, region, target};
use nayose::clock::Clock;
use nayose::conformance::{Options, Report, run};
use nayose::registry::Registry;
use nayose::store::testing::Place;
use nayose::transactions::Service;
use nayose::transport::soap::HttpAnswer;

/// A mistake of a server, the cases that are about it, and whether it shows in other dresses alone.
struct Planted {
    what: &'static str,
    cases: &'static [&'static str],
    dressed: bool,
    bug: Bug,
}

const fn planted(what: &'static str, cases: &'static [&'static str], bug: Bug) -> Planted {
    Planted { what, cases, dressed: false, bug }
}

/// A reply whose body went through `edit`.
fn replied(mut answer: HttpAnswer, edit: impl FnOnce(&str) -> String) -> HttpAnswer {
    answer.body = edit(&answer.body);
    answer
}

/// What stands between `from` and the next `to`.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map_or("", |(found, _)| found)
}

/// `text` without any stretch that begins with `from` and ends with `to`.
fn without(text: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, stretch)) = rest.split_once(from) {
        out.push_str(before);
        rest = stretch.split_once(to).map_or("", |(_, after)| after);
    }
    out + rest
}

/// The answer of a server that reads past the parameters `element`. The echo is right: only the filter is missing.
fn forgotten(element: &str, request: &str, serve: &dyn Fn(&str) -> HttpAnswer) -> HttpAnswer {
    let (from, to) = (format!("<{element}>"), format!("</{element}>"));
    let parts = request.split_inclusive(to.as_str()).filter(|part| part.ends_with(&to));
    let asked: String = parts.filter_map(|part| part.get(part.find(&from)?..)).collect();
    replied(serve(&without(request, &from, &to)), |body| {
        body.replacen("<parameterList>", &format!("<parameterList>{asked}"), 1)
    })
}

const BUGS: &[Planted] = &[
    planted(
        "a refusal is acknowledged as accepted",
        &["iti44/unknown_authority", "iti44/merge_unknown"],
        |request, serve, _| {
            replied(serve(request), |body| body.replace(r#"typeCode code="CE""#, r#"typeCode code="CA""#))
        },
    ),
    planted("a feed gets an application acknowledgement", &["iti44/accepted"], |request, serve, _| {
        replied(serve(request), |body| body.replace(r#"typeCode code="CA""#, r#"typeCode code="AA""#))
    }),
    planted("the acknowledgement names another message", &["iti44/accepted", "iti45/case_one"], |request, serve, _| {
        replied(serve(request), |body| {
            body.replace("<targetMessage><id root=\"", "<targetMessage><id root=\"2.999.7.1\" extension=\"")
        })
    }),
    planted("the query is not echoed", &["iti45/case_one", "iti47/case_one"], |request, serve, _| {
        replied(serve(request), |body| without(body, "<queryByParameter>", "</queryByParameter>"))
    }),
    planted("the echo lacks a parameter", &["iti45/unknown_domain", "iti45/case_one"], |request, serve, _| {
        replied(serve(request), |body| without(body, "<dataSource>", "</dataSource>"))
    }),
    Planted {
        what: "of a text in pieces the first piece alone is read",
        cases: &["iti47/kanji"],
        dressed: true,
        bug: |request, serve, _| serve(&without(request, "<!-- between --><![CDATA[", "]]>")),
    },
    planted(
        "the domains asked for are forgotten",
        &["iti45/case_one", "iti45/regional_only", "iti45/none_in_domain"],
        |request, serve, _| forgotten("dataSource", request, serve),
    ),
    planted(
        "the identifier asked about is answered too",
        &["iti45/cross_reference", "iti45/case_one"],
        |request, serve, _| {
            let asked = between(request, "<patientIdentifier><value ", "/>").to_owned();
            replied(serve(request), |body| {
                body.replacen(r#"<patient classCode="PAT">"#, &format!(r#"<patient classCode="PAT"><id {asked}/>"#), 1)
            })
        },
    ),
    planted("receiver and sender are not swapped", &["soap/relates_to"], |request, serve, _| {
        let (ours, theirs) = (format!("\"{}\"", target::DEVICE), format!("\"{}\"", target::SENDER));
        replied(serve(request), |body| body.replace(&ours, "\"?\"").replace(&theirs, &ours).replace("\"?\"", &theirs))
    }),
    planted("not found is told as found", &["iti45/none_in_domain", "iti47/no_match"], |request, serve, _| {
        replied(serve(request), |body| body.replace(r#"queryResponseCode code="NF""#, r#"queryResponseCode code="OK""#))
    }),
    planted("an error is told as not found", &["iti45/unknown_identifier"], |request, serve, _| {
        replied(serve(request), |body| body.replace(r#"queryResponseCode code="AE""#, r#"queryResponseCode code="NF""#))
    }),
    planted("what remains is not counted", &["iti47/continued"], |request, serve, _| {
        let counted = r#"<resultRemainingQuantity value="1"/>"#;
        replied(serve(request), |body| body.replace(counted, r#"<resultRemainingQuantity value="0"/>"#))
    }),
    planted("initialQuantity is ignored", &["iti47/continued"], |request, serve, _| {
        serve(&without(request, "<initialQuantity", "/>"))
    }),
    planted("a subsumed identifier still answers", &["iti45/subsumed"], |request, serve, memory| {
        let mut merged = memory.lock().expect("not poisoned");
        let (survivor, subsumed) = (
            between(request, r#"<patient classCode="PAT"><id "#, "/>"),
            between(request, r#"<priorRegisteredRole classCode="PAT"><id "#, "/>"),
        );
        if !subsumed.is_empty() {
            merged.push([subsumed.to_owned(), survivor.to_owned()]);
        }
        let asked = between(request, "<patientIdentifier><value ", "/>");
        match merged.iter().find(|[dead, _]| dead == asked) {
            Some([dead, alive]) => replied(serve(&request.replace(asked, alive)), |body| body.replace(alive, dead)),
            None => serve(request),
        }
    }),
    planted("the place of a wrong parameter is counted from zero", &["iti45/unknown_domain"], |request, serve, _| {
        replied(serve(request), |body| body.replace("dataSource[2]", "dataSource[1]"))
    }),
    planted(
        "of several unknown domains the first alone is told",
        &["iti45/two_unknown_domains"],
        |request, serve, _| {
            replied(serve(request), |body| {
                let last = body.rfind("<acknowledgementDetail").unwrap_or(body.len());
                let (kept, cut) = body.split_at(last);
                format!("{kept}{}", without(cut, "<acknowledgementDetail", "</acknowledgementDetail>"))
            })
        },
    ),
    planted(
        "the regional identifier is left out",
        &["iti45/cross_reference", "iti47/case_one"],
        |request, serve, _| {
            let regional = format!("<id root=\"{}\" extension", region::REGIONAL);
            replied(serve(request), |body| without(body, &regional, "/>"))
        },
    ),
    planted("a feed may assert the regional identifier", &["iti44/regional_beside_own"], |request, serve, _| {
        let regional = format!("<id root=\"{}\" extension", region::REGIONAL);
        serve(&without(request, &regional, "/>"))
    }),
    planted("the birth date asked for is ignored", &["iti47/other_birth"], |request, serve, _| {
        forgotten("livingSubjectBirthTime", request, serve)
    }),
    planted("a repeat is answered afresh", &["iti44/repeated"], |request, serve, _| {
        let fresh = format!("ITSVersion=\"XML_1.0\"><id root=\"{}\"/><creationTime", Clock::system().uuid());
        replied(serve(request), |body| {
            let old = between(body, "ITSVersion=\"XML_1.0\">", "<creationTime").to_owned();
            body.replacen(&format!("ITSVersion=\"XML_1.0\">{old}<creationTime"), &fresh, 1)
        })
    }),
    planted("a repeat is spelt in another way", &["iti44/repeated"], |request, serve, memory| {
        let mut seen = memory.lock().expect("not poisoned");
        let id = between(request, "ITSVersion=\"XML_1.0\"><id ", "/>").to_owned();
        let again = seen.iter().any(|[_, other]| *other == id);
        seen.push(["repeats".to_owned(), id]);
        replied(serve(request), |body| if again { body.replace("\"/>", "\" />") } else { body.to_owned() })
    }),
    planted("the reply relates to nothing", &["soap/relates_to"], |request, serve, _| {
        replied(serve(request), |body| without(body, "<wsa:RelatesTo>", "</wsa:RelatesTo>"))
    }),
    planted("the Action is that of the request", &["iti44/accepted"], |request, serve, _| {
        replied(serve(request), |body| {
            body.replace(">urn:hl7-org:v3:MCCI_IN000002UV01<", ">urn:hl7-org:v3:PRPA_IN201301UV02<")
        })
    }),
    planted("a reply goes as text/xml", &["soap/relates_to"], |request, serve, _| HttpAnswer {
        content_type: "text/xml; charset=UTF-8",
        ..serve(request)
    }),
    planted("a fault relates to nothing", &["soap/must_understand", "soap/action_mismatch"], |request, serve, _| {
        let answer = serve(request);
        match answer.status {
            200 => answer,
            _ => replied(answer, |body| without(body, "<wsa:RelatesTo>", "</wsa:RelatesTo>")),
        }
    }),
    planted("a fault goes under the Action of another kind", &["soap/unknown_root"], |request, serve, _| {
        replied(serve(request), |body| body.replace("addressing/fault<", "addressing/soap/fault<"))
    }),
    planted("a fault goes with status 200", &["soap/two_actions", "soap/empty_body"], |request, serve, _| HttpAnswer {
        status: 200,
        ..serve(request)
    }),
];

/// Our own service behind the bugs, with one more place where there is none.
fn behind_bugs() -> (std::net::SocketAddr, Place) {
    let (clock, place) = (Clock::system(), Place::sqlite().expect("a folder for the store"));
    let registry = Registry::open(place.open(&clock).expect("a store"), region::settings(), clock).expect("a registry");
    let mut bugs: Vec<Bug> = BUGS.iter().map(|planted| planted.bug).collect();
    bugs.push(|request, serve, _| serve(request));
    (serve(Service::new(registry, target::network()), bugs), place)
}

fn play(address: std::net::SocketAddr, number: usize, cases: &[&str], dressed: bool) -> Report {
    let target = target::target(&format!("http://{address}/{number}"), "open");
    let only = cases.iter().map(|case| (*case).to_owned()).collect();
    run(&folder(), &target, &Options { variants: dressed, only, ..Options::default() }).expect("readable cases")
}

#[test]
fn every_planted_bug_is_noticed() {
    let (address, _place) = behind_bugs();
    let mut unnoticed = Vec::new();
    for (number, planted) in BUGS.iter().enumerate() {
        let report = play(address, number, planted.cases, planted.dressed);
        let failed: Vec<String> = report.failed().map(|case| format!("{} [{}]", case.name, case.variant)).collect();
        println!("{}: {}", planted.what, failed.join(", "));
        let played = planted.cases.iter().all(|name| report.results.iter().any(|case| case.name == *name));
        assert!(played, "{}: names a case that is none", planted.what);
        // A bug that breaks the message itself would be noticed by anything.
        assert!(!report.text().contains("no SOAP message"), "{}: {}", planted.what, report.text());
        let by_dress = planted.dressed && report.failed().any(|case| case.variant == "plain");
        if failed.is_empty() || by_dress {
            unnoticed.push(planted.what);
        }
    }
    assert_eq!(unnoticed, Vec::<&str>::new(), "no case notices");
}

#[test]
fn without_a_bug_nothing_fails() {
    let (address, _place) = behind_bugs();
    let mut cases: Vec<&str> = BUGS.iter().flat_map(|planted| planted.cases).copied().collect();
    cases.sort_unstable();
    cases.dedup();
    let report = play(address, BUGS.len(), &cases, true);
    assert!(report.results.len() >= cases.len() * 5, "not every case was played");
    assert_eq!(report.failures(), 0, "{}", report.text());
}
