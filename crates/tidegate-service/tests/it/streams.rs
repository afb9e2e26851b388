//! Streams of the log: at least once, never a gap, to every kind of sink.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, UdpSocket},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::JoinHandle,
};

use rand::{SeedableRng, rngs::StdRng};
use tidegate_model::audit::{StoredEntry, hash_of};
use tidegate_service::{
    audit::{Sink, SinkError, SinkSettings},
    upkeep::stream::{Sent, SinkRun, Stream, StreamError},
};
use tidegate_store::Store;

use crate::{
    by_hand::check_chain,
    loot::Loot,
    site::{Kind, Site},
};

/// Lines that a process of our own is to stream, and where to: database, then sink.
const CHILD: &str = "TIDEGATE_TEST_STREAM";

fn stream(holder: &str, settings: &[&str]) -> Stream {
    let sinks = settings.iter().map(|setting| sink(setting, "here"));
    Stream::new(holder, sinks.collect())
}

fn sink(setting: &str, host: &str) -> Sink {
    Sink::new(&setting.parse::<SinkSettings>().unwrap(), host)
}

fn file_setting(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// What one sink got.
fn sent(runs: &[SinkRun]) -> Option<Sent> {
    *runs[0].sent.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

fn seqs(lines: &str) -> Vec<i64> {
    lines.lines().map(|line| StoredEntry::of_line(line).expect(line).seq).collect()
}

/// Makes the log as long as it takes, by copies of its entries.
async fn lengthen(site: &Site, entries: usize) {
    site.drop_triggers().await;
    let mut loot = Loot::take(site).await;
    let rows = loot.rows.clone();
    loot.rows = rows.iter().cycle().take(entries).cloned().collect();
    for (index, (stored, columns)) in loot.rows.iter_mut().enumerate() {
        let commit = format!("c{index}");
        stored.text = stored.text.replace(&columns.commit, &commit);
        columns.commit = commit;
    }
    loot.rechain(0);
    loot.put(site).await;
}

#[tokio::test]
async fn a_file_gets_every_entry_once_and_in_order_while_nobody_dies() {
    for kind in Kind::BOTH {
        let mut site = Site::new(kind).await;
        lengthen(&site, 2_345).await;
        site.checkpoint().await.unwrap();
        let path = site.path("out/activity.jsonl");
        let mut stream = stream("a", &[&file_setting(&path)]);
        assert_eq!(sent(&stream.run(&site.store).await), Some(Sent { seq: 2_345, entries: 2_345 }));
        assert_eq!(sent(&stream.run(&site.store).await), Some(Sent { seq: 2_345, entries: 0 }));
        site.note(1).await;
        assert_eq!(sent(&stream.run(&site.store).await), Some(Sent { seq: 2_346, entries: 1 }));
        let lines = fs::read_to_string(&path).unwrap();
        assert_eq!(seqs(&lines), (1..=2_346).collect::<Vec<_>>());
        let report = site.verify_file(&path).await;
        assert!(report.is_sound() && report.remarks.is_empty(), "{report}");
        assert_eq!((report.entries, report.anchored_to()), (2_346, 2_345));
        assert_eq!(check_chain(&path, None)["entries"], 2_346);
    }
}

#[tokio::test]
async fn a_page_that_was_sent_and_not_noted_comes_again() {
    for kind in Kind::BOTH {
        let mut site = Site::new(kind).await;
        site.grow(20, &mut StdRng::seed_from_u64(5)).await;
        let path = site.path("activity.jsonl");
        let settings = file_setting(&path);
        let mut stream = stream("a", &[&settings]);
        // The database goes away exactly between writing and noting.
        match kind {
            Kind::Sqlite => {
                site.execute(
                    "create trigger away before update of seq on streamed \
                     begin select raise(abort, 'away'); end",
                )
                .await;
            }
            Kind::Postgres => {
                site.execute(
                    "create trigger away before update of seq on streamed for each row \
                     execute function refuse('away')",
                )
                .await;
            }
        }
        for _ in 0..2 {
            let runs = stream.run(&site.store).await;
            assert!(matches!(runs[0].sent, Err(StreamError::Store(_))), "{runs:?}");
        }
        let on = if matches!(kind, Kind::Postgres) { " on streamed" } else { "" };
        site.execute(&format!("drop trigger away{on}")).await;
        site.note(1).await;
        let (head, _) = site.store.head().await.unwrap();
        assert_eq!(sent(&stream.run(&site.store).await).unwrap().seq, head);
        let lines = fs::read_to_string(&path).unwrap();
        let whole: Vec<i64> = (1..head).chain(1..head).chain(1..=head).collect();
        assert_eq!(seqs(&lines), whole);
        let report = site.verify_file(&path).await;
        assert!(report.is_sound(), "{report}");
        assert!(report.to_string().contains("lines came again"), "{report}");
        assert_eq!(report.entries, head as u64);
        assert_eq!(check_chain(&path, Some(&site.anchor_file()))["entries"], head);
    }
}

#[tokio::test]
async fn a_line_that_comes_again_changed_is_no_repetition() {
    let mut site = Site::new(Kind::Sqlite).await;
    site.checkpoint().await.unwrap();
    let path = site.path("activity.jsonl");
    stream("a", &[&file_setting(&path)]).run(&site.store).await;
    let lines = fs::read_to_string(&path).unwrap();
    let changed = lines.lines().next().unwrap().replace("\"via\":\"cli\"", "\"via\":\"api\"");
    fs::write(&path, format!("{lines}{changed}\n")).unwrap();
    let report = site.verify_file(&path).await;
    assert!(report.to_string().contains("comes a second time"), "{report}");
    // An end that was cut off is told, too: the anchor knows better.
    let first = lines.split_inclusive('\n').next().unwrap();
    fs::write(&path, first).unwrap();
    let report = site.verify_file(&path).await;
    assert!(report.to_string().contains("entries 2 to 4 are gone"), "{report}");
    fs::write(&path, format!("{first}{{\"hash\":\n")).unwrap();
    let report = site.verify_file(&path).await;
    assert!(report.to_string().contains("line 2 of the log is no entry"), "{report}");
}

#[tokio::test]
async fn a_line_whose_writer_died_comes_again_whole() {
    let site = Site::new(Kind::Sqlite).await;
    let path = site.path("activity.jsonl");
    let mut stream = stream("a", &[&file_setting(&path)]);
    stream.run(&site.store).await;
    let (head, _) = site.store.head().await.unwrap();
    site.note(1).await;
    let next = site.store.entries(head, 1).await.unwrap()[0].0.line();
    let whole = fs::read_to_string(&path).unwrap();
    for cut in [1, 50, next.len()] {
        fs::write(&path, format!("{whole}{}", next.get(..cut).unwrap_or(&next[..49]))).unwrap();
        site.execute(&format!("update streamed set seq = {head}")).await;
        stream.run(&site.store).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{whole}{next}\n"), "{cut}");
    }
    // A line can be longer than what is looked at at once.
    fs::write(&path, format!("{whole}{}", "x".repeat(200_000))).unwrap();
    site.execute(&format!("update streamed set seq = {head}")).await;
    stream.run(&site.store).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{whole}{next}\n"));
}

#[tokio::test]
async fn one_process_at_a_time_has_a_sink_and_another_takes_over() {
    for kind in Kind::BOTH {
        let site = Site::new(kind).await;
        let setting = file_setting(&site.path("activity.jsonl"));
        let (mut a, mut b) = (stream("a", &[&setting]), stream("b", &[&setting]));
        assert!(sent(&a.run(&site.store).await).is_some());
        assert_eq!(sent(&b.run(&site.store).await).unwrap().entries, 0);
        site.note(1).await;
        assert_eq!(sent(&b.run(&site.store).await), None);
        a.leave(&site.store).await.unwrap();
        assert_eq!(sent(&b.run(&site.store).await).unwrap().entries, 1);
        // One that died holds it for a while, and not for as long as a clock was wrong.
        for held_until in ["0", "9000000000000000000"] {
            site.note(1).await;
            assert_eq!(sent(&a.run(&site.store).await), None);
            let sql = format!("update streamed set held_until = {held_until}");
            site.execute(&sql).await;
            assert_eq!(sent(&a.run(&site.store).await).unwrap().entries, 1);
            std::mem::swap(&mut a, &mut b);
        }
        // Each host has a file of its own, with everything.
        let path = site.path("there.jsonl");
        let there = Sink::new(&file_setting(&path).parse().unwrap(), "there");
        let mut there = Stream::new("c", vec![there]);
        let (head, _) = site.store.head().await.unwrap();
        assert_eq!(sent(&there.run(&site.store).await).unwrap().entries, head as u64);
    }
}

#[tokio::test]
async fn a_hole_or_a_position_behind_the_end_stops_a_stream() {
    for kind in Kind::BOTH {
        let site = Site::new(kind).await;
        site.drop_triggers().await;
        let path = site.path("activity.jsonl");
        let mut stream = stream("a", &[&file_setting(&path)]);
        site.execute("delete from activity where seq = 2").await;
        let runs = stream.run(&site.store).await;
        assert!(matches!(runs[0].sent, Err(StreamError::Hole { seq: 2 })), "{runs:?}");
        assert!(!path.exists(), "what is before the hole waits, too: the page is one");
        site.execute("update streamed set seq = 99").await;
        let runs = stream.run(&site.store).await;
        assert!(matches!(runs[0].sent, Err(StreamError::Ahead { noted: 99, .. })), "{runs:?}");
    }
}

#[tokio::test]
async fn a_sink_that_fails_does_not_hold_up_the_others() {
    let site = Site::new(Kind::Sqlite).await;
    let (pipe, path) = (site.path("pipe"), site.path("activity.jsonl"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = [
        file_setting(&pipe),
        format!("syslog:tcp://{nobody}"),
        format!("syslog:{}", site.path("no-socket").display()),
        file_setting(&path),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let runs = stream("a", &settings).run(&site.store).await;
    for run in &runs[..3] {
        let is_told = matches!(
            &run.sent,
            Err(StreamError::Sink(SinkError::Unwritable { sink, .. })) if *sink == run.sink
        );
        assert!(is_told, "{run:?}");
    }
    assert!(runs[3].sent.is_ok(), "{runs:?}");
    let (head, _) = site.store.head().await.unwrap();
    assert_eq!(seqs(&fs::read_to_string(path).unwrap()), (1..=head).collect::<Vec<_>>());
}

/// A message of RFC 5424, taken apart by its text.
#[derive(Debug, PartialEq)]
struct Message {
    priority: u8,
    at: String,
    host: String,
    kind: String,
    line: String,
}

impl Message {
    fn of(text: &str) -> Self {
        let parts: Vec<&str> = text.splitn(8, ' ').collect();
        let [head, at, host, app, process, kind, structured, line] = parts[..] else {
            panic!("{text}")
        };
        let (priority, version) = head[1..].split_once('>').unwrap();
        assert_eq!(
            (&head[..1], version, app, process, structured),
            ("<", "1", "tidegate", "-", "-")
        );
        let [at, host, kind, line] = [at, host, kind, line].map(str::to_owned);
        Self { priority: priority.parse().unwrap(), at, host, kind, line }
    }
}

#[tokio::test]
async fn a_syslog_gets_messages_of_its_format_by_datagrams() {
    let site = Site::new(Kind::Sqlite).await;
    site.write(12, &mut StdRng::seed_from_u64(6)).await;
    let rows = site.store.entries(0, 100).await.unwrap();
    let local = UnixDatagram::bind(site.path("log")).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let settings = [
        format!("syslog:{}", site.path("log").display()),
        format!("syslog:udp://{}", udp.local_addr().unwrap()),
    ];
    let count = rows.len();
    let reader = std::thread::spawn(move || {
        let mut octets = vec![0; 1 << 16];
        let mut messages = Vec::new();
        for _ in 0..count {
            let length = local.recv(&mut octets).unwrap();
            messages.push(String::from_utf8(octets[..length].to_vec()).unwrap());
            let length = udp.recv(&mut octets).unwrap();
            assert_eq!(messages.last().unwrap().as_bytes(), &octets[..length]);
        }
        messages
    });
    let sinks = settings.iter().map(|setting| sink(setting, "a host.example"));
    let runs = Stream::new("a", sinks.collect()).run(&site.store).await;
    assert!(runs.iter().all(|run| run.sent.is_ok()), "{runs:?}");
    for (text, (stored, columns)) in reader.join().unwrap().iter().zip(&rows) {
        let message = Message::of(text);
        let is_loud = columns.outcome == "denied" || !columns.tags.is_empty();
        assert_eq!(message.priority, 13 * 8 + if is_loud { 4 } else { 5 });
        assert_eq!((&*message.host, &message.kind), ("ahost.example", &columns.action));
        assert!(stored.text.contains(&format!("\"at\":\"{}\"", message.at)));
        assert_eq!(StoredEntry::of_line(&message.line).as_ref(), Some(stored));
    }
}

#[tokio::test]
async fn an_entry_too_long_for_a_datagram_leaves_its_number_and_hash() {
    let site = Site::new(Kind::Sqlite).await;
    site.drop_triggers().await;
    let mut loot = Loot::take(&site).await;
    loot.edit(0, |entry| entry.details = "x".repeat(70_000).into());
    loot.rechain(0);
    loot.put(&site).await;
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let setting = format!("syslog:udp://{}", udp.local_addr().unwrap());
    let run = stream("a", &[&setting]).run(&site.store).await;
    assert!(run[0].sent.is_ok(), "{run:?}");
    let mut octets = vec![0; 1 << 16];
    let length = udp.recv(&mut octets).unwrap();
    let message = Message::of(str::from_utf8(&octets[..length]).unwrap());
    let told: serde_json::Value = serde_json::from_str(&message.line).unwrap();
    let (stored, _) = &loot.rows[0];
    let short = serde_json::json!({ "hash": stored.hash, "seq": 1, "bytes": stored.text.len() });
    assert_eq!(told, short);
}

/// Takes connections, one a page, and closes each in good order: the entries of each.
fn receive(listener: TcpListener, pages: usize) -> JoinHandle<Vec<Vec<i64>>> {
    std::thread::spawn(move || {
        let page = |_| {
            let (mut connection, _) = listener.accept().unwrap();
            let mut octets = Vec::new();
            connection.read_to_end(&mut octets).unwrap();
            frames(&octets)
        };
        (0..pages).map(page).collect()
    })
}

/// Numbers of the entries in frames with octet counting.
fn frames(mut octets: &[u8]) -> Vec<i64> {
    let mut seqs = Vec::new();
    while !octets.is_empty() {
        let space = octets.iter().position(|octet| *octet == b' ').unwrap();
        let length: usize = str::from_utf8(&octets[..space]).unwrap().parse().unwrap();
        let (frame, rest) = octets[space + 1..].split_at(length);
        let message = Message::of(str::from_utf8(frame).unwrap());
        let stored = StoredEntry::of_line(&message.line).unwrap();
        assert_eq!(hash_of(&stored.text), stored.hash);
        seqs.push(stored.seq);
        octets = rest;
    }
    seqs
}

/// A process of its own that streams.
struct Process(Child);

impl Process {
    fn start(site: &Site, setting: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "streams::a_process_that_streams", "--nocapture"])
            .env(CHILD, format!("{} {setting}", site.url))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What other tests start as a process of its own; by itself it has nothing to do.
#[tokio::test]
async fn a_process_that_streams() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (url, setting) = task.split_once(' ').unwrap();
    let store = Store::open(url).await.unwrap();
    println!();
    let runs = stream("child", &[setting]).run(&store).await;
    assert!(runs[0].sent.is_ok(), "{runs:?}");
}

#[tokio::test]
async fn a_process_killed_between_sending_and_noting_leaves_no_gap() {
    for kind in Kind::BOTH {
        let site = Site::new(kind).await;
        site.write(10, &mut StdRng::seed_from_u64(7)).await;
        let (head, _) = site.store.head().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let setting = format!("syslog:tcp://{}", listener.local_addr().unwrap());
        let process = Process::start(&site, &setting);
        let (mut connection, _) = listener.accept().unwrap();
        let mut octets = Vec::new();
        connection.read_to_end(&mut octets).unwrap();
        // All of it is here, and the sender waits for us to close: now it dies.
        drop(process);
        let all: Vec<i64> = (1..=head).collect();
        assert_eq!(frames(&octets), all);
        drop(connection);

        site.note(1).await;
        let received = receive(listener, 1);
        let mut stream = stream("child", &[&setting]);
        let again = sent(&stream.run(&site.store).await).unwrap();
        assert_eq!(again, Sent { seq: head + 1, entries: head as u64 + 1 });
        assert_eq!(received.join().unwrap(), [[all, vec![head + 1]].concat()]);
        assert_eq!(sent(&stream.run(&site.store).await).unwrap().entries, 0);
    }
}

#[tokio::test]
async fn a_receiver_that_breaks_off_gets_the_page_again() {
    let site = Site::new(Kind::Sqlite).await;
    lengthen(&site, 400).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let setting = format!("syslog:tcp://{}", listener.local_addr().unwrap());
    let mut stream = stream("a", &[&setting]);
    let breaking = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        connection.read_exact(&mut [0; 100]).unwrap();
        // Closed with bytes unread, the connection is reset.
        drop(connection);
        listener
    });
    let runs = stream.run(&site.store).await;
    assert!(matches!(runs[0].sent, Err(StreamError::Sink(_))), "{runs:?}");
    let received = receive(breaking.join().unwrap(), 1);
    assert_eq!(sent(&stream.run(&site.store).await).unwrap().entries, 400);
    assert_eq!(received.join().unwrap(), [(1..=400).collect::<Vec<i64>>()]);
}

#[tokio::test]
async fn the_standard_output_gets_lines() {
    let site = Site::new(Kind::Sqlite).await;
    let mut process = Process::start(&site, "stdout");
    let mut printed = String::new();
    process.0.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    let lines: Vec<&str> = printed.lines().filter(|line| line.starts_with("{\"hash\"")).collect();
    let (head, _) = site.store.head().await.unwrap();
    assert_eq!(seqs(&lines.join("\n")), (1..=head).collect::<Vec<_>>(), "{printed}");
}

#[tokio::test]
async fn a_file_survives_kills_at_any_moment_without_a_gap() {
    /// Processes that are killed.
    const KILLS: usize = 12;
    let mut site = Site::new(Kind::Sqlite).await;
    lengthen(&site, 3_000).await;
    site.checkpoint().await.unwrap();
    let path: PathBuf = site.path("activity.jsonl");
    let setting = file_setting(&path);
    let mut length = 0;
    for kill in 0..KILLS {
        let process = Process::start(&site, &setting);
        // Each one dies a little later than the one before, once the file has begun to grow.
        let goal = length + kill as u64 * 40_000;
        while fs::metadata(&path).map_or(0, |file| file.len()) <= goal && is_running(&process) {
            std::thread::yield_now();
        }
        drop(process);
        length = fs::metadata(&path).map_or(0, |file| file.len());
        // A torn line, wherever the kill did not leave one itself.
        let file = fs::OpenOptions::new().append(true).open(&path);
        file.and_then(|mut file| file.write_all(b"{\"hash\":\"00")).unwrap();
    }
    site.note(1).await;
    sent(&stream("child", &[&setting]).run(&site.store).await);
    let told = check_chain(&path, Some(&site.anchor_file()));
    assert_eq!(told["entries"], 3_001, "{told}");
    assert!(site.verify_file(&path).await.is_sound());
}

fn is_running(process: &Process) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", process.0.id()));
    status.is_ok_and(|status| !status.contains(") Z "))
}
