//! The media type of a request.
//!
//! It must never decide by the `action` parameter: ITI TF-2: Appendix V.3 makes it optional.

/// A media type that may hold an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Whether it is that of SOAP 1.2; else `text/xml`, read only to tell a SOAP 1.1 peer what it lacks.
    pub soap12: bool,
    /// The parameter `charset`.
    pub charset: Option<String>,
}

/// Reads a `Content-Type`; `None` where it can hold no envelope.
pub fn media(content_type: Option<&str>) -> Option<Media> {
    let mut parts = content_type?.split(';');
    let soap12 = match parts.next()?.trim().to_ascii_lowercase().as_str() {
        "application/soap+xml" => true,
        "text/xml" => false,
        _ => return None,
    };
    let charset = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"').trim();
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then(|| value.to_owned())
    });
    Some(Media { soap12, charset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_of_envelopes_are_taken() {
        let check = |text: &str, expect: Option<(bool, Option<&str>)>| {
            let got = media(Some(text)).map(|m| (m.soap12, m.charset));
            assert_eq!(got, expect.map(|(s, c)| (s, c.map(str::to_owned))), "{text}");
        };
        check("application/soap+xml", Some((true, None)));
        check("Application/SOAP+XML; charset=UTF-8", Some((true, Some("UTF-8"))));
        check("application/soap+xml;action=\"urn:x\"; Charset = \"Shift_JIS\"", Some((true, Some("Shift_JIS"))));
        check("application/soap+xml; charset=", Some((true, None)));
        check("text/xml; charset=utf-8", Some((false, Some("utf-8"))));
        check("application/xml", None);
        check("multipart/related; type=\"application/xop+xml\"", None);
        check("", None);
        assert_eq!(media(None), None);
    }
}
