//! Ready-made calls to paste into a shell while the demo runs: a feed and queries with their whole
//! SOAP 1.2 envelopes.
//!
//! The messages are templates of invented data, valid by the HL7 v3 schemas. They must never be built
//! from what a store holds, apart from the regional ID that the caller passes in.

use super::names::{PREFECTURE, words};
use super::region::{DEVICE_OID, FacilityKind, H01_DEVICE_OID, REGIONAL_OID};
use super::showcase::{BIRTH, FAMILY_KANA, GIVEN_KANA, SHOWCASE_H01_VALUE};
use super::{MAX_PEOPLE, visits};

/// One call to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it shows, in one line.
    pub title: String,
    /// The command, to be pasted into `sh` as it is.
    pub shell: String,
}

const H01_OID: &str = "2.999.1.11";
const H02_OID: &str = "2.999.1.12";
const H02_DEVICE_OID: &str = "2.999.1.12.1";

/// The command up to the address; the message follows as a here-document that the shell does not read into.
const CURL: &str = "curl --silent --show-error --header 'Content-Type: application/soap+xml; charset=UTF-8' \\\n  \
                    --data-binary @- 'http://";
const HERE_DOCUMENT: &str = "' <<'XML'\n";
const END_OF_DOCUMENT: &str = "XML\n";

/// The calls for a server that listens on `http_address` (`127.0.0.1:8080`).
///
/// `regional_value` is the regional ID that the showcase woman has there; `creation_time` is when the
/// messages say they were made, in the form of HL7 (`20260401090000+0900`).
pub fn calls(http_address: &str, regional_value: &str, creation_time: &str) -> Vec<Call> {
    let call = |title: &str, path: &str, interaction: &str, number: u32, control_act: &str| Call {
        title: title.to_owned(),
        shell: command(
            http_address,
            path,
            &envelope(http_address, path, interaction, number, creation_time, control_act),
        ),
    };
    vec![
        call(
            "Feed: the hospital H02 registers the showcase woman too (ITI-44)",
            "pix",
            "PRPA_IN201301UV02",
            1,
            &feed(),
        ),
        call(
            "Cross-references of her patient number at H01 (ITI-45)",
            "pix",
            "PRPA_IN201309UV02",
            2,
            &pix_query(2, H01_OID, SHOWCASE_H01_VALUE),
        ),
        call(
            "Cross-references of her regional ID (ITI-45)",
            "pix",
            "PRPA_IN201309UV02",
            3,
            &pix_query(3, REGIONAL_OID, regional_value),
        ),
        call("Who is this? By name in kana and birth date (ITI-47)", "pdq", "PRPA_IN201305UV02", 4, &pdq_query(4)),
    ]
}

fn command(http_address: &str, path: &str, envelope: &str) -> String {
    format!("{CURL}{http_address}/{path}{HERE_DOCUMENT}{envelope}{END_OF_DOCUMENT}")
}

/// A fixed id for each call: pasting a feed again is a repeat, which changes nothing.
fn message_id(number: u32) -> String {
    format!("7d0c3f52-5a1e-4b7d-9a60-{number:012}")
}

fn envelope(address: &str, path: &str, interaction: &str, number: u32, time: &str, control_act: &str) -> String {
    let (id, address, time) = (message_id(number), escaped(address), escaped(time));
    // A hospital's own system feeds its patients; H01's asks.
    let sender = if interaction == "PRPA_IN201301UV02" { H02_DEVICE_OID } else { H01_DEVICE_OID };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing">
 <soap:Header>
  <wsa:To>http://{address}/{path}</wsa:To>
  <wsa:Action soap:mustUnderstand="1">urn:hl7-org:v3:{interaction}</wsa:Action>
  <wsa:MessageID>urn:uuid:{id}</wsa:MessageID>
  <wsa:ReplyTo><wsa:Address>http://www.w3.org/2005/08/addressing/anonymous</wsa:Address></wsa:ReplyTo>
 </soap:Header>
 <soap:Body>
  <{interaction} xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ITSVersion="XML_1.0">
   <id root="{id}"/>
   <creationTime value="{time}"/>
   <interactionId root="2.16.840.1.113883.1.6" extension="{interaction}"/>
   <processingCode code="T"/>
   <processingModeCode code="T"/>
   <acceptAckCode code="AL"/>
   <receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="{DEVICE_OID}"/></device></receiver>
   <sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE"><id root="{sender}"/></device></sender>
{control_act}
  </{interaction}>
 </soap:Body>
</soap:Envelope>
"#
    )
}

