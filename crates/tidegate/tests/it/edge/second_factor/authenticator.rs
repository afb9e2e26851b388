//! An authenticator that is not ours: codes as Python's standard library makes them (RFC 6238).

use std::{
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

/// Prints the code of a secret at a step.
const PROGRAM: &str = r#"
import base64, hashlib, hmac, struct, sys
secret, step = base64.b32decode(sys.argv[1].replace(" ", "")), int(sys.argv[2])
digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
at = digest[-1] & 15
number = struct.unpack(">I", digest[at:at + 4])[0] & 0x7FFFFFFF
print(f"{number % 1_000_000:06}")
"#;
/// Seconds that a code is the one.
const STEP_SECONDS: u64 = 30;
/// Seconds that a step has left when a test begins to count from it.
const LEFT_LEAST: u64 = 5;

/// The code of a secret at a step.
pub(crate) fn code(secret: &str, step: i64) -> String {
    let output =
        Command::new("python3").args(["-c", PROGRAM, secret, &step.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A code that is none of those around a step.
pub(crate) fn wrong(secret: &str, step: i64) -> String {
    let good: Vec<String> = (-2..=4).map(|off| code(secret, step + off)).collect();
    let mut numbers = (0..10).map(|number| format!("{number:06}"));
    numbers.find(|one| !good.contains(one)).unwrap()
}

/// The step of this moment, which is not over at once: the server goes by the clock of its database,
/// which is this one. What a test counts from it holds in the next step, too.
#[expect(clippy::disallowed_methods, reason = "an authenticator has a clock of its own")]
pub(crate) fn step() -> i64 {
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        if STEP_SECONDS - now % STEP_SECONDS >= LEFT_LEAST {
            return (now / STEP_SECONDS).try_into().unwrap();
        }
        std::thread::yield_now();
    }
}
