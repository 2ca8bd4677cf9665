//! The form of a case file.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One case: the scene, the steps, the expectations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `iti45/unknown_domain`; taken from the folder.
    #[serde(skip)]
    pub name: String,
    /// What the case shows, in one line.
    pub title: String,
    /// The rows it proves: a section, a row in our own words.
    pub proves: Vec<String>,
    /// The kind of target it needs: `open`, `registered`, `strict`, `limited`, `full`, `broken` or `gone`.
    #[serde(default = "open")]
    pub mode: String,
    /// How often the consumer that the runner plays refuses what it is told, before it takes it.
    #[serde(default)]
    pub refuses: u32,
    /// Feeds that must be accepted before the first step.
    #[serde(default)]
    pub record: Vec<Record>,
    /// What is sent and expected, in order.
    pub step: Vec<Step>,
}

fn open() -> String {
    "open".to_owned()
}

/// A patient record; what is left out gets the invented values of the run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    /// Domain name.
    pub domain: String,
    /// Identifier value; the run's prefix is put before it.
    pub value: String,
    /// Kanji family name.
    pub family: Option<String>,
    /// Kanji given name.
    pub given: Option<String>,
    /// Kana family and given name.
    pub kana: Option<[String; 2]>,
    /// Romaji family and given name.
    pub romaji: Option<[String; 2]>,
    /// `M`, `F` or `UN`.
    pub sex: Option<String>,
    /// Birth date, HL7 form.
    pub birth: Option<String>,
    /// Postal code.
    pub postal: Option<String>,
    /// Address line.
    pub line: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Further identifiers in `patient/id`: `domain:value`.
    pub ids: Vec<String>,
    /// Identifiers in `asOtherIDs`: `domain:value`.
    pub other_ids: Vec<String>,
}

/// One message and what its answer must show.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `add`, `revise`, `merge`, `pix`, `pdq`, `continue`, `cancel`, `file`, `raw`, `again` or `get`;
    /// `await` sends nothing: it waits for what the server tells the runner as a consumer (ITI-46).
    pub send: String,
    /// The patient of a feed.
    #[serde(flatten)]
    pub what: What,
    /// What the answer must show.
    #[serde(default)]
    pub expect: Expect,
}

/// The parameters of a message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct What {
    /// The record of a feed.
    pub patient: Record,
    /// `domain:value` of the subsumed identifier, or of a PIX query's patient.
    pub id: String,
    /// Domains asked for, by name or OID.
    pub sources: Vec<String>,
    /// Identifiers of a PDQ query.
    pub ids: Vec<String>,
    /// Names of a PDQ query: family and given, an empty one left out.
    pub names: Vec<[String; 2]>,
    /// `use` of those names.
    pub name_use: Option<String>,
    /// Gender of a PDQ query.
    pub sex: Option<String>,
    /// Birth time of a PDQ query.
    pub birth: Option<String>,
    /// Telephone of a PDQ query.
    pub phone: Option<String>,
    /// Postal code of a PDQ query.
    pub postal: Option<String>,
    /// Initial quantity of a PDQ query, or quantity of its continuation.
    pub quantity: Option<u32>,
    /// First and last birth time of a PDQ query, an empty one left open.
    pub born: Option<[String; 2]>,
    /// Family name of the mother in a PDQ query.
    pub mother: Option<String>,
    /// City of a PDQ query.
    pub city: Option<String>,
    /// Minimum degree of match of a PDQ query.
    pub degree: Option<i32>,
    /// Id of the query that is continued or cancelled.
    pub query_id: Option<String>,
    /// Place of the first result that a continuation asks for.
    pub start: Option<u32>,
    /// Id of the reply that a continuation follows.
    pub follows: Option<String>,
    /// The device to which it goes, instead of the target's.
    pub receiver: Option<String>,
    /// Step to send again, from 1.
    pub step: usize,
    /// File beside the case, or text of the body.
    pub body: String,
    /// `pix` or `pdq`, where the kind of message does not say it.
    pub endpoint: Option<String>,
    /// Media type.
    pub content_type: Option<String>,
    /// The device that sends, instead of the target's.
    pub sender: Option<String>,
    /// Replacements in the message; each must find its text.
    pub tweak: Vec<[String; 2]>,
    /// Whether variants leave the message as it is.
    pub verbatim: bool,
    /// Spaces put after the message, to make it large.
    pub pad: usize,
    /// What stands after `?` in the address.
    pub query: Option<String>,
}

