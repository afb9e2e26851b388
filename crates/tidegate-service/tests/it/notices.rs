//! Notices: who is told, by which way, how often, and that nobody is told what it may not know.

mod mail;
mod places;
mod tls;
mod webhooks;

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tidegate_model::{
    action::{Action, Target},
    ids::JobId,
    job::{Failure, FailureReason},
    notice::{DeliveryState, Family},
    policy::authorize,
};
use tidegate_service::{
    Delivery, DeliveryFilter, NotifySettings, ReadNotices, SmtpSecurity, Subscription, WebhookEdit,
};
use tidegate_store::{Change, FailJob};
use tidegate_testkit::{hook::HookSink, smtp::SmtpSink};

use crate::check::{Check, PAST_MICROS, on_both_behind};

/// Longer than any pause between two attempts, with its jitter.
const LATER_MICROS: i64 = 30 * 60 * 60 * 1_000_000;

/// A site with a mail server and a webhook.
struct Rig<'a> {
    check: &'a Check,
    smtp: SmtpSink,
    hook: HookSink,
}

impl<'a> Rig<'a> {
    fn new(check: &'a Check) -> Self {
        let rig = Self { check, smtp: SmtpSink::start(), hook: HookSink::start() };
        check.notify(rig.settings());
        rig
    }

    fn settings(&self) -> NotifySettings {
        NotifySettings {
            smtp_host: Some("127.0.0.1".to_owned()),
            smtp_port: Some(self.smtp.port()),
            smtp_security: SmtpSecurity::None,
            from: Some("Tidegate <tidegate@example.com>".to_owned()),
            webhook_networks: vec!["127.0.0.0/8".parse().unwrap()],
            timeout_seconds: Some(1),
            public_url: Some("https://gate.example.com".to_owned()),
            ..NotifySettings::default()
        }
    }

    /// Looks once.
    async fn look(&self) {
        self.check.service.notify_once().await.unwrap();
    }

    /// Looks again when every pause is over.
    async fn look_later(&self) {
        self.check.clock.step(LATER_MICROS);
        self.look().await;
    }

    async fn hear(&self, email: &str, family: Family, by_mail: bool, in_inbox: bool) {
        let caller = self.check.person(email).await;
        let how = Subscription { by_mail, in_inbox };
        self.check.service.subscribe(&caller, family, how).await.unwrap();
    }

    async fn add_webhook(&self, topics: &[&str]) -> (tidegate_model::ids::WebhookId, String) {
        let edit = WebhookEdit {
            url: self.hook.url(),
            topics: topics.iter().map(|it| (*it).to_owned()).collect(),
            is_enabled: true,
        };
        let made = self.check.service.add_webhook(&self.check.ada().await, edit).await.unwrap();
        (made.id, made.secret)
    }

    /// Ends a job without a file, which is told.
    async fn fail(&self, id: JobId) {
        let store = self.check.service.store();
        let target = Target { job: Some(id), ..Target::default() };
        let upkeep = tidegate_model::actor::Caller::upkeep("test");
        let policy = store.policy().await.unwrap();
        let permit = authorize(&policy, &upkeep, Action::JobFail, target).unwrap();
        let failure = Failure { reason: FailureReason::SourceLost, detail: "gone".to_owned() };
        let change = Change::Fail(FailJob { proof: None, failure });
        store.commit(permit, change).await.unwrap();
    }

    async fn orders(&self) -> JobId {
        self.check.create(json!({ "subject": "orders", "format": "csv" })).await
    }

    async fn deliveries(&self) -> Vec<Delivery> {
        let store = self.check.service.store();
        store.deliveries(&DeliveryFilter::default(), 200).await.unwrap()
    }

    async fn states(&self) -> Vec<DeliveryState> {
        self.deliveries().await.iter().map(|one| one.state).collect()
    }

    async fn inbox(&self, email: &str) -> Vec<String> {
        let caller = self.check.person(email).await;
        let page = self.check.service.notices(&caller, None, 50).await.unwrap();
        page.notices.iter().map(|one| one.topic.slug().to_owned()).collect()
    }
}

