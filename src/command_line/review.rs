//! `review`: what the matcher left to a steward, on the command line.
//!
//! It shows personal data to whoever may read the store; it must never log any.

use super::person::doubts_text;
use super::show::{failed, fields, open, table, when};
use super::{Environment, Exit, Logging, Review, ReviewCommand, complain, errand, say};
use crate::config::Configuration;
use crate::desk::shapes;
use crate::identity::Demographics;
use crate::registry::ReviewView;

/// More than a steward can look at in one list.
const MOST_LISTED: usize = 1_000;

pub(super) fn run(review: &Review, logging: Logging, environment: Environment) -> Exit {
    logging.start_quietly();
    let settings = match review.store.configuration(environment) {
        Ok(settings) => settings,
        Err(exit) => return exit,
    };
    let done = match &review.command {
        ReviewCommand::List => list(&settings, review.store.json),
        ReviewCommand::Show { id } => show(&settings, *id, review.store.json),
        ReviewCommand::Decide { id, choice, reason } => {
            decide(&settings, *id, choice.same, reason.as_deref(), review.store.json)
        }
    };
    done.unwrap_or_else(|exit| exit)
}

fn list(settings: &Configuration, json: bool) -> Result<Exit, Exit> {
    let registry = open("review", settings)?;
    let reviews = registry.reviews(MOST_LISTED).map_err(|failure| failed("review", &failure))?;
    let zone = &settings.network.time_zone;
    if json {
        let all: Vec<_> = reviews.iter().map(|review| shapes::review(review, zone)).collect();
        say(&format!("{}\n", serde_json::json!({ "reviews": all })));
    } else if reviews.is_empty() {
        say("nothing waits for a decision\n");
    } else {
        let head = ["REVIEW", "KIND", "RISK", "DOUBT", "BITS", "SINCE", "RECORD", "OTHER RECORD", "WHY NOW"];
        let head = head.map(str::to_owned).to_vec();
        let rows: Vec<_> = std::iter::once(head).chain(reviews.iter().map(|review| row(review, zone))).collect();
        say(&table(&rows));
    }
    Ok(Exit::Done)
}

fn row(review: &ReviewView, zone: &str) -> Vec<String> {
    vec![
        review.id.to_string(),
        review.kind.clone(),
        format!("{:.1}", review.urgency.risk),
        format!("{:.2}", review.urgency.doubt),
        format!("{:.1}", review.weight),
        when(review.opened, zone),
        identifier(review.left.as_ref()),
        identifier(review.right.as_ref()),
        review.urgency.reasons.join("; "),
    ]
}

type Side = (String, String, Demographics);

fn identifier(side: Option<&Side>) -> String {
    side.map_or_else(|| "-".to_owned(), |(oid, value, _)| format!("{oid}^{value}"))
}

fn show(settings: &Configuration, id: i64, json: bool) -> Result<Exit, Exit> {
    let registry = open("review", settings)?;
    let Some(review) = registry.review(id).map_err(|failure| failed("review", &failure))? else {
        return Ok(absent(id));
    };
    let zone = &settings.network.time_zone;
    if json {
        say(&format!("{}\n", shapes::review(&review, zone)));
    } else {
        say(&text(&review, zone));
    }
    Ok(Exit::Done)
}

/// Both sides, field beside field.
fn text(review: &ReviewView, zone: &str) -> String {
    let side = |side: Option<&Side>| side.map(|(_, _, demographics)| fields(demographics)).unwrap_or_default();
    let (left, right) = (side(review.left.as_ref()), side(review.right.as_ref()));
    let empty = fields(&Demographics::default());
    let mut rows =
        vec![vec!["identifier".to_owned(), identifier(review.left.as_ref()), identifier(review.right.as_ref())]];
    for (label, _) in empty {
        let of = |side: &[(&str, String)]| {
            side.iter().find(|(known, _)| *known == label).map(|(_, text)| text.clone()).unwrap_or_default()
        };
        let (left, right) = (of(&left), of(&right));
        if !left.is_empty() || !right.is_empty() {
            let mark = if left == right { "=" } else { "" };
            rows.push(vec![label.to_owned(), left, right, mark.to_owned()]);
        }
    }
    let mut text = format!(
        "review {}: {}, {}, {:.1} bits, since {}\nwhy now: {}\n\n{}\nwhy it was asked: {}\n",
        review.id,
        review.kind,
        review.state,
        review.weight,
        when(review.opened, zone),
        review.urgency.reasons.join("; "),
        table(&rows),
        review.explanation
    );
    let Some(now) = &review.now else { return text };
    if let Some(account) = &now.account {
        text.push_str(&format!("\nas both are now: {}", account.to_text()));
    }
    for word in &now.words {
        let time = when(word.time, zone);
        text.push_str(&format!("\na steward said {} of these persons, {time} by {}\n", word.verdict, word.actor));
    }
    text.push_str(&doubts_text(&now.doubts, zone));
    text
}

fn decide(settings: &Configuration, id: i64, same: bool, reason: Option<&str>, json: bool) -> Result<Exit, Exit> {
    let word = if same { "same" } else { "different" };
    let said = serde_json::json!({ "verdict": word, "reason": reason.unwrap_or_default() });
    let path = format!("/reviews/{id}/decision");
    let told = errand::call("review", settings, ("POST", &path), &said)?;
    say(&if json { format!("{told}\n") } else { format!("review {id}: decided, {word}\n") });
    Ok(Exit::Done)
}

fn absent(id: i64) -> Exit {
    complain(&format!("review: {id} is no open review of this store; `nayose review list` shows them\n"));
    Exit::Found
}
