//! The doors and what is pushed through them: one row each, with what the answer begins with and must hold.

const H01: &str = "2.999.1.11";
const C01: &str = "2.999.1.21";
const DEVICE: &str = "2.999.1.11.1";

/// The network that the server serves.
pub fn configuration(url: &str, access: &str) -> String {
    let domain = |id: &str, oid: &str| {
        format!("[[domain]]\nid = \"{id}\"\noid = \"{oid}\"\nnamespace = \"{}\"\n", id.to_uppercase())
    };
    let may = r#"["assert", "update_demographics", "merge", "query_from", "see", "search"]"#;
    format!(
        "[server]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n[store]\nurl = \"{url}\"\n[access]\nmode = \"{access}\"\n\
         {}{}[[system]]\nid = \"emr\"\ndevice = \"{DEVICE}\"\ngrants = [{{ domain = \"h01\", may = {may} }}]\n",
        domain("h01", H01),
        domain("c01", C01),
    )
}

/// One request, and what is expected of its answer.
pub struct Door {
    pub name: &'static str,
    pub admin: bool,
    pub request: Vec<u8>,
    pub expect: &'static str,
    pub holds: &'static str,
}

const SOAP: &str = "application/soap+xml; charset=UTF-8";

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: mpi.example\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn soap(name: &'static str, path: &str, body: &str, expect: &'static str, holds: &'static str) -> Door {
    let headers =
        format!("Content-Type: {SOAP}\r\nUser-Agent: zqheader\r\nX-Patient: zqheader\r\nCookie: p=zqheader\r\n");
    Door { name, admin: false, request: post(path, &headers, body.as_bytes()), expect, holds }
}

fn envelope(action: &str, headers: &str, payload: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://www.w3.org/2005/08/addressing\">\
         <s:Header><a:Action>{action}</a:Action><a:MessageID>urn:zq:ZQ-MESSAGE-55</a:MessageID>{headers}</s:Header>\
         <s:Body>{payload}</s:Body></s:Envelope>"
    )
}

/// A message of `interaction` around a control act.
fn message(interaction: &str, number: u32, act: &str) -> String {
    let sender = if number == 90 { "2.999.98.76" } else { DEVICE };
    let payload = format!(
        "<{interaction} xmlns=\"urn:hl7-org:v3\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ITSVersion=\"XML_1.0\">\
         <id root=\"2.999.9\" extension=\"ZQ-MESSAGE-55-{number}\"/><creationTime value=\"20260401090000\"/>\
         <interactionId root=\"2.16.840.1.113883.1.6\" extension=\"{interaction}\"/><processingCode code=\"P\"/>\
         <processingModeCode code=\"T\"/><acceptAckCode code=\"AL\"/>\
         <receiver typeCode=\"RCV\"><device classCode=\"DEV\" determinerCode=\"INSTANCE\"><id root=\"2.999.1.0\"/></device></receiver>\
         <sender typeCode=\"SND\"><device classCode=\"DEV\" determinerCode=\"INSTANCE\"><id root=\"{sender}\"/></device></sender>\
         <controlActProcess classCode=\"CACT\" moodCode=\"EVN\">{act}</controlActProcess></{interaction}>"
    );
    envelope(&format!("urn:hl7-org:v3:{interaction}"), "", &payload)
}

/// A feed about the marked woman under the identifiers given.
fn feed(interaction: &str, number: u32, identifiers: &str, person: &str, after: &str) -> String {
    let act = format!(
        "<subject typeCode=\"SUBJ\"><registrationEvent classCode=\"REG\" moodCode=\"EVN\"><statusCode code=\"active\"/>\
         <subject1 typeCode=\"SBJ\"><patient classCode=\"PAT\">{identifiers}<statusCode code=\"active\"/>{person}\
         <providerOrganization classCode=\"ORG\" determinerCode=\"INSTANCE\"><id root=\"{H01}\"/>\
         <contactParty classCode=\"CON\"/></providerOrganization></patient></subject1>\
         <custodian typeCode=\"CST\"><assignedEntity classCode=\"ASSIGNED\"><id root=\"{H01}\"/></assignedEntity></custodian>{after}\
         </registrationEvent></subject>"
    );
    message(interaction, number, &act)
}

