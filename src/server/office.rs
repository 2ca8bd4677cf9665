//! The operators' interface of one process: its token, and the note beside an embedded store that says where it is, so
//! that commands which write find the server that has the store open.

use super::StartError;
use crate::config::Configuration;
use crate::sealed::Token;
use crate::transport::Bound;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// The file of an embedded store, where it is one.
fn embedded(settings: &Configuration) -> Option<&str> {
    settings.store.url.strip_prefix("sqlite:")
}

/// Where the token of the operators' interface is kept; none where nobody has said.
pub fn token_file(settings: &Configuration) -> Option<PathBuf> {
    let beside = || embedded(settings).map(|path| PathBuf::from(format!("{path}.token")));
    settings.server.token_file.clone().or_else(beside)
}

/// Where the note stands that says where the server is.
fn note(settings: &Configuration) -> Option<PathBuf> {
    embedded(settings).map(|path| PathBuf::from(format!("{path}.server")))
}

/// The token of this server: a configured one must be there, one beside the store is made where there is none.
pub(super) fn token(settings: &Configuration) -> Result<Option<Token>, StartError> {
    if settings.server.admin.is_none() {
        return Ok(None);
    }
    let Some(file) = token_file(settings) else {
        log::info!("the operators' interface is closed: server.token_file names no token");
        return Ok(None);
    };
    let configured = settings.server.token_file.is_some();
    let token = if configured { Token::read(&file) } else { Token::kept(&file) };
    token.map(Some).map_err(|error| {
        StartError::Configuration(format!(
            "server.token_file: {}: {error}; right: a file of 32 characters or more that only this user can read",
            file.display()
        ))
    })
}

/// A note that goes when the server does.
pub(super) struct Note(Option<PathBuf>);

impl Note {
    /// Says where the operators' listener is. It is a help for commands: without it they refuse.
    pub(super) fn leave(settings: &Configuration, bound: &[Bound]) -> Self {
        let admin = bound.iter().find(|bound| bound.name == "admin");
        let Some((file, admin)) = note(settings).zip(admin) else { return Self(None) };
        match std::fs::write(&file, format!("admin={}\n", admin.address)) {
            Ok(()) => Self(Some(file)),
            Err(error) => {
                log::warn!("commands will not find this server, its note cannot be written: {error}");
                Self(None)
            }
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            // It may be gone, or this server may not remove it: one that is stale misleads nobody who looks at the lock.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Where the server that has the store of `settings` open takes calls, and its token; none where that cannot be known.
pub fn office(settings: &Configuration) -> Option<(SocketAddr, Token)> {
    let noted = std::fs::read_to_string(note(settings)?).ok()?;
    let mut address: SocketAddr = noted.trim().strip_prefix("admin=")?.parse().ok()?;
    // Whoever listens everywhere listens here too.
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Some((address, Token::read(&token_file(settings)?).ok()?))
}
