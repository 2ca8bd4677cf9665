//! How many connections each address has, and the end of those that are too many.
//!
//! It must never answer: who has thousands of connections is not worth a byte.

use actix_web::rt::net::TcpStream;
use std::collections::HashMap;
use std::net::{IpAddr, Shutdown};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of each address; clones share them.
#[derive(Clone)]
pub(super) struct Crowd {
    most: usize,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection in the crowd, counted until this is dropped.
pub(super) struct Member {
    address: Option<IpAddr>,
    crowd: Crowd,
}

impl Crowd {
    pub(super) fn new(most: usize) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// Counts `stream`, and ends it where its address has too many.
    pub(super) fn admit(&self, stream: &TcpStream) -> Member {
        // A peer that is gone already has no address.
        let address = stream.peer_addr().ok().map(|address| address.ip().to_canonical());
        if address.is_some_and(|address| self.enter(address) > self.most) {
            // Shut down through a copy of its descriptor: the connection reads its end and is dropped.
            let copy = stream.as_fd().try_clone_to_owned().map(std::net::TcpStream::from);
            if copy.and_then(|copy| copy.shutdown(Shutdown::Both)).is_err() {
                log::warn!("a connection beyond the bound of its address could not be ended");
            }
        }
        Member { address, crowd: self.clone() }
    }

    /// One more of `address`; how many it has then.
    fn enter(&self, address: IpAddr) -> usize {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        *count += 1;
        *count
    }

    fn leave(&self, address: IpAddr) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(address) = self.address {
            self.crowd.leave(address);
        }
    }
}
