//! Configurations, right and wrong, and what is said about them.

use super::*;
use crate::access::{Permission, Principal};
use std::net::SocketAddr;

const EXAMPLE: &str = include_str!("../../schemas/nayose.example.toml");

/// A domain and a system to refer to, on the first two lines.
const REGION: &str = "domain = [{ id = \"h01\", oid = \"2.999.1.11\", namespace = \"H01\" }]\n\
                      system = [{ id = \"emr\", device = \"2.999.1.11.1\" }]\n";

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Configuration, Vec<Mistake>> {
    Configuration::read(text, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn right(text: &str, variables: &[(&str, &str)]) -> Configuration {
    read(text, variables).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes:#?}"))
}

/// `expect`: `LINE KEY: WHAT; RIGHT` for each mistake, where WHAT and RIGHT may be beginnings; `-` for no line.
fn check(text: &str, expect: &[&str]) {
    check_with(text, &[], expect);
}

fn check_with(text: &str, variables: &[(&str, &str)], expect: &[&str]) {
    let mistakes = read(text, variables).expect_err(text);
    let said: Vec<String> = mistakes
        .iter()
        .map(|mistake| {
            let line = mistake.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
            format!("{line} {}: {}; {}", mistake.key, mistake.what, mistake.right)
        })
        .collect();
    assert_eq!(said.len(), expect.len(), "{text}\n{said:#?}");
    for (said, expect) in said.iter().zip(expect) {
        let (what, right) = expect.split_once("; ").unwrap_or((expect, ""));
        assert!(said.starts_with(what) && said.contains(right), "{text}\nsaid   {said}\nexpect {expect}");
    }
}

/// As [`check`], below [`REGION`]; lines are counted from 1 after it.
fn check_region(text: &str, expect: &[&str]) {
    let text = format!("{REGION}{text}");
    let shifted: Vec<String> = expect
        .iter()
        .map(|expect| {
            let (line, rest) = expect.split_once(' ').expect("a line");
            format!("{} {rest}", line.parse::<u32>().expect("a number") + 2)
        })
        .collect();
    check(&text, &shifted.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn nothing_configured_is_a_trial_on_loopback() {
    let configuration = right("", &[]);
    assert_eq!(configuration, Configuration::default());
    assert_eq!(configuration.server.http, Some(SocketAddr::from(([127, 0, 0, 1], 8080))));
    assert_eq!(configuration.server.admin, Some(SocketAddr::from(([127, 0, 0, 1], 9464))));
    assert_eq!(configuration.network.device.as_str(), "2.999.1.0");
    assert_eq!(configuration.regional_authority().oid.as_str(), "2.999.1");
    assert_eq!(configuration.policy(), Policy::Open);
    assert_eq!(configuration.pdq.limit, 200);
}

#[test]
fn server_mistakes() {
    check("[server]\nhttp = \"nowhere\"", &["2 server.http: \"nowhere\" is not understood; \"ADDRESS:PORT\""]);
    check(
        "[server]\nhttp = \"127.0.0.1:99999\"",
        &["2 server.http: \"127.0.0.1:99999\" is not understood; or \"off\""],
    );
    check("[server]\nhttp = 8080", &["2 server.http: an integer where it does not belong; a text in quotes"]);
    check("[server]\n\nhtp = \"127.0.0.1:1\"", &["3 server.htp: unknown key; did you mean server.http?"]);
    check(
        "[server]\nallow_plain = \"yes\"",
        &["2 server.allow_plain: a string where it does not belong; true or false"],
    );
    check("[server]\nlenient = 1", &["2 server.lenient: an integer where it does not belong; true or false"]);
    check(
        "[server]\nfault_status = \"404\"",
        &["2 server.fault_status: \"404\" is not understood; \"400\" or \"500\""],
    );
    check("[server]\nlog = \"xml\"", &["2 server.log: \"xml\" is not understood; \"text\" or \"json\""]);
    check("[server]\nlog_level = \"loud\"", &["2 server.log_level: \"loud\" is not understood; \"error\", \"warn\""]);
    check("[server]\naddress_file = \" \"", &["2 server.address_file: empty; the path of a file"]);
    check("server = 1", &["1 server: an integer where it does not belong; a table"]);
    check("[server]\nhttps = \"127.0.0.1:8443\"", &["1 server.https: there is no certificate for it; [server.tls]"]);
    check(
        "[server]\nhttps = \"127.0.0.1:1\"\n[server.tls]\nkey = \"k\"",
        &["3 server.tls.certificate: missing; the path of a PEM file"],
    );
}

#[test]
fn listeners_beyond_loopback() {
    let registered = "[access]\nmode = \"registered\"\n";
    check(
        &format!("{registered}[server]\nhttp = \"0.0.0.0:8080\""),
        &["4 server.http: 0.0.0.0:8080 can be reached from beyond this machine without TLS; allow_plain = true"],
    );
    check(
        &format!("{registered}[server]\nmllp = \":2575\""),
        &["4 server.mllp: 0.0.0.0:2575 can be reached; loopback"],
    );
    check(&format!("{registered}[server]\nadmin = \"[::]:1\""), &["4 server.admin: [::]:1 can be reached; loopback"]);
    check(
        "[server]\nhttp = \"10.0.0.1:8080\"\nallow_plain = true",
        &[
            "2 access.mode: anybody who reaches server.http = \"10.0.0.1:8080\" could feed and ask; mode = \"registered\"",
        ],
    );
    check(
        "[server]\nhttps = \":8443\"\n[server.tls]\ncertificate = \"c\"\nkey = \"k\"\n[access]\nmode = \"open\"",
        &["7 access.mode: anybody who reaches server.https = \"0.0.0.0:8443\" could feed and ask; loopback only"],
    );
    right(&format!("{registered}[server]\nhttp = \"0.0.0.0:8080\"\nallow_plain = true"), &[]);
    assert_eq!(right("[server]\nhttp = \"off\"", &[]).server.http, None);
    assert_eq!(right("[server]\nhttp = \"localhost:0\"", &[]).server.http, Some(SocketAddr::from(([127, 0, 0, 1], 0))));
}

#[test]
fn store_and_network_mistakes() {
    check(
        "[store]\nurl = \"mysql://u:secret@h/d\"",
        &["2 store.url: this address names no store that is known; \"sqlite:FILE\""],
    );
    check(
        "[store]\nurl = \"postgres://u:hidden@db/n?sslmode=on\"",
        &["2 store.url: this address or one of its options"],
    );
    check("[store]\nanswers_in_memory = \"all\"", &["2 store.answers_in_memory: "]);
    check("[store]\nrecords_in_memory = -1", &["2 store.records_in_memory: "]);
    check("[store]\njournal_days = 7", &["1 store.journal_days: repeats are known for 30 days; 0 (for ever), or 30"]);
    check("[store]\nurl = \"sqlite:\"", &["2 store.url: this address names no store; postgres"]);
    check("[network]\nname = \"\"", &["2 network.name: empty; the network's name"]);
    check(
        "[network]\ndevice = \"snd_app3\"",
        &["2 network.device: \"snd_app3\" is not understood; an ISO object identifier"],
    );
    check(
        "[network]\nregional = { oid = \"9.1\", namespace = \"A\" }",
        &["2 network.regional.oid: \"9.1\" is not; ISO"],
    );
    check("[network]\nregional = { oid = \"2.1\" }", &["2 network.regional.namespace: missing; letters"]);
    check("[network]\nregional = \"2.999.1\"", &["2 network.regional: a string where it does not belong; a table"]);
    check(
        "[network]\nlinking = \"auto\"",
        &["2 network.linking: \"auto\" is not understood; \"automatic\" or \"propose\""],
    );
    check(
        "[network]\ntime_zone = \"Asia/Toky\"",
        &["2 network.time_zone: \"Asia/Toky\" is not understood; Asia/Tokyo"],
    );
    check(
        "[network]\nforeign_identifiers = \"keep\"",
        &["2 network.foreign_identifiers: \"keep\"; \"hint\" or \"refuse\""],
    );
    check("[network]\noverlay = \"ignore\"", &["2 network.overlay: \"ignore\"; \"relink\" or \"quarantine\""]);
    check(
        "[network]\nprocessing_codes = [\"P\",\n\"X\"]",
        &["3 network.processing_codes: \"X\"; \"P\", \"T\" or \"D\""],
    );
    check("[network]\nprocessing_codes = \"P\"", &["2 network.processing_codes: a string; a list of texts"]);
    check("[network]\nprocessing_codes = []", &["1 network.processing_codes: nothing would be served; at least one"]);
    check(
        "[network]\nprocessing_codes = [\"P\", \"P\"]",
        &["2 network.processing_codes: \"P\" is already used on line 2"],
    );
    check("[network.regional_id]\nlength = 3", &["2 network.regional_id.length: 3 is out of range; from 6 to 18"]);
    check("[network.regional_id]\nalgorithm = \"luhn\"", &["2 network.regional_id.algorithm: \"luhn\"; \"mod11_10\""]);
    check("[network.regional_id]\nissue = \"never\"", &["2 network.regional_id.issue: \"never\"; \"on_registration\""]);
    check("[network.regional_id]\nprefix = \"a^b\"", &["2 network.regional_id.prefix: \"a^b\"; at most 8 letters"]);
    check(
        "[network.regional_id]\nlenght = 8",
        &["2 network.regional_id.lenght: unknown key; network.regional_id.length?"],
    );
}

#[test]
fn other_single_tables() {
    check("[access]\nmode = \"closed\"", &["2 access.mode: \"closed\" is not understood; \"open\" or \"registered\""]);
    check("[audit]\nwait = 1", &["2 audit.wait: an integer where it does not belong; true or false"]);
    check("[matching]\nmodel = \"japanes\"", &["2 matching.model: \"japanes\"; path of a model file"]);
    check("[matching]\nshadow = \"wester\"", &["2 matching.shadow: \"wester\"; path of a model file"]);
    check("[matching]\ninsurance = \"on\"", &["2 matching.insurance: \"on\"; \"off\" or \"keyed_hash\""]);
    check("[pdq]\nnames = \"fuzzy\"", &["2 pdq.names: \"fuzzy\"; \"similar\", \"prefix\" or \"exact\""]);
    check("[pdq]\nlimit = 0", &["2 pdq.limit: 0 is out of range; a whole number from 1 to 10000"]);
    check("[pdq]\nkeep_seconds = 0", &["2 pdq.keep_seconds: 0 is out of range; a whole number from 1 to 86400"]);
    check("[pdq]\nlimit = 10001", &["2 pdq.limit: 10001 is out of range; 10000"]);
    check("[pdq]\nlimit = -1", &["2 pdq.limit: -1 is out of range; 10000"]);
    check("[pdq]\nlimit = \"many\"", &["2 pdq.limit: a string; a whole number"]);
    check("[sever]\nhttp = \"127.0.0.1:1\"", &["1 sever: unknown key; did you mean server?"]);
    check("zzzzzz = 1", &["1 zzzzzz: unknown key; \"server\", \"network\""]);
    check("[pdq]\nlimit = ", &["2 : ; TOML 1.0"]);
    check("[pdq]\nlimit = 1\nlimit = 2", &["3 : ; TOML 1.0"]);
    let model = right("[matching]\nmodel = \"models/own.toml\"", &[]).matching.model;
    assert_eq!(model, Model::File("models/own.toml".into()));
    let shadow = right("[matching]\nshadow = \"western\"", &[]).matching.shadow;
    assert_eq!(shadow, Some(Model::Western));
}

#[test]
fn domain_mistakes() {
    let domain = |id: &str, oid: &str, namespace: &str| {
        format!("[[domain]]\nid = \"{id}\"\noid = \"{oid}\"\nnamespace = \"{namespace}\"\n")
    };
    let first = domain("h01", "2.999.1.11", "H01");
    check("[[domain]]\noid = \"2.999.5\"\nnamespace = \"N\"", &["1 domain.id: missing; a short key"]);
    check("[[domain]]\nid = \"a\"\nnamespace = \"N\"", &["1 domain.oid: missing; an ISO object identifier"]);
    check("[[domain]]\nid = \"a\"\noid = \"2.999.5\"", &["1 domain.namespace: missing; letters"]);
    check(&domain("a b", "2.999.5", "N"), &["2 domain.id: \"a b\" is not understood; a short key"]);
    check(&domain("*", "2.999.5", "N"), &["2 domain.id: \"*\" is not understood; a short key"]);
    check(
        &domain("regional", "2.999.5", "N"),
        &["2 domain.id: \"regional\" is the network's own authority; another id"],
    );
    check(&domain("a", "2.999.05", "N"), &["3 domain.oid: \"2.999.05\" is not understood; ISO"]);
    check(&domain("a", "2.999.5", "N^1"), &["4 domain.namespace: \"N^1\" is not understood; without blanks"]);
    check(
        &format!("{first}{}", domain("h01", "2.999.5", "N")),
        &["6 domain.id: \"h01\" is already used on line 2; an id of its own"],
    );
    check(
        &format!("{first}{}", domain("a", "2.999.1.11", "N")),
        &["7 domain.oid: \"2.999.1.11\" is already used on line 3"],
    );
    check(
        &format!("{first}{}", domain("a", "2.999.5", "H01")),
        &["8 domain.namespace: \"H01\" is already used on line 4"],
    );
    check(&domain("a", "2.999.1", "N"), &["3 domain.oid: \"2.999.1\" is already used by a default"]);
    check(
        &format!("{}[network]\nregional = {{ oid = \"2.999.7\", namespace = \"R\" }}", domain("a", "2.999.7", "N")),
        &["3 domain.oid: \"2.999.7\" is already used on line 6; an OID of its own"],
    );
    check(&format!("{first}facilty = \"F\""), &["5 domain.facilty: unknown key; did you mean domain.facility?"]);
    check(
        &format!("{first}one_identifier_per_person = \"no\""),
        &["5 domain.one_identifier_per_person: a string; true"],
    );
    check("[domain]\nid = \"h01\"", &["1 domain: a table where it does not belong; a list of tables"]);
}

#[test]
fn system_and_subscriber_mistakes() {
    let system = "[[system]]\nid = \"v\"\ndevice = \"2.999.9\"\n";
    check(
        "[[system]]\nid = \"v\"",
        &["1 system.device: nothing tells this system's messages; a device, a certificate"],
    );
    check("[[system]]\ndevice = \"2.999.9\"", &["1 system.id: missing; a short key"]);
    check("[[system]]\nid = \"v\"\ndevice = \"EMR\"", &["3 system.device: \"EMR\" is not understood; ISO"]);
    check(
        &format!("{system}{system}"),
        &["5 system.id: \"v\" is already used on line 2", "6 system.device: \"2.999.9\" is"],
    );
    check(&format!("{system}certificate = \"abc\""), &["4 system.certificate: \"abc\"; 64 hexadecimal digits"]);
    check(&format!("{system}v2 = {{ application = \"E\" }}"), &["4 system.v2.facility: missing; MSH-4"]);
    check(
        &format!("{system}grants = [{{ domain = \"h1\", may = [\"see\"] }}]"),
        &["4 system.grants.domain: there is no [[domain]] \"h1\"; the id of a [[domain]]"],
    );
    let granted = |grant: &str| {
        format!("[[domain]]\nid = \"h01\"\noid = \"2.999.2\"\nnamespace = \"H\"\n{system}grants = [{grant}]")
    };
    check(
        &granted("{ domain = \"h10\", may = [\"see\"] }"),
        &["8 system.grants.domain: there is no; did you mean \"h01\"?"],
    );
    check(
        &granted("{ domain = \"*\", may = [\"seee\"] }"),
        &["8 system.grants.may: \"seee\" is no permission; mean \"see\"?"],
    );
    check(&granted("{ domain = \"*\", may = [] }"), &["8 system.grants.may: this grants nothing; \"assert\""]);
    check(&granted("{ may = [\"see\"] }"), &["8 system.grants.domain: missing; or \"*\""]);
    check(&granted("{ domain = \"*\", may = [\"see\"], x = 1 }"), &["8 system.grants.x: unknown key; "]);
    check(&granted("\"h01\""), &["8 system.grants: a string where it does not belong; a table"]);
    check_region(
        "[[subscriber]]\nsystem = \"emt\"\nurl = \"https://v.example/\"",
        &["2 subscriber.system: there is no [[system]] \"emt\"; mean \"emr\"?"],
    );
    check_region(
        "[[subscriber]]\nsystem = \"emr\"\nurl = \"ftp://v\"",
        &["3 subscriber.url: this address is not understood; https"],
    );
    check_region("[[subscriber]]\nurl = \"http://v\"", &["1 subscriber.system: missing; the id of a [[system]]"]);
    check_region(
        "[[subscriber]]\nsystem = \"emr\"\nurl = \"http://v\"\ndomains = [\"h02\"]",
        &["4 subscriber.domains: there is no [[domain]] \"h02\"; mean \"h01\"?"],
    );
    let subscriber = "[[subscriber]]\nsystem = \"emr\"\nurl = \"https://v.example/\"\n";
    check_region(&format!("{subscriber}{subscriber}"), &["5 subscriber.system: \"emr\" is already used; of its own"]);
    check_region(
        &format!("{subscriber}kind = \"registrar\""),
        &["4 subscriber.kind: \"registrar\" is not understood; \"consumer\" or \"registry\""],
    );
    check_region(
        &format!("{subscriber}kind = \"registry\"\ndomains = [\"h01\"]"),
        &["5 subscriber.domains: a document registry holds; no domains"],
    );
    check_region(
        &format!("{subscriber}certificate = \"c.pem\""),
        &["4 subscriber.certificate: certificate without key; both"],
    );
    check_region(&format!("{subscriber}key = \"c.pem\""), &["4 subscriber.key: key without certificate; both"]);
    check_region(&format!("{subscriber}domain = [\"h01\"]"), &["4 subscriber.domain: unknown key; domains"]);
}

#[test]
fn a_subscriber_is_what_stands_there() {
    let subscriber = "[[subscriber]]\nsystem = \"emr\"\nurl = \"https://v.example/x\"\n";
    let plain = right(&format!("{REGION}{subscriber}"), &[]).subscribers.remove(0);
    assert_eq!(
        (plain.kind, plain.snapshot, plain.ca, plain.certificate),
        (SubscriberKind::Consumer, false, None, None)
    );
    let all = "kind = \"registry\"\nsnapshot = true\nca = \"a.pem\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";
    let all = right(&format!("{REGION}{subscriber}{all}"), &[]).subscribers.remove(0);
    assert_eq!((all.kind, all.snapshot, all.ca), (SubscriberKind::Registry, true, Some("a.pem".into())));
    assert_eq!(all.certificate, Some(("c.pem".into(), "k.pem".into())));
    let regional = right(&format!("{REGION}{subscriber}domains = [\"h01\", \"regional\"]\n"), &[]);
    assert_eq!(regional.subscribers[0].domains.len(), 2);
}

#[test]
fn all_mistakes_at_once_in_the_order_of_the_file() {
    check(
        "[server]\nhtp = 1\n[pdq]\nlimit = 0\n[network]\ntime_zone = \"X\"\n[[domain]]\nid = \"a\"\n",
        &[
            "2 server.htp: unknown key",
            "4 pdq.limit: 0 is out of range",
            "6 network.time_zone: \"X\" is not understood",
            "7 domain.oid: missing",
            "7 domain.namespace: missing",
        ],
    );
    check("a = \nb = \n", &["1 : ; TOML", "2 : ; TOML"]);
}

#[test]
fn the_environment_overrides_scalars() {
    let variables = [
        ("NAYOSE_SERVER__HTTP", "127.0.0.1:0"),
        ("NAYOSE_SERVER__LENIENT", "false"),
        ("NAYOSE_PDQ__LIMIT", "7"),
        ("NAYOSE_NETWORK__REGIONAL__OID", "2.999.3"),
        ("NAYOSE_STORE__URL", "postgres://n@db/n"),
        ("NAYOSE_HOME", "/somewhere"),
        ("HOME", "/home/n"),
    ];
    let text = "[pdq]\nlimit = 5\nnames = \"exact\"\n[network]\nregional = { oid = \"2.999.2\", namespace = \"R\" }";
    let configuration = right(text, &variables);
    assert_eq!(configuration.server.http.map(|address| address.port()), Some(0));
    assert!(!configuration.server.lenient);
    assert_eq!(configuration.pdq, Pdq { names: Names::Exact, limit: 7, keep_seconds: 600 });
    assert_eq!(configuration.network.regional.oid.as_str(), "2.999.3");
    assert_eq!(configuration.network.regional.namespace, "R");
    assert_eq!(configuration.store.url, "postgres://n@db/n");
}

#[test]
fn mistakes_of_the_environment() {
    let check = |name, value, expect: &str| check_with("[pdq]\nlimit = 5\n", &[(name, value)], &[expect]);
    check("NAYOSE_PDQ__LIMIT", "many", "- pdq.limit: many is out of range (from NAYOSE_PDQ__LIMIT); a whole number");
    check("NAYOSE_PDQ__LIMT", "5", "- pdq.limt: unknown key (from NAYOSE_PDQ__LIMT); did you mean pdq.limit?");
    check("NAYOSE_PQD__LIMIT", "5", "- pqd: unknown key (from NAYOSE_PQD); did you mean pdq?");
    check(
        "NAYOSE_SERVER__LENIENT",
        "no",
        "- server.lenient: \"no\" is not understood (from NAYOSE_SERVER__LENIENT); true",
    );
    check("NAYOSE_SERVER_HTTP", "x", "- NAYOSE_SERVER_HTTP: this variable sets nothing; NAYOSE_SERVER__HTTP");
    check("NAYOSE_NETWORK__PROCESSING_CODES", "P", "- network.processing_codes: a string; a list of texts");
    let region = [("NAYOSE_DOMAIN__OID", "2.999.1")];
    check_with(REGION, &region, &["- domain.oid: a list cannot be set from the environment; set it in the file"]);
    let http = [("NAYOSE_SERVER__HTTP", "0.0.0.0:1"), ("NAYOSE_SERVER__ALLOW_PLAIN", "true")];
    check_with("", &http, &["- access.mode: anybody who reaches server.http; mode = \"registered\""]);
}

#[test]
fn a_file_that_cannot_be_read() {
    let mistakes =
        Configuration::load(Some(Path::new("no/such/nayose.toml")), std::iter::empty()).expect_err("no file");
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].line, None);
    assert!(mistakes[0].what.contains("no/such/nayose.toml"), "{mistakes:?}");
}

#[test]
fn the_example_is_right_as_it_stands() {
    let configuration = right(EXAMPLE, &[]);
    assert_eq!(configuration.access, Access::Registered);
    assert_eq!(configuration.domains.len(), 2);
    assert_eq!(configuration.domains[0].facility, "H01");
    assert_eq!(configuration.authorities()[1].oid.as_str(), "2.999.1.21");
    assert_eq!(configuration.subscribers, []);
}

#[test]
fn the_preset_for_a_connectathon_is_right_and_a_test() {
    let preset = right(include_str!("../../schemas/nayose.connectathon.toml"), &[]);
    assert!(preset.network.test && preset.access == Access::Open);
    assert_eq!(preset.domains[2].oid.as_str(), "1.3.6.1.4.1.21367.13.20.3000");
    let all: String = include_str!("../../schemas/nayose.connectathon.toml")
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("#: ").unwrap_or(line)))
        .collect();
    assert_eq!(right(&all, &[]).subscribers.len(), 1);
}

