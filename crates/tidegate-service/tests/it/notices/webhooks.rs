//! Webhooks, against a receiver that takes, refuses, redirects, and goes away at every point.

use serde_json::Value;
use tidegate_model::notice::DeliveryState;
use tidegate_service::{DeliveryFilter, NotifySettings, WebhookEdit, WebhookError};
use tidegate_testkit::{
    hook::{Call, HookMood, HookSink},
    python,
};

use super::{Rig, by_name};
use crate::check::{Check, PAST_MICROS, on_both_behind};

/// Verifies a request as the specification of Standard Webhooks says, with none of our code.
const VERIFY: &str = r#"
import base64, hashlib, hmac, sys
secret, name, at, body, signatures = sys.argv[1:6]
key = base64.b64decode(secret.removeprefix("whsec_"))
code = hmac.new(key, f"{name}.{at}.{body}".encode(), hashlib.sha256).digest()
expected = "v1," + base64.b64encode(code).decode()
print(any(hmac.compare_digest(expected, one) for one in signatures.split(" ")))
"#;

fn is_signed(call: &Call, secret: &str) -> bool {
    let header = |name: &str| call.headers[name].as_str();
    let (name, at) = (header("webhook-id"), header("webhook-timestamp"));
    let arguments = [secret, name, at, call.body.as_str(), header("webhook-signature")];
    python::script(VERIFY, &arguments).trim() == "True"
}

#[test]
fn a_request_is_signed_as_standard_webhooks_say_and_says_little() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        let (id, secret) = rig.add_webhook(&["jobs"]).await;
        let job = rig.orders().await;
        rig.fail(job).await;
        rig.look().await;
        let call = rig.hook.wait_for(1).remove(0);
        assert_eq!(call.line, "POST /hook HTTP/1.1");
        assert!(is_signed(&call, &secret));
        assert!(!is_signed(
            &Call { body: call.body.replace("failed", "ready"), ..call.clone() },
            &secret
        ));
        let body: Value = serde_json::from_str(&call.body).unwrap();
        assert_eq!(body["type"], "export.failed");
        assert_eq!(body["data"]["export"]["id"], job.0);
        assert_eq!(
            body["data"]["page"],
            format!("https://gate.example.com/sg-admin/exports/{job}")
        );
        let ada = check.ada().await;
        let next = check.service.rotate_webhook(&ada, id).await.unwrap().secret;
        assert_ne!(next, secret);
        check.service.test_webhook(&ada, id).await.unwrap();
        rig.look().await;
        let call = rig.hook.wait_for(2).remove(1);
        assert_eq!(call.headers["webhook-signature"].split(' ').count(), 2);
        assert!(is_signed(&call, &secret) && is_signed(&call, &next));
        check.clock.step(25 * 60 * 60 * 1_000_000);
        check.service.test_webhook(&ada, id).await.unwrap();
        rig.look().await;
        let call = rig.hook.wait_for(3).remove(2);
        assert!(!is_signed(&call, &secret) && is_signed(&call, &next), "a day is over");
    });
}

#[test]
fn secrets_are_sealed_in_the_control_state() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        let (id, secret) = rig.add_webhook(&["security"]).await;
        let kept = check.service.store().webhook(id).await.unwrap().unwrap();
        let bare = secret.trim_start_matches("whsec_");
        assert!(!format!("{kept:?}").contains(bare), "it stands there as it is");
        let dump = check.folder.path().join("control.db");
        if let Ok(bytes) = std::fs::read(dump) {
            assert!(!bytes.windows(bare.len()).any(|part| part == bare.as_bytes()));
        }
    });
}

