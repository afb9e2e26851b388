//! Mail, against a server that takes it, refuses it, and goes away at every point of it.

use serde_json::json;
use tidegate_model::notice::{DeliveryState, Family, Topic};
use tidegate_service::{Clock, NotifySettings, SmtpSecurity, Store, TemplateWords};
use tidegate_store::{Room, TakenDelivery};
use tidegate_testkit::smtp::SmtpMood;

use super::{MOMENT, Rig, by_name, mail_id};
use crate::check::{Check, PAST_MICROS, on_both_behind};

/// By how much a clock goes back: more than any pause between two attempts.
const DAYS_MICROS: i64 = 3 * 24 * 60 * 60 * 1_000_000;
/// Every way in which it goes wrong.
const MOODS: [SmtpMood; 6] = [
    SmtpMood::RefusesRecipient("550 nobody of that name"),
    SmtpMood::RefusesText("451 later"),
    SmtpMood::LeavesEarly,
    SmtpMood::LeavesInText,
    SmtpMood::LeavesAfterText,
    SmtpMood::FallsSilent,
];

#[test]
fn a_mail_cites_the_artifact_and_the_link_and_no_value() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        let scope = json!({ "filter": { "field": "email", "op": "eq", "value": "secret@x.test" } });
        let asked = json!({
            "subject": "users", "format": "csv", "scope": scope, "notify": { "email": "o@x.test" },
        });
        let job = check.create(asked).await;
        check.worker().build_only(job).await.unwrap();
        rig.look().await;
        let mail = rig.smtp.wait_for(1).remove(0);
        assert_eq!(mail.to, ["o@x.test"]);
        let subject = format!("Export ready: users, export {job}");
        assert_eq!(mail.header("subject").unwrap(), subject);
        let text = mail.text.replace("=\r\n", "").replace("=3D", "=");
        assert!(text.contains("https://gate.example.com/d/"), "{text}");
        assert!(text.contains("It holds personal data."), "{text}");
        assert!(!text.contains("secret@x.test"), "{text}");
    });
}

#[test]
fn mail_that_fails_is_never_lost_and_goes_twice_under_one_name_at_most() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        for mood in MOODS {
            let job = rig.orders().await;
            rig.fail(job).await;
            rig.smtp.feels(mood);
            for _ in 0..5 {
                rig.look_later().await;
            }
            assert!(rig.states().await.contains(&DeliveryState::Pending));
            rig.smtp.feels(SmtpMood::Takes);
            rig.look_later().await;
        }
        assert_eq!(rig.states().await, [DeliveryState::Sent; MOODS.len()]);
        let mails = rig.smtp.mails();
        let taken = mails.iter().filter(|mail| mail.is_taken).count();
        assert_eq!(taken, MOODS.len(), "each has arrived, and was said to have");
        let names: Vec<String> = mails.iter().map(|it| it.header("message-id").unwrap()).collect();
        let counted = by_name(names.iter().map(String::as_str));
        assert!(counted.values().all(|count| *count <= 2), "{counted:?}");
        assert!(mails.len() > MOODS.len() + 6, "the silent ones were tried: {}", mails.len());
    });
}

#[test]
fn a_server_that_is_down_is_waited_for() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let gone = NotifySettings { smtp_port: Some(1), ..rig.settings() };
        check.notify(gone);
        let job = rig.orders().await;
        rig.fail(job).await;
        rig.look().await;
        rig.look().await;
        let waiting = rig.deliveries().await.remove(0);
        assert_eq!((waiting.attempts, waiting.state), (1, DeliveryState::Pending));
        check.notify(rig.settings());
        rig.look_later().await;
        let sent = rig.smtp.wait_for(1);
        let name = mail_id(&rig.deliveries().await[0].message);
        assert_eq!(sent[0].header("message-id").unwrap(), name, "the first name still");
    });
}

#[test]
fn whoever_is_killed_between_sending_and_noting_sends_twice_at_most() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let job = rig.orders().await;
        rig.fail(job).await;
        rig.smtp.feels(SmtpMood::FallsSilent);
        check.notify(NotifySettings { timeout_seconds: Some(60), ..rig.settings() });
        for round in 1..=5 {
            let service = std::sync::Arc::clone(&check.service);
            let sender = tokio::spawn(async move { service.notify_once().await });
            let waited = async {
                while rig.smtp.mails().len() < round {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(MOMENT, waited).await.unwrap();
            sender.abort();
            drop(sender.await);
            check.clock.step(super::LATER_MICROS);
        }
        rig.smtp.feels(SmtpMood::Takes);
        rig.look_later().await;
        let mails = rig.smtp.wait_for(6);
        assert!(mails.last().unwrap().is_taken);
        let names: Vec<String> = mails.iter().map(|it| it.header("message-id").unwrap()).collect();
        let counted = by_name(names.iter().map(String::as_str));
        assert_eq!(counted.values().copied().collect::<Vec<_>>(), [2, 2, 2], "{counted:?}");
        assert_eq!(rig.states().await, [DeliveryState::Sent]);
    });
}

