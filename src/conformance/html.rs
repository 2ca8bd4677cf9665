//! The report that an integrator hands to a customer: one page, by itself, for screens, screen readers and paper.
//!
//! It must never fetch anything, and say nothing by colour alone.

use super::report::{Outcome, Report, Result};
use super::target::Target;
use super::template::escape;
use std::fmt::Write as _;

/// What a run was about.
#[derive(Clone, Debug)]
pub struct About {
    /// The server that was played against.
    pub target: Target,
    /// When, as people read it.
    pub time: String,
    /// Where the cases are.
    pub cases: String,
}

/// The groups of cases, by the folders that they are in.
const GROUPS: [(&str, &str); 5] = [
    ("iti44", "ITI-44 Patient Identity Feed HL7 V3"),
    ("iti45", "ITI-45 PIXV3 Query"),
    ("iti46", "ITI-46 PIXV3 Update Notification"),
    ("iti47", "ITI-47 Patient Demographics Query HL7 V3"),
    ("soap", "SOAP, WS-Addressing and HTTP"),
];

const STYLE: &str = "\
:root{color-scheme:light;--ink:#1a1f24;--quiet:#4d5761;--line:#c9d1d9;--good:#0b5d2a;--bad:#9b1c1c;--left:#5b4a00}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:70rem;padding:1.5rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:#fff}\
h1{font-size:1.75rem;margin:0 0 .25rem}h2{font-size:1.3rem;margin:2.25rem 0 .75rem;border-bottom:2px solid var(--line)}\
h3{font-size:1.05rem;margin:1.25rem 0 .25rem}\
p{max-width:60rem}.quiet{color:var(--quiet)}\
.verdict{font-size:1.2rem;font-weight:600;border:2px solid;border-left-width:.75rem;padding:.75rem 1rem;margin:1.25rem 0}\
.good{color:var(--good)}.bad{color:var(--bad)}.left{color:var(--left)}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:1rem 0}\
dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\
caption{text-align:left;font-weight:600;padding:.25rem 0}\
th,td{border:1px solid var(--line);padding:.35rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
thead th{background:#eef1f4}th.n{text-align:right}td.n{text-align:right;font-variant-numeric:tabular-nums}\
tbody th{font-weight:400;font-family:ui-monospace,monospace;font-size:.9rem}\
td.result{white-space:nowrap;font-weight:600}\
ul{margin:.25rem 0;padding-left:1.25rem}li{overflow-wrap:anywhere}\
.scroll{overflow-x:auto}\
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:#fff;padding:.5rem;outline:3px solid}\
footer{margin-top:2.5rem;border-top:2px solid var(--line);padding-top:.75rem}\
@media (max-width:40rem){dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}}\
@media print{@page{margin:15mm}body{max-width:none;padding:0;font-size:9.5pt}a{color:inherit}.skip{display:none}\
h2,h3{break-after:avoid}tr,.verdict{break-inside:avoid}thead{display:table-header-group}\
.verdict,thead th{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

/// The page.
pub(super) fn page(report: &Report, about: &About) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"UTF-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>IHE PIXV3 and PDQV3: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#cases\">To the cases</a>\n<header>\n<h1>IHE PIXV3 and PDQV3 conformance</h1>\n\
         <p class=\"quiet\">What a server answered to messages of the profiles, and whether that is what they ask for.</p>\n\
         </header>\n<main>\n",
        escape(&in_short(report))
    );
    verdict(&mut out, report);
    facts(&mut out, report, about);
    summary(&mut out, report);
    failures(&mut out, report);
    out.push_str("<section id=\"cases\">\n<h2>All cases</h2>\n");
    for (folder, title) in GROUPS {
        group(&mut out, title, &of(report, folder));
    }
    let others: Vec<&Result> = report.results.iter().filter(|one| folder(one).is_none()).collect();
    group(&mut out, "Other cases", &others);
    let _ = write!(
        out,
        "</section>\n</main>\n<footer>\n<p class=\"quiet\">Made by Nayose {}. A run of these cases is evidence, not a \
         certification: IHE and its connectathons have no part in it. Identifiers and names in the messages were \
         invented for the run.</p>\n</footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    out
}

fn in_short(report: &Report) -> String {
    let (passed, failed, skipped) = counts(report.results.iter());
    let left = if skipped == 0 { String::new() } else { format!(", {skipped} not played") };
    format!("{passed} passed, {failed} failed{left}")
}

fn counts<'a>(results: impl Iterator<Item = &'a Result>) -> (usize, usize, usize) {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for one in results {
        match one.outcome {
            Outcome::Passed => passed += 1,
            Outcome::Failed(_) => failed += 1,
            Outcome::Skipped(_) => skipped += 1,
        }
    }
    (passed, failed, skipped)
}

