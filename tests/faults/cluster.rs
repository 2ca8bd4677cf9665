//! A PostgreSQL cluster of the harness's own, with every sync that a real one has, to be struck.

use crate::database::Database;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Cluster {
    binaries: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    postmaster: Option<Child>,
}

impl Cluster {
    /// Makes and starts a cluster from the binaries of this machine.
    pub fn start() -> Result<Self, String> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").map_err(|_| "SKIPPED: PostgreSQL is not installed")?;
        let found = versions.flatten().map(|version| version.path().join("bin"));
        let binaries =
            found.filter(|bin| bin.join("initdb").exists()).max().ok_or("SKIPPED: PostgreSQL is not installed")?;
        let folder = tempfile::Builder::new().prefix("nayose-faults-pg-").tempdir().unwrap();
        if crate::is_root() {
            let _ = Command::new("chown").arg("postgres").arg(folder.path()).status();
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.map_err(|error| error.to_string())?.port();
        let mut cluster = Self { binaries, folder, port, postmaster: None };
        let mut init = cluster.as_owner("initdb");
        init.args(["-A", "trust", "-U", "postgres", "--no-instructions", "-E", "UTF8", "--locale=C.UTF-8", "-D"]);
        let made = init.arg(cluster.data()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) {
            return Err("initdb failed".to_owned());
        }
        cluster.restart()?;
        Ok(cluster)
    }

    /// A new database; its URL.
    pub fn database(&self, name: &str) -> Result<String, String> {
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        Database::open(&self.url("postgres"))?
            .run(&format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))?;
        Ok(self.url(&name))
    }

    /// Starts the postmaster, and returns when it takes connections.
    pub fn restart(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let mut command = self.as_owner("postgres");
            command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
            command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=on"]);
            // Of the whole file system at once, not file by file, which takes seconds after each crash.
            command.args([
                "-c",
                "recovery_init_sync_method=syncfs",
                "-c",
                "shared_buffers=32MB",
                "-c",
                "dynamic_shared_memory_type=mmap",
            ]);
            command.args(["-c", "max_connections=100"]).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().map_err(|error| error.to_string())?;
            while child.try_wait().unwrap().is_none() {
                if Database::open(&self.url("postgres")).is_ok() {
                    self.postmaster = Some(child);
                    return Ok(());
                }
                if begun.elapsed() > Duration::from_secs(60) {
                    return Err("PostgreSQL does not start".to_owned());
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            // Processes of the one that was killed are still going.
            if begun.elapsed() > Duration::from_secs(60) {
                return Err("PostgreSQL does not start again".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// SIGKILL to the postmaster; its processes find out by themselves.
    pub fn kill(&mut self) -> Result<(), String> {
        self.signal("-KILL")
    }

    /// What `pg_ctl stop -m immediate` does: no checkpoint, recovery at the next start.
    pub fn stop_immediately(&mut self) -> Result<(), String> {
        self.signal("-QUIT")
    }

    fn signal(&mut self, which: &str) -> Result<(), String> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).map_err(|error| error.to_string())?;
        let process = file.lines().next().unwrap_or_default().to_owned();
        let _ = Command::new("sh").args(["-c", "kill \"$0\" \"$1\"", which, &process]).status();
        if let Some(mut postmaster) = self.postmaster.take() {
            let _ = postmaster.wait();
        }
        Ok(())
    }

    /// Where it listens.
    pub fn address(&self) -> std::net::SocketAddr {
        std::net::SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// PostgreSQL refuses to run as root.
    fn as_owner(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        if !crate::is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=KILL", "--"])
            .arg(program)
            .current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // What cannot be stopped any more has stopped.
        let _ = self.stop_immediately();
    }
}
