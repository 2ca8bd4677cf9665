//! Checks of the transmission wrapper that every interaction shares (HL7 v3 sheet, 3.1: the `CR` rows).

use super::{Request, Settings};
use crate::hl7v3::{Detail, Severity, Strictness};

const ACKNOWLEDGEMENT_DETAIL: &str = "2.16.840.1.113883.5.1100";

/// What makes this wrapper one that we do not serve; `None` where all is well.
pub(super) fn objection(settings: &Settings, request: &Request<'_>) -> Option<Detail> {
    let header = &request.message.header;
    let root = &*request.payload.name.local;
    let named_like_root =
        header.interaction_id == root || root.strip_suffix("_Cancel") == Some(header.interaction_id.as_str());
    let at = |element: &str| format!("/{root}/{element}");
    let reject = |code: &str, text: &str, location: String| Detail {
        severity: Severity::Error,
        code: code.to_owned(),
        code_system: ACKNOWLEDGEMENT_DETAIL.to_owned(),
        text: text.to_owned(),
        locations: vec![location],
    };
    if !named_like_root {
        return Some(reject(
            "NS200",
            "interactionId does not name the interaction of the root element",
            at("interactionId"),
        ));
    }
    if !settings.processing_codes.contains(&header.processing_code) {
        return Some(reject("NS202", "this processing code is not served here", at("processingCode")));
    }
    if header.processing_mode_code != "T" && settings.strictness == Strictness::Strict {
        return Some(reject(
            "NS250",
            "only processing mode T (current processing) is served",
            at("processingModeCode"),
        ));
    }
    if header.version_code.as_deref().is_some_and(|version| version != "V3PR1") {
        return Some(reject("NS203", "only version V3PR1 is served", at("versionCode")));
    }
    None
}

/// Whether a detail rejects a message for what we serve (`CR`) rather than for its content (`CE`).
pub(super) fn rejects(detail: &Detail) -> bool {
    detail.severity == Severity::Error && detail.code.starts_with("NS2") && detail.code != "NS260"
}
