//! A collector: takes spans as OpenTelemetry's protocol has them, read by the types that are made
//! of the protocol's own files.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
};
use prost::Message;
use tidegate_model::audit::hexadecimal;

/// A collector that listens.
pub(super) struct Collector {
    address: String,
    taken: Arc<Taken>,
}

#[derive(Default)]
struct Taken {
    batches: Mutex<Vec<Batch>>,
    more: Condvar,
}

/// What one request brought.
struct Batch {
    head: String,
    body: Vec<u8>,
    spans: Vec<Span>,
}

/// A span, and who sent it.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) name: String,
    pub(super) trace: String,
    pub(super) id: String,
    pub(super) parent: String,
    /// Traces that it is linked to, each with the span there.
    pub(super) links: Vec<(String, String)>,
    pub(super) attributes: BTreeMap<String, String>,
    /// Whether it failed.
    pub(super) is_error: bool,
    pub(super) sender: BTreeMap<String, String>,
    pub(super) events: usize,
}

impl Span {
    /// An attribute; empty if there is none.
    pub(super) fn says(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

impl Collector {
    /// Listens, and takes all that comes.
    pub(super) fn start() -> Self {
        Self::listening(|stream, taken| while take(stream, taken) {})
    }

    /// Listens, and says nothing to anybody.
    pub(super) fn silent() -> Self {
        Self::listening(|stream, _| drop(stream.read_to_end(&mut Vec::new())))
    }

    fn listening(serve: fn(&mut TcpStream, &Taken)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::<Taken>::default();
        let shared = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let taken = Arc::clone(&shared);
                thread::spawn(move || serve(&mut stream.unwrap(), &taken));
            }
        });
        Self { address, taken }
    }

    /// What a configuration says to send everything here.
    pub(super) fn configuration(&self) -> String {
        format!("[traces]\nendpoint = \"{}\"\n", self.address)
    }

    /// Every span so far, in the order in which they came.
    pub(super) fn spans(&self) -> Vec<Span> {
        let batches = self.taken.batches.lock().unwrap();
        batches.iter().flat_map(|batch| batch.spans.clone()).collect()
    }

    /// The one span so far that is so.
    #[track_caller]
    pub(super) fn span(&self, is_so: impl Fn(&Span) -> bool) -> Span {
        let found: Vec<Span> = self.spans().into_iter().filter(is_so).collect();
        assert_eq!(found.len(), 1, "{found:#?} of {:#?}", self.spans());
        found.into_iter().next().unwrap()
    }

    /// The one span so far of that name.
    #[track_caller]
    pub(super) fn named(&self, name: &str) -> Span {
        self.span(|span| span.name == name)
    }

    /// Waits for a span.
    pub(super) fn wait_for(&self, is_so: impl Fn(&Span) -> bool) -> Span {
        let mut batches = self.taken.batches.lock().unwrap();
        loop {
            let found = batches.iter().flat_map(|batch| &batch.spans).find(|span| is_so(span));
            if let Some(found) = found {
                return found.clone();
            }
            batches = self.taken.more.wait(batches).unwrap();
        }
    }

    /// Every byte that came behind the heads, and those.
    pub(super) fn bytes(&self) -> (String, Vec<u8>) {
        let batches = self.taken.batches.lock().unwrap();
        let heads = batches.iter().map(|batch| batch.head.as_str()).collect();
        (heads, batches.iter().flat_map(|batch| batch.body.clone()).collect())
    }
}

/// Takes one request; whether there may be another one.
fn take(stream: &mut TcpStream, taken: &Taken) -> bool {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if lines.read_line(&mut head).unwrap_or(0) == 0 {
            return false;
        }
    }
    let head = head.to_lowercase();
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/x-protobuf\r\n"), "{head}");
    let length = head.split("\r\ncontent-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    assert!(lines.buffer().is_empty(), "nobody sends before the answer");
    let spans = spans(&ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
    taken.batches.lock().unwrap().push(Batch { head, body, spans });
    taken.more.notify_all();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_ok()
}

fn spans(request: &ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in &request.resource_spans {
        let sender = attributes(&resource.resource.as_ref().unwrap().attributes);
        for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
            spans.push(Span {
                name: span.name.clone(),
                trace: hexadecimal(&span.trace_id),
                id: hexadecimal(&span.span_id),
                parent: hexadecimal(&span.parent_span_id),
                links: span
                    .links
                    .iter()
                    .map(|link| (hexadecimal(&link.trace_id), hexadecimal(&link.span_id)))
                    .collect(),
                attributes: attributes(&span.attributes),
                is_error: span.status.as_ref().is_some_and(|status| status.code == 2),
                sender: sender.clone(),
                events: span.events.len(),
            });
        }
    }
    spans
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|one| one.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is_so)) => is_so.to_string(),
        other => format!("{other:?}"),
    };
    list.iter().map(|one| (one.key.clone(), text(&one.value))).collect()
}
