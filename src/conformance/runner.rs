//! Plays cases: expands the scene and the steps, sends them, has the answers judged.

use super::case::{Case, Expect, Step, What, load};
use super::http::{Answer, exchange};
use super::judge::judge;
use super::path::find;
use super::report::{Outcome, Report, Result as CaseResult};
use super::scope::Scope;
use super::target::{Exceptions, Target};
use super::template;
use super::variant::Variant;
use crate::clock::Clock;
use crate::xml::{Element, Limits, read};
use std::path::{Path, PathBuf};

/// Where payloads are at home; replies of other namespaces are faults.
const HL7: &str = "urn:hl7-org:v3";

/// How a run is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether each case is also played in the other dresses.
    pub variants: bool,
    /// Where every reply is written.
    pub replies: Option<PathBuf>,
    /// Only cases whose name holds this text.
    pub only: Option<String>,
    /// The cases that are excused.
    pub exceptions: Exceptions,
}

/// Plays every case below `cases` against `target`. An error means the cases cannot be read.
pub fn run(cases: &Path, target: &Target, options: &Options) -> Result<Report, String> {
    let mut report = Report::default();
    let dresses: &[Variant] = if options.variants { &Variant::OTHERS } else { &[] };
    for case in load(cases)? {
        if case.mode != target.mode || options.only.as_ref().is_some_and(|o| !case.name.contains(o.as_str())) {
            continue;
        }
        for variant in [Variant::Plain].iter().chain(dresses) {
            let outcome = match options.exceptions.skip.get(&case.name) {
                Some(reason) => Outcome::Skipped(reason.clone()),
                None => play(cases, &case, target, *variant, options),
            };
            report.results.push(CaseResult {
                name: case.name.clone(),
                variant: variant.name().to_owned(),
                title: case.title.clone(),
                outcome,
            });
        }
    }
    Ok(report)
}

struct Played {
    sent: String,
    payload: String,
}

fn play(cases: &Path, case: &Case, target: &Target, variant: Variant, options: &Options) -> Outcome {
    let mut scope = Scope::new(target, &Clock::system());
    let (mut played, mut wrong) = (Vec::new(), Vec::new());
    let scene = case.record.iter().map(|record| Step {
        send: "add".to_owned(),
        what: What { patient: record.clone(), ..What::default() },
        expect: Expect { ack: vec!["CA".to_owned()], ..Expect::default() },
    });
    let scene: Vec<Step> = scene.collect();
    let steps = scene.iter().map(|s| (true, s)).chain(case.step.iter().map(|s| (false, s)));
    for (number, (is_scene, step)) in steps.enumerate() {
        let label = if is_scene { format!("record {}", number + 1) } else { format!("step {}", played.len() + 1) };
        let name = format!("{}-{}-{number}", case.name.replace('/', "-"), variant.name());
        let place = cases.join(&case.name);
        match take(step, &place, target, variant, &mut scope, &played, (options, &name)) {
            Ok((done, notes)) => {
                wrong.extend(notes.into_iter().map(|note| format!("{label} ({}): {note}", step.send)));
                if !is_scene {
                    played.push(done);
                }
            }
            Err(reason) => {
                wrong.push(format!("{label} ({}): {reason}", step.send));
                break;
            }
        }
    }
    if wrong.is_empty() { Outcome::Passed } else { Outcome::Failed(wrong) }
}

fn take(
    step: &Step,
    place: &Path,
    target: &Target,
    variant: Variant,
    scope: &mut Scope,
    played: &[Played],
    (options, name): (&Options, &str),
) -> Result<(Played, Vec<String>), String> {
    let what = &step.what;
    let to_pdq = matches!(step.send.as_str(), "pdq" | "continue" | "cancel");
    let url = if what.endpoint.as_deref().map_or(to_pdq, |e| e == "pdq") { &target.pdq } else { &target.pix };
    let earlier = |n: usize| played.get(n.wrapping_sub(1)).ok_or_else(|| format!("there is no step {n}"));
    let mut sent = match step.send.as_str() {
        "get" => String::new(),
        "raw" => scope.expand(&what.body)?,
        "file" => scope.expand(&std::fs::read_to_string(place.join(&what.body)).map_err(|e| e.to_string())?)?,
        "again" => earlier(what.step)?.sent.clone(),
        kind => template::message(kind, what, scope, url)?,
    };
    for [from, to] in &what.tweak {
        let (from, to) = (scope.expand(from)?, scope.expand(to)?);
        if !sent.contains(&from) {
            return Err(format!("the message does not hold `{from}`"));
        }
        sent = sent.replacen(&from, &to, 1);
    }
    if !what.verbatim && step.send != "raw" {
        sent = variant.dress(&sent);
    }
    let media_type = what.content_type.as_deref().unwrap_or("application/soap+xml; charset=UTF-8");
    let body = (step.send != "get").then_some((media_type, sent.as_bytes()));
    let answer = exchange(url, body)?;
    let reply = payload_of(&answer);
    if let Some(folder) = &options.replies
        && reply.as_ref().is_some_and(|r| &*r.name.namespace == HL7)
    {
        std::fs::write(folder.join(format!("{name}.xml")), &answer.body).map_err(|e| e.to_string())?;
    }
    let mut wrong = judge(&step.expect, &answer, reply.as_ref(), scope);
    let payload = reply.as_ref().map(|e| e.to_xml()).unwrap_or_default();
    if let Some(n) = step.expect.same_as
        && earlier(n)?.payload != payload
    {
        wrong.push(format!("the reply differs from that of step {n}"));
    }
    for (name, path) in &step.expect.capture {
        let found = reply.as_ref().map(|r| find(r, &scope.expand(path)?)).transpose()?.unwrap_or_default();
        let value = found.first().ok_or_else(|| format!("nothing at `{path}` to capture"))?;
        scope.set(name, value);
    }
    Ok((Played { sent, payload }, wrong))
}

/// The one element in the Body, where there is a SOAP message.
fn payload_of(answer: &Answer) -> Option<Element> {
    let root = read(&answer.body, None, &Limits::default()).ok()?;
    let body = root.elements().find(|e| &*e.name.local == "Body")?;
    body.elements().next().cloned()
}
