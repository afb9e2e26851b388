//! Links to files: what each kind is good for, and what ends it.

use serde_json::{Value, json};
use tidegate_model::{
    actor::Caller,
    ids::JobId,
    settings::{BearerHours, Settings},
    status::Status,
};
use tidegate_service::{
    EndReason, PurgeGuard, Sending, ServiceError,
    link::{LinkClaims, LinkNonce, LinkPurpose, SignedLink},
};
use tidegate_store::{EntryFilter, EntrySort};

use crate::check::{Check, on_both};

const HOUR_MICROS: i64 = 60 * 60 * 1_000_000;

impl Check {
    async fn whole(&self) -> JobId {
        let id = self.create(json!({ "subject": "orders", "format": "csv" })).await;
        assert_eq!(self.build(id).await.status, Status::Ready);
        id
    }

    async fn set(&self, change: impl Fn(&mut Settings)) {
        let ada = self.ada().await;
        let mut settings = self.service.settings(&ada).await.unwrap();
        change(&mut settings);
        self.service.set_settings(&ada, settings).await.unwrap();
    }

    async fn allow_bearers(&self, hours: Option<u32>) {
        let hours = hours.map(|hours| BearerHours::try_from(hours).unwrap());
        self.set(|settings| settings.bearer_link_hours_max = hours).await;
    }

    async fn bearer(&self, id: JobId) -> SignedLink {
        self.service.make_bearer_link(&self.ada().await, id, None).await.unwrap().link
    }

    async fn show(&self, token: &str) -> Result<Sending, ServiceError> {
        let address = Some("203.0.113.9");
        self.service.redeem_bearer(&self.artifacts, address, token, None).await
    }

    async fn redeem(&self, caller: &Caller, token: &str) -> Result<Sending, ServiceError> {
        self.service.redeem(&self.artifacts, caller, token, None).await
    }

    /// The last entry about a job.
    async fn last(&self, id: JobId) -> Value {
        let filter = EntryFilter { job: Some(id), ..EntryFilter::default() };
        let found =
            self.service.store().list_entries(&filter, EntrySort::Newest, None, 1).await.unwrap();
        serde_json::from_str(&found[0].text).unwrap()
    }
}

/// Receives a file to its end.
async fn receive(mut sending: Sending) -> usize {
    let mut bytes = 0;
    while let Some(piece) = sending.next().await.unwrap() {
        bytes += piece.len();
    }
    sending.finish(EndReason::Left).await.unwrap();
    bytes
}

fn is_none<T>(answer: &Result<T, ServiceError>) -> bool {
    matches!(answer, Err(ServiceError::NotFound))
}

#[test]
fn a_link_is_good_for_its_purpose_alone() {
    on_both(async |check| {
        check.allow_bearers(Some(24)).await;
        let (ada, id) = (check.ada().await, check.whole().await);
        let download = check.service.make_link(&ada, id).await.unwrap().link;
        let locator = check.service.make_locator(&ada, id).await.unwrap().link;
        let bearer = check.bearer(id).await;
        let purposes = [&download, &locator, &bearer];
        for (at, link) in purposes.into_iter().enumerate() {
            let token = link.token();
            let expected = [LinkPurpose::Download, LinkPurpose::Locator, LinkPurpose::Bearer][at];
            assert_eq!(check.service.link_purpose(token), Some(expected));
            let redeemed = check.redeem(&ada, token).await;
            let opened = check.service.open_locator(&ada, token).await;
            let shown = check.show(token).await;
            let good = [redeemed.is_ok(), opened.is_ok(), shown.is_ok()];
            assert_eq!(good, [at == 0, at == 1, at == 2]);
            let refused = [is_none(&redeemed), is_none(&opened), is_none(&shown)];
            assert_eq!(refused, good.map(|good| !good));
        }
    });
}

#[test]
fn a_locator_leads_whoever_may_have_the_file_to_a_link_for_minutes() {
    on_both(async |check| {
        let (ada, id) = (check.ada().await, check.whole().await);
        let job = check.job(id).await;
        let made = check.service.make_locator(&ada, id).await.unwrap();
        assert_eq!(Some(made.expires_at), job.expires_at, "it is good as long as the file");
        let token = made.link.token();
        let opened = check.service.open_locator(&ada, token).await.unwrap();
        assert!(opened.expires_at < made.expires_at);
        let sent = receive(check.redeem(&ada, opened.link.token()).await.unwrap()).await;
        assert_eq!(Some(sent as i64), job.size_bytes);
        // It grants nothing: who may not see the export learns nothing from it.
        let eve = check.person("eve@example.com").await;
        assert!(is_none(&check.service.open_locator(&eve, token).await));
        assert!(is_none(&check.service.make_locator(&eve, id).await));
        // After delete there is nothing to be led to.
        check.service.delete_artifact(&ada, id).await.unwrap();
        let gone = check.service.open_locator(&ada, token).await;
        assert!(matches!(gone, Err(ServiceError::Conflict { status: Status::Deleted })));
        let none = check.service.make_locator(&ada, id).await;
        assert!(matches!(none, Err(ServiceError::Conflict { status: Status::Deleted })));
    });
}

