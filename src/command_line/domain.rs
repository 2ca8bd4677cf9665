//! `domain` and `system`: the assigning authorities of the network, and the systems that are connected.

use super::show::{failed, open, table};
use super::standing::Standing;
use super::{Domain, DomainCommand, Environment, Exit, Logging, System, SystemCommand, complain, errand, say};
use crate::config::Configuration;
use crate::desk::{encoded, shapes};
use crate::registry::DomainView;
use serde_json::{Value, json};

pub(super) fn run(domain: &Domain, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    obey(domain, environment).unwrap_or_else(|exit| exit)
}

fn obey(domain: &Domain, environment: Environment) -> Result<Exit, Exit> {
    let settings = domain.store.configuration(environment)?;
    let json = domain.store.json;
    let told = match &domain.command {
        DomainCommand::List => return list(&settings, json),
        DomainCommand::Show { id } => return show(&settings, id, json),
        DomainCommand::Add { id, oid, namespace, name, facility, one_identifier_per_person } => {
            let said = json!({
                "id": id, "oid": oid, "namespace": namespace, "name": name, "facility": facility,
                "one_identifier_per_person": one_identifier_per_person,
            });
            errand::call("domain", &settings, ("POST", "/domains"), &said)?
        }
        DomainCommand::Report { id } => {
            let standing = Standing::of("domain", &open("domain", &settings)?, id)?;
            say(&if json { format!("{}\n", standing.json()) } else { standing.text() });
            return Ok(Exit::Done);
        }
        DomainCommand::State { id, state, subscribers } => {
            let path = format!("/domains/{}/state", encoded(id));
            let said = json!({ "state": state, "subscribers": subscribers });
            errand::call("domain", &settings, ("POST", &path), &said)?
        }
    };
    say(&if json { format!("{told}\n") } else { changed(&told) });
    Ok(Exit::Done)
}

fn changed(told: &Value) -> String {
    let word = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    let later = if told["served"] == true { "" } else { "; it is served after the next start" };
    format!("domain {}: {} {}{later}\n", word("id"), word("oid"), word("state"))
}

fn views(settings: &Configuration) -> Result<Vec<DomainView>, Exit> {
    open("domain", settings)?.domain_views().map_err(|failure| failed("domain", &failure))
}

fn list(settings: &Configuration, json: bool) -> Result<Exit, Exit> {
    let views = views(settings)?;
    if json {
        let all: Vec<Value> = views.iter().map(shapes::domain).collect();
        say(&format!("{}\n", json!({ "domains": all })));
    } else if views.is_empty() {
        say("there are no domains: `nayose domain add`, or [[domain]] in the configuration\n");
    } else {
        let head = ["DOMAIN", "OID", "NAMESPACE", "STATE", "FROM", "NAME"].map(str::to_owned).to_vec();
        say(&table(&std::iter::once(head).chain(views.iter().map(row)).collect::<Vec<_>>()));
    }
    Ok(Exit::Done)
}

fn row(view: &DomainView) -> Vec<String> {
    let of = &view.settings;
    let from = if view.configured { "configuration" } else { "store" };
    vec![
        of.key.0.clone(),
        of.oid.to_string(),
        of.namespace.clone(),
        view.state.word().to_owned(),
        from.to_owned(),
        of.name.clone(),
    ]
}

fn show(settings: &Configuration, id: &str, json: bool) -> Result<Exit, Exit> {
    let views = views(settings)?;
    let Some(view) = views.iter().find(|view| view.settings.key.0 == id) else {
        complain("domain: there is no domain of this key; `nayose domain list` shows them\n");
        return Ok(Exit::Found);
    };
    let told = shapes::domain(view);
    say(&if json { format!("{told}\n") } else { lines(&told) });
    Ok(Exit::Done)
}

/// One line a field.
fn lines(told: &Value) -> String {
    let fields = told.as_object().into_iter().flatten();
    let rows = fields.map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        vec![name.replace('_', " "), value]
    });
    table(&rows.collect::<Vec<_>>())
}

pub(super) fn run_system(system: &System, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    let settings = match system.store.configuration(environment) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let (policy, json) = (settings.policy(), system.store.json);
    let told = match &system.command {
        SystemCommand::List => shapes::systems(&policy),
        SystemCommand::Show { id } => match shapes::system(&policy, id) {
            Some(told) => told,
            None => {
                complain("system: no system of this key is registered; `nayose system list` shows them\n");
                return Exit::Found;
            }
        },
    };
    say(&if json { format!("{told}\n") } else { systems(&told) });
    Exit::Done
}

fn systems(told: &Value) -> String {
    if told["access"] == "open" {
        return "access is open: any caller may feed and ask, whatever [[system]] says\n".to_owned();
    }
    let one = std::slice::from_ref(told);
    let all = told["systems"].as_array().map_or(one, Vec::as_slice);
    let mut text = String::new();
    for system in all {
        text.push_str(&format!("{}\n", system["id"].as_str().unwrap_or_default()));
        for grant in system["grants"].as_array().into_iter().flatten() {
            let may: Vec<&str> = grant["may"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            text.push_str(&format!("  {}: {}\n", grant["domain"].as_str().unwrap_or_default(), may.join(", ")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_told_with_what_they_may() {
        let told = json!({ "access": "registered", "systems": [
            { "id": "emr", "grants": [{ "domain": "h01", "may": ["assert", "see"] }, { "domain": "*", "may": ["see"] }] },
        ] });
        assert_eq!(systems(&told), "emr\n  h01: assert, see\n  *: see\n");
        assert_eq!(systems(&told["systems"][0]), "emr\n  h01: assert, see\n  *: see\n");
        assert!(systems(&json!({ "access": "open", "systems": [] })).contains("open"));
    }

    #[test]
    fn what_is_not_served_yet_is_said() {
        let told = json!({ "id": "h09", "oid": "2.999.1.19", "state": "live", "served": false });
        assert_eq!(changed(&told), "domain h09: 2.999.1.19 live; it is served after the next start\n");
    }
}
