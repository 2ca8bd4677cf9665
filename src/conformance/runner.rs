//! Plays cases: expands the scene and the steps, sends them, has the answers judged.

use super::case::{AWAIT, Case, Expect, Step, What, load};
use super::ear::Ear;
use super::http::{Answer, exchange};
use super::judge::{judge, told_as};
use super::manners;
use super::path::find;
use super::report::{Outcome, Report, Result as CaseResult};
use super::scope::Scope;
use super::target::{Exceptions, Target};
use super::template;
use super::variant::Variant;
use crate::clock::Clock;
use crate::xml::{Element, Limits, read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Why a case is not played that wants to be told something.
const UNTOLD: &str = "the target has no [consumer], so the server tells the runner nothing";
/// How long a notification is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// Where payloads are at home; replies of other namespaces are faults.
const HL7: &str = "urn:hl7-org:v3";

/// How a run is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether each case is also played in the other dresses.
    pub variants: bool,
    /// Where every reply is written.
    pub replies: Option<PathBuf>,
    /// Only cases whose name holds one of these texts; all where there is none.
    pub only: Vec<String>,
    /// The cases that are excused.
    pub exceptions: Exceptions,
    /// The consumer that the server tells of changes; where there is none, one listens as the target says.
    pub ear: Option<Arc<Ear>>,
}

/// Plays every case below `cases` against `target`. An error means the cases cannot be read.
pub fn run(cases: &Path, target: &Target, options: &Options) -> Result<Report, String> {
    let mut report = Report::default();
    let mut options = options.clone();
    if let (None, Some(consumer)) = (&options.ear, &target.consumer) {
        options.ear = Some(Arc::new(Ear::listen(&consumer.listen, &consumer.device)?));
    }
    let options = &options;
    let dresses: &[Variant] = if options.variants { &Variant::OTHERS } else { &[] };
    for case in load(cases)? {
        let asked = options.only.is_empty() || options.only.iter().any(|part| case.name.contains(part.as_str()));
        if case.mode != target.mode || !asked {
            continue;
        }
        let fitting = dresses.iter().filter(|dress| dress.is_legal() || case.mode != "strict");
        for variant in [Variant::Plain].iter().chain(fitting) {
            let outcome = match options.exceptions.skip.get(&case.name) {
                Some(reason) => Outcome::Skipped(reason.clone()),
                None if case.awaits() && options.ear.is_none() => Outcome::Skipped(UNTOLD.to_owned()),
                None => play(cases, &case, target, *variant, options),
            };
            report.results.push(CaseResult {
                name: case.name.clone(),
                variant: variant.name().to_owned(),
                title: case.title.clone(),
                proves: case.proves.clone(),
                outcome,
            });
        }
    }
    Ok(report)
}

struct Played {
    sent: String,
    payload: Vec<u8>,
}

/// A reply that is a SOAP message.
pub(super) struct Reply {
    /// The envelope.
    pub(super) envelope: Element,
    /// The one element in its Body.
    pub(super) payload: Element,
}

