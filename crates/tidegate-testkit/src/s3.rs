//! An S3 server for tests, in a process of its own, that fails as a test tells it to.
//!
//! It is moto, other people's model of S3, behind a check of every signature and checksum. It
//! lives on when the program under test is killed, and ends with its owner.
//!
//! ```no_run
//! use tidegate_testkit::s3::{Fault, FaultKind, S3};
//!
//! let bucket = S3::shared().bucket();
//! // The second part arrives, and the client never hears of it.
//! bucket.will(Fault::new(FaultKind::LoseReply).on("^PUT .*partNumber=2"));
//! ```

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::python;

/// Region of the server, part of every signature.
pub const REGION: &str = "eu-central-1";
/// The only access key that the server knows.
pub const ACCESS_KEY: &str = "test-key";
/// The secret that belongs to it.
pub const SECRET_KEY: &str = "test-secret";
/// Longest wait for a new server; it needs half a second on an idle machine.
const START_SECONDS_MAX: u64 = 60;

/// A running S3 server; it stops when its owner ends, even if killed.
#[derive(Debug)]
pub struct S3 {
    port: u16,
}

impl S3 {
    /// The server of this test run: the first test that asks starts it, the others join it, also
    /// from other processes of the same `nextest` run.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<S3> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("NEXTEST_RUN_ID") {
            // nextest runs each test in a process of its own; their common parent is the owner.
            Ok(run) => Self::join(&run, std::os::unix::process::parent_id()),
            Err(_) => Self::start(),
        })
    }

    /// A server for this process alone.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tidegate-s3-")
            .tempdir()
            .expect("the temporary folder can be written")
            .keep();
        Self::launch(folder, std::process::id())
    }

    fn join(run: &str, owner: u32) -> Self {
        let folder = std::env::temp_dir().join(format!("tidegate-s3-{run}"));
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let lock = fs::File::create(folder.join("lock")).expect("the lock file can be made");
        lock.lock().expect("the lock file can be locked");
        match port_of(&folder) {
            Some(port) => Self { port },
            None => Self::launch(folder, owner),
        }
    }

    #[expect(clippy::zombie_processes, reason = "it ends with its owner, which may not be us")]
    fn launch(folder: PathBuf, owner: u32) -> Self {
        let log = fs::File::create(folder.join("log")).expect("own folder");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("s3");
        let mut server = Command::new(python::interpreter())
            .args(["-X", "utf8", "-B"])
            .arg(program)
            .arg(&folder)
            .arg(owner.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("the interpreter was there a moment ago");
        let start = Instant::now();
        loop {
            if let Some(port) = port_of(&folder) {
                return Self { port };
            }
            let has_ended = server.try_wait().is_ok_and(|ended| ended.is_some());
            if has_ended || start.elapsed() > Duration::from_secs(START_SECONDS_MAX) {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                panic!("the S3 server does not start; run scripts/install:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// URL for clients.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A new, empty bucket.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn bucket(&self) -> Bucket<'_> {
        self.make_bucket(false)
    }

    /// A new bucket that keeps what is deleted or written over as an older version.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn versioned_bucket(&self) -> Bucket<'_> {
        self.make_bucket(true)
    }

    fn make_bucket(&self, is_versioned: bool) -> Bucket<'_> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test-{}-{count}", std::process::id());
        let bucket = Bucket { server: self, name };
        bucket.ask("PUT", "bucket", json!({ "is_versioned": is_versioned }));
        bucket
    }
}

/// The server writes its port to a file once it listens.
fn port_of(folder: &Path) -> Option<u16> {
    fs::read_to_string(folder.join("state")).ok()?.parse().ok()
}

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It is answered with this status and code, and has no effect.
    Refuse(u16, &'static str),
    /// It has no effect, and the answer is 200 with this code in an error document.
    FalseOk(&'static str),
    /// The connection ends before it has an effect.
    LoseRequest,
    /// It has its effect, and the connection ends before the answer.
    LoseReply,
    /// It has no effect, and there is no answer until [`Bucket::mend`].
    SilentRequest,
    /// It has its effect, and there is no answer until [`Bucket::mend`].
    SilentReply,
    /// The connection ends after half of the answer's body.
    CutReply,
}

/// A fault to come.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: FaultKind,
    on: String,
    skip: u64,
    times: u64,
}

impl Fault {
    /// The next request fails in this way.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, on: String::new(), skip: 0, times: 1 }
    }

    /// Only requests whose line, `METHOD key?query`, has a match of this expression.
    #[must_use]
    pub fn on(self, expression: impl Into<String>) -> Self {
        Self { on: expression.into(), ..self }
    }

    /// Only after so many of them have passed.
    #[must_use]
    pub fn skip(self, skip: u64) -> Self {
        Self { skip, ..self }
    }

    /// So many of them.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// All of them, until [`Bucket::mend`].
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::from(u32::MAX))
    }
}

