//! A TCP proxy that writes down each question that passes through it to PostgreSQL.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// Bytes that are passed on at a time.
const PIECE_BYTES: usize = 16 << 10;
/// Bytes of a message's length.
const LENGTH_BYTES: usize = 4;
/// Major version of the protocol, in a message that begins a session.
const PROTOCOL: u16 = 3;

/// A proxy in front of a server that lets everything pass.
#[derive(Debug)]
pub struct PostgresTap {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl PostgresTap {
    /// Starts a proxy in front of a port of the loopback address. What passes is not encrypted.
    ///
    /// # Panics
    ///
    /// If the loopback address cannot be listened on.
    pub fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let asked = Arc::default();
        let server = SocketAddr::from(([127, 0, 0, 1], server_port));
        let heard = Arc::clone(&asked);
        // The threads end with the process; a proxy is for one test.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let heard = Arc::clone(&heard);
                thread::spawn(move || serve(client, server, heard));
            }
        });
        Self { port, asked }
    }

    /// Port of the proxy on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The text of every statement that was run since this was asked last, in order; several that
    /// are sent as one stand as one. Whoever has an answer finds its question here.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(client: TcpStream, server: SocketAddr, asked: Arc<Mutex<Vec<String>>>) {
    let Ok(server) = TcpStream::connect(server) else { return };
    let (Ok(mut from_client), Ok(mut to_server)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    for end in [&client, &server] {
        drop(end.set_nodelay(true));
    }
    thread::spawn(move || {
        let mut listener = Listener::default();
        pass(&mut from_client, &mut to_server, |piece| {
            let heard = listener.hear(piece);
            asked.lock().unwrap_or_else(PoisonError::into_inner).extend(heard);
        });
    });
    let (mut from_server, mut to_client) = (server, client);
    pass(&mut from_server, &mut to_client, |_| {});
}

/// Passes on what comes until it ends, after it was seen.
fn pass(from: &mut TcpStream, to: &mut TcpStream, mut see: impl FnMut(&[u8])) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        see(&piece[..read]);
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}

/// What a client says, message by message.
#[derive(Default)]
struct Listener {
    /// The beginning of a message whose end has not come yet.
    pending: Vec<u8>,
    /// Whether the session has begun: messages have a letter from then on.
    has_begun: bool,
    /// Texts of prepared statements, and of those that portals were bound to, by name.
    statements: BTreeMap<Vec<u8>, String>,
    portals: BTreeMap<Vec<u8>, String>,
}

impl Listener {
    /// The statements that a piece runs.
    fn hear(&mut self, piece: &[u8]) -> Vec<String> {
        self.pending.extend(piece);
        let mut run = Vec::new();
        loop {
            let letter = usize::from(self.has_begun);
            let Some(length) = self.pending.get(letter..letter + LENGTH_BYTES) else { return run };
            let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
            let end = letter + usize::try_from(length).expect("a message fits in memory");
            if self.pending.len() < end {
                return run;
            }
            let message: Vec<u8> = self.pending.drain(..end).collect();
            run.extend(self.understand(&message, letter + LENGTH_BYTES));
        }
    }

    fn understand(&mut self, message: &[u8], begin: usize) -> Option<String> {
        let body = &message[begin..];
        if !self.has_begun {
            // Before it, a client may ask for encryption, which the server of the tests refuses.
            self.has_begun = body.starts_with(&PROTOCOL.to_be_bytes());
            return None;
        }
        let mut words = body.split(|byte| *byte == 0);
        let mut word = || words.next().unwrap_or_default();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match message[0] {
            b'P' => {
                let (name, statement) = (word().to_vec(), text(word()));
                self.statements.insert(name, statement);
                None
            }
            b'B' => {
                let (portal, statement) = (word().to_vec(), word());
                let statement = self.statements.get(statement).cloned().unwrap_or_default();
                self.portals.insert(portal, statement);
                None
            }
            b'E' => Some(self.portals.get(word()).cloned().unwrap_or_default()),
            b'Q' => Some(text(word())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(letter: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + LENGTH_BYTES).unwrap().to_be_bytes();
        [letter, &length, body].concat()
    }

    #[test]
    fn every_statement_that_is_run_is_heard_however_it_comes_apart() {
        let begin = [PROTOCOL.to_be_bytes(), [0, 0]].concat();
        let said = [
            // A wish for encryption first, as clients have it.
            message(b"", &80_877_103_u32.to_be_bytes()),
            message(b"", &[&begin[..], b"user\0ada\0\0"].concat()),
            message(b"P", b"s1\0select 1\0\0\0"),
            message(b"D", b"Ss1\0"),
            message(b"B", b"\0s1\0\0\0\0\0\0\0"),
            message(b"E", b"\0\0\0\0\0"),
            message(b"S", b""),
            message(b"Q", b"begin; rollback\0"),
            message(b"B", b"\0s1\0\0\0\0\0\0\0"),
            message(b"E", b"\0\0\0\0\0"),
            message(b"X", b""),
        ]
        .concat();
        for length in [1, 7, said.len()] {
            let mut listener = Listener::default();
            let heard: Vec<String> =
                said.chunks(length).flat_map(|piece| listener.hear(piece)).collect();
            assert_eq!(heard, ["select 1", "begin; rollback", "select 1"], "in pieces of {length}");
        }
    }
}
