//! The connection to PostgreSQL is cut during COMMIT: before the server has it, or after, with its answer on the way.
//!
//! Nobody but the database knows then what became of the message, so the sender must hear nothing, and the repeat must
//! find out. A proxy of the harness's own does the cutting.

use crate::arguments::Arguments;
use crate::cluster::Cluster;
use crate::kill::launch;
use crate::random::Random;
use crate::totals::Totals;
use crate::world::World;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One commit of so many is cut.
const CUT_ONE_OF: u64 = 5;

const CYCLES_OF_A_STORE: u64 = 50;

/// What the threads of the proxy share.
struct Proxy {
    server: SocketAddr,
    cutting: AtomicBool,
    before: AtomicU64,
    after: AtomicU64,
    random: Mutex<Random>,
}

/// How a commit is to be cut.
enum Cut {
    Before,
    After,
}

impl Proxy {
    /// Begins to listen; where.
    fn start(server: SocketAddr, seed: u64) -> Result<(Arc<Self>, SocketAddr), String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let proxy = Arc::new(Self {
            server,
            cutting: AtomicBool::new(false),
            before: AtomicU64::new(0),
            after: AtomicU64::new(0),
            random: Mutex::new(Random::new(seed, 11)),
        });
        let shared = Arc::clone(&proxy);
        // It ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.carry(client));
            }
        });
        Ok((proxy, address))
    }

    /// Carries one connection until either side ends it, or it is cut.
    fn carry(&self, client: TcpStream) -> Option<()> {
        let server = TcpStream::connect(self.server).ok()?;
        let (mut back_from, mut back_to) = (server.try_clone().ok()?, client.try_clone().ok()?);
        let silent = Arc::new(AtomicBool::new(false));
        let hushed = Arc::clone(&silent);
        std::thread::spawn(move || {
            let mut part = [0; 16 * 1024];
            while let Ok(read @ 1..) = back_from.read(&mut part) {
                if hushed.load(Ordering::SeqCst) || back_to.write_all(&part[..read]).is_err() {
                    break;
                }
            }
            let _ = back_to.shutdown(Shutdown::Both);
        });
        let (mut from, mut to) = (client, server);
        let mut part = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut part) {
            match self.cut(&part[..read]) {
                None => to.write_all(&part[..read]).ok()?,
                Some(Cut::Before) => break,
                Some(Cut::After) => {
                    silent.store(true, Ordering::SeqCst);
                    to.write_all(&part[..read]).ok()?;
                    // The server has time to commit; its answer is not carried.
                    std::thread::sleep(Duration::from_millis(20));
                    break;
                }
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        Some(())
    }

    /// Whether the connection ends with these bytes of the client.
    fn cut(&self, bytes: &[u8]) -> Option<Cut> {
        if !self.cutting.load(Ordering::SeqCst) || !bytes.windows(7).any(|seven| seven == b"COMMIT\0") {
            return None;
        }
        let drawn = self.random.lock().unwrap().below(CUT_ONE_OF * 2);
        match drawn {
            0 => {
                self.before.fetch_add(1, Ordering::SeqCst);
                Some(Cut::Before)
            }
            1 => {
                self.after.fetch_add(1, Ordering::SeqCst);
                Some(Cut::After)
            }
            _ => None,
        }
    }
}

/// Cycles of load with cuts; the server lives through all of those of one store.
pub fn cycles(arguments: &Arguments) -> Result<String, String> {
    let mut totals = Totals::open("cut postgres", arguments.seed, arguments.state.clone())?;
    let cluster = Cluster::start()?;
    let (proxy, address) = Proxy::start(cluster.address(), totals.seed)?;
    let (mut unknown, mut present) = (0, 0);
    while totals.cycles < arguments.cycles {
        let seed = totals.seed.wrapping_add(totals.stores);
        totals.stores += 1;
        let folder = tempfile::tempdir().unwrap();
        let direct = cluster.database(&format!("cut_{seed}_{}", totals.cycles))?;
        let through = direct.replace(&cluster.address().to_string(), &address.to_string());
        let mut world = World::new(launch(&direct, folder.path(), arguments), seed, 4);
        let server = launch(&through, folder.path(), arguments).start()?;
        for _ in 0..CYCLES_OF_A_STORE.min(arguments.cycles - totals.cycles) {
            world.load(server.http, |_| {
                proxy.cutting.store(true, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(250));
                proxy.cutting.store(false, Ordering::SeqCst);
            })?;
            let checked = world.check(false)?;
            (unknown, present) = (unknown + checked.unknown, present + checked.present);
            world.settle(server.http)?;
            totals.cycles += 1;
        }
        drop(server);
        world.launch.no_defects()?;
        world.conclude()?;
        totals.settled += world.journal.settled();
        totals.repeats += world.repeats();
        (totals.unknown, totals.present) = (totals.unknown + unknown, totals.present + present);
        (unknown, present) = (0, 0);
        totals.save()?;
        println!("{}", totals.line());
    }
    let (before, after) = (proxy.before.load(Ordering::SeqCst), proxy.after.load(Ordering::SeqCst));
    Ok(format!("{}; of this run {before} commits cut before and {after} after the server had them", totals.line()))
}