fn play(cases: &Path, case: &Case, target: &Target, variant: Variant, options: &Options) -> Outcome {
    let mut scope = Scope::new(target, &Clock::system());
    if let (Some(ear), Ok(mark)) = (&options.ear, scope.expand("${run}")) {
        ear.refuse(&mark, case.refuses);
    }
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
    if step.send == AWAIT {
        return hear(step, target, scope, (options, name));
    }
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
    sent.extend(std::iter::repeat_n(' ', what.pad));
    let media_type = what.content_type.as_deref().unwrap_or("application/soap+xml; charset=UTF-8");
    let body = (step.send != "get").then_some((media_type, sent.as_bytes()));
    let url = what.query.as_ref().map_or_else(|| url.clone(), |query| format!("{url}?{query}"));
    let answer = exchange(&url, body)?;
    let reply = reply_of(&answer);
    let is_hl7 = |reply: &Reply| &*reply.payload.name.namespace == HL7;
    if let Some(folder) = &options.replies
        && reply.as_ref().is_some_and(is_hl7)
    {
        std::fs::write(folder.join(format!("{name}.xml")), &answer.body).map_err(|e| e.to_string())?;
    }
    let mut wrong = judge(&step.expect, &answer, reply.as_ref(), scope);
    if let Some(reply) = &reply {
        wrong.extend(manners::judge(&sent, &answer, reply, target, step.expect.unechoed)?);
    }
    let payload = bytes_in_body(&answer.body).to_vec();
    if let Some(n) = step.expect.same_as
        && (earlier(n)?.payload != payload || payload.is_empty())
    {
        wrong.push(format!("the reply differs from that of step {n}"));
    }
    for (name, path) in &step.expect.capture {
        let found = reply.as_ref().map(|r| find(&r.payload, &scope.expand(path)?)).transpose()?.unwrap_or_default();
        let value = found.first().ok_or_else(|| format!("nothing at `{path}` to capture"))?;
        scope.set(name, value);
    }
    Ok((Played { sent, payload }, wrong))
}

/// Waits for what the server tells the runner.
fn hear(
    step: &Step,
    target: &Target,
    scope: &mut Scope,
    (options, name): (&Options, &str),
) -> Result<(Played, Vec<String>), String> {
    let ear = options.ear.as_ref().ok_or(UNTOLD)?;
    let seconds = PATIENCE.as_secs();
    let told = ear.next(&scope.expand("${run}")?, PATIENCE).ok_or(format!("nothing was told within {seconds} s"))?;
    let payload = told.to_xml().into_bytes();
    if let Some(folder) = &options.replies {
        std::fs::write(folder.join(format!("{name}.xml")), &payload).map_err(|e| e.to_string())?;
    }
    let mut wrong = told_as(&step.expect, &told, scope)?;
    wrong.extend(manners::told(&told, target)?);
    for (name, path) in &step.expect.capture {
        let found = find(&told, &scope.expand(path)?)?;
        scope.set(name, found.first().ok_or_else(|| format!("nothing at `{path}` to capture"))?);
    }
    Ok((Played { sent: String::new(), payload }, wrong))
}

/// The message and the one element in its Body, where there is a SOAP message.
fn reply_of(answer: &Answer) -> Option<Reply> {
    let envelope = read(&answer.body, None, &Limits::default()).ok()?;
    let body = envelope.elements().find(|e| &*e.name.local == "Body")?;
    let payload = body.elements().next().cloned()?;
    Some(Reply { envelope, payload })
}

/// What stands between the tags of Body, as it came; empty where there is no Body.
fn bytes_in_body(message: &[u8]) -> &[u8] {
    let cut = || {
        let text = std::str::from_utf8(message).ok()?;
        let is_body = |tag: &&str| tag.rsplit(':').next() == Some("Body");
        let name_at = |(at, _): (usize, &str)| {
            let rest = text.get(at + 1..)?;
            let name = rest.split([' ', '\t', '\r', '\n', '>', '/']).next().filter(is_body)?;
            Some((at + 1 + rest.find('>')? + 1, name))
        };
        let (start, name) = text.match_indices('<').find_map(name_at)?;
        let end = text.rfind(&format!("</{name}"))?;
        text.get(start..end)
    };
    cut().map(|inner| inner.trim().as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_in_body_are_cut_out() {
        let check = |text: &str, expect: &str| assert_eq!(bytes_in_body(text.as_bytes()), expect.as_bytes(), "{text}");
        check("<e:Envelope><e:Header/><e:Body x='1'>\n<a  b='1'/></e:Body></e:Envelope>", "<a  b='1'/>");
        check("<Envelope><Body><Body>x</Body></Body></Envelope>", "<Body>x</Body>");
        check("<e:Envelope><e:Bodyguard>x</e:Bodyguard></e:Envelope>", "");
        check("no message", "");
    }
}
