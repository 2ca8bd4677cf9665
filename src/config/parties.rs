//! The tables that repeat: domains, systems and subscribers, and how they refer to each other.
//!
//! A reference to something that stands in the file but is itself wrong is no second mistake.

use super::REGIONAL_KEY;
use super::mistake::nearest;
use super::read::{OID_FORM, oid, v2_device};
use super::section::{Distinct, Place, Section, one_of};
use super::values::{Domain, Subscriber, SubscriberKind, System};
use crate::access::{Grant, Permission};
use crate::identity::DomainKey;
use std::path::PathBuf;

const WEB_ADDRESS: &str = "\"https://HOST/PATH\" or \"http://HOST/PATH\"";

/// OIDs and namespaces that are in use; the regional authority's are the first.
pub(super) struct Taken {
    pub(super) oids: Distinct,
    pub(super) namespaces: Distinct,
}

impl Default for Taken {
    fn default() -> Self {
        Self { oids: Distinct::new("an OID"), namespaces: Distinct::new("a namespace") }
    }
}

/// The domains, and the ids that other tables may refer to.
pub(super) fn domains(sections: Vec<Section<'_, '_>>, taken: &mut Taken) -> (Vec<Domain>, Vec<String>) {
    let mut ids = Distinct::new("an id");
    let (mut domains, mut known) = (Vec::new(), Vec::new());
    for section in sections {
        let id = id(&section, &mut ids);
        known.extend(id.clone());
        if id.as_deref() == Some(REGIONAL_KEY) {
            let what = format!("\"{REGIONAL_KEY}\" is the network's own authority");
            section.wrong(section.value_place("id").as_ref(), "id", what, "another id");
        }
        let oid = section.required("oid", OID_FORM).and_then(|_| section.parsed("oid", OID_FORM, oid));
        if let Some((oid, place)) = &oid {
            taken.oids.note(&section, "oid", oid.as_str(), place);
        }
        let namespace = namespace(&section);
        if let Some((namespace, place)) = &namespace {
            taken.namespaces.note(&section, "namespace", namespace, place);
        }
        let name = section.filled("name", "the name of the hospital or clinic");
        let facility = section.filled("facility", "the facility's code");
        let one_identifier_per_person = section.flag("one_identifier_per_person").unwrap_or_default();
        section.finish();
        if let (Some(id), Some((oid, _)), Some((namespace, _))) = (id, oid, namespace) {
            domains.push(Domain {
                key: DomainKey(id),
                oid,
                name: name.map_or_else(|| namespace.clone(), |(name, _)| name),
                facility: facility.map_or_else(|| namespace.clone(), |(facility, _)| facility),
                namespace,
                one_identifier_per_person,
            });
        }
    }
    (domains, known)
}

/// The systems, and the ids that other tables may refer to.
pub(super) fn systems(sections: Vec<Section<'_, '_>>, domains: &[String]) -> (Vec<System>, Vec<String>) {
    let mut ids = Distinct::new("an id");
    let mut devices = Distinct::new("a device");
    let mut certificates = Distinct::new("a certificate");
    let (mut systems, mut known) = (Vec::new(), Vec::new());
    for section in sections {
        let id = id(&section, &mut ids);
        known.extend(id.clone());
        let device = section.parsed("device", OID_FORM, oid);
        if let Some((device, place)) = &device {
            devices.note(&section, "device", device.as_str(), place);
        }
        let certificate = section.parsed(
            "certificate",
            "the SHA-256 fingerprint of its client certificate, 64 hexadecimal digits",
            fingerprint,
        );
        if let Some((certificate, place)) = &certificate {
            certificates.note(&section, "certificate", certificate, place);
        }
        let v2 = v2_device(section.table("v2"));
        if ["device", "v2", "certificate"].iter().all(|key| section.value_place(key).is_none()) {
            let right = "a device, a certificate, or v2 with application and facility";
            section.wrong(section.place(), "device", "nothing tells this system's messages from another's", right);
        }
        let grants = section.tables("grants").into_iter().filter_map(|grant| self::grant(grant, domains)).collect();
        section.finish();
        if let Some(id) = id {
            let (device, certificate) = (device.map(|(device, _)| device), certificate.map(|(print, _)| print));
            systems.push(System { id, device, v2, certificate, grants });
        }
    }
    (systems, known)
}

/// The subscribers.
pub(super) fn subscribers(sections: Vec<Section<'_, '_>>, systems: &[String], domains: &[String]) -> Vec<Subscriber> {
    let mut distinct = Distinct::new("a system");
    sections.into_iter().filter_map(|section| subscriber(section, &mut distinct, systems, domains)).collect()
}

