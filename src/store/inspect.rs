//! A look at a store from outside, also while a server has it open: for `doctor`.
//!
//! It must never write: no table is made, no step of a migration taken, no lane leased.

use super::connection::{Connection, postgres, sqlite_reader};
use super::{StoreError, Transaction, migrations};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Up to so many bytes the pages of a file are looked through: some seconds. `verify` looks through any.
const LOOKED_THROUGH: u64 = 1 << 30;

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Steps of migrations that the next start will take.
    pub steps_missing: usize,
    /// Who holds the file, where it is one that is held.
    pub holder: Option<String>,
    /// What time it is to the database server, where there is one.
    pub database_time: Option<i64>,
    /// When the oldest open question for a steward was opened.
    pub oldest_review: Option<i64>,
    /// Open questions for stewards.
    pub reviews: i64,
    /// When the oldest change happened of which a subscriber was not told, and who that is.
    pub oldest_untold: Option<(i64, String)>,
    /// Changes that a subscriber would not take.
    pub dead_letters: i64,
}

/// Looks at the store at `url`. One that no server has ever opened has every step missing.
pub fn inspect(url: &str) -> Result<Inspection, StoreError> {
    let mut seen = Inspection::default();
    let mut connection = match url.strip_prefix("sqlite:") {
        Some(path) if !Path::new(path).exists() => {
            return Err(StoreError::Unavailable("its file is not there yet".to_owned()));
        }
        Some(path) => {
            seen.holder = holder(path);
            let mut connection = sqlite_reader(path)?;
            let is_small = std::fs::metadata(path).is_ok_and(|file| file.len() <= LOOKED_THROUGH);
            if is_small && !Transaction::new(&mut connection, None).is_whole()? {
                return Err(StoreError::Damaged);
            }
            connection
        }
        None => postgres(url)?,
    };
    seen.steps_missing = migrations::missing(&mut connection)?;
    look(&mut connection, &mut seen)?;
    Ok(seen)
}

fn look(connection: &mut Connection, seen: &mut Inspection) -> Result<(), StoreError> {
    let mut tx = Transaction::new(connection, None);
    seen.database_time = tx.database_time()?;
    if seen.steps_missing > 0 {
        return Ok(());
    }
    seen.reviews = tx.reviews_open()?;
    seen.oldest_review = tx.reviews("open", 1)?.first().map(|review| review.opened);
    seen.dead_letters = tx.dead_letters_count()?;
    for subscriber in tx.subscribers()?.into_iter().filter(|subscriber| subscriber.state == "on") {
        let oldest = tx.outbox_after(subscriber.delivered, 1)?.first().map(|row| row.time);
        let known = seen.oldest_untold.as_ref().map_or(i64::MAX, |(time, _)| *time);
        if let Some(time) = oldest.filter(|time| *time < known) {
            seen.oldest_untold = Some((time, subscriber.name));
        }
    }
    Ok(())
}

/// Who holds the lock beside the file at `path`.
fn holder(path: &str) -> Option<String> {
    let mut file = File::open(format!("{path}-lock")).ok()?;
    match file.try_lock_shared() {
        // It is given back when the file is closed, at once.
        Ok(()) => None,
        Err(_) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).ok()?;
            Some(holder.trim().to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::store::testing::Place;

    #[test]
    fn a_store_is_looked_at_while_it_is_open_and_left_as_it_is() {
        for place in Place::each() {
            let file = place.url.strip_prefix("sqlite:").map(str::to_owned);
            match &file {
                Some(path) => {
                    assert!(inspect(&place.url).is_err());
                    assert!(!Path::new(path).exists(), "looking makes no file");
                }
                None => assert!(inspect(&place.url).unwrap().steps_missing > 0),
            }
            let store = place.open(&Clock::system()).unwrap();
            store.write(Vec::new(), |tx| tx.subscriber_on("viewer", "", "consumer")).unwrap();
            let seen = inspect(&place.url).unwrap();
            assert_eq!((seen.steps_missing, seen.reviews, seen.dead_letters), (0, 0, 0));
            assert_eq!(seen.holder.is_some(), file.is_some(), "{seen:?}");
            assert_eq!(seen.database_time.is_some(), file.is_none());
            drop(store);
            assert_eq!(inspect(&place.url).unwrap().holder, None);
        }
    }

    #[test]
    fn a_page_that_is_gone_is_noticed_wherever_it_is() {
        use std::os::unix::fs::FileExt as _;
        let place = Place::sqlite().unwrap();
        drop(place.open(&Clock::system()).unwrap());
        let path = place.url.strip_prefix("sqlite:").unwrap();
        let whole = std::fs::read(path).unwrap();
        assert!(inspect(&place.url).is_ok());
        for page in 0..whole.len() / 4096 {
            std::fs::write(path, &whole).unwrap();
            let file = File::options().write(true).open(path).unwrap();
            file.write_all_at(&[0; 4096], u64::try_from(page).unwrap() * 4096).unwrap();
            let seen = inspect(&place.url);
            assert!(matches!(seen, Err(StoreError::Damaged)), "page {page}: {seen:?}");
        }
    }

    #[test]
    fn a_newer_store_is_told() {
        for place in Place::each() {
            drop(place.open(&Clock::system()).unwrap());
            let mut connection = match place.url.strip_prefix("sqlite:") {
                Some(path) => crate::store::connection::sqlite_writer(path).unwrap(),
                None => postgres(&place.url).unwrap(),
            };
            connection.batch("DELETE FROM __diesel_schema_migrations WHERE version = '0003'").unwrap();
            assert_eq!(inspect(&place.url).unwrap().steps_missing, 1);
            connection.batch("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')").unwrap();
            assert!(matches!(inspect(&place.url), Err(StoreError::TooNew)));
        }
    }
}