/// How often each name was used, by what came and was not refused.
fn by_name<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counted = BTreeMap::new();
    for name in names {
        *counted.entry(name).or_default() += 1;
    }
    counted
}

#[test]
fn each_is_told_of_what_is_theirs_and_of_nothing_else() {
    on_both_behind(PAST_MICROS, async |check| {
        let rig = Rig::new(&check);
        let eve = check.person("eve@example.com").await;
        let sent = tidegate_model::request::ExportRequest::read(
            &json!({ "subject": "orders", "format": "csv" }),
        );
        assert!(check.service.create_export(&eve, &sent.unwrap(), None).await.is_err());
        let users = json!({ "subject": "users", "format": "csv" });
        let job = check.create(users).await;
        rig.fail(job).await;
        let orders = rig.orders().await;
        rig.fail(orders).await;
        rig.look().await;
        let expected = ["export.failed", "export.failed", "egress.pii"];
        assert_eq!(rig.inbox("ada@example.com").await, expected);
        assert_eq!(rig.inbox("eve@example.com").await, Vec::<String>::new());
        assert_eq!(rig.inbox("vic@example.com").await, Vec::<String>::new());
        let ada = check.ada().await;
        assert_eq!(check.service.unread_notices(&ada).await.unwrap(), 3);
        let page = check.service.notices(&ada, None, 2).await.unwrap();
        assert_eq!((page.notices.len(), page.next), (2, Some(page.notices[1].id)));
        let which = ReadNotices::These(vec![page.notices[0].id, 9_999]);
        check.service.read_notices(&ada, which).await.unwrap();
        assert_eq!(check.service.unread_notices(&ada).await.unwrap(), 2);
        check.service.read_notices(&eve, ReadNotices::UpTo(i64::MAX)).await.unwrap();
        assert_eq!(check.service.unread_notices(&ada).await.unwrap(), 2, "not somebody else's");
    });
}

#[test]
fn what_is_compulsory_is_told_whatever_somebody_prefers() {
    on_both_behind(PAST_MICROS, async |check| {
        let rig = Rig::new(&check);
        rig.hear("ada@example.com", Family::Security, false, false).await;
        rig.hear("ada@example.com", Family::Jobs, false, false).await;
        let job = check.create(json!({ "subject": "users", "format": "csv" })).await;
        rig.fail(job).await;
        rig.look().await;
        assert_eq!(rig.inbox("ada@example.com").await, ["egress.pii"]);
        let eve = check.person("eve@example.com").await;
        let how = Subscription { by_mail: false, in_inbox: true };
        let refused = check.service.subscribe(&eve, Family::Security, how).await.unwrap_err();
        assert!(refused.to_string().contains("activity log"), "{refused}");
    });
}

#[test]
fn a_notice_is_handed_out_once_however_many_do_it() {
    on_both_behind(PAST_MICROS, async |check| {
        let rig = Rig::new(&check);
        rig.add_webhook(&["jobs"]).await;
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let mut jobs = Vec::new();
        for _ in 0..5 {
            let job = rig.orders().await;
            rig.fail(job).await;
            jobs.push(job);
        }
        let looks = (0..8).map(|_| check.service.notify_once());
        for look in futures_util::future::join_all(looks).await {
            look.unwrap();
        }
        rig.look().await;
        assert_eq!(rig.inbox("ada@example.com").await[..5], ["export.failed"; 5]);
        let mails = rig.smtp.wait_for(5);
        let calls = rig.hook.wait_for(5);
        assert_eq!((mails.len(), calls.len()), (5, 5));
        assert!(rig.states().await.iter().all(|it| *it == DeliveryState::Sent));
    });
}