#[test]
fn the_example_is_right_with_every_key_set() {
    let all: String = EXAMPLE.lines().map(|line| format!("{}\n", line.strip_prefix("#: ").unwrap_or(line))).collect();
    let configuration = right(&all, &[]);
    assert!(configuration.server.tls.is_some() && configuration.server.mllps.is_some());
    assert_eq!(configuration.subscribers.len(), 1);
    assert!(configuration.systems[0].v2.is_some() && configuration.systems[0].certificate.is_some());
    assert_eq!(configuration.network.regional_id, RegionalIdShape::default());
}

#[test]
fn what_has_no_effect_is_told_with_its_line() {
    let check = |text: &str, expect: &[(Option<u32>, &str, &str)]| {
        let unserved = right(text, &[]).unserved;
        let told: Vec<_> = unserved.iter().map(|one| (one.line, one.key.as_str(), one.what.as_str())).collect();
        assert_eq!(told.len(), expect.len(), "{told:?}");
        for ((line, key, what), (at, of, words)) in told.iter().zip(expect) {
            assert!((line, key) == (at, of) && what.contains(words), "{told:?}");
        }
    };
    check("", &[]);
    check(EXAMPLE, &[]);
    check("[server]\nmllp = \"off\"\nmllps = \"off\"", &[]);
    check(
        "[server]\nhttp = \"127.0.0.1:0\"\nmllp = \"127.0.0.1:2575\"",
        &[(Some(3), "server.mllp", "does not serve HL7 v2 yet")],
    );
    check("[matching]\ninsurance = \"keyed_hash\"", &[(Some(2), "matching.insurance", "insurance numbers")]);
}

#[test]
fn the_policy_grants_what_is_configured() {
    let configuration = right(EXAMPLE, &[]);
    let policy = configuration.policy();
    let (emr, viewer) = (Principal::system("h01-emr"), Principal::system("viewer"));
    let (h01, c01) = (DomainKey("h01".to_owned()), DomainKey("c01".to_owned()));
    assert!(policy.allows(&emr, Permission::Merge, &h01));
    assert!(!policy.allows(&emr, Permission::Merge, &c01));
    assert!(policy.allows(&emr, Permission::See, &c01));
    assert!(!policy.allows(&viewer, Permission::Assert, &h01));
    assert!(!policy.knows(&Principal::system("stranger")));
    let open = right(REGION, &[]).policy();
    assert!(open.allows(&Principal::unregistered("any"), Permission::Assert, &h01));
}

#[test]
fn a_stores_password_is_never_shown() {
    let configuration = right("[store]\nurl = \"postgres://u:secret@h/d\"", &[]);
    assert!(!format!("{configuration:?}").contains("secret"));
    let mistakes = read("[store]\nurl = \"oracle://u:secret@h/d\"", &[]).expect_err("a mistake");
    assert!(!format!("{mistakes:?}").contains("secret"));
}
