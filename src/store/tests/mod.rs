//! Every claim of the store, on every database that this machine has.

mod directory;
mod durability;
mod filed;
mod locks;
mod migrations;
mod resident;
mod schema_agreement;
mod search;
mod tables;

use super::testing::Place;
use super::{LinkRow, SourceRecordRow, Store, StoreError, Transaction};
use crate::clock::Clock;
use crate::identity::RecordId;

fn clock() -> Clock {
    Clock::system()
}

/// Runs `test` on a new store of each kind.
fn each(test: impl Fn(&Store, &Place)) {
    for place in Place::each() {
        let store = place.open(&clock()).unwrap();
        test(&store, &place);
    }
}

fn write<T: Send + 'static>(
    store: &Store,
    work: impl FnMut(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write(Vec::new(), work).unwrap()
}

fn read<T>(store: &Store, work: impl FnOnce(&mut Transaction<'_>) -> Result<T, StoreError>) -> T {
    store.read(work).unwrap()
}

fn record(id: i64, value: &str) -> SourceRecordRow {
    SourceRecordRow {
        id,
        identifier_key: 7,
        domain_key: "h01".to_owned(),
        value: value.to_owned(),
        generation: 1,
        status: "active".to_owned(),
        survivor: None,
        version: 1,
        created: 5,
    }
}

fn link(id: i64, record: i64, person: i64, from: i64) -> LinkRow {
    LinkRow {
        id,
        record_id: record,
        person_id: person,
        origin: "automatic".to_owned(),
        actor: "matcher".to_owned(),
        weight: 12.5,
        model: "japan-1".to_owned(),
        reason: "match".to_owned(),
        valid_from: from,
        valid_to: None,
    }
}

fn ids(numbers: &[i64]) -> Vec<RecordId> {
    numbers.iter().copied().map(RecordId).collect()
}