#[test]
fn who_may_not_list_a_subject_any_more_is_not_told_what_waits() {
    on_both_behind(PAST_MICROS, async |check| {
        let rig = Rig::new(&check);
        let (webhook, _) = rig.add_webhook(&["jobs"]).await;
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let notify = json!({ "email": "outside@example.net" });
        let asked = json!({ "subject": "orders", "format": "csv", "notify": notify });
        let job = check.create(asked).await;
        rig.fail(job).await;
        rig.smtp.feels(tidegate_testkit::smtp::SmtpMood::LeavesEarly);
        rig.hook.feels(tidegate_testkit::hook::HookMood::LeavesEarly);
        rig.look().await;
        assert_eq!(rig.states().await, [DeliveryState::Pending; 3]);
        check.forbid("administrator", "orders.list").await;
        rig.smtp.feels(tidegate_testkit::smtp::SmtpMood::Takes);
        rig.hook.feels(tidegate_testkit::hook::HookMood::Takes);
        rig.look_later().await;
        assert_eq!(rig.states().await, [DeliveryState::Dropped; 3]);
        assert_eq!((rig.smtp.mails().len(), rig.hook.calls().len()), (0, 0));
        let kept = check.service.webhook(&check.ada().await, webhook).await.unwrap();
        assert!(kept.disabled.is_none(), "it hears of the other subjects");
        // What is left was told when the webhook was added, and is about no subject.
        assert_eq!(rig.inbox("ada@example.com").await, ["settings.routing_changed"]);
        assert_eq!(check.service.unread_notices(&check.ada().await).await.unwrap(), 1);
    });
}

#[test]
fn what_is_given_up_is_kept_said_loudly_and_can_be_sent_again() {
    on_both_behind(PAST_MICROS, async |check| {
        let rig = Rig::new(&check);
        rig.smtp.feels(tidegate_testkit::smtp::SmtpMood::RefusesRecipient("451 later"));
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let job = rig.orders().await;
        rig.fail(job).await;
        for _ in 0..10 {
            rig.look_later().await;
        }
        assert_eq!(rig.states().await, [DeliveryState::Dead]);
        rig.look_later().await;
        assert_eq!(rig.inbox("ada@example.com").await[0], "notice.undelivered");
        assert!(check.actions(job).await.contains(&"delivery.ended".to_owned()));
        let dead = rig.deliveries().await.remove(0);
        assert_eq!(dead.attempts, 10);
        assert!(dead.last_error.unwrap().contains("451"), "the server's words");
        rig.smtp.feels(tidegate_testkit::smtp::SmtpMood::Takes);
        let ada = check.ada().await;
        check.service.repeat_delivery(&ada, dead.id).await.unwrap();
        let again = check.service.repeat_delivery(&ada, dead.id).await;
        assert!(
            matches!(again, Err(tidegate_service::ServiceError::Overtaken { .. })),
            "it waits already"
        );
        rig.look().await;
        assert_eq!(rig.states().await, [DeliveryState::Sent]);
        assert_eq!(rig.smtp.mails()[0].header("message-id").unwrap(), mail_id(&dead.message));
    });
}

/// Longer than what is over is kept.
const KEPT_MICROS: i64 = 91 * 24 * 60 * 60 * 1_000_000;

#[test]
fn what_is_over_is_forgotten_after_its_time_and_not_before() {
    on_both_behind(PAST_MICROS, async |check| {
        let rig = Rig::new(&check);
        rig.add_webhook(&["jobs"]).await;
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let ada = check.ada().await;
        check.service.read_notices(&ada, ReadNotices::UpTo(i64::MAX)).await.unwrap();
        let early = rig.orders().await;
        rig.fail(early).await;
        rig.look().await;
        assert_eq!(rig.states().await, [DeliveryState::Sent; 2]);
        assert_eq!(check.service.forget_told().await.unwrap(), 0, "it is not old");
        check.clock.step(KEPT_MICROS);
        let late = rig.orders().await;
        rig.fail(late).await;
        rig.look().await;
        let before = rig.inbox("ada@example.com").await;
        assert!(check.service.forget_told().await.unwrap() >= 1);
        let deliveries = rig.deliveries().await;
        assert_eq!(deliveries.len(), 2);
        assert!(deliveries.iter().all(|one| one.told.job == Some(late)));
        assert!(rig.inbox("ada@example.com").await.len() < before.len());
        assert!(check.actions(early).await.len() >= 2, "the log keeps that it happened");
        assert_eq!(check.service.forget_told().await.unwrap(), 0);
        // What waits is not over, however old it is.
        rig.smtp.feels(tidegate_testkit::smtp::SmtpMood::LeavesEarly);
        let waits = rig.orders().await;
        rig.fail(waits).await;
        rig.look().await;
        check.clock.step(KEPT_MICROS);
        check.service.forget_told().await.unwrap();
        assert_eq!(
            rig.deliveries().await.iter().filter(|one| one.told.job == Some(waits)).count(),
            2
        );
    });
}

