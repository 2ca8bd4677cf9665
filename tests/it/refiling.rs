//! What an earlier version has filed is filed anew beside feeds, in steps that may be broken off.

use crate::people::{said, seed};
use crate::support::*;
use nayose::clock::Clock;
use nayose::matching::ComparisonRecord;
use nayose::registry::{Refiled, Registry};
use nayose::store::{Store, StoreError, Transaction};

/// Files every second record under half of its keys and no token, as if another version had, and says so.
fn file_as_before(store: &Store) -> usize {
    store
        .write(Vec::new(), |tx: &mut Transaction<'_>| -> Result<usize, StoreError> {
            let all = tx.filed_after(nayose::identity::RecordId(i64::MIN), 1_000)?;
            for filed in all.iter().step_by(2) {
                let said = ComparisonRecord::of(&filed.demographics);
                let keys = said.blocking_keys();
                tx.filing_replace(filed.record, &keys[..keys.len() / 2], &[], &said.encode())?;
            }
            tx.setting_put("filing.version", "1")?;
            Ok(all.len().div_ceil(2))
        })
        .unwrap()
}

fn misfiled(registry: &Registry) -> i64 {
    let findings = registry.verify().unwrap();
    assert_eq!(findings.iter().filter(|finding| finding.broken > 0 && !finding.rule.contains("filed")).count(), 0);
    findings.iter().filter(|finding| finding.rule.contains("filed under what it says")).map(|found| found.broken).sum()
}

#[test]
fn records_of_an_earlier_version_are_filed_anew_beside_feeds() {
    let seed = seed();
    for place in places() {
        let store = place.open(&Clock::system()).unwrap();
        let registry = registry(&store, settings());
        for number in 0..12 {
            feed(&registry, "h01", &number.to_string(), &said(seed, number, 0));
            feed(&registry, "h02", &number.to_string(), &said(seed, number, 1));
        }
        assert_eq!(registry.refile_some(100).unwrap(), Refiled { records: 0, more: false }, "all is of this version");
        assert_eq!(misfiled(&registry), 0, "seed {seed}");
        let spoilt = file_as_before(&store);
        assert_eq!(misfiled(&registry), 0, "nobody has promised anything of them yet");
        let (mut refiled, mut steps) = (0, 0);
        loop {
            let step = registry.refile_some(5).unwrap();
            refiled += step.records;
            if !step.more {
                break;
            }
            steps += 1;
            assert_eq!(misfiled(&registry), 0, "seed {seed}: what is done is right, {steps} steps");
            assert!(steps < 100, "seed {seed}: feeds alone do not keep it going");
            // A feed comes in between, and a new one of a record that was not reached yet.
            feed(&registry, "c01", &steps.to_string(), &said(seed, steps, 2));
        }
        assert!(steps > 3, "seed {seed}: {steps} steps");
        assert_eq!(refiled, spoilt, "seed {seed}: those that were not filed so, each once");
        assert_eq!(misfiled(&registry), 0, "seed {seed}");
        // From here on it is promised of all.
        file_as_before(&store);
        store
            .write(Vec::new(), |tx: &mut Transaction<'_>| -> Result<(), StoreError> {
                tx.setting_put("filing.version", &nayose::matching::FILING_VERSION.to_string())
            })
            .unwrap();
        assert!(misfiled(&registry) > 0, "seed {seed}: a record that is filed wrongly is noticed again");
    }
}