#[test]
fn what_a_webhook_fails_to_take_is_never_lost_and_goes_twice_under_one_name_at_most() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        rig.add_webhook(&["export.failed"]).await;
        let elsewhere = HookSink::start();
        let moods = [
            HookMood::Answers(400),
            HookMood::Answers(503),
            HookMood::Redirects(elsewhere.url()),
            HookMood::LeavesEarly,
            HookMood::LeavesAfter,
            HookMood::FallsSilent,
        ];
        for mood in &moods {
            let job = rig.orders().await;
            rig.fail(job).await;
            rig.hook.feels(mood.clone());
            for _ in 0..3 {
                rig.look_later().await;
            }
            assert!(rig.states().await.contains(&DeliveryState::Pending), "{mood:?}");
            rig.hook.feels(HookMood::Takes);
            rig.look_later().await;
        }
        assert_eq!(rig.states().await, vec![DeliveryState::Sent; moods.len()]);
        let calls = rig.hook.calls();
        let kept = calls.iter().filter(|call| !call.is_refused);
        let counted = by_name(kept.map(|call| call.headers["webhook-id"].as_str()));
        assert!(counted.values().all(|count| *count <= 2), "{counted:?}");
        assert!(elsewhere.calls().is_empty(), "a redirect was followed");
        // Whoever gets one twice under two names knows it by its event.
        let mut events: Vec<String> = calls
            .iter()
            .map(|call| {
                serde_json::from_str::<Value>(&call.body).unwrap()["data"]["event"].to_string()
            })
            .collect();
        events.sort();
        events.dedup();
        assert_eq!(events.len(), moods.len());
    });
}

#[test]
fn an_answer_without_end_is_left_alone() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        rig.add_webhook(&["export.failed"]).await;
        rig.hook.feels(HookMood::TalksWithoutEnd);
        let job = rig.orders().await;
        rig.fail(job).await;
        rig.look().await;
        assert_eq!(rig.states().await, [DeliveryState::Sent]);
    });
}

#[test]
fn what_fails_for_days_is_switched_off_and_that_is_told() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        let (id, _) = rig.add_webhook(&["export.failed"]).await;
        rig.hook.feels(HookMood::Answers(500));
        let job = rig.orders().await;
        rig.fail(job).await;
        for _ in 0..7 {
            rig.look_later().await;
        }
        let ada = check.ada().await;
        let found = check.service.webhook(&ada, id).await.unwrap();
        assert!(found.disabled.is_some());
        assert_eq!(rig.states().await, [DeliveryState::Dead], "kept, to be sent again");
        rig.look().await;
        assert_eq!(rig.inbox("ada@example.com").await[0], "webhook.disabled");
        let another = rig.orders().await;
        rig.fail(another).await;
        rig.look().await;
        assert_eq!(rig.states().await.len(), 1, "nothing goes to it");
        let edit = WebhookEdit { url: rig.hook.url(), topics: found.topics, is_enabled: true };
        check.service.change_webhook(&ada, id, edit).await.unwrap();
        rig.hook.feels(HookMood::Takes);
        let filter = DeliveryFilter { webhook: Some(id), ..DeliveryFilter::default() };
        let page = check.service.deliveries(&ada, &filter, 10).await.unwrap();
        check.service.repeat_delivery(&ada, page.deliveries[0].id).await.unwrap();
        rig.look_later().await;
        assert_eq!(rig.states().await, [DeliveryState::Sent]);
        assert!(check.service.webhook(&ada, id).await.unwrap().failing_since.is_none());
    });
}

/// How whoever has saved a webhook loses the right to it, and what is said then.
const LOSSES: [(&str, &str); 2] =
    [("disabled", "is gone"), ("viewer", "may not hear of all that it is told")];

