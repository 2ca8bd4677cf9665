//! Which `wsa:Action` belongs to which payload, and which transaction that is.
//!
//! The payload's root decides what a request is; the Action is only checked against it.

use crate::xml::ExpandedName;

/// The namespace of every payload.
const HL7: &str = "urn:hl7-org:v3";

/// One row for each payload: root, Action, transaction. ITI TF-2: 3.44.5, 3.45.5, 3.47.5.
const TABLE: [(&str, &str, &str); 7] = [
    ("PRPA_IN201301UV02", "urn:hl7-org:v3:PRPA_IN201301UV02", "ITI-44"),
    ("PRPA_IN201302UV02", "urn:hl7-org:v3:PRPA_IN201302UV02", "ITI-44"),
    ("PRPA_IN201304UV02", "urn:hl7-org:v3:PRPA_IN201304UV02", "ITI-44"),
    ("PRPA_IN201309UV02", "urn:hl7-org:v3:PRPA_IN201309UV02", "ITI-45"),
    ("PRPA_IN201305UV02", "urn:hl7-org:v3:PRPA_IN201305UV02", "ITI-47"),
    // Continue and cancel have one interaction id, but a root and an Action each.
    ("QUQI_IN000003UV01", "urn:hl7-org:v3:QUQI_IN000003UV01_Continue", "ITI-47"),
    ("QUQI_IN000003UV01_Cancel", "urn:hl7-org:v3:QUQI_IN000003UV01_Cancel", "ITI-47"),
];

/// The transaction of a payload, by its root; `none` where it is not known.
pub fn transaction(root: &ExpandedName) -> &'static str {
    row(root).map_or("none", |(_, _, transaction)| transaction)
}

/// Whether `action`, free of white space around it, may stand over `root`.
///
/// Lenient, only an Action that names another operation of ours contradicts: deployed clients write Actions
/// with white space inside, with the suffix of an operation, or of their own making, and the root is clear.
pub(super) fn agrees(action: &str, root: &ExpandedName, lenient: bool) -> bool {
    let Some((_, expected, transaction)) = row(root) else { return true };
    if !lenient {
        return action == expected;
    }
    let action: String = action.split_whitespace().collect();
    let named = TABLE.iter().find(|(_, known, _)| *known == action);
    named.is_none_or(|(local, known, _)| {
        // A cancel may come under the root of the continuation: the interaction id is the same.
        *known == expected || (transaction == "ITI-47" && local.starts_with("QUQI") && root.local.starts_with("QUQI"))
    })
}

/// Whether a fault may quote `action`: only what has the form of an interaction of HL7. Other words in its place
/// may be anything, and faults are kept where more people read than may see a patient's name.
pub(super) fn quotable(action: &str) -> bool {
    let name = action.strip_prefix("urn:hl7-org:v3:").unwrap_or(action);
    let shape = |(at, byte): (usize, u8)| match at {
        0..4 | 5..7 | 13..15 => byte.is_ascii_uppercase(),
        4 => byte == b'_',
        7..13 | 15..17 => byte.is_ascii_digit(),
        _ => byte.is_ascii_alphabetic() || byte == b'_',
    };
    (17..=26).contains(&name.len()) && name.bytes().enumerate().all(shape)
}

fn row(root: &ExpandedName) -> Option<(&'static str, &'static str, &'static str)> {
    TABLE.iter().copied().find(|(local, _, _)| *local == &*root.local && &*root.namespace == HL7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(local: &str) -> ExpandedName {
        ExpandedName { namespace: HL7.into(), local: local.into() }
    }

    #[test]
    fn an_action_is_held_against_the_root() {
        let check = |action: &str, local: &str, strict: bool, lenient: bool| {
            assert_eq!(agrees(action, &root(local), false), strict, "strict: {action} over {local}");
            assert_eq!(agrees(action, &root(local), true), lenient, "lenient: {action} over {local}");
        };
        check("urn:hl7-org:v3:PRPA_IN201301UV02", "PRPA_IN201301UV02", true, true);
        check("urn:hl7-org:v3: PRPA_IN201301UV02", "PRPA_IN201301UV02", false, true);
        check("urn:hl7-org:v3:PRPA_IN201304UV02", "PRPA_IN201301UV02", false, false);
        check("urn:hl7-org:v3:PRPA_IN201305UV02_Continue", "PRPA_IN201305UV02", false, true);
        check("urn:hl7-org:v3:QUQI_IN000003UV01_Continue", "QUQI_IN000003UV01", true, true);
        check("urn:hl7-org:v3:QUQI_IN000003UV01_Cancel", "QUQI_IN000003UV01", false, true);
        check("urn:hl7-org:v3:QUQI_IN000003UV01_Cancel", "QUQI_IN000003UV01_Cancel", true, true);
        check("urn:hl7-org:v3:QUQI_IN000003UV01_Cancel", "PRPA_IN201305UV02", false, false);
        check("urn:hl7-org:v3:PRPA_IN201305UV02", "QUQI_IN000003UV01", false, false);
    }

    #[test]
    fn only_interactions_are_quoted() {
        let check = |action: &str, expect: bool| assert_eq!(quotable(action), expect, "{action}");
        check("urn:hl7-org:v3:PRPA_IN201305UV02", true);
        check("urn:hl7-org:v3:PRPA_IN201305UV02_Continue", true);
        check("PRPA_IN201399UV01", true);
        check("urn:hl7-org:v3:PRPA_IN201305UV02_Yamada_Hanako", false);
        check("urn:hl7-org:v3:YAMADA_HANAKO", false);
        check("Yamada", false);
        check("山田", false);
        check("", false);
    }

    #[test]
    fn a_root_of_another_namespace_has_no_transaction() {
        let foreign = ExpandedName { namespace: "urn:other".into(), local: "PRPA_IN201301UV02".into() };
        assert_eq!(transaction(&foreign), "none");
        assert_eq!(transaction(&root("PRPA_IN201309UV02")), "ITI-45");
    }
}
