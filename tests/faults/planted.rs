//! Each bug that can be planted, and the scenario that must catch it: a harness that has never failed proves nothing.

use crate::arguments::Arguments;
use crate::{away, kill, nth, power, refusal};
use nayose::planted::Bug;

/// So many cycles at most until a bug that shows by chance has shown.
const CYCLES: u64 = 60;

/// Plants every bug in turn; all must be caught, and where none is planted nothing may be.
pub fn every(arguments: &Arguments) -> Result<String, String> {
    if !cfg!(feature = "planted") && arguments.binary.is_none() {
        return Err("SKIPPED: build with --features planted".to_owned());
    }
    away::sqlite(&arguments.short(6)).map_err(|what| format!("caught although nothing is planted: {what}"))?;
    kill::sqlite(&arguments.short(10)).map_err(|what| format!("caught although nothing is planted: {what}"))?;
    refusal::each_table(arguments).map_err(|what| format!("caught although nothing is planted: {what}"))?;
    let mut missed = Vec::new();
    for (bug, name) in Bug::ALL {
        let planted = Arguments { plant: Some(name.to_owned()), ..arguments.short(CYCLES) };
        match scenario(bug)(&planted) {
            Ok(_) => missed.push(name),
            Err(what) if what.starts_with("SKIPPED") => return Err(what),
            Err(what) => println!("caught {name}: {}", what.lines().next().unwrap_or_default()),
        }
    }
    if missed.is_empty() {
        Ok(format!("planted: all {} bugs are caught", Bug::ALL.len()))
    } else {
        Err(format!("not caught: {}", missed.join(", ")))
    }
}

fn scenario(bug: Bug) -> fn(&Arguments) -> Result<String, String> {
    match bug {
        Bug::SynchronousNormal => power::ext4,
        Bug::AcknowledgeBeforeCommit | Bug::UnknownAnswered | Bug::PoisonIgnored => nth::around_a_commit,
        Bug::SavepointKept | Bug::RefusalAccepted => refusal::each_table,
        Bug::NoDedupe
        | Bug::FreshReplyForRepeat
        | Bug::OutcomeNotStored
        | Bug::JournalMissing
        | Bug::TwoTransactions
        | Bug::AuditMissing
        | Bug::OutboxMissing
        | Bug::EventMissing
        | Bug::FilingStale
        | Bug::MergeByHalf => kill::sqlite,
        Bug::NotedBeforeTold | Bug::UnreachedForgotten | Bug::RenderedOnce | Bug::ToldBackwards => away::sqlite,
    }
}
