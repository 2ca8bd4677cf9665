//! Until when certificates are valid. Reads the validity alone, of DER as X.509 has it (RFC 5280, 4.1).

use super::{Check, DAY, bad, good, look};
use crate::config::Configuration;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;

/// A certificate that ends sooner must be renewed.
const SOON: i64 = 30 * DAY;

/// Every certificate that the configuration names.
pub(super) fn all(settings: &Configuration, now: i64) -> Vec<Check> {
    let Some(tls) = &settings.server.tls else { return Vec::new() };
    let files = [("server's", Some(&tls.certificate)), ("clients' authority's", tls.client_ca.as_ref())];
    files.into_iter().filter_map(|(whose, file)| Some(of_file(whose, file?, now))).collect()
}

/// The one of a file that ends first.
fn of_file(whose: &str, file: &Path, now: i64) -> Check {
    let shown = file.display();
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let periods: Option<Vec<_>> =
        read.ok().and_then(|all| all.iter().map(|certificate| validity(certificate.as_ref())).collect());
    match periods.unwrap_or_default().into_iter().min_by_key(|(_, until)| *until) {
        None => bad("certificates", format!("{shown} holds no certificate that can be read"), "a PEM file"),
        Some(period) => judge(&format!("the {whose} certificate {shown}"), period, now),
    }
}

fn judge(what: &str, (from, until): (i64, i64), now: i64) -> Check {
    const ABOUT: &str = "certificates";
    const RENEW: &str = "renew it and start the server again";
    if now >= until {
        return bad(ABOUT, format!("{what} has ended {} days ago", (now - until) / DAY), RENEW);
    }
    if now < from {
        return bad(ABOUT, format!("{what} is not valid yet"), "look at the clock of this machine");
    }
    let says = format!("{what} is valid for {} days", (until - now) / DAY);
    if until - now < SOON { look(ABOUT, says, RENEW) } else { good(ABOUT, says) }
}

/// From when and until when a certificate is valid, in microseconds since 1970.
fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, whole, _) = value(certificate)?;
    let (_, mut rest, _) = value(whole)?;
    if rest.first() == Some(&VERSION) {
        rest = value(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = value(rest)?.2;
    }
    let (tag, period, _) = value(rest)?;
    let (first, from, rest) = value(period)?;
    let (second, until, _) = value(rest)?;
    (tag == SEQUENCE).then_some(())?;
    Some((time(first, from)?, time(second, until)?))
}

/// Tag, content and what comes after, of one value in DER.
fn value(from: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], rest) = from.split_first_chunk::<2>()?;
    let (length, rest) = if short < 0x80 {
        (usize::from(short), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
        let add = |length: usize, byte: &u8| length.checked_mul(256)?.checked_add(usize::from(*byte));
        (bytes.iter().try_fold(0, add)?, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// UTCTime or GeneralizedTime.
fn time(tag: u8, text: &[u8]) -> Option<i64> {
    const UTC: u8 = 0x17;
    let text = std::str::from_utf8(text).ok()?;
    let full = match tag {
        // RFC 5280, 4.1.2.5.1: two digits are a year from 1950 to 2049.
        UTC if text.get(..2)? >= "50" => format!("19{text}"),
        UTC => format!("20{text}"),
        _ => text.to_owned(),
    };
    let parsed = jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", full).ok()?;
    Some(parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn the_validity_of_a_certificate_is_read() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/transport/fixtures/server.pem");
        let certificate = CertificateDer::from_pem_file(&file).unwrap();
        let (from, until) = validity(certificate.as_ref()).unwrap();
        let check = |now: i64, expect: State| assert_eq!(of_file("server's", &file, now).state, expect, "{now}");
        check(from - 1, State::Bad);
        check(from, State::Good);
        check(until - SOON + 1, State::Look);
        check(until, State::Bad);
        assert!(until - from > 300 * DAY, "{from} {until}");
        for cut in 0..certificate.len() {
            // It is read or it is not: nothing breaks.
            let _ = validity(certificate.get(..cut).unwrap());
        }
        assert_eq!(of_file("server's", Path::new("no/such.pem"), 0).state, State::Bad);
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let check = |tag, text: &str, expect: Option<i64>| assert_eq!(time(tag, text.as_bytes()), expect, "{text}");
        check(0x17, "700101000001Z", Some(1_000_000));
        check(0x18, "19700102000000Z", Some(DAY));
        check(0x17, "491231235959Z", Some(2_524_607_999_000_000));
        check(0x18, "20501301000000Z", None);
        check(0x17, "", None);
    }
}
