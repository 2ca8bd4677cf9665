//! `MCCI_IN000002UV01` as others send it to us: what became of a message of ours (HL7 v3 sheet, 3.1).

use super::NAMESPACE;
use super::datatype::instance;
use super::message::{AcceptCode, InstanceIdentifier};
use super::place::At;
use crate::xml::Element;

/// What a peer says of a message of ours. Its texts are not read: they may hold anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Whether it was taken.
    pub code: AcceptCode,
    /// The message that is meant, where the peer names one.
    pub target: Option<InstanceIdentifier>,
}

/// Reads an acknowledgement. Peers answer a feed by an application acknowledgement too: `AA`, `AE` and `AR` say the
/// same as `CA`, `CE` and `CR`. An error says what is missing, never what stood there.
pub fn read_acknowledgement(payload: &Element) -> Result<Acknowledgement, &'static str> {
    if !payload.is(NAMESPACE, "MCCI_IN000002UV01") {
        return Err("the answer is no acknowledgement");
    }
    let acknowledgement =
        At::root(payload).first("acknowledgement").ok_or("the acknowledgement has no class acknowledgement")?;
    // Some write the code as an attribute, as an older edition had it.
    let element = acknowledgement.first("typeCode");
    let code = element.as_ref().and_then(|at| at.attribute("code")).or(acknowledgement.attribute("typeCode"));
    let code = match code {
        Some("CA" | "AA") => AcceptCode::Accept,
        Some("CE" | "AE") => AcceptCode::Error,
        Some("CR" | "AR") => AcceptCode::Reject,
        _ => return Err("the acknowledgement has no code that is known"),
    };
    let target = acknowledgement.down(&["targetMessage", "id"]).as_ref().and_then(instance);
    Ok(Acknowledgement { code, target })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Limits, read};

    fn check(inside: &str, expect: Result<(AcceptCode, Option<&str>), &'static str>) {
        let text = format!("<m:MCCI_IN000002UV01 xmlns:m='{NAMESPACE}'>{inside}</m:MCCI_IN000002UV01>");
        let read = read_acknowledgement(&read(text.as_bytes(), None, &Limits::default()).unwrap());
        let read = read.map(|found| (found.code, found.target.map(|id| id.root)));
        let expect = expect.map(|(code, root)| (code, root.map(str::to_owned)));
        assert_eq!(read, expect, "{inside}");
    }

    #[test]
    fn what_became_of_a_message() {
        let target = "<m:targetMessage><m:id root='1.2.3' extension='x'/></m:targetMessage>";
        for (codes, expect) in
            [(["CA", "AA"], AcceptCode::Accept), (["CE", "AE"], AcceptCode::Error), (["CR", "AR"], AcceptCode::Reject)]
        {
            for code in codes {
                let inside = format!("<m:acknowledgement><m:typeCode code=' {code} '/>{target}</m:acknowledgement>");
                check(&inside, Ok((expect, Some("1.2.3"))));
            }
        }
        check("<m:acknowledgement typeCode='CA'/>", Ok((AcceptCode::Accept, None)));
        check(
            "<m:acknowledgement><m:typeCode code='OK'/></m:acknowledgement>",
            Err("the acknowledgement has no code that is known"),
        );
        check("<m:acknowledgement/>", Err("the acknowledgement has no code that is known"));
        check("<m:id root='1.2'/>", Err("the acknowledgement has no class acknowledgement"));
        let other = read(b"<a/>", None, &Limits::default()).unwrap();
        assert!(read_acknowledgement(&other).is_err());
    }
}
