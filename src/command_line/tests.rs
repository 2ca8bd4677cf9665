//! What the words on the command line mean, and how commands end.

use super::*;
use clap::CommandFactory;

fn parse(words: &str) -> Result<CommandLine, clap::Error> {
    CommandLine::try_parse_from(std::iter::once("nayose").chain(words.split_whitespace()))
}

fn ends(words: &str, environment: &[(&str, &str)]) -> Exit {
    let words = std::iter::once("nayose").chain(words.split_whitespace()).map(OsString::from);
    run(words, environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn the_definition_is_sound() {
    CommandLine::command().debug_assert();
}

#[test]
fn what_can_be_said() {
    for words in [
        "demo",
        "demo --people 10 --seed 7 --store sqlite:x.db --http 127.0.0.1:0 --address-file a --build-only --log json",
        "serve",
        "serve --config nayose.toml --address-file a --log-level debug",
        "check-config --json",
        "review list --json --store sqlite:x.db",
        "review --config c.toml show 7",
        "review decide 7 --same",
        "review decide 7 --different --reason twins",
        "person show 1234567890",
        "person history 2.999.1.11^12345 --json",
        "person history 1234567890 --on 2026-11-30",
        "explain 1234567890 2.999.1.11^12345 --svg out.svg --values --json --store sqlite:x.db",
        "verify --store sqlite:x.db",
        "verify --config c.toml --json",
        "conformance --target http://127.0.0.1:8080 --junit out.xml --cases cases --json",
        "schema wsdl pix",
        "schema wsdl pdq",
        "schema example-config",
        "schema openapi",
        "domain list --json",
        "domain show h01",
        "domain add h09 --oid 2.999.1.19 --namespace H09 --name Invented --one-identifier-per-person",
        "domain state h09 retired --store sqlite:x.db",
        "system list",
        "system show h01-emr --json",
    ] {
        assert!(parse(words).is_ok(), "{words}");
    }
}

#[test]
fn what_cannot_be_said_is_wrong_usage() {
    for words in [
        "dem",
        "demo --people 0",
        "demo --people many",
        "demo --http nowhere",
        "demo --http 0.0.0.0:8080",
        "serve --confg x",
        "review decide 7",
        "review decide 7 --same --different",
        "review show seven",
        "person show 2.999.1.11^",
        "person history 1234567890 --on yesterday",
        "explain 1234567890",
        "domain state h09 asleep",
        "domain add h09",
        "person show nonsense^12345",
        "person show 2.999.1^1^2",
        "schema wsdl xcpd",
        "serve --log yaml",
        "check-config --config no/such/file.toml",
        "review list --store mysql://x",
    ] {
        assert_eq!(ends(words, &[]), Exit::Usage, "{words}");
    }
}

#[test]
fn help_and_schema_are_done() {
    for words in ["--help", "--version", "demo --help", "schema wsdl pix", "schema wsdl pdq", "schema example-config"] {
        assert_eq!(ends(words, &[]), Exit::Done, "{words}");
    }
}

#[test]
fn help_shows_defaults() {
    let mut command = CommandLine::command();
    for (name, defaults) in [
        ("demo", &["[default: 2700]", "[default: 20260401]", "[default: 127.0.0.1:8080]"][..]),
        ("conformance", &["[default: conformance]"]),
        ("serve", &["[default: nayose.toml in the working directory, else safe defaults]"]),
    ] {
        let help = command.find_subcommand_mut(name).expect("a command").render_help().to_string();
        for default in defaults {
            assert!(help.contains(default), "{name}: {default}\n{help}");
        }
    }
}

#[test]
fn exit_statuses_never_drift() {
    let statuses = [Exit::Done, Exit::Found, Exit::Usage, Exit::Unavailable, Exit::Defect].map(Exit::status);
    assert_eq!(statuses, [0, 1, 2, 3, 70]);
}

#[test]
fn a_person_is_named_in_two_ways() {
    let regional: PersonSelector = "1234567890".parse().expect("a regional ID");
    assert!(regional == PersonSelector::Regional("1234567890".to_owned()));
    let identifier: PersonSelector = "2.999.1.11^12345".parse().expect("an identifier");
    let domain = crate::identity::Oid::parse("2.999.1.11").expect("an OID");
    assert!(identifier == PersonSelector::Identifier { domain, value: "12345".to_owned() });
}

#[test]
fn check_config_reports_the_environment_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("n.toml");
    std::fs::write(&file, "[pdq]\nlimit = 5\n").expect("a file");
    let words = format!("check-config --config {}", file.display());
    assert_eq!(ends(&words, &[]), Exit::Done);
    assert_eq!(ends(&words, &[("NAYOSE_PDQ__LIMIT", "0")]), Exit::Usage);
    assert_eq!(ends(&format!("{words} --json"), &[("NAYOSE_PDQ__LIMIT", "0")]), Exit::Usage);
}

#[test]
fn what_has_no_effect_is_shown_where_an_editor_can_jump_to() {
    let text = "[server]\nmllp = \"127.0.0.1:2575\"\n";
    let configuration = Configuration::read(text, std::iter::empty()).unwrap();
    let shown = check_config::warnings(Some(Path::new("n.toml")), &configuration.unserved);
    assert!(shown.starts_with("n.toml:2: warning: server.mllp: this version does not serve HL7 v2 yet"), "{shown}");
    let json = check_config::json(None, &Ok(configuration));
    assert_eq!(json["warnings"][0]["line"], 2, "{json}");
}

#[test]
fn a_complaint_does_not_repeat_what_was_typed() {
    for words in ["person show zqtyped^zqtyped^x", "review show zqtyped", "person zqtyped", "person show 1 zqtyped"] {
        let shown = without_values(parse(words).err().unwrap()).to_string();
        assert!(!shown.contains("zqtyped") && shown.contains("Usage") | shown.contains("--help"), "{shown}");
    }
    let shown = without_values(parse("serve --confg x").err().unwrap()).to_string();
    assert!(shown.contains("--confg") && shown.contains("--config"), "{shown}");
}

#[test]
fn mistakes_are_shown_where_an_editor_can_jump_to() {
    let mistakes = Configuration::read("[pdq]\nlimt = 5\n", std::iter::empty()).expect_err("a mistake");
    assert_eq!(
        check_config::text(Some(Path::new("n.toml")), &mistakes),
        "n.toml:2: pdq.limt: unknown key\n    right: did you mean pdq.limit?\n1 mistake in the configuration\n"
    );
    assert_eq!(
        check_config::json(Some(Path::new("n.toml")), &Err(mistakes)).to_string(),
        "{\"file\":\"n.toml\",\"mistakes\":[{\"key\":\"pdq.limt\",\"line\":2,\"right\":\"did you mean pdq.limit?\",\
         \"what\":\"unknown key\"}],\"valid\":false,\"warnings\":[]}"
    );
    let summary = check_config::summary(None, &Configuration::default());
    assert!(summary.starts_with("built-in defaults: no mistakes; Hoshimi Net, 0 domains"), "{summary}");
}