/// The group that a case is in.
fn folder(one: &Result) -> Option<&str> {
    let folder = one.name.split('/').next().unwrap_or_default();
    GROUPS.iter().map(|(known, _)| *known).find(|known| *known == folder)
}

fn of<'a>(report: &'a Report, wanted: &str) -> Vec<&'a Result> {
    report.results.iter().filter(|one| folder(one) == Some(wanted)).collect()
}

fn verdict(out: &mut String, report: &Report) {
    let (passed, failed, _) = counts(report.results.iter());
    let (class, word) = match (passed, failed) {
        (0, 0) => ("left", "No case was played."),
        (_, 0) => ("good", "✓ Every case that was played passed."),
        _ => ("bad", "✗ Some cases failed."),
    };
    let _ = writeln!(out, "<p class=\"verdict {class}\" role=\"status\">{word} {}.</p>", escape(&in_short(report)));
}

fn facts(out: &mut String, report: &Report, about: &About) {
    let target = &about.target;
    let consumer = match &target.consumer {
        Some(consumer) => format!("the runner, as device {}", consumer.device),
        None => "nobody: cases of ITI-46 were not played".to_owned(),
    };
    let kinds: std::collections::BTreeSet<&str> = report.results.iter().map(|one| one.variant.as_str()).collect();
    let domains: Vec<String> = target.domains.iter().map(|(name, oid)| format!("{name} = {oid}")).collect();
    out.push_str("<section>\n<h2>The run</h2>\n<dl>\n");
    for (term, said) in [
        ("Played", about.time.as_str()),
        ("PIX Manager", target.pix.as_str()),
        ("Patient Demographics Supplier", target.pdq.as_str()),
        ("Device of the server", target.device.as_str()),
        ("Sender of the messages", target.sender.as_str()),
        ("Consumer of notifications", consumer.as_str()),
        ("Regional authority", target.regional.as_str()),
        ("Domains", domains.join(", ").as_str()),
        ("Set up as", target.mode.as_str()),
        ("Messages dressed as", kinds.into_iter().collect::<Vec<_>>().join(", ").as_str()),
        ("Cases", about.cases.as_str()),
    ] {
        let _ = writeln!(out, "<dt>{term}</dt><dd>{}</dd>", escape(said));
    }
    out.push_str("</dl>\n</section>\n");
}

fn summary(out: &mut String, report: &Report) {
    out.push_str(
        "<section>\n<h2>In short</h2>\n<table>\n<caption>Cases by transaction</caption>\n<thead><tr>\
         <th scope=\"col\">Transaction</th><th scope=\"col\" class=\"n\">Passed</th><th scope=\"col\" class=\"n\">Failed</th>\
         <th scope=\"col\" class=\"n\">Not played</th></tr></thead>\n<tbody>\n",
    );
    for (folder, title) in GROUPS {
        let cases = of(report, folder);
        if cases.is_empty() {
            continue;
        }
        let (passed, failed, skipped) = counts(cases.into_iter());
        let _ = writeln!(
            out,
            "<tr><td>{title}</td><td class=\"n\">{passed}</td><td class=\"n\">{failed}</td>\
             <td class=\"n\">{skipped}</td></tr>"
        );
    }
    out.push_str("</tbody>\n</table>\n</section>\n");
}

