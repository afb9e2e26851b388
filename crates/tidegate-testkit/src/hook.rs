//! A receiver of webhooks that keeps what it is sent, and fails as it is told to.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use crate::sink::{Kept, Sink};

/// How it fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HookMood {
    /// It does not.
    #[default]
    Takes,
    /// It answers with this status.
    Answers(u16),
    /// It sends the sender elsewhere.
    Redirects(String),
    /// It goes away before it has read anything.
    LeavesEarly,
    /// It keeps what it was sent, and goes away without a word.
    LeavesAfter,
    /// It keeps what it was sent, and says nothing.
    FallsSilent,
    /// It answers well, and never stops.
    TalksWithoutEnd,
}

/// A request that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Method and path.
    pub line: String,
    /// Headers, in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: String,
    /// Whether it was refused in so many words.
    pub is_refused: bool,
}

/// A running receiver.
#[derive(Debug)]
pub struct HookSink(Sink<State>);

#[derive(Debug, Default)]
struct State {
    mood: HookMood,
    calls: Vec<Call>,
}

impl HookSink {
    /// Starts one on a port of its own.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub fn start() -> Self {
        Self(Sink::start(answer))
    }

    /// Its port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port())
    }

    /// From now on it fails like this.
    pub fn feels(&self, mood: HookMood) {
        self.0.lock().mood = mood;
    }

    /// What came whole so far.
    pub fn calls(&self) -> Vec<Call> {
        self.0.lock().calls.clone()
    }

    /// Waits until so many requests have come.
    ///
    /// # Panics
    ///
    /// If it is not in time.
    pub fn wait_for(&self, count: usize) -> Vec<Call> {
        self.0.wait_for(count, |state| state.calls.len()).calls.clone()
    }
}

fn answer(kept: &Kept<State>, mut stream: TcpStream) -> std::io::Result<()> {
    let mood = kept.lock().mood.clone();
    if mood == HookMood::LeavesEarly {
        return Ok(());
    }
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut call = read(&mut reader)?;
    let (status, more) = match &mood {
        HookMood::Takes | HookMood::TalksWithoutEnd => (204, String::new()),
        HookMood::Answers(status) => (*status, String::new()),
        HookMood::Redirects(to) => (307, format!("location: {to}\r\n")),
        HookMood::LeavesEarly | HookMood::LeavesAfter | HookMood::FallsSilent => (0, String::new()),
    };
    call.is_refused = status >= 300;
    kept.change(|state| state.calls.push(call));
    match mood {
        HookMood::LeavesAfter => Ok(()),
        HookMood::FallsSilent => {
            // Until the other side has had enough.
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).map(drop)
        }
        HookMood::TalksWithoutEnd => {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
            loop {
                stream.write_all(&[b'a'; 4096])?;
            }
        }
        _ => write!(
            stream,
            "HTTP/1.1 {status} X\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n"
        ),
    }
}

fn read(reader: &mut impl BufRead) -> std::io::Result<Call> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Call { line: line.trim_end().to_owned(), headers, body, is_refused: false })
}
