//! `verify`: whether all that a store holds fits together.

use super::show::{failed, open};
use super::{Environment, Exit, Logging, Verify, complain, say};

pub(super) fn run(verify: &Verify, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    check(verify, environment).unwrap_or_else(|exit| exit)
}

fn check(verify: &Verify, environment: Environment) -> Result<Exit, Exit> {
    let settings = verify.store.configuration(environment)?;
    let registry = open("verify", &settings)?;
    let findings = registry.verify().map_err(|failure| failed("verify", &failure))?;
    let broken = findings.iter().filter(|finding| finding.broken > 0).count();
    if verify.store.json {
        let all: Vec<_> = findings
            .iter()
            .map(|finding| serde_json::json!({ "rule": finding.rule, "broken": finding.broken }))
            .collect();
        say(&format!("{}\n", serde_json::json!({ "rules": all, "broken": broken })));
    } else {
        for finding in &findings {
            let word = if finding.broken == 0 { "holds".to_owned() } else { format!("BROKEN {}", finding.broken) };
            say(&format!("{word:<12} {}\n", finding.rule));
        }
    }
    if broken == 0 {
        return Ok(Exit::Done);
    }
    complain(&format!("verify: {broken} of {} rules are broken\n", findings.len()));
    Ok(Exit::Found)
}
