//! A TCP proxy that breaks what passes through it, at a byte of the test's choice.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
    thread,
};

/// Bytes that are passed on at a time; small, so that faults fall between any two messages.
const PIECE_BYTES: usize = 4096;
/// No fault is due.
const UNLIMITED: i64 = i64::MAX;

/// What happens to the connections once the bytes are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Break {
    /// They end as if both sides had closed them.
    Close,
    /// They stay open and nothing passes any more.
    Silence,
}

/// A proxy in front of a server.
#[derive(Debug)]
pub struct FaultProxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    /// Bytes that may still pass from the server to its clients, over all connections.
    left: AtomicI64,
    kind: AtomicU8,
    passed: AtomicI64,
    open: Mutex<Vec<TcpStream>>,
}

impl FaultProxy {
    /// Starts a proxy in front of a port of the loopback address.
    ///
    /// # Panics
    ///
    /// If the loopback address cannot be listened on.
    pub fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let state = Arc::new(State {
            left: AtomicI64::new(UNLIMITED),
            kind: AtomicU8::new(Break::Close as u8),
            passed: AtomicI64::new(0),
            open: Mutex::default(),
        });
        let server = SocketAddr::from(([127, 0, 0, 1], server_port));
        let shared = Arc::clone(&state);
        // Both threads end with the process; a proxy is for one test.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(client, server));
            }
        });
        Self { port, state }
    }

    /// Port of the proxy on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Breaks all connections once `bytes` more have come from the server; new ones break at
    /// their first byte.
    pub fn break_after(&self, bytes: u64, kind: Break) {
        self.state.kind.store(kind as u8, Ordering::SeqCst);
        let bytes = i64::try_from(bytes).unwrap_or(UNLIMITED);
        self.state.left.store(bytes, Ordering::SeqCst);
    }

    /// Lets everything pass again, for new connections.
    pub fn mend(&self) {
        self.state.left.store(UNLIMITED, Ordering::SeqCst);
    }

    /// Bytes that have come from the server so far, over all connections.
    pub fn passed(&self) -> u64 {
        u64::try_from(self.state.passed.load(Ordering::SeqCst)).unwrap_or(0)
    }
}

impl State {
    fn serve(self: Arc<Self>, client: TcpStream, server: SocketAddr) {
        let Ok(server) = TcpStream::connect(server) else { return };
        let (Ok(from_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else {
            return;
        };
        // Otherwise each small message would wait for the acknowledgement of the one before.
        for end in [&client, &server] {
            drop(end.set_nodelay(true));
        }
        let ends = [client.try_clone(), server.try_clone()];
        self.open.lock().unwrap_or_else(PoisonError::into_inner).extend(ends.into_iter().flatten());
        let upstream = Arc::clone(&self);
        thread::spawn(move || upstream.pass_on(from_client, to_server));
        self.pass_back(server, client);
    }

    /// Client to server: unhindered, but for silence.
    fn pass_on(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; PIECE_BYTES];
        while let Ok(read @ 1..) = from.read(&mut piece) {
            if self.is_silent() || to.write_all(&piece[..read]).is_err() {
                break;
            }
        }
        if !self.is_silent() {
            drop(to.shutdown(Shutdown::Write));
        }
    }

    /// Server to client: as many bytes as are left.
    fn pass_back(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; PIECE_BYTES];
        loop {
            let read = match from.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(read) => read,
            };
            let allowed = self.take(read);
            if to.write_all(&piece[..allowed]).is_err() {
                break;
            }
            self.passed.fetch_add(i64::try_from(allowed).unwrap_or(0), Ordering::SeqCst);
            if allowed < read {
                self.break_all();
                return;
            }
        }
        drop(to.shutdown(Shutdown::Write));
    }

    /// How many of `wanted` bytes may pass.
    fn take(&self, wanted: usize) -> usize {
        if self.left.load(Ordering::SeqCst) == UNLIMITED {
            return wanted;
        }
        let wanted = i64::try_from(wanted).unwrap_or(UNLIMITED);
        let before = self.left.fetch_sub(wanted, Ordering::SeqCst);
        usize::try_from(before.clamp(0, wanted)).unwrap_or(0)
    }

    fn break_all(&self) {
        if self.is_silent() {
            return;
        }
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for end in open {
            let ended: io::Result<()> = end.shutdown(Shutdown::Both);
            drop(ended);
        }
    }

    fn is_silent(&self) -> bool {
        self.kind.load(Ordering::SeqCst) == Break::Silence as u8
            && self.left.load(Ordering::SeqCst) <= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends the same bytes to everybody and closes.
    fn server(bytes: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                client.write_all(bytes).unwrap();
            }
        });
        port
    }

    fn received(proxy: &FaultProxy) -> Vec<u8> {
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        let mut bytes = Vec::new();
        drop(client.read_to_end(&mut bytes));
        bytes
    }

    #[test]
    fn exactly_the_allowed_bytes_pass() {
        let proxy = FaultProxy::start(server(b"hello, world"));
        assert_eq!(received(&proxy), b"hello, world");
        assert_eq!(proxy.passed(), 12);
        proxy.break_after(5, Break::Close);
        assert_eq!(received(&proxy), b"hello");
        assert_eq!(received(&proxy), b"", "what comes later breaks too");
        proxy.mend();
        assert_eq!(received(&proxy), b"hello, world");
    }
}
