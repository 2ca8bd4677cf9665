//! Files: who may read a secret, and whether the disk under a SQLite store can hold one.

use super::{Check, bad, good, look};
use crate::config::Configuration;
use crate::server;
use rustix::fs::{statfs, statvfs};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Less room than this is an alarm.
const LITTLE_ROOM: u64 = 1 << 30;
/// With less, writes will fail soon.
const NO_ROOM: u64 = 64 << 20;

/// File systems by the number that Linux gives them, and why they cannot hold a SQLite store in use.
const WRONG_HOMES: [(u64, &str); 6] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x0102_1994, "tmpfs, which is memory and gone after a restart"),
];

/// The files of a configuration that are nobody else's.
pub(super) fn secrets(file: Option<&Path>, settings: &Configuration) -> Vec<Check> {
    let mut secrets: Vec<(&'static str, &Path)> = Vec::new();
    if let Some(tls) = &settings.server.tls {
        secrets.push(("private key", &tls.key));
    }
    let has_password = |url: &str| url.split_once('@').is_some_and(|(user, _)| user.matches(':').count() > 1);
    if let Some(file) = file.filter(|_| has_password(&settings.store.url)) {
        secrets.push(("configuration with a password", file));
    }
    if let Some(path) = settings.store.url.strip_prefix("sqlite:").map(Path::new).filter(|path| path.exists()) {
        secrets.push(("store", path));
    }
    let token = server::token_file(settings).filter(|path| path.exists() || settings.server.token_file.is_some());
    if let Some(token) = &token {
        secrets.push(("token of the operators' interface", token));
    }
    secrets.into_iter().map(|(what, path)| mode(what, path)).collect()
}

fn mode(what: &str, path: &Path) -> Check {
    const ABOUT: &str = "file modes";
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) => bad(ABOUT, format!("{what} {shown}: {error}"), "name a file that the server may read"),
        Ok(found) => {
            let mode = found.permissions().mode() & 0o777;
            // Its group may read it: that is how a key is shared with a service.
            if mode & 0o027 == 0 {
                return good(ABOUT, format!("{what} {shown}: {mode:03o}"));
            }
            let says = format!("{what} {shown}: {mode:03o}, so that others than its owner may read or change it");
            let to_do = format!("chmod 640 {shown} (and UMask=0027 where the server runs)");
            if what == "private key" { bad(ABOUT, says, to_do) } else { look(ABOUT, says, to_do) }
        }
    }
}

/// The disk under the SQLite store at `path`.
pub(super) fn of_store(path: &str) -> Vec<Check> {
    let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = folder.display();
    let (Ok(kind), Ok(room)) = (statfs(folder), statvfs(folder)) else {
        let says = format!("the folder {shown} of the store is not there or cannot be looked at");
        return vec![bad("disk", says, "make it, and give it to the user that the server runs as")];
    };
    let held = std::fs::metadata(path).map_or(0, |found| found.len());
    vec![home(u64::from_ne_bytes(kind.f_type.to_ne_bytes())), space(room.f_bavail.saturating_mul(room.f_frsize), held)]
}

fn home(kind: u64) -> Check {
    // Some numbers are 32 bits wide and come with their sign.
    let kind = kind & 0xffff_ffff;
    match WRONG_HOMES.iter().find(|(known, _)| *known == kind) {
        Some((_, name)) => bad(
            "file system",
            format!("the store lies on {name}"),
            "a disk of this machine (ext4, XFS): a write-ahead log needs shared memory and honest syncs; or PostgreSQL",
        ),
        None => good("file system", "it can hold a write-ahead log"),
    }
}

fn space(room: u64, held: u64) -> Check {
    let says = format!("{} MiB are free, the store has {} MiB", room >> 20, held >> 20);
    let to_do = "make room, or move the store: a full disk refuses feeds and loses none";
    if room < NO_ROOM {
        return bad("disk", says, to_do);
    }
    // A copy of the store must have room: a backup, a migration.
    if room < LITTLE_ROOM.max(held) { look("disk", says, to_do) } else { good("disk", says) }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn modes_homes_and_room_are_judged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        std::fs::write(&file, "x").unwrap();
        let check = |bits, what: &str, expect| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(bits)).unwrap();
            assert_eq!(mode(what, &file).state, expect, "{bits:o} {what}");
        };
        check(0o600, "private key", State::Good);
        check(0o640, "private key", State::Good);
        check(0o644, "private key", State::Bad);
        check(0o660, "private key", State::Bad);
        check(0o644, "store", State::Look);
        assert_eq!(mode("private key", &folder.path().join("none")).state, State::Bad);
        for (kind, expect) in [(0xef53, State::Good), (0x5846_5342, State::Good), (0x6969, State::Bad)] {
            assert_eq!(home(kind).state, expect, "{kind:x}");
        }
        assert_eq!(home(0xffff_ffff_ff53_4d42).state, State::Bad, "a number with its sign");
        let gib = 1 << 30;
        for (room, held, expect) in [
            (20 * gib, gib, State::Good),
            (20 * gib, 21 * gib, State::Look),
            (gib - 1, 0, State::Look),
            (1 << 20, 0, State::Bad),
        ] {
            assert_eq!(space(room, held).state, expect, "{room} {held}");
        }
        assert_eq!(of_store("no/such/folder/store.db")[0].state, State::Bad);
        assert_eq!(of_store(&folder.path().join("store.db").display().to_string()).len(), 2);
    }
}