fn id(root: &str, value: &str) -> String {
    format!("<id root=\"{root}\" extension=\"{value}\"/>")
}

/// The marked woman; `birth` and `sex` as given.
fn person(birth: &str, sex: &str) -> String {
    format!(
        "<patientPerson classCode=\"PSN\" determinerCode=\"INSTANCE\">\
         <name use=\"IDE\"><family>魑魅丸</family><given>魍魎子</given></name>\
         <name use=\"SYL\"><family>ゾクゾワ</family><given>ヌペポヌ</given></name>\
         <name use=\"ABC\"><family>Zqfamily</family><given>Zqgiven</given></name>\
         <telecom use=\"H\" value=\"tel:0998-77-5566\"/><telecom value=\"mailto:zqmail@zq.example\"/>\
         <administrativeGenderCode code=\"{sex}\"/><birthTime value=\"{birth}\"/>\
         <addr use=\"H\"><city>Zqcity</city><streetAddressLine>Zqstreet 9</streetAddressLine><postalCode>321-7755</postalCode></addr>\
         <asOtherIDs classCode=\"PAT\"><id root=\"2.999.77\" extension=\"ZQ-FOREIGN-99\"/>\
         <scopingOrganization classCode=\"ORG\" determinerCode=\"INSTANCE\"><id root=\"2.999.77\"/></scopingOrganization></asOtherIDs>\
         </patientPerson>"
    )
}

fn woman() -> String {
    person("18770131", "F")
}

fn merge(number: u32, survivor: &str, subsumed: &str) -> String {
    let replaced = format!(
        "<replacementOf typeCode=\"RPLC\"><priorRegistration classCode=\"REG\" moodCode=\"EVN\"><statusCode code=\"obsolete\"/>\
         <subject1 typeCode=\"SBJ\"><priorRegisteredRole classCode=\"PAT\">{subsumed}</priorRegisteredRole></subject1>\
         </priorRegistration></replacementOf>"
    );
    feed("PRPA_IN201304UV02", number, survivor, &woman(), &replaced)
}

fn query(interaction: &str, number: u32, parameters: &str) -> String {
    let act = format!(
        "<queryByParameter><queryId root=\"2.999.9\" extension=\"zqquery\"/><statusCode code=\"new\"/>\
         <responseModalityCode code=\"R\"/><responsePriorityCode code=\"I\"/>\
         <parameterList>{parameters}</parameterList></queryByParameter>"
    );
    message(interaction, number, &act)
}

fn pix(number: u32, root: &str, value: &str, sources: &str) -> String {
    let parameters = format!(
        "{sources}<patientIdentifier><value root=\"{root}\" extension=\"{value}\"/><semanticsText>Patient.id</semanticsText></patientIdentifier>"
    );
    query("PRPA_IN201309UV02", number, &parameters)
}

fn pdq(number: u32, birth: &str, more: &str) -> String {
    let parameters = format!(
        "<livingSubjectBirthTime><value value=\"{birth}\"/><semanticsText>zqquery</semanticsText></livingSubjectBirthTime>{more}\
         <livingSubjectName><value><family>Zqfamily</family><given>Zqgiven</given></value><semanticsText>x</semanticsText></livingSubjectName>\
         <patientTelecom><value value=\"tel:0998-77-5566\"/><semanticsText>x</semanticsText></patientTelecom>"
    );
    query("PRPA_IN201305UV02", number, &parameters)
}

const OK: &str = "HTTP/1.1 200";
const BAD: &str = "HTTP/1.1 4";

