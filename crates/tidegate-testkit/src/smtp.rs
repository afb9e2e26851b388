//! A mail server that keeps what it is sent, and fails as it is told to.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use crate::sink::{Kept, Sink};

/// How it fails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SmtpMood {
    /// It does not.
    #[default]
    Takes,
    /// It says this to the recipient's address.
    RefusesRecipient(&'static str),
    /// It takes the text, and says this.
    RefusesText(&'static str),
    /// It says who it is, and goes away.
    LeavesEarly,
    /// It goes away in the middle of the text.
    LeavesInText,
    /// It keeps the text, and goes away without a word.
    LeavesAfterText,
    /// It keeps the text, and says nothing.
    FallsSilent,
}

/// A mail that it was sent whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Who it is for.
    pub to: Vec<String>,
    /// The text, with its headers.
    pub text: String,
    /// Whether it said that it had taken it.
    pub is_taken: bool,
}

impl Mail {
    /// A header, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\r\n\r\n").next()?.replace("\r\n ", " ");
        let begin = format!("{}:", name.to_lowercase());
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&begin))?;
        Some(line[begin.len()..].trim().to_owned())
    }
}

/// A running mail server.
#[derive(Debug)]
pub struct SmtpSink(Sink<State>);

#[derive(Debug, Default)]
struct State {
    mood: SmtpMood,
    mails: Vec<Mail>,
    commands: Vec<String>,
}

impl SmtpSink {
    /// Starts one on a port of its own.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub fn start() -> Self {
        Self(Sink::start(converse))
    }

    /// Its port, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// From now on it fails like this.
    pub fn feels(&self, mood: SmtpMood) {
        self.0.lock().mood = mood;
    }

    /// What it was sent whole so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.0.lock().mails.clone()
    }

    /// What was said to it so far.
    pub fn commands(&self) -> Vec<String> {
        self.0.lock().commands.clone()
    }

    /// Waits until it was sent so many mails.
    ///
    /// # Panics
    ///
    /// If it is not in time.
    pub fn wait_for(&self, count: usize) -> Vec<Mail> {
        self.0.wait_for(count, |state| state.mails.len()).mails.clone()
    }
}

fn converse(kept: &Kept<State>, stream: TcpStream) -> std::io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut say = |words: &str| write!(answers, "{words}\r\n");
    say("220 sink.test")?;
    if kept.lock().mood == SmtpMood::LeavesEarly {
        return Ok(());
    }
    let mut to = Vec::new();
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        kept.lock().commands.push(command.clone());
        let mood = kept.lock().mood.clone();
        let verb = command.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "EHLO" => say("250-sink.test\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 SMTPUTF8")?,
            "RCPT" => match mood {
                SmtpMood::RefusesRecipient(words) => say(words)?,
                _ => {
                    to.push(address(&command));
                    say("250 ok")?;
                }
            },
            "DATA" => {
                say("354 go on")?;
                if mood == SmtpMood::LeavesInText {
                    lines.read_line(&mut line)?;
                    return Ok(());
                }
                let text = text(&mut lines)?;
                let is_taken = mood == SmtpMood::Takes;
                let refusal = match mood {
                    SmtpMood::RefusesText(words) => Some(words),
                    _ => None,
                };
                if refusal.is_none() {
                    let mail = Mail { to: std::mem::take(&mut to), text, is_taken };
                    kept.change(|state| state.mails.push(mail));
                }
                match (mood, refusal) {
                    (_, Some(words)) => say(words)?,
                    (SmtpMood::LeavesAfterText, None) => return Ok(()),
                    (SmtpMood::FallsSilent, None) => {
                        // Until the other side has had enough.
                        lines.read_line(&mut line)?;
                        return Ok(());
                    }
                    _ => say("250 taken")?,
                }
            }
            "AUTH" => say("235 welcome")?,
            "QUIT" => return say("221 bye"),
            _ => say("250 ok")?,
        }
    }
}

fn address(command: &str) -> String {
    let inner = command.split_once('<').map_or("", |(_, rest)| rest);
    inner.split('>').next().unwrap_or_default().to_owned()
}

fn text(lines: &mut impl BufRead) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
