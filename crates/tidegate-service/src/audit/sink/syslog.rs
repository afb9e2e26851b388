//! Streams entries to a syslog, in the format of RFC 5424: a message an entry, its line as text.

use std::{fmt::Write, io, net::SocketAddr};

use serde_json::json;
use tidegate_model::audit::{Entry, Outcome, StoredEntry};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket, UnixDatagram, lookup_host},
};

use crate::audit::settings::SyslogAddress;

/// Facility "log audit".
const FACILITY: u8 = 13;
/// Severities: what was refused or carries personal data is louder.
const WARNING: u8 = 4;
const NOTICE: u8 = 5;
/// Characters of a message's kind at most, by the format.
const KIND_CHARACTERS_MAX: usize = 32;
/// Characters of a host's name at most, by the format.
const HOST_CHARACTERS_MAX: usize = 255;
/// Bytes of a datagram at most: what UDP over IPv4 has room for.
const DATAGRAM_BYTES_MAX: usize = 65_507;
/// What a receiver may say while it closes.
const FAREWELL_BYTES: usize = 256;

/// A syslog.
#[derive(Debug)]
pub(super) struct Syslog {
    address: SyslogAddress,
    host: String,
}

impl Syslog {
    pub(super) fn new(address: SyslogAddress, host: &str) -> Self {
        Self { address, host: printable(host, HOST_CHARACTERS_MAX) }
    }

    pub(super) async fn send(&self, page: &[StoredEntry]) -> io::Result<()> {
        match &self.address {
            SyslogAddress::Local(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                for stored in page {
                    let sent = socket.send(self.message(stored, &stored.line()).as_bytes()).await;
                    if let Err(error) = sent {
                        // Too long for this socket, perhaps; its number and hash are not.
                        let short = self.message(stored, &short_line(stored));
                        socket.send(short.as_bytes()).await.map_err(|_| error)?;
                    }
                }
                Ok(())
            }
            SyslogAddress::Udp(address) => {
                let socket = connect_udp(address).await?;
                for stored in page {
                    let mut message = self.message(stored, &stored.line());
                    if message.len() > DATAGRAM_BYTES_MAX {
                        message = self.message(stored, &short_line(stored));
                    }
                    socket.send(message.as_bytes()).await?;
                }
                Ok(())
            }
            SyslogAddress::Tcp(address) => self.send_tcp(address, page).await,
        }
    }

    /// A connection a page, its end awaited: this protocol knows no receipt, but a receiver that
    /// closes its side after we closed ours has read all of it.
    async fn send_tcp(&self, address: &str, page: &[StoredEntry]) -> io::Result<()> {
        let mut stream = TcpStream::connect(address).await?;
        let mut frames = String::new();
        for stored in page {
            let message = self.message(stored, &stored.line());
            _ = write!(frames, "{} {message}", message.len());
        }
        stream.write_all(frames.as_bytes()).await?;
        stream.shutdown().await?;
        let mut farewell = [0; FAREWELL_BYTES];
        while stream.read(&mut farewell).await? > 0 {}
        Ok(())
    }

    fn message(&self, stored: &StoredEntry, line: &str) -> String {
        let entry: Option<Entry> = serde_json::from_str(&stored.text).ok();
        let is_loud = entry
            .as_ref()
            .is_none_or(|entry| entry.outcome == Outcome::Denied || !entry.tags.is_empty());
        let priority = FACILITY * 8 + if is_loud { WARNING } else { NOTICE };
        let (at, kind) = match &entry {
            Some(entry) => (entry.at.as_str(), printable(&entry.action, KIND_CHARACTERS_MAX)),
            None => ("-", "-".to_owned()),
        };
        format!("<{priority}>1 {at} {} tidegate - {kind} - {line}", self.host)
    }
}

/// What is left of an entry that is too long for a datagram: who reads it can look it up.
fn short_line(stored: &StoredEntry) -> String {
    json!({ "hash": stored.hash, "seq": stored.seq, "bytes": stored.text.len() }).to_string()
}

/// A word of the header: it has no spaces, and is not empty.
fn printable(word: &str, characters_max: usize) -> String {
    let kept: String = word.chars().filter(char::is_ascii_graphic).take(characters_max).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

async fn connect_udp(address: &str) -> io::Result<UdpSocket> {
    let target = lookup_host(address).await?.next();
    let target = target.ok_or_else(|| io::Error::other("the name has no address"))?;
    let any = match target {
        SocketAddr::V4(_) => "0.0.0.0:0",
        SocketAddr::V6(_) => "[::]:0",
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(target).await?;
    Ok(socket)
}
