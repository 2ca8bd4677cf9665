//! Bugs that can be switched on, so that the fault harness proves that it would find them.
//!
//! Only a build with the feature `planted` has them, which no default and no package has; in every other build the
//! question is a constant and the bug is not compiled. It must never be asked for anything else.

/// A bug, at the one place that asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Commits are written, not synced.
    SynchronousNormal,
    /// Callers hear before the commit.
    AcknowledgeBeforeCommit,
    /// A repeat acts again.
    NoDedupe,
    /// A repeat is told the outcome under an identity of its own.
    FreshReplyForRepeat,
    /// How a message ended is not kept.
    OutcomeNotStored,
    /// The message is not journalled.
    JournalMissing,
    /// Version and link are committed one after the other.
    TwoTransactions,
    /// A message is not audited.
    AuditMissing,
    /// Who watches a person is not told.
    OutboxMissing,
    /// A link is not noted as an event.
    EventMissing,
    /// What a record is filed under stays as it was.
    FilingStale,
    /// A merge leaves the subsumed record alive.
    MergeByHalf,
    /// A commit of unknown outcome is answered as if it had come about.
    UnknownAnswered,
    /// After a failed commit all goes on.
    PoisonIgnored,
    /// What a failed message wrote stays.
    SavepointKept,
    /// A message that was rolled back is told to have been accepted.
    RefusalAccepted,
    /// A change is noted as told before the subscriber has heard of it.
    NotedBeforeTold,
    /// A subscriber that is not reached is taken for one that was told.
    UnreachedForgotten,
    /// What is told again is what was told the first time.
    RenderedOnce,
    /// The last change is told first.
    ToldBackwards,
}

impl Bug {
    /// Every bug, with the name by which it is switched on.
    pub const ALL: [(Bug, &str); 20] = [
        (Bug::SynchronousNormal, "synchronous_normal"),
        (Bug::AcknowledgeBeforeCommit, "acknowledge_before_commit"),
        (Bug::NoDedupe, "no_dedupe"),
        (Bug::FreshReplyForRepeat, "fresh_reply_for_repeat"),
        (Bug::OutcomeNotStored, "outcome_not_stored"),
        (Bug::JournalMissing, "journal_missing"),
        (Bug::TwoTransactions, "two_transactions"),
        (Bug::AuditMissing, "audit_missing"),
        (Bug::OutboxMissing, "outbox_missing"),
        (Bug::EventMissing, "event_missing"),
        (Bug::FilingStale, "filing_stale"),
        (Bug::MergeByHalf, "merge_by_half"),
        (Bug::UnknownAnswered, "unknown_answered"),
        (Bug::PoisonIgnored, "poison_ignored"),
        (Bug::SavepointKept, "savepoint_kept"),
        (Bug::RefusalAccepted, "refusal_accepted"),
        (Bug::NotedBeforeTold, "noted_before_told"),
        (Bug::UnreachedForgotten, "unreached_forgotten"),
        (Bug::RenderedOnce, "rendered_once"),
        (Bug::ToldBackwards, "told_backwards"),
    ];
}

/// Whether `bug` is switched on: by `NAYOSE_PLANT`, in a build that has it.
#[cfg(feature = "planted")]
pub fn has(bug: Bug) -> bool {
    static PLANTED: std::sync::LazyLock<Option<Bug>> = std::sync::LazyLock::new(|| {
        let (_, name) = std::env::vars_os().find(|(name, _)| name == "NAYOSE_PLANT")?;
        let found = Bug::ALL.iter().find(|(_, known)| name == *known);
        log::warn!("this is a build for the fault harness, and a bug is switched on");
        found.map(|(bug, _)| *bug)
    });
    *PLANTED == Some(bug)
}

/// No build for service has any.
#[cfg(not(feature = "planted"))]
pub const fn has(_: Bug) -> bool {
    false
}
