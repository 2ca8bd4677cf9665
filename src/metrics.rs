//! What is counted and timed while the product works, in the text form that Prometheus reads.
//!
//! A label is a word of this program, fixed when it is compiled: its type says so, and nothing that a peer sent can
//! become one. What a transaction did is counted after its commit, never before.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Duration;

/// A name and a word.
type Label = (&'static str, &'static str);
type Counters<const N: usize> = Family<[Label; N], Counter>;

/// The media type of [`Metrics::render`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds, from a tenth of a millisecond on.
const SECONDS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Records compared with one record; the matcher stops at 64.
const CANDIDATES: [f64; 8] = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
/// Works of one commit.
const WORKS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// One thing that a transaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// A record was compared with so many others, and the matcher's word about it.
    Decision {
        /// `match`, `possible` or `non_match`.
        outcome: &'static str,
        /// How many were compared.
        candidates: u32,
    },
    /// A model in the shadow decided as well: `same`, or how it differed.
    Shadow {
        /// How the two agree.
        agreement: &'static str,
    },
    /// A source record was added.
    Record,
    /// A link was made: `automatic`, `source` or `steward`.
    Linked(&'static str),
    /// A link ended.
    Unlinked,
    /// A question for a steward was opened: its kind.
    ReviewOpened(&'static str),
    /// Such a question ended: `decided` or `withdrawn`.
    ReviewEnded(&'static str),
}

/// Counters, histograms and gauges of one process; clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Counters<2>,
    request_seconds: Family<[Label; 1], Histogram, fn() -> Histogram>,
    refusals: Counters<2>,
    forgiven: Counters<1>,
    feeds: Counters<1>,
    decisions: Counters<1>,
    shadow: Counters<1>,
    candidates: Histogram,
    added: Counter,
    links: Counters<1>,
    unlinked: Counter,
    journal_dropped: Counter,
    notifications: Counters<1>,
    reviews_opened: Counters<1>,
    reviews_ended: Counters<1>,
    commit_seconds: Histogram,
    commit_works: Histogram,
    gauges: Gauges,
}

/// What rises and falls. Each is set or moved by the code that knows it.
#[derive(Clone, Default)]
pub struct Gauges {
    /// Connections of peers.
    pub connections: Gauge,
    /// Requests in work or waiting for it.
    pub in_flight: Gauge,
    /// Works that wait for the writer of the store.
    pub store_queue: Gauge,
    /// Connections to the database that are lent.
    pub store_connections: Gauge,
    /// Audit rows of questions that wait for a commit.
    pub audit_waiting: Gauge,
    /// Open questions for stewards.
    pub review_queue: Gauge,
    /// Source records, as decisions take the size of the base.
    pub records: Gauge,
    /// Whether the store answers: 1 or 0.
    pub ready: Gauge,
    /// Seconds that the oldest change has waited of which a subscriber was not told.
    pub outbox_oldest: Gauge,
    /// Changes that a subscriber would not take.
    pub dead_letters: Gauge,
}

/// Lowers a gauge when dropped.
pub struct Raised(Gauge);

impl Raised {
    /// Raises `gauge` by one until this is dropped.
    pub fn on(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut inner = Inner {
            registry: Registry::with_prefix("nayose"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            refusals: Family::default(),
            forgiven: Family::default(),
            feeds: Family::default(),
            decisions: Family::default(),
            shadow: Family::default(),
            candidates: Histogram::new(CANDIDATES),
            added: Counter::default(),
            links: Family::default(),
            unlinked: Counter::default(),
            journal_dropped: Counter::default(),
            notifications: Family::default(),
            reviews_opened: Family::default(),
            reviews_ended: Family::default(),
            commit_seconds: Histogram::new(SECONDS),
            commit_works: Histogram::new(WORKS),
            gauges: Gauges::default(),
        };
        inner.register_requests();
        inner.register_registry();
        inner.register_store();
        Self(Arc::new(inner))
    }
}

impl Inner {
    fn register_requests(&mut self) {
        let build = Family::<[Label; 1], Gauge>::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        let registry = &mut self.registry;
        registry.register("build_info", "The version that runs", build);
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register(
            "request_seconds",
            "From the end of a request's body to its answer",
            self.request_seconds.clone(),
        );
        registry.register("refusals", "Requests refused in their own language, by reason", self.refusals.clone());
        registry.register("forgiven", "Mistakes of peers that were forgiven, by kind", self.forgiven.clone());
        registry.register("connections", "Connections of peers", self.gauges.connections.clone());
        registry.register("requests_in_flight", "Requests in work or waiting for it", self.gauges.in_flight.clone());
    }

    fn register_registry(&mut self) {
        let registry = &mut self.registry;
        registry.register("feeds", "Feeds by how they ended", self.feeds.clone());
        registry.register("decisions", "Decisions of the matcher", self.decisions.clone());
        registry.register("shadow", "Decisions of a model in the shadow, by how they agree", self.shadow.clone());
        registry.register("candidates", "Records compared for one decision", self.candidates.clone());
        registry.register("records_added", "Source records added by this process", self.added.clone());
        registry.register("links", "Links made, by origin", self.links.clone());
        registry.register("unlinked", "Links ended", self.unlinked.clone());
        registry.register("reviews_opened", "Questions for stewards, by kind", self.reviews_opened.clone());
        registry.register("reviews_ended", "Questions for stewards that ended, by how", self.reviews_ended.clone());
        registry.register("review_queue", "Open questions for stewards", self.gauges.review_queue.clone());
        registry.register(
            "records",
            "Source records, as decisions take the size of the base",
            self.gauges.records.clone(),
        );
    }

    fn register_store(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "commit_seconds",
            "Duration of a write transaction with its commit",
            self.commit_seconds.clone(),
        );
        registry.register(
            "journal_dropped",
            "Messages and acts dropped from the journal for their age",
            self.journal_dropped.clone(),
        );
        registry.register("commit_works", "Works that shared one commit", self.commit_works.clone());
        registry.register("store_queue", "Works that wait for the writer", self.gauges.store_queue.clone());
        registry.register(
            "store_connections",
            "Connections to the database in use",
            self.gauges.store_connections.clone(),
        );
        registry.register("audit_waiting", "Audit rows that wait for a commit", self.gauges.audit_waiting.clone());
        registry.register(
            "outbox_oldest_seconds",
            "How long the oldest change waits of which a subscriber was not told",
            self.gauges.outbox_oldest.clone(),
        );
        registry.register(
            "notifications",
            "Tries to tell a subscriber of a change, by how they ended",
            self.notifications.clone(),
        );
        registry.register(
            "outbox_dead_letters",
            "Changes that a subscriber would not take",
            self.gauges.dead_letters.clone(),
        );
        registry.register("store_ready", "Whether the store answers", self.gauges.ready.clone());
    }
}

impl Metrics {
    /// Counts one request, with its duration where its body was read.
    pub fn request(&self, transaction: &'static str, outcome: &'static str, duration: Option<Duration>) {
        self.0.requests.get_or_create(&[("transaction", transaction), ("outcome", outcome)]).inc();
        if let Some(duration) = duration {
            self.0.request_seconds.get_or_create(&[("transaction", transaction)]).observe(duration.as_secs_f64());
        }
    }

    /// Counts a request that was refused for `reason`.
    pub fn refusal(&self, transaction: &'static str, reason: &'static str) {
        self.0.refusals.get_or_create(&[("transaction", transaction), ("reason", reason)]).inc();
    }

    /// Counts a mistake of a peer that was forgiven.
    pub fn forgiven(&self, what: &'static str) {
        self.0.forgiven.get_or_create(&[("what", what)]).inc();
    }

    /// Counts a feed: `accepted`, `refused` or `repeated`.
    pub fn feed(&self, outcome: &'static str) {
        self.0.feeds.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// Counts what a transaction did, now that it is committed.
    pub fn did(&self, counts: &[Count]) {
        let inner = &self.0;
        for count in counts {
            match *count {
                Count::Decision { outcome, candidates } => {
                    inner.decisions.get_or_create(&[("outcome", outcome)]).inc();
                    inner.candidates.observe(f64::from(candidates));
                }
                Count::Shadow { agreement } => _ = inner.shadow.get_or_create(&[("agreement", agreement)]).inc(),
                Count::Record => _ = inner.added.inc(),
                Count::Linked(origin) => _ = inner.links.get_or_create(&[("origin", origin)]).inc(),
                Count::Unlinked => _ = inner.unlinked.inc(),
                Count::ReviewOpened(kind) => _ = inner.reviews_opened.get_or_create(&[("kind", kind)]).inc(),
                Count::ReviewEnded(how) => _ = inner.reviews_ended.get_or_create(&[("how", how)]).inc(),
            }
        }
    }

    /// Counts a try to tell a subscriber: `taken`, `refused`, `failing` or `unreachable`.
    pub fn notification(&self, outcome: &'static str) {
        self.0.notifications.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// Counts messages and acts that were dropped from the journal.
    pub fn journal_dropped(&self, dropped: usize) {
        self.0.journal_dropped.inc_by(u64::try_from(dropped).unwrap_or(u64::MAX));
    }

    /// Notes a commit of `works`.
    pub fn commit(&self, duration: Duration, works: usize) {
        self.0.commit_seconds.observe(duration.as_secs_f64());
        self.0.commit_works.observe(f64::from(u32::try_from(works).unwrap_or(u32::MAX)));
    }

    /// What rises and falls.
    pub fn gauges(&self) -> &Gauges {
        &self.0.gauges
    }

    /// All of it, as [`MEDIA_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_rendered() {
        let metrics = Metrics::default();
        metrics.request("ITI-44", "answered", Some(Duration::from_millis(3)));
        metrics.request("ITI-44", "answered", Some(Duration::from_millis(3)));
        metrics.request("none", "refused", None);
        metrics.did(&[
            Count::Decision { outcome: "match", candidates: 3 },
            Count::Linked("automatic"),
            Count::Unlinked,
        ]);
        metrics.commit(Duration::from_micros(700), 8);
        let held = Raised::on(&metrics.gauges().connections);
        let text = metrics.render();
        for line in [
            "nayose_requests_total{transaction=\"ITI-44\",outcome=\"answered\"} 2",
            "nayose_requests_total{transaction=\"none\",outcome=\"refused\"} 1",
            "nayose_request_seconds_bucket{le=\"0.0025\",transaction=\"ITI-44\"} 0",
            "nayose_request_seconds_bucket{le=\"0.005\",transaction=\"ITI-44\"} 2",
            "nayose_request_seconds_count{transaction=\"ITI-44\"} 2",
            "nayose_decisions_total{outcome=\"match\"} 1",
            "nayose_candidates_sum 3.0",
            "nayose_links_total{origin=\"automatic\"} 1",
            "nayose_unlinked_total 1",
            "nayose_commit_seconds_count 1",
            "nayose_commit_works_sum 8.0",
            "nayose_connections 1",
            concat!("nayose_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in:\n{text}");
        }
        assert!(!text.contains("request_seconds_count{transaction=\"none\"}"), "what was not timed has no duration");
        drop(held);
        assert!(metrics.render().contains("nayose_connections 0\n"));
        assert!(text.ends_with("# EOF\n"));
    }
}
