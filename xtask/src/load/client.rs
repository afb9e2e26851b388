//! Watches exports by the thousand, and asks at a steady pace, whatever the answers take.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    LoadArgs, Operation,
    past::{JOBS, Past, WATCHED},
    service::Service,
};

/// Errors that are told.
const ERRORS_MAX: usize = 10;
/// Rows of the table that exports are made of.
const ROWS: u32 = 5_000;
const OPERATIONS: [&str; 3] = ["list", "get", "create"];

/// What the answers were.
pub(super) struct Answers {
    pub(super) operations: Vec<Operation>,
    /// Watchers that were still there at the end.
    pub(super) watchers: usize,
    pub(super) errors: Vec<String>,
}

/// One answer.
struct Answer {
    operation: usize,
    millis: f64,
    error: Option<String>,
}

/// Watches and asks.
pub(super) async fn load(args: &LoadArgs, service: &Service, past: &Past) -> Result<Answers> {
    let present = Arc::new(AtomicUsize::new(0));
    let mut watchers = JoinSet::new();
    for number in 0..args.watchers {
        let job = u32::try_from(number)? % WATCHED + 2;
        let stream = watching(&service.address, &past.token, job).await?;
        watchers.spawn(stay(stream, Arc::clone(&present)));
    }
    let client = Client::builder().build()?;
    let asker = Asker {
        client,
        base: format!("http://{}/api/v1/exports", service.address),
        token: past.token.clone(),
    };
    let mut answers = JoinSet::new();
    let begin = Instant::now();
    for number in 0..args.seconds * args.rate {
        let due = begin + Duration::from_secs(1) * number / args.rate;
        sleep_until(due).await;
        answers.spawn(asker.clone().ask(number, due));
    }
    let mut millis: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let mut errors = Vec::new();
    while let Some(answer) = answers.join_next().await {
        let answer = answer?;
        millis.entry(answer.operation).or_default().push(answer.millis);
        errors.extend(answer.error);
    }
    if errors.len() > ERRORS_MAX {
        errors.push(format!("{} errors in all", errors.len()));
        errors.drain(ERRORS_MAX..errors.len() - 1);
    }
    let operations = millis.into_iter().map(|(operation, millis)| summary(operation, millis));
    let operations = operations.collect();
    let watchers = present.load(Ordering::Relaxed);
    Ok(Answers { operations, watchers, errors })
}

fn summary(operation: usize, mut millis: Vec<f64>) -> Operation {
    millis.sort_by(f64::total_cmp);
    let count = millis.len();
    let at = |percent: usize| millis[(count * percent / 100).min(count - 1)];
    Operation { name: OPERATIONS[operation], count, p50: at(50), p99: at(99), max: at(100) }
}

/// Who asks.
#[derive(Clone)]
struct Asker {
    client: Client,
    base: String,
    token: String,
}

impl Asker {
    /// Asks one thing after the other; the time runs since it was due.
    async fn ask(self, number: u32, due: Instant) -> Answer {
        let operation = (number % 3) as usize;
        let request = match operation {
            0 => self.client.get(format!("{}?limit=50", self.base)),
            1 => {
                // Spread over the past by a step that shares no factor with it.
                let id = u64::from(number) * 7_919 % u64::from(JOBS) + 1;
                self.client.get(format!("{}/{id}", self.base))
            }
            _ => self.client.post(&self.base).json(&json!({
                "subject": "orders", "format": "csv", "scope": { "ids": [number % ROWS + 1] },
            })),
        };
        let answered = async {
            let answer = request.bearer_auth(&self.token).send().await?.error_for_status()?;
            answer.bytes().await
        };
        let error = answered.await.err().map(|error| error.to_string());
        let millis = due.elapsed().as_secs_f64() * 1_000.0;
        Answer { operation, millis, error }
    }
}

/// A stream of events that has begun.
async fn watching(address: &str, token: &str, job: u32) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await.context("cannot connect")?;
    let request = format!(
        "GET /api/v1/exports/{job}/events HTTP/1.1\r\nHost: {address}\r\n\
         Authorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    if &head != b"HTTP/1.1 200" {
        bail!("a watcher was told {}", String::from_utf8_lossy(&head));
    }
    Ok(stream)
}

/// Reads what comes, and is there as long as something may come.
async fn stay(mut stream: TcpStream, present: Arc<AtomicUsize>) {
    present.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0; 1024];
    while matches!(stream.read(&mut bytes).await, Ok(count) if count > 0) {}
    present.fetch_sub(1, Ordering::Relaxed);
}
