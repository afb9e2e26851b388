//! Notices: which are handed out, and which deliveries are taken.

use tidegate_model::{action::Action, ids::WebhookId, notice::Topic};
use tidegate_store::{Recipient, Room, TakenDelivery};

use crate::check::{Check, LEASE_MICROS};

/// How many are asked for at a time.
const MANY: u32 = 3;

impl Check {
    async fn take(&self, limit: u32, full: &[Recipient]) -> Vec<TakenDelivery> {
        let permit = self.log_permit(Action::DeliveryKeep).await;
        let room = Room { limit, full: full.to_vec() };
        self.store.take_deliveries(permit, LEASE_MICROS, &room).await.unwrap()
    }

    /// Tells of something, after everything before it.
    fn tell(&self, topic: &str) {
        let tell = "insert into outbox (topic, payload, created_at) values";
        self.site.execute(&format!("{tell} ('{topic}', '{{}}', 1)")).unwrap();
    }

    /// Puts deliveries of everything on their way.
    fn deliver(&self, recipient: &str, webhook: Option<i64>) {
        let (channel, webhook) = match webhook {
            Some(id) => ("webhook", id.to_string()),
            None => ("mail", "null".to_owned()),
        };
        let deliver = format!(
            "insert into deliveries (outbox_id, channel, recipient, webhook_id, message, next_at, \
                created_at) \
             select id, '{channel}', '{recipient}', {webhook}, '{recipient}' || id, 1, 1 from outbox"
        );
        self.site.execute(&deliver).unwrap();
    }
}

#[test]
fn what_another_version_tells_of_is_left_to_it_and_holds_up_nothing() {
    Check::on_both(async |check| {
        check.site.execute("delete from outbox").unwrap();
        for _ in 0..MANY {
            check.tell("made.up");
        }
        check.tell(Topic::ExportReady.slug());
        let untold = check.store.untold(MANY).await.unwrap();
        let topics: Vec<Topic> = untold.iter().map(|told| told.topic).collect();
        assert_eq!(topics, [Topic::ExportReady]);
        check.deliver("a@example.com", None);
        let taken = check.take(MANY, &[]).await;
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].told().topic, Topic::ExportReady);
        assert!(check.take(MANY, &[]).await.is_empty());
        let tried = "select count(*) from deliveries where attempts > 0";
        assert_eq!(check.site.number(tried), 1, "what is not known was not touched");
        let open = "select count(*) from outbox where fanned_at is null";
        assert_eq!(check.site.number(open), i64::from(MANY) + 1);
    });
}

#[test]
fn nothing_is_taken_for_whom_there_is_no_room() {
    Check::on_both(async |check| {
        check.site.execute("delete from outbox").unwrap();
        check.tell(Topic::ExportReady.slug());
        for name in ["first", "second"] {
            let add = format!(
                "insert into webhooks (public_id, url, topics, secret, created_by, created_at) \
                 select '{name}', 'https://example.com/', '[]', '', min(id), 1 from operators"
            );
            check.site.execute(&add).unwrap();
        }
        let ids = check.site.lines("select id from webhooks order by id");
        let ids: Vec<i64> = ids.iter().map(|id| id.parse().unwrap()).collect();
        check.deliver("a@example.com", None);
        check.deliver("first", Some(ids[0]));
        check.deliver("second", Some(ids[1]));
        let hook = |at: usize| Some(WebhookId(ids[at]));
        assert!(check.take(MANY, &[None, hook(0), hook(1)]).await.is_empty());
        for (full, left) in
            [(vec![None, hook(0)], hook(1)), (vec![hook(0)], None), (vec![None, hook(1)], hook(0))]
        {
            let taken = check.take(MANY, &full).await;
            let to: Vec<Recipient> = taken.iter().map(|one| one.to().webhook).collect();
            assert_eq!(to, [left], "{full:?}");
        }
    });
}
