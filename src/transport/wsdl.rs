//! The service descriptions, served at `?wsdl` with the address under which they were asked for.
//!
//! A host name that is not plainly one must never reach the text.

use crate::transactions::Endpoint;

const PIX: &str = include_str!("../../schemas/pix.wsdl");
const PDQ: &str = include_str!("../../schemas/pdq.wsdl");

/// The description of `endpoint` at `scheme://host/path`; a doubtful `host` becomes `localhost`.
pub(super) fn description(endpoint: &Endpoint, scheme: &str, host: Option<&str>) -> String {
    let (text, path) = match endpoint {
        Endpoint::Pix => (PIX, "pix"),
        Endpoint::Pdq => (PDQ, "pdq"),
    };
    let host = host.filter(|host| plausible(host)).unwrap_or("localhost");
    text.replace("{address}", &format!("{scheme}://{host}/{path}"))
}

fn plausible(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_one_asked_for() {
        let check = |host: Option<&str>, expect: &str| {
            let text = description(&Endpoint::Pix, "https", host);
            assert!(text.contains(&format!("location=\"{expect}\"")), "{host:?}");
            assert!(!text.contains("{address}"));
        };
        check(Some("mpi.example:8443"), "https://mpi.example:8443/pix");
        check(Some("[::1]:8080"), "https://[::1]:8080/pix");
        check(Some("x\"/><evil"), "https://localhost/pix");
        check(None, "https://localhost/pix");
    }

    #[test]
    fn every_action_of_the_endpoint_is_described() {
        let check = |endpoint, actions: &[&str]| {
            let text = description(&endpoint, "http", None);
            crate::xml::read(text.as_bytes(), None, &crate::xml::Limits::default()).unwrap();
            for action in actions {
                assert!(text.contains(&format!("wsam:Action=\"urn:hl7-org:v3:{action}\"")), "{action}");
            }
        };
        check(
            Endpoint::Pix,
            &["PRPA_IN201301UV02", "PRPA_IN201302UV02", "PRPA_IN201304UV02", "PRPA_IN201309UV02", "PRPA_IN201310UV02"],
        );
        check(
            Endpoint::Pdq,
            &["PRPA_IN201305UV02", "QUQI_IN000003UV01_Continue", "QUQI_IN000003UV01_Cancel", "PRPA_IN201306UV02"],
        );
    }
}