fn feeds(registered: bool) -> Vec<Door> {
    let add = "PRPA_IN201301UV02";
    let (h01, h01b, c01) = (id(H01, "ZQ-H01-7711"), id(H01, "ZQ-H01-7712"), id(C01, "ZQ-C01-7713"));
    let with =
        |name, number, ids: &str, person: &str, code| soap(name, "/pix", &feed(add, number, ids, person, ""), OK, code);
    let accepted = "code=\"CA\"";
    vec![
        with("feed", 1, &h01, &woman(), accepted),
        with("feed, again", 1, &h01, &woman(), accepted),
        with("feed, message id reused", 1, &h01, &person("18770131", "M"), "code=\"CE\""),
        with("feed, second identifier", 2, &h01b, &woman(), accepted),
        with("feed of another domain", 3, &c01, &woman(), if registered { "code=\"CE\"" } else { accepted }),
        with("feed, unknown authority", 4, &id("2.999.66", "ZQ-UNKNOWN-98"), &woman(), "code=\"CE\""),
        with("feed, authority that is no OID", 5, &id("zqdomain", "ZQ-UNKNOWN-98"), &woman(), "code=\"CE\""),
        with("feed, regional identifier", 6, &id("2.999.1", "ZQ-REGIONAL-97"), &woman(), "code=\"CE\""),
        with("feed, wrong birth date", 7, &h01, &person("18770131zqquery", "F"), "code=\"CE\""),
        with("feed, wrong sex", 8, &h01, &person("18770131", "zqquery"), "code=\"CE\""),
        with("feed without a patient", 9, "", "", "code=\"CE\""),
        soap("revise", "/pix", &feed("PRPA_IN201302UV02", 10, &h01, &woman(), ""), OK, accepted),
        soap(
            "revise, suddenly another",
            "/pix",
            &feed("PRPA_IN201302UV02", 11, &h01, &person("19990909", "M"), ""),
            OK,
            accepted,
        ),
        soap("merge", "/pix", &merge(12, &h01, &h01b), OK, accepted),
        soap("merge again", "/pix", &merge(13, &h01, &h01b), OK, "code=\"CE\""),
        soap("merge across", "/pix", &merge(14, &h01, &c01), OK, "code=\"CE\""),
        soap("merge, regional", "/pix", &merge(15, &id("2.999.1", "ZQ-REGIONAL-97"), &h01), OK, "code=\"CE\""),
        with("feed of a subsumed identifier", 16, &h01b, &woman(), "code=\"CE\""),
        with(
            "feed of an unknown sender",
            90,
            &h01,
            &woman(),
            if registered { "code=\"CE\"" } else { "MCCI_IN000002UV01" },
        ),
    ]
}

fn queries() -> Vec<Door> {
    let source = "<dataSource><value root=\"2.999.55\" extension=\"zqdomain\"/><semanticsText>DataSource.id</semanticsText></dataSource>";
    let mother = "<mothersMaidenName><value><family>zqmother</family></value><semanticsText>x</semanticsText></mothersMaidenName>";
    let answer = ("PRPA_IN201310UV02", "PRPA_IN201306UV02");
    vec![
        soap("cross-reference", "/pix", &pix(20, H01, "ZQ-H01-7711", ""), OK, answer.0),
        soap("cross-reference, unknown", "/pix", &pix(21, H01, "ZQ-UNKNOWN-98", ""), OK, answer.0),
        soap("cross-reference, unknown domain", "/pix", &pix(22, "2.999.66", "ZQ-UNKNOWN-98", source), OK, answer.0),
        soap("cross-reference, no OID", "/pix", &pix(23, "zqdomain", "ZQ-UNKNOWN-98", source), OK, answer.0),
        soap("cross-reference of nothing", "/pix", &query("PRPA_IN201309UV02", 24, "zqquery"), OK, answer.0),
        soap("search", "/pdq", &pdq(30, "18770131", ""), OK, answer.1),
        soap("search, unserved parameter", "/pdq", &pdq(31, "18770131", mother), OK, answer.1),
        soap("search, wrong birth date", "/pdq", &pdq(32, "18770131zqquery", ""), OK, answer.1),
        soap("search for nothing", "/pdq", &query("PRPA_IN201305UV02", 33, "zqquery"), OK, answer.1),
        soap("search at the wrong door", "/pix", &pdq(34, "18770131", ""), BAD, "Fault"),
        soap(
            "feed at the wrong door",
            "/pdq",
            &feed("PRPA_IN201301UV02", 35, &id(H01, "ZQ-H01-7711"), &woman(), ""),
            BAD,
            "Fault",
        ),
    ]
}

