//! Stores for tests, gone when dropped: a SQLite file, or a database in a PostgreSQL cluster that the first
//! test starts. No code that serves may use it.

use super::{Store, StoreError};
use crate::clock::Clock;
use diesel::RunQueryDsl as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

static COUNTER: AtomicU32 = AtomicU32::new(0);
static CLUSTER: OnceLock<Option<String>> = OnceLock::new();

/// Where one test has its store.
pub struct Place {
    /// What [`Store::open`] takes.
    pub url: String,
    /// The folder of a SQLite store.
    folder: Option<PathBuf>,
}

impl Place {
    /// A new SQLite file in a folder of its own.
    pub fn sqlite() -> std::io::Result<Self> {
        let folder = std::env::temp_dir().join(unique("nayose-test"));
        std::fs::create_dir_all(&folder)?;
        Ok(Self { url: format!("sqlite:{}", folder.join("store.db").display()), folder: Some(folder) })
    }

    /// A new database in PostgreSQL: the cluster of `TEST_DATABASE_URL`, else one started from the binaries of
    /// this machine. None, with a line that says so, where there is neither.
    pub fn postgres() -> Option<Self> {
        let Some(server) = CLUSTER.get_or_init(find_cluster).as_deref() else {
            // Straight to the stream: what the macros print is captured with the output of a test that passes.
            let word =
                "SKIPPED on PostgreSQL: no TEST_DATABASE_URL, and no PostgreSQL binaries that could be started\n";
            let _ = std::io::stderr().write_all(word.as_bytes());
            return None;
        };
        let name = unique("nayose_test").replace('-', "_");
        if let Err(error) = create_database(server, &name) {
            eprintln!("SKIPPED on PostgreSQL: no database could be made: {error}");
            return None;
        }
        Some(Self { url: with_database(server, &name), folder: None })
    }

    /// Opens the store here.
    pub fn open(&self, clock: &Clock) -> Result<Store, StoreError> {
        Store::open(&self.url, clock)
    }

    /// From now on each message that is journalled in this SQLite store lets the commit fail, and no statement
    /// before it; `false` mends it. As a process that holds the store would find a disk that gives up.
    pub fn plant_failing_commits(&self, planted: bool) -> Result<(), StoreError> {
        let path = self.url.strip_prefix("sqlite:").unwrap_or_default();
        // A deferred foreign key is looked at when the transaction commits, and not before.
        let sql = if planted {
            "CREATE TABLE planted_parent (id INTEGER PRIMARY KEY); \
             CREATE TABLE planted_child (id REFERENCES planted_parent (id) DEFERRABLE INITIALLY DEFERRED); \
             CREATE TRIGGER planted AFTER INSERT ON inbox BEGIN INSERT INTO planted_child VALUES (1); END"
        } else {
            "DROP TRIGGER planted; DROP TABLE planted_child; DROP TABLE planted_parent"
        };
        Ok(super::connection::sqlite_writer(path)?.batch(sql)?)
    }

    /// Runs statements on a store behind the back of whoever has it open: to see what a damaged one does.
    pub fn damage(&self, statements: &str) -> Result<(), StoreError> {
        let mut connection = match self.url.strip_prefix("sqlite:") {
            Some(path) => super::connection::sqlite_writer(path)?,
            None => super::connection::postgres(&self.url)?,
        };
        Ok(connection.batch(statements)?)
    }

    /// A place of each kind that this machine has.
    pub fn each() -> Vec<Self> {
        Self::sqlite().into_iter().chain(Self::postgres()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.take() {
            // What is left behind is in the folder for temporary files.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn unique(prefix: &str) -> String {
    let now = Clock::system().micros();
    format!("{prefix}-{}-{}-{now}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

fn find_cluster() -> Option<String> {
    let named = std::env::vars_os().find(|(name, _)| name == "TEST_DATABASE_URL").map(|(_, value)| value);
    match named {
        Some(url) => url.into_string().ok(),
        None => start_cluster(|_| Some(String::new())),
    }
}

/// `server` with `name` as its database: the part after the last `/`, before any `?`.
fn with_database(server: &str, name: &str) -> String {
    let (address, options) = server.split_once('?').map_or((server, None), |(a, o)| (a, Some(o)));
    let host = address.rsplit_once('/').map_or(address, |(host, _)| host);
    options.map_or_else(|| format!("{host}/{name}"), |options| format!("{host}/{name}?{options}"))
}

fn create_database(server: &str, name: &str) -> Result<(), StoreError> {
    let mut connection = super::connection::postgres(server)?;
    if let super::connection::Connection::Postgres(connection) = &mut connection {
        diesel::sql_query(format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))
            .execute(connection.as_mut())?;
    }
    Ok(())
}

/// A cluster of its own that speaks TLS with this certificate, and with nobody without TLS.
#[cfg(test)]
pub(super) fn tls_cluster(certificate: &str, key: &str) -> Option<String> {
    start_cluster(|data| {
        // The server insists on a key that is its user's alone.
        let copied = "cp \"$1\" \"$3/server.crt\"; cp \"$2\" \"$3/server.key\"; chmod 600 \"$3/server.key\"; \
                      echo 'hostssl all all all trust' > \"$3/pg_hba.conf\"; \
                      chown --reference \"$3/PG_VERSION\" \"$3/server.crt\" \"$3/server.key\"";
        finished(Command::new("sh").args(["-ec", copied, "sh", certificate, key]).arg(data))
            .then(|| "-c ssl=on".to_owned())
    })
}

/// Makes and starts a cluster; `arrange` gets its folder before the start and gives further options.
fn start_cluster(arrange: impl Fn(&Path) -> Option<String>) -> Option<String> {
    let binaries = newest_binaries()?;
    let folder = std::env::temp_dir().join(unique("nayose-pg"));
    std::fs::create_dir_all(&folder).ok()?;
    let root = is_root();
    if root && !finished(Command::new("chown").arg("postgres").arg(&folder)) {
        return None;
    }
    let data = folder.join("data");
    let initdb = binaries.join("initdb");
    let mut init = as_postgres(root, &initdb);
    init.args([
        "-A",
        "trust",
        "-U",
        "postgres",
        "--no-sync",
        "--no-instructions",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-D",
    ]);
    if !finished(init.arg(&data)) {
        return None;
    }
    let options = arrange(&data)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).ok()?.port();
    // The server ends with this process: `sh` waits for the end of its input, which we never write to.
    let script = format!(
        "'{}/postgres' -D '{}' -c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories='' -c fsync=off \
         -c max_connections=300 {options} >/dev/null 2>&1 & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf '{}'",
        binaries.display(),
        data.display(),
        folder.display(),
    );
    let mut server = as_postgres(root, Path::new("sh"));
    let child = server.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    // The pipe must stay open as long as this process lives.
    std::mem::forget(child.ok()?);
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    for _ in 0..100 {
        if super::connection::postgres(&url).is_ok() {
            return Some(url);
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    None
}

fn newest_binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let found = versions.flatten().map(|version| version.path().join("bin"));
    found.filter(|bin| bin.join("initdb").exists()).max()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// PostgreSQL refuses to run as root.
fn as_postgres(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program).current_dir("/");
    command
}

fn finished(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
