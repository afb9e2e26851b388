//! Places: whoever does not answer holds up nobody else.

use std::sync::Arc;

use tidegate_model::notice::{DeliveryState, Family};
use tidegate_service::{Delivery, NotifySettings, WebhookEdit};
use tidegate_testkit::hook::{HookMood, HookSink};

use super::Rig;
use crate::check::{Check, PAST_MICROS, on_both_behind};

/// Deliveries to whoever is silent: three times as many as are on their way at a time.
const SILENT: usize = 48;
/// How many of them are on their way at a time.
const EACH: usize = 4;

#[test]
fn a_webhook_that_never_answers_holds_up_neither_mail_nor_another_webhook() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        // Longer than anything here takes: whoever waits for the silent one is found out.
        check.notify(NotifySettings { timeout_seconds: Some(60), ..rig.settings() });
        rig.hook.feels(HookMood::FallsSilent);
        let ada = check.ada().await;
        let (silent, _) = rig.add_webhook(&["export.failed"]).await;
        let good = HookSink::start();
        let topics = vec!["schedules".to_owned()];
        let edit = WebhookEdit { url: good.url(), topics, is_enabled: true };
        let heard = check.service.add_webhook(&ada, edit).await.unwrap().id;
        for _ in 0..SILENT {
            check.service.test_webhook(&ada, silent).await.unwrap();
        }
        check.service.test_webhook(&ada, heard).await.unwrap();
        rig.hear("ada@example.com", Family::Security, true, true).await;

        let service = Arc::clone(&check.service);
        let looking = tokio::spawn(async move { service.notify_once().await });
        tokio::task::block_in_place(|| {
            rig.hook.wait_for(EACH);
            good.wait_for(1);
            rig.smtp.wait_for(1);
        });
        assert!(!looking.is_finished(), "whoever is silent is waited for");
        assert_eq!(rig.hook.calls().len(), EACH);
        let of_silent = |one: &Delivery| one.to.webhook == Some(silent);
        let waiting: Vec<Delivery> = rig.deliveries().await.into_iter().filter(of_silent).collect();
        assert!(waiting.iter().all(|one| one.state == DeliveryState::Pending));
        assert_eq!(waiting.len(), SILENT);
        assert_eq!(waiting.iter().filter(|one| one.attempts > 0).count(), EACH);
        looking.abort();
    });
}

#[test]
fn a_place_that_gets_free_is_given_to_what_waits() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        let ada = check.ada().await;
        let (id, _) = rig.add_webhook(&["export.failed"]).await;
        for _ in 0..SILENT {
            check.service.test_webhook(&ada, id).await.unwrap();
        }
        rig.look().await;
        assert_eq!(rig.states().await, vec![DeliveryState::Sent; SILENT]);
        assert_eq!(rig.hook.calls().len(), SILENT);
    });
}
