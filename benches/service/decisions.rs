//! One decision of the matcher against all that the store holds.

use crate::figures::Figures;
use crate::scene::Scene;
use std::time::{Duration, Instant};

/// Decides about `count` records that the store has not seen, one after the other: normalised, looked up under their
/// keys, compared and judged, as a feed of each would be, but for what is written.
pub fn measure(scene: &Scene, count: usize) {
    let registry = scene.registry();
    let people = scene.strangers(count, 0);
    // What is read for the first time is read from the disk: some that do not count.
    for one in people.iter().take(count / 4) {
        registry.consider(&one.demographics).unwrap();
    }
    let (begun, mut matched) = (Instant::now(), 0);
    let mut each: Vec<Duration> = Vec::with_capacity(count);
    for one in &people {
        let begun = Instant::now();
        let verdict = registry.consider(&one.demographics).unwrap();
        each.push(begun.elapsed());
        matched += usize::from(matches!(verdict.outcome, nayose::matching::Outcome::Match { .. }));
    }
    let figures = Figures::new(each, begun.elapsed(), Duration::ZERO);
    println!("decisions: {count} of people whom the store has not seen, {matched} were matched to somebody");
    let [half, most, all] = [0.5, 0.99, 1.0].map(|part| figures.percentile(part));
    println!("  {:.0} a second, p50 {half:.3} ms, p99 {most:.3} ms, slowest {all:.3} ms", figures.rate());
}