fn subscriber(
    section: Section<'_, '_>,
    distinct: &mut Distinct,
    systems: &[String],
    domains: &[String],
) -> Option<Subscriber> {
    let system = section.required("system", "the id of a [[system]]");
    if let Some((system, place)) = &system {
        refer(&section, "system", system, place, systems, "[[system]]");
        distinct.note(&section, "system", system, place);
    }
    // The address is not repeated: it may hold a password.
    let url = section.required("url", WEB_ADDRESS).and_then(|_| section.parsed_secret("url", WEB_ADDRESS, web_address));
    let kinds = [("consumer", SubscriberKind::Consumer), ("registry", SubscriberKind::Registry)];
    let kind = section.choice("kind", &kinds).map(|(kind, _)| kind).unwrap_or_default();
    let named = section.texts("domains").unwrap_or_default();
    for (domain, place) in named.iter().filter(|(domain, _)| domain != REGIONAL_KEY) {
        refer(&section, "domains", domain, place, domains, "[[domain]]");
    }
    if kind == SubscriberKind::Registry && !named.is_empty() {
        let what = "a document registry holds the identifiers of the regional authority alone";
        section.wrong(section.value_place("domains").as_ref(), "domains", what, "no domains");
    }
    let snapshot = section.flag("snapshot").unwrap_or_default();
    let path = |key| section.filled(key, "the path of a PEM file").map(|(path, _)| PathBuf::from(path));
    let (ca, certificate, key) = (path("ca"), path("certificate"), path("key"));
    if certificate.is_some() != key.is_some() {
        let (there, missing) = if key.is_some() { ("key", "certificate") } else { ("certificate", "key") };
        let what = format!("{there} without {missing}");
        section.wrong(section.value_place(there).as_ref(), there, what, "both certificate and key, or neither");
    }
    section.finish();
    let domains = named.into_iter().map(|(domain, _)| DomainKey(domain)).collect();
    Some(Subscriber { system: system?.0, url: url?, domains, kind, snapshot, ca, certificate: certificate.zip(key) })
}

/// The namespace of an authority: it stands in v2 messages, where some characters separate.
pub(super) fn namespace(section: &Section<'_, '_>) -> Option<(String, Place)> {
    let right = "1 to 20 letters, digits and signs, without blanks and without | ^ ~ & \\";
    section.required("namespace", right)?;
    section.parsed("namespace", right, |text| {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"|^~&\\".contains(&byte);
        (text.len() <= 20 && text.bytes().all(plain)).then(|| text.to_owned())
    })
}

fn id(section: &Section<'_, '_>, ids: &mut Distinct) -> Option<String> {
    let right = "a short key of letters, digits, - and _, such as \"h01\"";
    section.required("id", right)?;
    let (id, place) = section.parsed("id", right, |text| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        text.bytes().all(plain).then(|| text.to_owned())
    })?;
    ids.note(section, "id", &id, &place);
    Some(id)
}

fn grant(section: Section<'_, '_>, domains: &[String]) -> Option<Grant> {
    let domain = section.required("domain", "the id of a [[domain]], or \"*\"");
    if let Some((domain, place)) = &domain
        && domain != "*"
        && domain != REGIONAL_KEY
    {
        refer(&section, "domain", domain, place, domains, "[[domain]]");
    }
    let words: Vec<&str> = Permission::WORDS.iter().map(|(word, _)| *word).collect();
    let may = section.texts("may");
    if section.value_place("may").is_none() || may.as_ref().is_some_and(Vec::is_empty) {
        let right = format!("a list of {}", one_of(words.iter().copied()));
        section.wrong(section.place(), "may", "this grants nothing", right);
    }
    let mut granted = std::collections::BTreeSet::new();
    for (text, place) in may.unwrap_or_default() {
        match Permission::WORDS.iter().find(|(word, _)| *word == text) {
            Some((_, permission)) => {
                granted.insert(*permission);
            }
            None => {
                let right = suggestion(&text, &words).unwrap_or_else(|| one_of(words.iter().copied()));
                section.wrong(Some(&place), "may", format!("\"{text}\" is no permission"), right);
            }
        }
    }
    section.finish();
    domain.map(|(domain, _)| Grant { domain: (domain != "*").then_some(DomainKey(domain)), may: granted })
}

/// Notes a reference to something that is not there.
fn refer(section: &Section<'_, '_>, key: &str, id: &str, place: &Place, known: &[String], table: &str) {
    if known.iter().any(|other| other == id) {
        return;
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let right = suggestion(id, &known).unwrap_or_else(|| format!("the id of a {table}"));
    section.wrong(Some(place), key, format!("there is no {table} \"{id}\""), right);
}

fn suggestion(word: &str, known: &[&str]) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean \"{near}\"?"))
}

fn fingerprint(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|character| *character != ':').collect();
    (digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| digits.to_lowercase())
}

fn web_address(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host = rest.split('/').next().unwrap_or_default();
    (!host.is_empty() && !rest.contains(char::is_whitespace)).then(|| text.to_owned())
}
