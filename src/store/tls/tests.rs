//! Against a PostgreSQL of its own that speaks TLS with the certificate of the listeners' tests, of `localhost`.

use super::*;
use crate::clock::Clock;
use crate::store::{Store, testing};
use std::path::PathBuf;

fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/transport/fixtures").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_the_url_says_of_tls() {
    let check = |options: &str, mode: SslMode, expect: Check, roots: Option<&str>| {
        let target = Target::parse(&format!("postgres://u@db/n{options}")).unwrap();
        assert_eq!((target.config.get_ssl_mode(), target.check, target.roots.as_deref()), (mode, expect, roots));
        assert_eq!(target.config.get_dbname(), Some("n"), "{options}");
    };
    check("", SslMode::Prefer, Check::Nothing, None);
    check("?sslmode=disable", SslMode::Disable, Check::Nothing, None);
    check("?sslmode=prefer&connect_timeout=3", SslMode::Prefer, Check::Nothing, None);
    check("?sslmode=require", SslMode::Require, Check::Nothing, None);
    check("?sslmode=require&sslrootcert=/a%20b/ca.pem", SslMode::Require, Check::Authority, Some("/a b/ca.pem"));
    check("?sslmode=verify-ca", SslMode::Require, Check::Authority, None);
    check("?sslrootcert=ca.pem&sslmode=verify-full", SslMode::Require, Check::Full, Some("ca.pem"));
    check("?sslmode=verify-full&sslrootcert=system", SslMode::Require, Check::Full, None);
    let socket = Target::parse("postgres://u@%2Frun%2Fpostgresql/n?sslmode=verify-full").unwrap();
    assert_eq!(socket.config.get_ssl_mode(), SslMode::Disable, "a socket of this machine");
    let refused = Target::parse("postgres://u:hidden@db/n?sslmode=maybe").err().unwrap().to_string();
    assert!(refused.contains("verify-full") && !refused.contains("hidden"), "{refused}");
    let refused = Target::parse("postgres://u:hidden@db/n?nonsense=hidden").err().unwrap().to_string();
    assert!(refused.contains("cannot be read") && !refused.contains("hidden"), "{refused}");
}

#[test]
fn percent_signs_are_decoded() {
    for (written, meant) in [("a", "a"), ("%41b", "Ab"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%e5%b1%b1", "山")]
    {
        assert_eq!(decoded(written), meant);
    }
}

/// Opens a store and works with it, or says why not.
fn open(url: &str) -> Result<(), String> {
    let store = Store::open(url, &Clock::system()).map_err(|error| error.to_string())?;
    store.counts().map(drop).map_err(|error| error.to_string())
}

#[test]
fn tls_is_spoken_as_strictly_as_the_url_asks() {
    let Some(server) = testing::tls_cluster(&fixture("server.pem"), &fixture("server.key")) else { return };
    let (authority, stranger) = (fixture("authority.pem"), fixture("client.pem"));
    let named = server.replace("127.0.0.1", "localhost");
    let check = |url: &str, options: &str, expect: Result<(), &str>| match (open(&format!("{url}?{options}")), expect) {
        (Ok(()), Ok(())) => {}
        (Err(error), Err(reason)) => assert!(error.contains(reason), "{options}: {error}"),
        (found, expect) => panic!("{options}: {found:?}, not {expect:?}"),
    };
    check(&named, &format!("sslmode=verify-full&sslrootcert={authority}"), Ok(()));
    check(&named, &format!("sslmode=verify-full&sslrootcert={stranger}"), Err("not signed by an authority"));
    check(&named, "sslmode=verify-full", Err("not signed by an authority"));
    check(&named, "sslmode=verify-full&sslrootcert=/none.pem", Err("/none.pem holds no certificate"));
    check(&server, &format!("sslmode=verify-full&sslrootcert={authority}"), Err("of another host"));
    check(&server, &format!("sslmode=verify-ca&sslrootcert={authority}"), Ok(()));
    check(&server, &format!("sslmode=verify-ca&sslrootcert={stranger}"), Err("not signed by an authority"));
    check(&server, &format!("sslmode=require&sslrootcert={stranger}"), Err("not signed by an authority"));
    check(&server, "sslmode=require", Ok(()));
    // This server's rules turn away whoever comes without TLS.
    check(&server, "sslmode=prefer", Ok(()));
    check(&server, "sslmode=disable", Err("no encryption"));
}

#[test]
fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    let Some(place) = testing::Place::postgres() else { return };
    let refused = open(&format!("{}?sslmode=require", place.url)).unwrap_err();
    assert!(refused.contains("TLS"), "{refused}");
    assert_eq!(open(&format!("{}?sslmode=prefer", place.url)), Ok(()));
}