#[test]
fn an_expired_or_tampered_link_is_refused() {
    on_both(async |check| {
        check.allow_bearers(Some(1)).await;
        let (ada, id) = (check.ada().await, check.whole().await);
        let past = check.service.store().now().await.unwrap() - HOUR_MICROS;
        let old = |purpose| {
            let claims = LinkClaims {
                purpose,
                link: None,
                job: id,
                nonce: LinkNonce::new(),
                expires_at: past,
            };
            SignedLink::sign(&check.service.keys(), &claims)
        };
        let opened = check.service.open_locator(&ada, old(LinkPurpose::Locator).token()).await;
        assert!(matches!(opened, Err(ServiceError::Conflict { status: Status::Expired })));
        assert!(is_none(&check.show(old(LinkPurpose::Bearer).token()).await));
        let locator = check.service.make_locator(&ada, id).await.unwrap().link;
        let bearer = check.bearer(id).await;
        for at in [0, 5, 40, 90] {
            let turned = |link: &SignedLink| -> String {
                let other = |letter| if letter == 'A' { 'B' } else { 'A' };
                let letters = link.token().chars().enumerate();
                letters.map(|(n, letter)| if n == at { other(letter) } else { letter }).collect()
            };
            assert!(is_none(&check.service.open_locator(&ada, &turned(&locator)).await), "{at}");
            assert!(is_none(&check.show(&turned(&bearer)).await), "{at}");
        }
        // An expired file has no links, whatever they say.
        check.set(|settings| settings.retention_days = 0).await;
        let brief = check.whole().await;
        let link = check.service.make_bearer_link(&ada, brief, None).await.unwrap();
        assert_eq!(Some(link.expires_at), check.job(brief).await.expires_at);
        let now = check.service.store().now().await.unwrap();
        check.upkeep().expire(&mut PurgeGuard::new(now)).await.unwrap();
        assert_eq!(check.job(brief).await.status, Status::Expired);
        let shown = check.show(link.link.token()).await;
        assert!(matches!(shown, Err(ServiceError::Conflict { status: Status::Expired })));
    });
}

#[test]
fn a_bearer_link_sends_the_file_to_whoever_shows_it_and_is_written_down() {
    on_both(async |check| {
        check.allow_bearers(Some(24)).await;
        let id = check.whole().await;
        let job = check.job(id).await;
        let link = check.bearer(id).await;
        let minted = check.last(id).await;
        assert_eq!(
            (&minted["action"], &minted["details"]["is_bearer"]),
            (&json!("download.link"), &json!(true),)
        );
        assert_eq!(minted["details"]["life_seconds"], 24 * 60 * 60);
        let number = &minted["details"]["id"];
        for _ in 0..2 {
            let sent = receive(check.show(link.token()).await.unwrap()).await;
            assert_eq!(Some(sent as i64), job.size_bytes);
            let finished = check.last(id).await;
            assert_eq!(finished["action"], "download.finished");
            assert_eq!(&finished["details"]["link"], number);
            assert_eq!(
                (&finished["via"], &finished["address"]),
                (&json!("link"), &json!("203.0.113.9"),)
            );
            assert_eq!(finished["name"], "ada@example.com", "in whose name it was made");
        }
        let words = check.actions(id).await;
        assert_eq!(words.iter().filter(|word| *word == "download.started").count(), 2);
    });
}

#[test]
fn a_bearer_link_takes_a_setting_and_lives_no_longer_than_that_says() {
    on_both(async |check| {
        let (ada, id) = (check.ada().await, check.whole().await);
        let make = async |hours| check.service.make_bearer_link(&ada, id, hours).await;
        let pointer = |refused: Result<_, ServiceError>| match refused {
            Err(ServiceError::Faults(faults)) => faults.0[0].pointer.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(pointer(make(Some(1)).await), "/bearer", "off unless a site says otherwise");
        check.allow_bearers(Some(6)).await;
        for hours in [0, 7, 24, 25, u32::MAX] {
            assert_eq!(pointer(make(Some(hours)).await), "/hours");
        }
        let now = check.service.store().now().await.unwrap();
        for (asked, hours) in [(None, 6), (Some(2), 2)] {
            let lives = make(asked).await.unwrap().expires_at - now;
            assert!((hours * HOUR_MICROS..hours * HOUR_MICROS + HOUR_MICROS).contains(&lives));
        }
        // Who may not have the file makes no link to it.
        let eve = check.person("eve@example.com").await;
        assert!(is_none(&check.service.make_bearer_link(&eve, id, None).await));
    });
}

#[test]
fn what_ends_a_bearer_link_ends_it_for_good() {
    on_both(async |check| {
        check.allow_bearers(Some(24)).await;
        let ada = check.ada().await;
        // The file is deleted.
        let deleted = check.whole().await;
        let link = check.bearer(deleted).await;
        check.service.delete_artifact(&ada, deleted).await.unwrap();
        assert!(is_none(&check.show(link.token()).await));
        // The setting is switched off, and on again.
        let id = check.whole().await;
        let link = check.bearer(id).await;
        check.allow_bearers(None).await;
        assert!(is_none(&check.show(link.token()).await));
        check.allow_bearers(Some(24)).await;
        assert!(is_none(&check.show(link.token()).await), "nobody remembers who has it");
        assert!(check.show(check.bearer(id).await.token()).await.is_ok());
    });
}

#[test]
fn a_bearer_link_is_worth_what_its_operator_may() {
    on_both(async |check| {
        check.allow_bearers(Some(24)).await;
        let ada = check.ada().await;
        check.service.add_operator(&ada, "bea@example.com", "administrator", None).await.unwrap();
        let bea = check.person("bea@example.com").await;
        let id = check.whole().await;
        let made = check.service.make_bearer_link(&bea, id, None).await.unwrap().link;
        assert!(check.show(made.token()).await.is_ok());
        // An editor may not have somebody else's export.
        check.service.set_role(&ada, "bea@example.com", "editor").await.unwrap();
        assert!(is_none(&check.show(made.token()).await));
        assert_eq!(check.last(id).await["outcome"], "denied");
        check.service.set_role(&ada, "bea@example.com", "administrator").await.unwrap();
        assert!(check.show(made.token()).await.is_ok());
        check.service.set_disabled(&ada, "bea@example.com", true).await.unwrap();
        assert!(is_none(&check.show(made.token()).await));
    });
}