/// What an answer must show. What is left out is not judged.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// HTTP status; 200 where nothing is said.
    pub status: Option<u16>,
    /// Root of the reply; for a known message its proper reply where nothing is said.
    pub root: Option<String>,
    /// The acknowledgement codes that will do.
    pub ack: Vec<String>,
    /// Query response code.
    pub response: Option<String>,
    /// Details, each of which one of the reply must match; and no other error detail may stand there.
    pub details: Option<Vec<Detail>>,
    /// Identifiers that must be answered: `domain:value`, or `regional`.
    pub ids: Vec<String>,
    /// Whether those are all.
    pub only: bool,
    /// Identifiers, or domains, that must not be answered.
    pub absent: Vec<String>,
    /// Total, current, remaining.
    pub quantities: Option<[u32; 3]>,
    /// Number of subjects.
    pub subjects: Option<usize>,
    /// Paths with what they must hold.
    pub checks: Vec<Check>,
    /// The same from below the reply's envelope.
    pub envelope: Vec<Check>,
    /// Whether the request holds what no valid reply can repeat, or a fault cannot have read, so that no echo is judged.
    pub unechoed: bool,
    /// The step whose reply payload this one must equal: the bytes as they came, between the tags of Body.
    pub same_as: Option<usize>,
    /// Whether the answer is no message, though it is no refusal either.
    pub bare: bool,
    /// Fault code, local name.
    pub fault: Option<String>,
    /// Fault subcode, local name.
    pub subcode: Option<String>,
    /// Response headers with their values.
    pub headers: BTreeMap<String, String>,
    /// Names given to the values at paths.
    pub capture: BTreeMap<String, String>,
}

/// A wanted acknowledgement detail.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Detail {
    /// `E`, `W` or `I`.
    pub kind: Option<String>,
    /// The codes that will do.
    pub code: Vec<String>,
    /// Code system.
    pub system: Option<String>,
    /// A part of the location.
    pub location: Option<String>,
}

/// A path and what it must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// The path, from below the reply's root.
    pub path: String,
    /// The value, where one is wanted.
    pub is: Option<String>,
    /// How many must be found, where a number is wanted.
    pub count: Option<usize>,
}

impl Case {
    /// Whether the runner must be a consumer that the server tells of changes.
    pub fn awaits(&self) -> bool {
        self.step.iter().any(|step| step.send == AWAIT)
    }
}

/// A step that waits to be told.
pub(super) const AWAIT: &str = "await";

/// Reads every case below `folder`, in order of their names.
pub fn load(folder: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for group in folders(folder)? {
        for place in folders(&group)? {
            let file = place.join("case.toml");
            let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            let mut case: Case = toml::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
            case.name = place.strip_prefix(folder).unwrap_or(&place).to_string_lossy().into_owned();
            cases.push(case);
        }
    }
    Ok(cases)
}

fn folders(of: &Path) -> Result<Vec<std::path::PathBuf>, String> {
    let entries = std::fs::read_dir(of).map_err(|e| format!("{}: {e}", of.display()))?;
    let mut found: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).filter(|p| p.is_dir()).collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_misspelt_is_named() {
        let check = |text: &str, expect: Option<&str>| {
            let head = "title = \"t\"\nproves = [\"3.1 a\"]\n[[step]]\nsend = \"pix\"\n";
            let read = toml::from_str::<Case>(&format!("{head}{text}")).map_err(|error| error.to_string());
            match (read, expect) {
                (Ok(_), None) => {}
                (Err(why), Some(word)) if why.contains(&format!("`{word}`")) => {}
                (read, _) => panic!("{text}: {read:?}"),
            }
        };
        check("id = \"h01:A\"", None);
        check("sources = [\"h01\"]\nsauces = [\"h02\"]", Some("sauces"));
        check("quantiti = 1", Some("quantiti"));
        check("patient = { domain = \"h01\", vlaue = \"A\" }", Some("vlaue"));
        check("[step.expect]\nresponce = \"OK\"", Some("responce"));
        check("expects = { ack = [\"CA\"] }", Some("expects"));
    }
}
