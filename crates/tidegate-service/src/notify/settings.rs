//! How people are reached: `[notify]` of the configuration.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;
use serde::Deserialize;

use crate::outbound::address::Network;

/// Seconds that a recipient has unless the site says otherwise.
const TIMEOUT_SECONDS: u64 = 15;
/// Seconds that a site may give it at most: a delivery is leased for longer than that.
const TIMEOUT_SECONDS_MAX: u64 = 60;

/// Days for which what people were told of is kept unless the site says otherwise.
const KEEP_DAYS: u32 = 90;
/// Microseconds of a day.
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// How the mail server is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS after STARTTLS, which the server must offer.
    #[default]
    Starttls,
    /// None: only to this very host.
    None,
}

/// `[notify]`: how people are reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifySettings {
    /// Host of the mail server; without one no mail is sent.
    pub smtp_host: Option<String>,
    /// Its port, where it is not the usual one.
    pub smtp_port: Option<u16>,
    /// How it is spoken to.
    #[serde(default)]
    pub smtp_security: SmtpSecurity,
    /// Name to sign in there with.
    pub smtp_user: Option<String>,
    /// Password to that.
    pub smtp_password: Option<SecretString>,
    /// PEM file of authorities that are trusted beside the system's, for mail server and webhooks.
    pub ca_file: Option<PathBuf>,
    /// Sender of mails.
    pub from: Option<String>,
    /// Domains that mail goes to; empty means any.
    #[serde(default)]
    pub recipient_domains: Vec<String>,
    /// Networks that webhooks may be at although they are not public.
    #[serde(default)]
    pub webhook_networks: Vec<Network>,
    /// Seconds that a mail server or a webhook has.
    pub timeout_seconds: Option<u64>,
    /// Days for which what people were told of is kept here when it is over.
    pub keep_days: Option<u32>,
    /// Address of the pages, for links: that of `[server]`.
    #[serde(skip)]
    pub public_url: Option<String>,
}

impl NotifySettings {
    /// Whether mail can be sent.
    pub fn has_mail(&self) -> bool {
        self.smtp_host.is_some() && self.from.is_some()
    }

    /// How long a recipient has.
    pub(crate) fn timeout(&self) -> Duration {
        let seconds = self.timeout_seconds.unwrap_or(TIMEOUT_SECONDS);
        Duration::from_secs(seconds.clamp(1, TIMEOUT_SECONDS_MAX))
    }

    /// Microseconds for which what people were told of is kept when it is over.
    pub(crate) fn kept_micros(&self) -> i64 {
        i64::from(self.keep_days.unwrap_or(KEEP_DAYS).max(1)) * DAY_MICROS
    }

    /// The port of the mail server.
    pub(crate) fn port(&self) -> u16 {
        let usual = match self.smtp_security {
            SmtpSecurity::Tls => 465,
            SmtpSecurity::Starttls => 587,
            SmtpSecurity::None => 25,
        };
        self.smtp_port.unwrap_or(usual)
    }

    /// Whether mail may go to an address.
    pub fn admits(&self, address: &str) -> bool {
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        let is_its = |listed: &String| listed.trim_start_matches('@').eq_ignore_ascii_case(domain);
        self.recipient_domains.is_empty() || self.recipient_domains.iter().any(is_its)
    }

    /// The address of a page, if the site knows its own.
    pub(crate) fn url_of(&self, path: &str) -> String {
        let base = self.public_url.as_deref().unwrap_or_default();
        format!("{}{path}", base.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_goes_to_listed_domains_and_to_nobody_who_looks_like_one() {
        let domains = ["example.com", "@Example.org"].map(str::to_owned).to_vec();
        let settings = NotifySettings { recipient_domains: domains, ..NotifySettings::default() };
        for good in ["a@example.com", "a@EXAMPLE.COM", "a@b@example.com", "x@example.org"] {
            assert!(settings.admits(good), "{good}");
        }
        for bad in ["a@sub.example.com", "a@example.com.evil.test", "a@evil-example.com", "a", ""] {
            assert!(!settings.admits(bad), "{bad}");
        }
        assert!(NotifySettings::default().admits("anybody@anywhere.test"));
    }
}
