//! TLS to mail servers and webhooks: verified against the name, by authorities that are trusted.

use std::path::PathBuf;

use tidegate_model::notice::{DeliveryState, Family};
use tidegate_service::{NotifySettings, SmtpSecurity, WebhookEdit};
use tidegate_testkit::tls_front::Authority;

use super::Rig;
use crate::check::{Check, PAST_MICROS, on_both_behind};

fn by_tls(rig: &Rig<'_>, port: u16, security: SmtpSecurity, ca: Option<PathBuf>) -> NotifySettings {
    NotifySettings {
        smtp_host: Some("localhost".to_owned()),
        smtp_port: Some(port),
        smtp_security: security,
        smtp_user: Some("tidegate".to_owned()),
        smtp_password: Some("hush".into()),
        ca_file: ca,
        timeout_seconds: Some(10),
        ..rig.settings()
    }
}

#[test]
fn mail_goes_by_tls_to_a_server_that_is_who_it_says() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        let authority = Authority::new();
        let tls = authority.front(rig.smtp.port());
        let starttls = authority.starttls_front(rig.smtp.port());
        let fronts = [(tls.port(), SmtpSecurity::Tls), (starttls.port(), SmtpSecurity::Starttls)];
        for (port, security) in fronts {
            check.notify(by_tls(&rig, port, security, None));
            let refused = check.service.prove_mail().await.unwrap_err().to_string();
            assert!(refused.contains("certificate"), "{security:?}: {refused}");
            let other = NotifySettings {
                smtp_host: Some("127.0.0.1".to_owned()),
                ..by_tls(&rig, port, security, Some(authority.file()))
            };
            check.notify(other);
            let refused = check.service.prove_mail().await.unwrap_err().to_string();
            assert!(refused.contains("certificate"), "{security:?}: {refused}");
            check.notify(by_tls(&rig, port, security, Some(authority.file())));
            assert!(check.service.prove_mail().await.unwrap(), "{security:?}");
        }
        assert!(rig.smtp.commands().iter().any(|it| it.starts_with("AUTH PLAIN ")));
        rig.hear("ada@example.com", Family::Jobs, true, true).await;
        let job = rig.orders().await;
        rig.fail(job).await;
        rig.look().await;
        assert_eq!(rig.smtp.wait_for(1)[0].to, ["ada@example.com"]);
    });
}

#[test]
fn a_webhook_is_told_by_tls_under_its_name_only() {
    on_both_behind(PAST_MICROS, async |check: Check| {
        let rig = Rig::new(&check);
        let authority = Authority::new();
        let front = authority.front(rig.hook.port());
        let trusting = NotifySettings { ca_file: Some(authority.file()), ..rig.settings() };
        let ada = check.ada().await;
        for (host, settings, state) in [
            ("localhost", rig.settings(), DeliveryState::Pending),
            ("127.0.0.1", trusting.clone(), DeliveryState::Pending),
            ("localhost", trusting.clone(), DeliveryState::Sent),
        ] {
            // `localhost` may be two addresses: both are of this host.
            let own = ["127.0.0.0/8", "::1"].map(|it| it.parse().unwrap()).to_vec();
            check.notify(NotifySettings { webhook_networks: own, ..settings });
            let edit = WebhookEdit {
                url: format!("https://{host}:{}/hook", front.port()),
                topics: vec!["schedules".to_owned()],
                is_enabled: true,
            };
            let id = check.service.add_webhook(&ada, edit).await.unwrap().id;
            check.service.test_webhook(&ada, id).await.unwrap();
            rig.look().await;
            let last = rig.deliveries().await.remove(0);
            assert_eq!(last.state, state, "{host}: {:?}", last.last_error);
            let proven = check.service.prove_webhooks().await.unwrap();
            assert_eq!(proven.last().unwrap().1.is_ok(), state == DeliveryState::Sent);
        }
        // One was a notice, the other the proof that it can be reached.
        let calls = rig.hook.calls();
        assert_eq!(calls.iter().filter(|call| call.line.starts_with("POST")).count(), 1);
    });
}
