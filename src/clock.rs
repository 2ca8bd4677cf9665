//! What time it is, and what a fresh identifier looks like: the only place that asks the machine.
//!
//! Everything else takes a [`Clock`], so that a test can hold both still. It must never be bypassed; the
//! lint table bans the functions it wraps.

use std::sync::Arc;
use uuid::Uuid;

/// A source of time and identifiers, shared by all parts of one server.
#[derive(Clone)]
pub struct Clock(Arc<dyn Source>);

/// What a clock is made of.
trait Source: Send + Sync {
    fn micros(&self) -> i64;
    fn uuid(&self) -> Uuid;
}

impl Clock {
    /// The machine's clock and random source.
    pub fn system() -> Self {
        Self(Arc::new(System))
    }

    /// A clock that starts at `micros` and moves by one microsecond at each question; identifiers count up.
    pub fn fixed(micros: i64) -> Self {
        Self(Arc::new(Fixed(std::sync::atomic::AtomicI64::new(micros))))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(&self) -> i64 {
        self.0.micros()
    }

    /// A fresh random identifier (version 4).
    pub fn uuid(&self) -> Uuid {
        self.0.uuid()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// `micros` as an HL7 time stamp with zone, `20261124103000+0900`, in the time zone `zone` (IANA name).
/// An unknown zone gives UTC.
pub fn hl7_timestamp(micros: i64, zone: &str) -> String {
    let timestamp = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    timestamp.to_zoned(zone).strftime("%Y%m%d%H%M%S%z").to_string()
}

struct System;

impl Source for System {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn micros(&self) -> i64 {
        jiff::Timestamp::now().as_microsecond()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that draws identifiers")]
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

struct Fixed(std::sync::atomic::AtomicI64);

impl Source for Fixed {
    fn micros(&self) -> i64 {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    fn uuid(&self) -> Uuid {
        let counted = self.micros();
        Uuid::from_u128(u128::try_from(counted).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_stamp_carries_its_zone() {
        assert_eq!(hl7_timestamp(0, "Asia/Tokyo"), "19700101090000+0900");
        assert_eq!(hl7_timestamp(0, "Nowhere/Land"), "19700101000000+0000");
    }
}