fn envelopes() -> Vec<Door> {
    let action = "urn:hl7-org:v3:PRPA_IN201301UV02";
    let payload = "<PRPA_IN201301UV02 xmlns=\"urn:hl7-org:v3\">Zqfamily</PRPA_IN201301UV02>";
    let fault = |name, body: &str| soap(name, "/pix", body, BAD, "Fault");
    let block = "<z:b xmlns:z=\"urn:z\" s:mustUnderstand=\"1\" x=\"zqblock\">zqblock</z:b>";
    let reply = "<a:ReplyTo><a:Address>http://zqreplyto.example/</a:Address></a:ReplyTo>";
    vec![
        fault("an unreadable header of a message", &envelope(action, "", payload)),
        fault("an unknown root", &envelope("urn:zqaction:Zqfamily", "", "<zqroot xmlns=\"urn:z\">Zqgiven</zqroot>")),
        fault("an unknown root without action", &envelope("", "", "<zqroot xmlns=\"urn:z\" a=\"zqroot\"/>")),
        fault("another action", &envelope("urn:hl7-org:v3:PRPA_IN201309UV02", "", payload)),
        soap("a block that must be understood", "/pix", &envelope(action, block, payload), "HTTP/1.1 500", "Fault"),
        fault("a reply to elsewhere", &envelope(action, reply, payload)),
        fault("no envelope", "<zqroot>魑魅丸</zqroot>"),
        fault("malformed", "<a><family>zqmalformed</family></b>"),
        fault("malformed within a name", "<zqmalformed <zqmalformed>"),
        fault("an unknown entity", "<a>&zqentity;</a>"),
        fault("a document type", "<!DOCTYPE zqentity [<!ENTITY zqentity \"zqentity\">]><a>&zqentity;</a>"),
        fault("an unbound prefix", "<zqmalformed:a zqmalformed:b=\"zqmalformed\"/>"),
        fault("an unknown encoding", "<?xml version=\"1.0\" encoding=\"zqcharset\"?><a>zqcharset</a>"),
    ]
}

fn http() -> Vec<Door> {
    let door = |name, request: Vec<u8>, expect, holds| Door { name, admin: false, request, expect, holds };
    let typed = |kind: &str| format!("Content-Type: {kind}\r\n");
    let get = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nReferer: zqheader\r\nConnection: close\r\n\r\n").into_bytes()
    };
    let large = [b"<a>zqoversize".to_vec(), vec![b'x'; (1 << 20) + 1]].concat();
    let wrong_bytes = [b"<a>zqcharset \xff\xfe\xfd".to_vec(), "魑魅丸</a>".as_bytes().to_vec()].concat();
    let chunked = b"POST /pix HTTP/1.1\r\nHost: a\r\nContent-Type: application/soap+xml\r\nTransfer-Encoding: chunked\r\n\r\nzqoversize\r\nzqoversize\r\n".to_vec();
    vec![
        door("bytes of another charset", post("/pix", &typed(SOAP), &wrong_bytes), BAD, "Fault"),
        door(
            "an unknown charset",
            post("/pix", &typed("application/soap+xml; charset=zqcharset"), b"<a>zqcharset</a>"),
            BAD,
            "Fault",
        ),
        door("another media type", post("/pix", &typed("text/zqheader"), b"zqheader"), "HTTP/1.1 415", ""),
        door("too large", post("/pix", &typed(SOAP), &large), "HTTP/1.1 413", ""),
        door("broken chunks", chunked, BAD, ""),
        door(
            "no length",
            b"POST /pix HTTP/1.1\r\nHost: a\r\nContent-Length: zqlength\r\n\r\n<a>zqlength</a>".to_vec(),
            BAD,
            "",
        ),
        door("no request", b"zqmalformed zqpath\r\nzqheader\r\n\r\n".to_vec(), BAD, ""),
        door("a header that is none", b"GET /health HTTP/1.1\r\nzqheader zqheader\r\n\r\n".to_vec(), BAD, ""),
        door("an address with a query", get("/pix?patient=zqurl&name=%E9%AD%91%E9%AD%85%E4%B8%B8"), BAD, ""),
        door("an unknown path", get("/zqpath/Zqfamily?zqurl"), "HTTP/1.1 404", ""),
        door("a description", get("/pix?wsdl"), OK, "wsdl"),
        Door {
            admin: true,
            ..door("metrics with a query", get("/metrics?zqurl=Zqfamily"), OK, "nayose_requests_total")
        },
        Door {
            admin: true,
            ..door("an unknown page", get("/api/v1/persons/zqpath?q=zqurl"), "HTTP/1.1 401", "unauthorized")
        },
        Door { admin: true, ..door("the console", get("/zqpath"), "HTTP/1.1 404", "") },
    ]
}

