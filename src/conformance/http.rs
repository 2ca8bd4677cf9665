//! One HTTP exchange, with what came back as it came.

use std::collections::BTreeMap;
use std::time::Duration;

/// An answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// Status code.
    pub(super) status: u16,
    /// Headers, names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    /// The body's bytes.
    pub(super) body: Vec<u8>,
}

/// Sends `body` by POST, or asks by GET where there is none.
pub(super) fn exchange(url: &str, body: Option<(&str, &[u8])>) -> Result<Answer, String> {
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(30))).build();
    let agent = ureq::Agent::new_with_config(config);
    let sent = match body {
        Some((media_type, bytes)) => agent.post(url).header("content-type", media_type).send(bytes),
        None => agent.get(url).call(),
    };
    let mut response = sent.map_err(|e| format!("{url}: {e}"))?;
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let headers = headers.collect();
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_vec().map_err(|e| format!("{url}: reading the answer: {e}"))?;
    Ok(Answer { status, headers, body })
}