fn failures(out: &mut String, report: &Report) {
    if report.failures() == 0 {
        return;
    }
    out.push_str("<section>\n<h2>What failed</h2>\n");
    for one in report.failed() {
        let Outcome::Failed(lines) = &one.outcome else { continue };
        let _ = write!(
            out,
            "<h3><code>{}</code> ({}): {}</h3>\n<ul>\n",
            escape(&one.name),
            escape(&one.variant),
            escape(&one.title)
        );
        for line in lines {
            let _ = writeln!(out, "<li>{}</li>", escape(line));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</section>\n");
}

fn group(out: &mut String, title: &str, cases: &[&Result]) {
    if cases.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{title}\" tabindex=\"0\">\n<table>\n\
         <caption>{title}</caption>\n<thead><tr><th scope=\"col\">Case</th>\
         <th scope=\"col\">What it shows</th><th scope=\"col\">Rule</th><th scope=\"col\">Result</th></tr></thead>\n<tbody>\n"
    );
    for one in cases {
        let dress = if one.variant == "plain" { String::new() } else { format!(" ({})", one.variant) };
        let (class, word) = match &one.outcome {
            Outcome::Passed => ("good", "✓ passed".to_owned()),
            Outcome::Failed(_) => ("bad", "✗ failed".to_owned()),
            Outcome::Skipped(_) => ("left", "– not played".to_owned()),
        };
        let why = match &one.outcome {
            Outcome::Skipped(why) => format!("<br><span class=\"quiet\">{}</span>", escape(why)),
            _ => String::new(),
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}{}</th><td>{}{why}</td><td>{}</td><td class=\"result {class}\">{word}</td></tr>",
            escape(&one.name),
            escape(&dress),
            escape(&one.title),
            escape(&one.proves.join("; "))
        );
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn result(name: &str, outcome: Outcome) -> Result {
        Result {
            name: name.to_owned(),
            variant: "plain".to_owned(),
            title: "A & B <c>".to_owned(),
            proves: vec!["3.1 accepted".to_owned()],
            outcome,
        }
    }

    fn about() -> About {
        let target = Target {
            pix: "http://pix.example/pix".to_owned(),
            pdq: "http://pix.example/pdq".to_owned(),
            regional: "2.999.1".to_owned(),
            device: "2.999.1.0".to_owned(),
            sender: "2.999.1.11.1".to_owned(),
            mode: "open".to_owned(),
            domains: BTreeMap::from([("h01".to_owned(), "2.999.1.11".to_owned())]),
            consumer: None,
        };
        About { target, time: "2026-11-30 10:00".to_owned(), cases: "conformance".to_owned() }
    }

    #[test]
    fn the_page_says_how_each_case_ended_and_stands_alone() {
        let report = Report {
            results: vec![
                result("iti44/accepted", Outcome::Passed),
                result("iti45/case_one", Outcome::Failed(vec!["step 1 (pix): `x` is <y>".to_owned()])),
                result("iti46/added", Outcome::Skipped("no consumer".to_owned())),
                result("own/case", Outcome::Passed),
            ],
        };
        let page = page(&report, &about());
        for part in [
            "✗ Some cases failed. 2 passed, 1 failed, 1 not played.",
            "<li>step 1 (pix): `x` is &lt;y&gt;</li>",
            "<span class=\"quiet\">no consumer</span>",
            "A &amp; B &lt;c&gt;",
            "<caption>Other cases</caption>",
            "<td>ITI-45 PIXV3 Query</td><td class=\"n\">0</td><td class=\"n\">1</td><td class=\"n\">0</td>",
            "<html lang=\"en\">",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        for outside in ["src=", "<script", "<link", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        // What is opened is closed, as our own reader of XML sees it.
        let body = page.split("<body>").nth(1).and_then(|rest| rest.split("</body>").next()).unwrap();
        let body = format!("<body>{}</body>", body.replace("<br>", "<br/>"));
        crate::xml::read(body.as_bytes(), None, &crate::xml::Limits::default()).unwrap();
    }

    #[test]
    fn a_run_without_failures_says_so() {
        let all = Report { results: vec![result("iti44/accepted", Outcome::Passed)] };
        let good = page(&all, &about());
        assert!(good.contains("✓ Every case that was played passed. 1 passed, 0 failed."));
        assert!(!good.contains("What failed"));
        assert!(page(&Report::default(), &about()).contains("No case was played."));
    }
}