#[test]
fn what_nobody_answers_for_any_more_is_switched_off_told_and_kept_for_whoever_saves_it() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        for (loss, told) in LOSSES {
            let rig = Rig::new(&check);
            let ada = check.ada().await;
            let email = format!("{loss}@example.com");
            check.service.add_operator(&ada, &email, "administrator", None).await.unwrap();
            let saver = check.person(&email).await;
            let edit = || {
                let topics = vec!["export.failed".to_owned()];
                WebhookEdit { url: rig.hook.url(), topics, is_enabled: true }
            };
            let id = check.service.add_webhook(&saver, edit()).await.unwrap().id;
            for _ in 0..2 {
                let job = rig.orders().await;
                rig.fail(job).await;
            }
            match loss {
                "disabled" => check.service.set_disabled(&ada, &email, true).await.unwrap(),
                role => check.service.set_role(&ada, &email, role).await.unwrap(),
            }
            let proof = async || {
                let proven = check.service.prove_webhooks().await.unwrap();
                proven.into_iter().map(|(_, proof)| proof).collect::<Vec<_>>()
            };
            let proven = proof().await;
            assert!(matches!(proven[..], [Err(WebhookError::Unanswered(_))]), "{proven:?}");
            rig.look().await;
            let found = check.service.webhook(&ada, id).await.unwrap();
            let (_, reason) = found.disabled.expect("it is off");
            assert!(reason.contains(told), "{reason}");
            let proven = proof().await;
            assert!(matches!(proven[..], [Err(WebhookError::Off(_))]), "{proven:?}");
            let filter = DeliveryFilter { webhook: Some(id), ..DeliveryFilter::default() };
            let kept = check.service.deliveries(&ada, &filter, 10).await.unwrap().deliveries;
            assert_eq!(kept.len(), 2);
            assert!(kept.iter().all(|one| one.state == DeliveryState::Dead), "{kept:?}");
            assert!(rig.hook.calls().is_empty(), "nobody answers for it");
            let entries = check.entries("webhook.disabled").await;
            let details = &entries.last().expect("the log says it")["details"];
            assert_eq!((&details["webhook"], &details["reason"]), (&id.0.into(), &reason.into()));
            rig.look().await;
            assert_eq!(rig.inbox("ada@example.com").await[0], "webhook.disabled");

            let again = check.service.repeat_delivery(&ada, kept[0].id).await;
            assert!(again.is_err(), "it is off");
            check.service.change_webhook(&ada, id, edit()).await.unwrap();
            for one in &kept {
                check.service.repeat_delivery(&ada, one.id).await.unwrap();
            }
            rig.look().await;
            let sent = check.service.deliveries(&ada, &filter, 10).await.unwrap().deliveries;
            assert!(sent.iter().all(|one| one.state == DeliveryState::Sent), "{sent:?}");
            assert_eq!(rig.hook.calls().len(), 2);
            check.service.remove_webhook(&ada, id).await.unwrap();
        }
    });
}

#[test]
fn a_webhook_is_refused_where_it_may_not_be() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        let ada = check.ada().await;
        let strict = NotifySettings { webhook_networks: Vec::new(), ..rig.settings() };
        check.notify(strict);
        for (url, told) in [
            ("http://example.com/", "https://"),
            ("http://127.0.0.1/", "https://"),
            ("ftp://example.com/", "https://"),
            ("file:///etc/passwd", "https://"),
            ("gopher://example.com/", "https://"),
            ("https://user:pw@example.com/", "password"),
            ("https://user@example.com/", "password"),
            ("//example.com/", "no address"),
            ("https://", "no address"),
            ("", "no address"),
        ] {
            let edit = edit(url);
            let refused = check.service.add_webhook(&ada, edit).await.unwrap_err().to_string();
            assert!(refused.contains(told), "{url}: {refused}");
        }
        // What a name leads to is looked at when something is sent.
        for url in [
            "https://127.0.0.1/",
            "https://localhost/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.1/",
            "https://0/",
            "https://[fd00:ec2::254]/",
            "https://192.168.1.1:8443/",
            "https://100.64.0.1/",
        ] {
            let made = check.service.add_webhook(&ada, edit(url)).await.unwrap();
            let id = made.id;
            check.service.test_webhook(&ada, id).await.unwrap();
            rig.look().await;
            let filter = DeliveryFilter { webhook: Some(id), ..DeliveryFilter::default() };
            let page = check.service.deliveries(&ada, &filter, 10).await.unwrap();
            let error = page.deliveries[0].last_error.clone().unwrap_or_default();
            assert!(error.contains("not public"), "{url}: {error}");
            check.service.remove_webhook(&ada, id).await.unwrap();
        }
        assert!(rig.hook.calls().is_empty());
        let made = check.service.add_webhook(
            &ada,
            WebhookEdit { topics: vec!["export.redy".to_owned()], ..edit("https://example.com/") },
        );
        assert!(made.await.unwrap_err().to_string().contains("export.ready"));
    });
}

fn edit(url: &str) -> WebhookEdit {
    WebhookEdit { url: url.to_owned(), topics: vec!["security".to_owned()], is_enabled: true }
}
