//! A TCP proxy that breaks what passes through it, at a byte of the test's choice.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering},
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

/// When a connection is cut whose client sends certain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the server has them.
    Before,
    /// As soon as the server has them; the client never has an answer.
    After,
    /// Before the server has them, and the server hears nothing at all until they are released.
    Withheld,
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
    breaks: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
    /// Words to look for, once, and what to do then.
    awaited: Mutex<Option<(Vec<u8>, Cut)>>,
    cuts: AtomicU64,
    /// Words that are under way to a server.
    withheld: Mutex<Option<(TcpStream, Vec<u8>)>>,
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
            breaks: AtomicU64::new(0),
            open: Mutex::default(),
            awaited: Mutex::default(),
            cuts: AtomicU64::new(0),
            withheld: Mutex::default(),
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

    /// Cuts the next connection whose client sends these words at one go, and no other.
    pub fn cut_at(&self, words: &[u8], cut: Cut) {
        *held(&self.state.awaited) = Some((words.to_vec(), cut));
    }

    /// How many connections were cut at words.
    pub fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::SeqCst)
    }

    /// Lets the words arrive that were withheld, and then the end of their connection.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn release(&self) {
        let (mut server, words) = held(&self.state.withheld).take().expect("words are withheld");
        drop(server.write_all(&words));
        drop(server.shutdown(Shutdown::Write));
    }

    /// How often bytes were kept back since there were none left.
    pub fn breaks(&self) -> u64 {
        self.state.breaks.load(Ordering::SeqCst)
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
        held(&self.open).extend(ends.into_iter().flatten());
        let upstream = Arc::clone(&self);
        let is_cut = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&is_cut);
        thread::spawn(move || upstream.pass_on(from_client, to_server, &shared));
        self.pass_back(server, client, &is_cut);
    }

    /// Client to server: unhindered, but for silence and awaited words.
    fn pass_on(&self, mut from: TcpStream, mut to: TcpStream, is_cut: &AtomicBool) {
        let mut piece = [0; PIECE_BYTES];
        while let Ok(read @ 1..) = from.read(&mut piece) {
            if let Some((at, cut)) = self.find_awaited(&piece[..read]) {
                // From here on no answer goes back: this thread has not sent the words yet.
                is_cut.store(true, Ordering::SeqCst);
                self.cuts.fetch_add(1, Ordering::SeqCst);
                let told = if cut == Cut::After { read } else { at };
                drop(to.write_all(&piece[..told]));
                match cut {
                    Cut::Before | Cut::After => drop(to.shutdown(Shutdown::Write)),
                    Cut::Withheld => {
                        *held(&self.withheld) = Some((to, piece[at..read].to_vec()));
                    }
                }
                // Last: whoever sees the cut may release what is withheld.
                drop(from.shutdown(Shutdown::Both));
                return;
            }
            if self.is_silent() || to.write_all(&piece[..read]).is_err() {
                break;
            }
        }
        if !self.is_silent() {
            drop(to.shutdown(Shutdown::Write));
        }
    }

    /// Where the awaited words begin in what a client sent, if they are there.
    fn find_awaited(&self, piece: &[u8]) -> Option<(usize, Cut)> {
        let mut awaited = held(&self.awaited);
        let (words, cut) = awaited.as_ref()?;
        let at = piece.windows(words.len()).position(|window| window == words)?;
        let found = (at, *cut);
        *awaited = None;
        Some(found)
    }

    /// Server to client: as many bytes as are left.
    fn pass_back(&self, mut from: TcpStream, mut to: TcpStream, is_cut: &AtomicBool) {
        let mut piece = [0; PIECE_BYTES];
        loop {
            let read = match from.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(_) if is_cut.load(Ordering::SeqCst) => continue,
                Ok(read) => read,
            };
            let allowed = self.take(read);
            // Counted first: whoever has seen the bytes, or the end of its connection, finds them
            // counted.
            self.breaks.fetch_add(u64::from(allowed < read), Ordering::SeqCst);
            self.passed.fetch_add(i64::try_from(allowed).unwrap_or(0), Ordering::SeqCst);
            if to.write_all(&piece[..allowed]).is_err() {
                break;
            }
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
        let open = std::mem::take(&mut *held(&self.open));
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

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert_eq!((proxy.passed(), proxy.breaks()), (12, 0));
        proxy.break_after(12, Break::Close);
        assert_eq!(received(&proxy), b"hello, world");
        assert_eq!(proxy.breaks(), 0, "nothing was kept back");
        proxy.break_after(5, Break::Close);
        assert_eq!(received(&proxy), b"hello");
        assert_eq!(received(&proxy), b"", "what comes later breaks too");
        assert_eq!(proxy.breaks(), 2);
        proxy.mend();
        assert_eq!(received(&proxy), b"hello, world");
    }

    /// What a server receives of "one two three" until the end, and what comes back.
    fn sent_through(cut: Cut) -> (Vec<u8>, Vec<u8>) {
        let is_withheld = cut == Cut::Withheld;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = FaultProxy::start(listener.local_addr().unwrap().port());
        proxy.cut_at(b"two", cut);
        let server = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            client.read_to_end(&mut bytes).unwrap();
            drop(client.write_all(b"answer"));
            bytes
        });
        let mut client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        client.write_all(b"one two three").unwrap();
        let mut answer = Vec::new();
        drop(client.read_to_end(&mut answer));
        assert_eq!(proxy.cuts(), 1);
        if is_withheld {
            assert!(!server.is_finished(), "it waits");
            proxy.release();
        }
        (server.join().unwrap(), answer)
    }

    #[test]
    fn a_connection_is_cut_before_or_after_the_awaited_words() {
        assert_eq!(sent_through(Cut::Before), (b"one ".to_vec(), Vec::new()));
        for cut in [Cut::After, Cut::Withheld] {
            assert_eq!(sent_through(cut), (b"one two three".to_vec(), Vec::new()));
        }
    }
}