/// Every door, in an order in which earlier ones make what later ones meet.
pub fn doors(access: &str) -> Vec<Door> {
    feeds(access == "registered").into_iter().chain(queries()).chain(envelopes()).chain(http()).collect()
}

/// Commands with wrong or unknown arguments, and their exit status.
pub const COMMANDS: &[(&[&str], i32)] = &[
    (&["person", "show", "ZQ-TYPED-11"], 1),
    (&["person", "show", "2.999.1.11^ZQ-TYPED-11"], 1),
    (&["person", "history", "2.999.66^ZQ-TYPED-11"], 1),
    (&["person", "show", "zqtyped^ZQ-TYPED-11"], 2),
    (&["person", "show", "2.999.1.11^zqtyped^zqtyped"], 2),
    (&["person", "show", "2.999.1.11", "zqtyped"], 2),
    (&["person", "register", "2.999.1.11^ZQ-TYPED-11"], 1),
    (&["person", "zqtyped"], 2),
    (&["review", "show", "zqtyped"], 2),
    (&["review", "show", "7"], 1),
    (&["review", "decide", "7", "--same", "--reason", "zqtyped"], 1),
    (&["review", "decide", "zqtyped", "--same"], 2),
    (&["person", "show", "1", "--store", "postgres://u:zqsecret@127.0.0.1:1/d"], 3),
    (&["person", "show", "1", "--store", "zqsecret"], 2),
];

/// Configurations with a secret in the wrong place, and variables of the environment beside them.
pub const WRONG_CONFIGURATIONS: &[(&str, &[(&str, &str)])] = &[
    ("[store]\nurl = \"mysql://u:zqsecret@h/d\"\n", &[]),
    ("[store]\nurl = \"postgres://u:zqsecret@127.0.0.1:1/d\"\n", &[]),
    ("[store]\nurl = \"postgres://u:zqsecret@[h/d\"\n", &[]),
    ("[store]\nurl = \"postgres://u:zqsecret@h:port/d\"\n", &[]),
    ("[store]\nurl = \"postgres://u:p@127.0.0.1:1/d?options=zqsecret&zqsecret=1\"\n", &[]),
    ("[store]\nurl = \"postgres://u:zqsecret\n", &[]),
    ("[store]\nurl = \"postgres://u:zqsecret@h/d\" zqsecret\n", &[]),
    ("[store]\npassword = \"zqsecret\"\n", &[]),
    ("[store]\nurl = [\"zqsecret\"]\n", &[]),
    ("", &[("NAYOSE_STORE__URL", "zqsecret")]),
    ("", &[("NAYOSE_STORE__PASSWORD", "zqsecret")]),
    (
        "[[system]]\nid = \"v\"\ndevice = \"2.999.9\"\n[[subscriber]]\nsystem = \"v\"\nurl = \"ftp://u:zqsecret@h/\"\n",
        &[],
    ),
];
