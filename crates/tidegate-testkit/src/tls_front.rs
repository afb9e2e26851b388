//! TLS in front of a server that has none: from the first byte, or after STARTTLS.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::python;

/// Takes connections, and hands on what stands in them.
const FRONT: &str = r#"
import socket, ssl, sys, threading
certificate, key, behind, starttls = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "1"
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)

def hand_on(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass

def serve(client):
    server = socket.create_connection(("127.0.0.1", behind))
    if starttls:
        client.sendall(b"220 front.test\r\n")
        line = b""
        while not line.upper().startswith(b"STARTTLS"):
            line = client.recv(4096)
            if not line:
                return
            begins = line.upper().startswith(b"STARTTLS")
            offer = b"250-front.test\r\n250 STARTTLS\r\n"
            client.sendall(b"220 go on\r\n" if begins else offer)
        greeting = b""
        while not greeting.endswith(b"\n"):
            greeting += server.recv(4096)
    try:
        client = context.wrap_socket(client, server_side=True)
    except (ssl.SSLError, OSError):
        return
    threading.Thread(target=hand_on, args=(client, server), daemon=True).start()
    hand_on(server, client)

while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;

/// An authority, and the certificate of `localhost` that it has signed.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
}

/// A front that runs.
#[derive(Debug)]
pub struct TlsFront {
    child: Child,
    port: u16,
}

impl Authority {
    /// Makes one.
    ///
    /// # Panics
    ///
    /// If `openssl` is not installed.
    pub fn new() -> Self {
        const MAKE: &str = "\
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-authority \
                -keyout ca.key -out ca.pem && \
            openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out csr && \
            printf 'subjectAltName=DNS:localhost' > names && \
            openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
                -extfile names -out cert.pem";
        let folder = tempfile::tempdir().expect("there is room for it");
        let mut shell = Command::new("sh");
        let made = shell.args(["-c", MAKE]).current_dir(folder.path()).output();
        let made = made.expect("there is a shell");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder }
    }

    /// Its certificate, to be trusted.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Puts TLS in front of a port of 127.0.0.1.
    pub fn front(&self, port: u16) -> TlsFront {
        TlsFront::start(self.folder.path(), port, "0")
    }

    /// Puts STARTTLS in front of a mail server.
    pub fn starttls_front(&self, port: u16) -> TlsFront {
        TlsFront::start(self.folder.path(), port, "1")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl TlsFront {
    fn start(folder: &Path, behind: u16, starttls: &str) -> Self {
        let mut child = Command::new(python::interpreter())
            .args(["-c", FRONT])
            .args([folder.join("cert.pem"), folder.join("key.pem")])
            .args([&behind.to_string(), starttls])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the interpreter was there a moment ago");
        let mut line = String::new();
        let said = child.stdout.take().expect("it is a pipe");
        BufReader::new(said).read_line(&mut line).expect("it says its port");
        let port = line.trim().parse().expect("it says its port");
        Self { child, port }
    }

    /// Its port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