#[test]
fn what_another_process_has_taken_is_not_noted_by_the_first() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let job = rig.orders().await;
        rig.fail(job).await;
        check.notify(NotifySettings { smtp_port: Some(1), ..rig.settings() });
        rig.look().await;
        check.clock.step(super::LATER_MICROS);
        let first = take(&check).await.remove(0);
        assert!(take(&check).await.is_empty(), "it is taken");
        check.clock.step(super::LATER_MICROS);
        let second = take(&check).await.remove(0);
        assert_eq!(first.message(), second.message());
        let store = check.service.store();
        assert!(!store.note_delivery(first, tidegate_store::Outcome::Sent).await.unwrap());
        assert!(store.note_delivery(second, tidegate_store::Outcome::Sent).await.unwrap());
    });
}

#[test]
fn a_clock_that_went_back_by_days_does_not_hold_mail_back_for_as_long() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let job = rig.orders().await;
        rig.fail(job).await;
        check.notify(NotifySettings { smtp_port: Some(1), ..rig.settings() });
        rig.look().await;
        #[expect(clippy::disallowed_methods, reason = "the test sets the clock back")]
        let earlier = Clock::behind(PAST_MICROS + DAYS_MICROS);
        let store = Store::open_by(&check.control_url, &earlier).await.unwrap();
        let failed = take_of(&store).await;
        assert_eq!(failed.len(), 1, "its pause is of the other clock");
        assert!(take_of(&store).await.is_empty(), "it is taken");
        check.clock.step(super::LATER_MICROS);
        assert_eq!(take(&check).await.len(), 1);
        assert_eq!(take_of(&store).await.len(), 1, "nobody takes it for days");
    });
}

async fn take(check: &Check) -> Vec<TakenDelivery> {
    take_of(check.service.store()).await
}

async fn take_of(store: &Store) -> Vec<TakenDelivery> {
    use tidegate_model::{
        action::{Action, Target},
        actor::Caller,
        policy::authorize,
    };
    let policy = store.policy().await.unwrap();
    let (upkeep, target) = (Caller::upkeep("test"), Target::default());
    let permit = authorize(&policy, &upkeep, Action::DeliveryKeep, target).unwrap();
    let room = Room { limit: 10, full: Vec::new() };
    store.take_deliveries(permit, 60_000_000, &room).await.unwrap()
}

#[test]
fn the_sites_own_words_are_used_previewed_and_tried() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        let ada = check.ada().await;
        let words = TemplateWords {
            title: "Ready: {{ export.id }}".to_owned(),
            body: "Dear colleague, {{ export.subject }} is {{ export.status }}.".to_owned(),
            html: Some("<p>{{ details.name | default('nobody') }}</p>".to_owned()),
        };
        let preview = check.service.preview_template(&ada, Topic::ExportFailed, &words).await;
        assert_eq!(preview.unwrap().title, "Ready: 4711");
        let eve = check.person("eve@example.com").await;
        let topic = Topic::ExportFailed;
        assert!(check.service.set_template(&eve, topic, Some(words.clone())).await.is_err());
        check.service.set_template(&ada, topic, Some(words.clone())).await.unwrap();
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let job = rig.orders().await;
        rig.fail(job).await;
        check.service.test_template(&ada, topic).await.unwrap();
        rig.look().await;
        let mails = rig.smtp.wait_for(2);
        let mut subjects: Vec<String> =
            mails.iter().map(|mail| mail.header("subject").unwrap()).collect();
        subjects.sort();
        assert_eq!(subjects, [format!("Ready: {job}"), "Ready: 4711".to_owned()]);
        assert!(mails[0].text.contains("multipart/alternative"));
        check.service.set_template(&ada, topic, None).await.unwrap();
        let state = check.service.templates(&ada).await.unwrap();
        assert!(state.iter().all(|one| !one.is_own));
    });
}

#[test]
fn nothing_goes_unencrypted_to_another_host_or_without_starttls() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        assert!(check.service.prove_mail().await.unwrap());
        assert!(rig.smtp.commands().iter().any(|it| it == "NOOP"));
        assert!(rig.smtp.mails().is_empty());
        let far = NotifySettings { smtp_host: Some("10.0.0.1".to_owned()), ..rig.settings() };
        check.notify(far);
        let refused = check.service.prove_mail().await.unwrap_err().to_string();
        assert!(refused.contains("on this host only"), "{refused}");
        let starttls = NotifySettings { smtp_security: SmtpSecurity::Starttls, ..rig.settings() };
        check.notify(starttls);
        let refused = check.service.prove_mail().await.unwrap_err().to_string();
        assert!(refused.contains("STARTTLS"), "{refused}");
        check.notify(NotifySettings::default());
        assert!(!check.service.prove_mail().await.unwrap());
    });
}