fn feed() -> String {
    // The number that is kept for this call: no person of any region has it.
    let value = visits::patient_number(FacilityKind::Hospital, 1, u32::try_from(MAX_PEOPLE).unwrap_or(u32::MAX));
    let (city, town, postal) =
        words().towns.first().map_or(("", "", ""), |town| (town.city, town.name, town.postal_code));
    format!(
        r#"   <controlActProcess classCode="CACT" moodCode="EVN">
    <code code="PRPA_TE201301UV02" codeSystem="2.16.840.1.113883.1.6"/>
    <subject typeCode="SUBJ" contextConductionInd="false">
     <registrationEvent classCode="REG" moodCode="EVN">
      <statusCode code="active"/>
      <subject1 typeCode="SBJ">
       <patient classCode="PAT">
        <id root="{H02_OID}" extension="{value}" assigningAuthorityName="H02"/>
        <statusCode code="active"/>
        <patientPerson classCode="PSN" determinerCode="INSTANCE">
         <name use="L IDE"><family>斉藤</family><given>陽子</given></name>
         <name use="L SYL"><family>{FAMILY_KANA}</family><given>{GIVEN_KANA}</given></name>
         <telecom use="MC" value="tel:090-0431-7265"/>
         <administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>
         <birthTime value="{BIRTH}"/>
         <addr use="HP"><state>{PREFECTURE}</state><city>{city}</city><precinct>{town}</precinct><streetAddressLine>2-8-3</streetAddressLine><postalCode>{postal}</postalCode></addr>
        </patientPerson>
        <providerOrganization classCode="ORG" determinerCode="INSTANCE">
         <id root="{H02_OID}"/>
         <contactParty classCode="CON"><telecom nullFlavor="UNK"/></contactParty>
        </providerOrganization>
       </patient>
      </subject1>
      <custodian typeCode="CST"><assignedEntity classCode="ASSIGNED"><id root="{H02_OID}"/><assignedOrganization classCode="ORG" determinerCode="INSTANCE"><name>Hoshimi Tsukishirono Medical Center</name></assignedOrganization></assignedEntity></custodian>
     </registrationEvent>
    </subject>
   </controlActProcess>"#
    )
}

fn pix_query(number: u32, authority: &str, value: &str) -> String {
    let (id, value) = (message_id(number), escaped(value));
    format!(
        r#"   <controlActProcess classCode="CACT" moodCode="EVN">
    <code code="PRPA_TE201309UV02" codeSystem="2.16.840.1.113883.1.6"/>
    <queryByParameter>
     <queryId root="{id}"/>
     <statusCode code="new"/>
     <responsePriorityCode code="I"/>
     <parameterList>
      <patientIdentifier>
       <value root="{authority}" extension="{value}"/>
       <semanticsText>Patient.id</semanticsText>
      </patientIdentifier>
     </parameterList>
    </queryByParameter>
   </controlActProcess>"#
    )
}

fn pdq_query(number: u32) -> String {
    let id = message_id(number);
    format!(
        r#"   <controlActProcess classCode="CACT" moodCode="EVN">
    <code code="PRPA_TE201305UV02" codeSystem="2.16.840.1.113883.1.6"/>
    <queryByParameter>
     <queryId root="{id}"/>
     <statusCode code="new"/>
     <responseModalityCode code="R"/>
     <responsePriorityCode code="I"/>
     <parameterList>
      <livingSubjectBirthTime>
       <value value="{BIRTH}"/>
       <semanticsText>LivingSubject.birthTime</semanticsText>
      </livingSubjectBirthTime>
      <livingSubjectName>
       <value xsi:type="PN" use="SYL"><family>{FAMILY_KANA}</family><given>{GIVEN_KANA}</given></value>
       <semanticsText>LivingSubject.name</semanticsText>
      </livingSubjectName>
     </parameterList>
    </queryByParameter>
   </controlActProcess>"#
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_whole_and_stand_alone() {
        let calls = calls("127.0.0.1:8080", "HOSHIMI<7", "20260401090000+0900");
        assert_eq!(calls.len(), 4);
        for (call, (path, interaction)) in calls.iter().zip([
            ("pix", "PRPA_IN201301UV02"),
            ("pix", "PRPA_IN201309UV02"),
            ("pix", "PRPA_IN201309UV02"),
            ("pdq", "PRPA_IN201305UV02"),
        ]) {
            let (command, rest) = call.shell.split_once("<<'XML'\n").unwrap();
            assert!(command.contains(&format!("'http://127.0.0.1:8080/{path}'")), "{command}");
            let message = rest.strip_suffix("</soap:Envelope>\nXML\n").unwrap();
            assert!(message.contains(&format!("<{interaction} ")) && message.contains(&format!("</{interaction}>")));
            assert_eq!(message.matches("XML\n").count(), 0, "the heredoc ends once");
        }
        assert!(calls[1].shell.contains(SHOWCASE_H01_VALUE));
        assert!(calls[2].shell.contains("HOSHIMI&lt;7"));
        let ids: std::collections::HashSet<_> = (1..=4).map(message_id).collect();
        assert_eq!(ids.len(), 4);
    }

    #[test]
    fn print_for_a_schema_check() {
        // `DEMO_CALLS=DIR cargo test print_for_a_schema_check` leaves the messages there.
        for (number, call) in calls("127.0.0.1:8080", "1", "20260401090000+0900").iter().enumerate() {
            if let Some(directory) = std::env::var_os("DEMO_CALLS") {
                let message = call.shell.split_once("<<'XML'\n").unwrap().1.strip_suffix("XML\n").unwrap();
                std::fs::write(std::path::Path::new(&directory).join(format!("{number}.xml")), message).unwrap();
            }
        }
    }
}