/// What lies in a bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Key.
    pub key: String,
    /// Size.
    pub bytes: u64,
    /// Whether it is only the mark of a deletion.
    pub is_mark: bool,
}

/// A bucket of its own for a test.
#[derive(Debug)]
pub struct Bucket<'a> {
    server: &'a S3,
    name: String,
}

impl Bucket<'_> {
    /// Name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// URL of the server.
    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// Makes requests of this bucket fail.
    pub fn will(&self, fault: Fault) {
        let (kind, status, code) = match fault.kind {
            FaultKind::Refuse(status, code) => ("refuse", status, code),
            FaultKind::FalseOk(code) => ("false_ok", 200, code),
            FaultKind::LoseRequest => ("lose_request", 0, ""),
            FaultKind::LoseReply => ("lose_reply", 0, ""),
            FaultKind::SilentRequest => ("silent_request", 0, ""),
            FaultKind::SilentReply => ("silent_reply", 0, ""),
            FaultKind::CutReply => ("cut_reply", 0, ""),
        };
        let Fault { on, skip, times, .. } = fault;
        let told = json!({
            "kind": kind, "status": status, "code": code, "on": on, "skip": skip, "times": times,
        });
        self.ask("PUT", "fault", told);
    }

    /// Forgets all faults; tells how many had not happened yet.
    pub fn mend(&self) -> u64 {
        self.ask("DELETE", "faults", json!({})).as_u64().expect("the rig counts")
    }

    /// The requests so far, as `METHOD key?query`.
    pub fn requests(&self) -> Vec<String> {
        let told = self.ask("GET", "requests", json!({}));
        serde_json::from_value(told).expect("the rig tells lines")
    }

    /// Every version of every object.
    pub fn versions(&self) -> Vec<Version> {
        let told = self.ask("GET", "objects", json!({}));
        let versions: Vec<(String, u64, bool)> =
            serde_json::from_value(told).expect("the rig tells key, size and mark");
        versions.into_iter().map(|(key, bytes, is_mark)| Version { key, bytes, is_mark }).collect()
    }

    /// Keys of the objects that a client sees.
    pub fn keys(&self) -> Vec<String> {
        let all = self.versions().into_iter().filter(|version| !version.is_mark);
        all.map(|version| version.key).collect()
    }

    /// Keys of uploads that are neither complete nor aborted.
    pub fn uploads(&self) -> Vec<String> {
        let told = self.ask("GET", "uploads", json!({}));
        serde_json::from_value(told).expect("the rig tells keys")
    }

    /// Bytes of an object, as they lie there.
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        let is_there = self.keys().iter().any(|found| found == key);
        is_there.then(|| self.exchange("GET", "object", json!({ "key": key }), b""))
    }

    /// Puts other bytes under a key, past every client.
    pub fn put(&self, key: &str, content: &[u8]) {
        self.exchange("PUT", "object", json!({ "key": key }), content);
    }

    /// Removes an object, past every client.
    pub fn remove(&self, key: &str) {
        self.ask("DELETE", "object", json!({ "key": key }));
    }

    fn ask(&self, method: &str, what: &str, question: Value) -> Value {
        let answer = self.exchange(method, what, question, b"");
        serde_json::from_slice(&answer).expect("the rig answers in JSON")
    }

    fn exchange(&self, method: &str, what: &str, mut question: Value, body: &[u8]) -> Vec<u8> {
        const HEAD_END: &[u8] = b"\r\n\r\n";
        question["bucket"] = Value::String(self.name.clone());
        let question = question.to_string();
        let query: String = question.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let mut server = TcpStream::connect(("127.0.0.1", self.server.port))
            .expect("the S3 server lives as long as its owner");
        let head = format!(
            "{method} /_rig/{what}?{query} HTTP/1.1\r\nHost: rig\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n",
            body.len(),
        );
        server.write_all(head.as_bytes()).expect("the S3 server listens");
        server.write_all(body).expect("the S3 server listens");
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).expect("the S3 server answers");
        let head = answer.windows(HEAD_END.len()).position(|bytes| bytes == HEAD_END);
        let told = String::from_utf8_lossy(&answer[..head.unwrap_or(answer.len())]);
        assert!(told.starts_with("HTTP/1.1 200"), "{method} {what} {question}: {told}");
        answer.split_off(told.len() + HEAD_END.len())
    }
}

