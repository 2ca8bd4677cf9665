//! `nayose serve` as a process: started, stopped, frozen and killed, and never trusted.

use crate::client::Connection;
use nayose::config::{Configuration, Domain};
use nayose::demo;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a start may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server's program, where it is not the one that was built with this harness.
pub static BINARY: OnceLock<PathBuf> = OnceLock::new();

/// How a server is to be started.
#[derive(Clone)]
pub struct Launch {
    pub url: String,
    /// For the configuration, the address file and what the server says: not where the faults are.
    pub folder: PathBuf,
    pub environment: Vec<(String, String)>,
    /// Whether answers to questions wait until their audit rows are durable.
    pub audit_wait: bool,
    /// Where a subscriber listens that is told of everything.
    pub subscriber: Option<String>,
    /// A program and its options that start the server in its place, with bounds.
    pub wrapped: Vec<String>,
}

pub struct Server {
    child: Child,
    pub http: SocketAddr,
    /// From the start of the process to the first ready answer.
    pub ready: Duration,
}

impl Launch {
    pub fn new(url: &str, folder: &Path) -> Self {
        Self {
            url: url.to_owned(),
            folder: folder.to_owned(),
            environment: Vec::new(),
            audit_wait: false,
            subscriber: None,
            wrapped: Vec::new(),
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the process and waits for nothing.
    pub fn spawn(&self) -> Child {
        let config = self.folder.join("nayose.toml");
        let mut text = configuration_text(&self.url, self.audit_wait);
        if let Some(url) = &self.subscriber {
            let _ = write!(
                text,
                "[[system]]\nid = \"viewer\"\ndevice = \"2.999.1.77\"\n[[subscriber]]\nsystem = \"viewer\"\nurl = \"{url}\"\n"
            );
        }
        std::fs::write(&config, text).unwrap();
        let addresses = self.addresses();
        let _ = std::fs::remove_file(&addresses);
        let stderr = std::fs::File::options().create(true).append(true).open(self.stderr()).unwrap();
        let mut command = match self.wrapped.split_first() {
            None => Command::new(binary()),
            Some((program, options)) => {
                let mut command = Command::new(program);
                command.args(options).arg(binary());
                command
            }
        };
        command.arg("serve").arg("--config").arg(&config).arg("--address-file").arg(&addresses);
        command.envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap()
    }

    /// Starts the process and waits until it is ready; `Err` with its status where it ends instead.
    pub fn try_start(&self) -> Result<Server, ExitStatus> {
        let begun = Instant::now();
        let mut child = self.spawn();
        let addresses = self.addresses();
        loop {
            if let Some(http) = std::fs::read_to_string(&addresses).ok().as_deref().and_then(http_address)
                && Connection::open(http).and_then(|mut c| c.get("ready")) == Some(200)
            {
                return Ok(Server { child, http, ready: begun.elapsed() });
            }
            if let Some(status) = child.try_wait().unwrap() {
                return Err(status);
            }
            if begun.elapsed() > PATIENCE {
                let _ = child.kill();
                return Err(child.wait().unwrap());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// As [`Launch::try_start`], where nothing keeps it from starting.
    pub fn start(&self) -> Result<Server, String> {
        self.try_start().map_err(|status| format!("the server did not start: {status}: {}", self.said()))
    }

    fn addresses(&self) -> PathBuf {
        self.folder.join("addresses")
    }

    fn stderr(&self) -> PathBuf {
        self.folder.join("stderr")
    }

    /// All that servers have said here since the last call.
    pub fn said(&self) -> String {
        let said = std::fs::read_to_string(self.stderr()).unwrap_or_default();
        let _ = std::fs::remove_file(self.stderr());
        said
    }

    /// An error where a server has said that it has a defect.
    pub fn no_defects(&self) -> Result<(), String> {
        let said = self.said();
        let bad = said.lines().find(|line| line.contains("panicked") || line.contains("defect"));
        bad.map_or(Ok(()), |line| Err(format!("the server has a defect: {line}")))
    }
}

impl Server {
    pub fn connect(&self) -> Option<Connection> {
        Connection::open(self.http)
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, as an operator stops it.
    pub fn stop(mut self) -> Result<(), String> {
        self.terminate();
        let status = self.ended(Duration::from_secs(40)).ok_or("the server does not stop")?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        signal("-TERM", self.child.id());
    }

    /// Stops every thread, and returns when all stand still.
    pub fn freeze(&self) {
        signal("-STOP", self.child.id());
        let tasks = PathBuf::from(format!("/proc/{}/task", self.child.id()));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            let stats = std::fs::read_dir(&tasks).unwrap().flatten();
            let states = stats.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
            if states.into_iter().all(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))) {
                return;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        signal("-CONT", self.child.id());
    }

    /// The status with which it ended by itself within `time`.
    pub fn ended(&mut self, time: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            if begun.elapsed() > time {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program that is struck.
pub fn binary() -> &'static Path {
    BINARY.get().map_or(Path::new(env!("CARGO_BIN_EXE_nayose")), PathBuf::as_path)
}

fn signal(which: &str, process: u32) {
    // The shell has it built in; a bare machine has no program of that name.
    let _ = Command::new("sh").args(["-c", "kill \"$0\" \"$1\"", which, &process.to_string()]).status();
}

fn http_address(lines: &str) -> Option<SocketAddr> {
    lines.lines().find_map(|line| line.strip_prefix("http="))?.parse().ok()
}

/// The invented region, open to every caller on a free port of loopback.
pub fn configuration(url: &str) -> Configuration {
    let region = demo::region();
    let mut settings = Configuration::default();
    settings.network.regional.oid = region.regional.oid;
    settings.network.regional.namespace = region.regional.namespace;
    settings.network.device = region.device;
    settings.domains = region
        .facilities
        .into_iter()
        .map(|facility| Domain {
            key: facility.authority.key,
            oid: facility.authority.oid,
            namespace: facility.authority.namespace,
            name: facility.authority.name,
            facility: facility.facility,
            one_identifier_per_person: false,
        })
        .collect();
    settings.store.url = url.to_owned();
    settings
}

fn configuration_text(url: &str, audit_wait: bool) -> String {
    let region = demo::region();
    let mut text = format!(
        "[server]\nhttp = \"127.0.0.1:0\"\nadmin = \"off\"\nlog_level = \"warn\"\n[store]\nurl = \"{url}\"\n\
         [network]\nname = \"Hoshimi\"\nregional = {{ oid = \"{}\", namespace = \"{}\" }}\n\
         device = \"{}\"\ntime_zone = \"Asia/Tokyo\"\n[access]\nmode = \"open\"\n[audit]\nwait = {audit_wait}\n",
        region.regional.oid, region.regional.namespace, region.device
    );
    for facility in region.facilities {
        let authority = facility.authority;
        let _ = write!(
            text,
            "[[domain]]\nid = \"{}\"\noid = \"{}\"\nnamespace = \"{}\"\nname = \"{}\"\nfacility = \"{}\"\n",
            authority.key, authority.oid, authority.namespace, authority.name, facility.facility
        );
    }
    text
}
