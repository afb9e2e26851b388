//! Senders of notices, killed between sending and noting it, and two of them at a time: real
//! processes, a real mail server, a real receiver of webhooks.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tidegate_testkit::{
    hook::{HookMood, HookSink},
    postgres::{Postgres, PostgresDatabase},
    smtp::{SmtpMood, SmtpSink},
};

use super::server::{CONTROL_URL, Server};
use crate::site::Shop;

/// Exports of which people are told: by mail, and by a webhook.
const EXPORTS: usize = 24;
/// Longest wait for what must come.
const WAIT: Duration = Duration::from_secs(60);
/// How recipients behave until a sender of theirs is killed. Who falls silent has what it was sent.
const MOODS: [(SmtpMood, HookMood); 5] = [
    (SmtpMood::FallsSilent, HookMood::FallsSilent),
    (SmtpMood::Takes, HookMood::Takes),
    (SmtpMood::LeavesAfterText, HookMood::FallsSilent),
    (SmtpMood::FallsSilent, HookMood::LeavesAfter),
    (SmtpMood::Takes, HookMood::Takes),
];

/// A server with a mail server and a webhook, and its control database.
struct Site {
    server: Server,
    database: Option<PostgresDatabase<'static>>,
    smtp: SmtpSink,
    hook: HookSink,
    exports: BTreeSet<u64>,
}

impl Site {
    /// With exports that nobody could be told of yet.
    fn new(database: Option<PostgresDatabase<'static>>) -> Self {
        let (smtp, hook) = (SmtpSink::start(), HookSink::start());
        smtp.feels(SmtpMood::LeavesEarly);
        hook.feels(HookMood::LeavesEarly);
        let notify = format!(
            "[notify]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {}\nsmtp_security = \"none\"\n\
             from = \"tidegate@example.com\"\nwebhook_networks = [\"127.0.0.0/8\"]\n\
             timeout_seconds = 1\n",
            smtp.port()
        );
        let url = database.as_ref().map_or(CONTROL_URL.to_owned(), PostgresDatabase::url);
        let server = Server::on(Shop::new(), &url, &notify, &[]);
        let ada = server.with_role("administrator");
        let webhook = json!({ "url": hook.url(), "topics": ["export.ready"], "is_enabled": true });
        assert_eq!(ada.post("/api/v1/webhooks", &webhook).status(), 201);
        let notified = json!({
            "subject": "orders", "format": "csv", "notify": { "email": "books@example.com" },
        });
        let exports = (0..EXPORTS).map(|_| ada.export(&notified)).collect();
        Self { server, database, smtp, hook, exports }
    }

    /// What the control database says to a statement.
    fn control(&self, sql: &str) -> String {
        if let Some(database) = &self.database {
            return database.query(sql);
        }
        let mut command = Command::new("sqlite3");
        command.args(["-cmd", ".timeout 10000"]).arg(self.server.shop.path("control.db")).arg(sql);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Time enough passes that what was tried is due again.
    fn let_pauses_end(&self) {
        self.control("update deliveries set next_at = 1 where state = 'pending'");
    }

    /// Time enough passes that nobody has what a dead sender had.
    fn let_leases_end(&self) {
        self.control("update deliveries set lease_expires = 1 where lease_token is not null");
    }

    /// How many were sent under any name by now.
    fn came(&self) -> usize {
        self.smtp.mails().len() + self.hook.calls().len()
    }

    fn wait_for(&self, is_so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + WAIT;
        while !is_so(self) {
            let states = "select channel, state, attempts, last_error from deliveries";
            assert!(Instant::now() < until, "{} came; {}", self.came(), self.control(states));
            std::thread::yield_now();
        }
    }

    /// Lets everybody take what comes, until nothing is left to send.
    fn settle(&self) {
        self.smtp.feels(SmtpMood::Takes);
        self.hook.feels(HookMood::Takes);
        self.wait_for(|site| {
            site.let_pauses_end();
            let open = "select count(*) from deliveries where state <> 'sent'";
            site.control(open).trim() == "0"
        });
    }

    /// How often each was sent under each name, once each has arrived where it had to.
    fn names(&self) -> BTreeMap<String, usize> {
        let (mails, calls) = (self.smtp.mails(), self.hook.calls());
        let mut names = BTreeMap::new();
        let (mut mailed, mut called) = (BTreeSet::new(), BTreeSet::new());
        for mail in mails {
            *names.entry(mail.header("message-id").unwrap()).or_default() += 1;
            let subject = mail.header("subject").unwrap();
            let export = subject.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
            if mail.is_taken {
                mailed.insert(export);
            }
        }
        for call in calls {
            *names.entry(call.headers["webhook-id"].clone()).or_default() += 1;
            let body: Value = serde_json::from_str(&call.body).unwrap();
            called.insert(body["data"]["export"]["id"].as_u64().unwrap());
        }
        assert_eq!((&mailed, &called), (&self.exports, &self.exports), "each is told of each");
        names
    }
}

fn on_both(work: impl Fn(Site)) {
    work(Site::new(None));
    work(Site::new(Some(Postgres::shared().database())));
}

/// Another `serve` of the same site.
struct Beside(Child);

impl Beside {
    fn of(site: &Site) -> Self {
        let mut serve = site.server.shop.command(&["serve"]);
        Self(serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_sender_that_is_killed_loses_nothing_and_sends_twice_under_one_name_at_most() {
    on_both(|mut site| {
        site.server.kill();
        for (mail, hook) in MOODS {
            site.smtp.feels(mail);
            site.hook.feels(hook);
            site.let_pauses_end();
            site.let_leases_end();
            site.server.start_again();
            let before = site.came();
            site.wait_for(|site| site.came() > before + 2);
            site.server.kill();
        }
        site.let_leases_end();
        site.server.start_again();
        site.settle();
        let names = site.names();
        assert!(names.values().all(|count| *count <= 2), "{names:?}");
        let again = names.values().filter(|count| **count == 2).count();
        assert!(again > 0, "a sender was killed before it could note what it had sent");
        site.server.kill();
    });
}

#[test]
fn two_senders_at_once_send_each_once_and_one_that_is_killed_leaves_it_to_the_other() {
    on_both(|mut site| {
        site.server.kill();
        site.smtp.feels(SmtpMood::Takes);
        site.hook.feels(HookMood::Takes);
        site.let_leases_end();
        site.let_pauses_end();
        let beside = Beside::of(&site);
        site.server.start_again();
        site.settle();
        let names = site.names();
        assert_eq!(names.len(), 2 * EXPORTS);
        assert!(names.values().all(|count| *count == 1), "nobody was killed: {names:?}");

        // Again, all of it, and one dies in the middle: its leases end by themselves.
        site.smtp.feels(SmtpMood::FallsSilent);
        site.control("update deliveries set state = 'pending', ended_at = null, next_at = 1");
        let before = site.came();
        site.wait_for(|site| site.came() > before);
        drop(beside);
        site.settle();
        let names = site.names();
        assert!(names.values().all(|count| *count <= 2), "{names:?}");
        site.server.kill();
    });
}