impl Drop for Bucket<'_> {
    fn drop(&mut self) {
        // Lets go whoever still waits for a silent answer. A test that fails leaves the rest.
        if !std::thread::panicking() {
            self.mend();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody else's client, at a bucket.
    fn client(bucket: &Bucket<'_>, secret: &str, program: &str) -> String {
        let program = format!(
            "
import sys, boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
client = boto3.client('s3', endpoint_url='{endpoint}', region_name='{REGION}',
    aws_access_key_id='{ACCESS_KEY}', aws_secret_access_key='{secret}',
    config=Config(retries={{'max_attempts': 0}}))
bucket = '{name}'
{program}",
            endpoint = bucket.endpoint(),
            name = bucket.name(),
        );
        python::script(&program, &[])
    }

    #[test]
    fn a_client_of_others_writes_lists_and_reads() {
        let bucket = S3::shared().bucket();
        let told = client(
            &bucket,
            SECRET_KEY,
            "
for name in range(25):
    client.put_object(Bucket=bucket, Key=f'a/{name:02}', Body=b'x' * name)
pages = client.get_paginator('list_objects_v2').paginate(Bucket=bucket, Prefix='a/')
sizes = [[found['Size'] for found in page['Contents']] for page in pages]
print([len(page) for page in sizes], sum(map(sum, sizes)))
upload = client.create_multipart_upload(Bucket=bucket, Key='b')['UploadId']
part = client.upload_part(Bucket=bucket, Key='b', UploadId=upload, PartNumber=1, Body=b'part')
print([found['Key'] for found in client.list_multipart_uploads(Bucket=bucket)['Uploads']])
parts = {'Parts': [{'ETag': part['ETag'], 'PartNumber': 1}]}
client.complete_multipart_upload(Bucket=bucket, Key='b', UploadId=upload, MultipartUpload=parts)
print(client.get_object(Bucket=bucket, Key='b')['Body'].read())",
        );
        assert_eq!(told, "[10, 10, 5] 300\n['b']\nb'part'\n");
        assert_eq!(bucket.object("b").unwrap(), b"part");
        assert!(bucket.uploads().is_empty());
    }

    #[test]
    fn a_wrong_signature_is_refused() {
        let bucket = S3::shared().bucket();
        let program = "
try:
    client.put_object(Bucket=bucket, Key='a', Body=b'x')
except ClientError as error:
    print(error.response['Error']['Code'])";
        assert_eq!(client(&bucket, "other", program), "SignatureDoesNotMatch\n");
        assert!(bucket.keys().is_empty());
    }

    #[test]
    fn faults_happen_as_often_as_told_and_where_told() {
        let bucket = S3::shared().bucket();
        bucket.will(Fault::new(FaultKind::Refuse(503, "SlowDown")).on("^PUT b").skip(1).times(1));
        bucket.will(Fault::new(FaultKind::LoseReply).on("^PUT c"));
        bucket.will(Fault::new(FaultKind::LoseRequest).on("^PUT d"));
        bucket.will(Fault::new(FaultKind::CutReply).on("^GET e"));
        bucket.will(Fault::new(FaultKind::CutReply).on("^GET never"));
        let program = "
for key in 'abbbcde':
    try:
        client.put_object(Bucket=bucket, Key=key, Body=b'x' * 10_000)
        print(key, 'ok')
    except ClientError as error:
        print(key, error.response['Error']['Code'])
    except HTTPClientError as error:
        print(key, 'lost')
try:
    client.get_object(Bucket=bucket, Key='e')['Body'].read()
except Exception as error:
    print('cut')";
        let told = client(&bucket, SECRET_KEY, program);
        assert_eq!(told, "a ok\nb ok\nb SlowDown\nb ok\nc lost\nd lost\ne ok\ncut\n");
        assert_eq!(bucket.keys(), ["a", "b", "c", "e"]);
        assert_eq!(bucket.mend(), 1);
    }

    #[test]
    fn a_versioned_bucket_keeps_what_was_deleted() {
        let bucket = S3::shared().versioned_bucket();
        let program = "
client.put_object(Bucket=bucket, Key='a', Body=b'old')
print(client.delete_object(Bucket=bucket, Key='a')['DeleteMarker'])";
        assert_eq!(client(&bucket, SECRET_KEY, program), "True\n");
        let marks: Vec<bool> = bucket.versions().iter().map(|version| version.is_mark).collect();
        assert_eq!(marks, [true, false]);
    }
}