#[test]
fn what_is_about_security_is_not_forgotten_before_somebody_was_told() {
    on_both_behind(PAST_MICROS, async |check| {
        let rig = Rig::new(&check);
        rig.hear("ada@example.com", Family::Security, true, true).await;
        rig.smtp.feels(tidegate_testkit::smtp::SmtpMood::RefusesRecipient("451 later"));
        let users = json!({ "subject": "users", "format": "csv" });
        let job = check.create(users).await;
        rig.fail(job).await;
        let personal = async || {
            let kept = rig.deliveries().await;
            kept.iter().filter(|one| one.told.topic.slug() == "egress.pii").count()
        };
        for _ in 0..12 {
            rig.look_later().await;
        }
        assert!(rig.states().await.contains(&DeliveryState::Dead));
        let ada = check.ada().await;
        check.service.read_notices(&ada, ReadNotices::UpTo(i64::MAX)).await.unwrap();
        check.clock.step(KEPT_MICROS);
        check.service.forget_told().await.unwrap();
        assert_eq!(personal().await, 1, "it was given up: nobody was told by it");
        let dead = rig.deliveries().await;
        let dead = dead.iter().find(|one| one.told.topic.slug() == "egress.pii").unwrap();
        rig.smtp.feels(tidegate_testkit::smtp::SmtpMood::Takes);
        check.service.repeat_delivery(&ada, dead.id).await.unwrap();
        rig.look().await;
        check.service.forget_told().await.unwrap();
        assert_eq!(personal().await, 1, "it was told just now");
        check.clock.step(KEPT_MICROS);
        check.service.forget_told().await.unwrap();
        assert_eq!(personal().await, 0);
        // What nobody has read stays in the inbox.
        let job = check.create(json!({ "subject": "users", "format": "csv" })).await;
        rig.fail(job).await;
        rig.look().await;
        check.clock.step(KEPT_MICROS);
        check.service.forget_told().await.unwrap();
        assert!(rig.inbox("ada@example.com").await.contains(&"egress.pii".to_owned()));
        check.service.read_notices(&ada, ReadNotices::UpTo(i64::MAX)).await.unwrap();
        check.service.forget_told().await.unwrap();
        assert!(!rig.inbox("ada@example.com").await.contains(&"egress.pii".to_owned()));
    });
}

fn mail_id(message: &str) -> String {
    format!("<{message}@gate.example.com>")
}

/// A moment for what happens elsewhere.
const MOMENT: Duration = Duration::from_secs(20);

#[test]
fn an_address_of_another_domain_is_refused_when_it_is_asked_for() {
    on_both_behind(PAST_MICROS, async |check| {
        let rig = Rig::new(&check);
        let domains = vec!["example.com".to_owned()];
        check.notify(NotifySettings { recipient_domains: domains, ..rig.settings() });
        let request = |email: &str| -> Value {
            json!({ "subject": "orders", "format": "csv", "fields": ["nothing"],
                    "notify": { "email": email } })
        };
        let ada = check.ada().await;
        let refused = |email: &str| {
            let sent = tidegate_model::request::ExportRequest::read(&request(email)).unwrap();
            let (service, ada) = (&check.service, &ada);
            async move {
                match service.create_export(ada, &sent, None).await.unwrap_err() {
                    tidegate_service::ServiceError::Faults(faults) => {
                        faults.0.iter().map(|one| one.pointer.clone()).collect::<Vec<_>>()
                    }
                    other => panic!("{other}"),
                }
            }
        };
        assert_eq!(refused("a@example.net").await, ["/fields/0", "/notify/email"]);
        assert_eq!(refused("a@example.com").await, ["/fields/0"]);
    });
}
