//! What every handler works with.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, sync::atomic::AtomicBool, time::Duration};

use sha2::{Digest, Sha256};
use tidegate_model::audit::hexadecimal;
use tidegate_service::{HandOverSettings, Service, artifacts::Artifacts};
use tokio::sync::watch;
use url::{Host, Url};

use crate::{
    download::Downloads,
    events::Hub,
    metrics::Requests,
    middleware::quota::Quotas,
    sign_on::{OidcSettings, SingleSignOn},
    trusted_header::TrustedHeader,
    underway::Underway,
};

/// Random bytes of a setup token.
const SETUP_BYTES: usize = 16;
/// Requests of one caller within a minute, unless the site says otherwise.
const REQUESTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(600).expect("it is not zero");

/// How the edge is reached.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// Address that people reach it by: links begin with it.
    pub public_url: Url,
    /// Hosts beside that of the address which requests may name.
    pub hosts: Vec<String>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// Requests of one caller within a minute.
    pub requests_per_minute: NonZeroU32,
    /// Whether sign-in over plain HTTP is allowed where the address is not loopback.
    pub insecure_http: bool,
    /// How long everything is still answered once the process is told to end, so that whoever
    /// spreads requests over several processes sees `/readyz` before the socket is closed.
    pub linger: Duration,
    /// Header in which a listed proxy says who somebody is.
    pub trusted_header: Option<TrustedHeader>,
    /// Provider by which one signs in, beside passwords.
    pub oidc: Option<OidcSettings>,
    /// Site whose signed requests are taken.
    pub hand_over: Option<HandOverSettings>,
}

/// The edge cannot be set up like that.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The address is no URL that a browser could open.
    #[error("`[server] public_url` must be a URL such as `https://exports.example.com`")]
    PublicUrl,
    /// Passwords would travel in the open.
    #[error(
        "`[server] public_url` is plain http and not loopback: passwords and files would travel in \
         the open. Put TLS in front and say https, or set `insecure_http = true`"
    )]
    Insecure,
    /// Whoever reaches the service could say to be anybody.
    #[error("`[server.trusted_header]` needs `proxies`: nobody else is believed")]
    NoProxies,
    /// New operators would have no role.
    #[error("`{section}` has `create = true`, and no role for them: set `default_role` or `roles`")]
    NoRole {
        /// Section of the configuration.
        section: &'static str,
    },
    /// What the provider says would travel in the open, or it is no address.
    #[error("`[server.oidc] issuer` must be an https URL, or one of this machine")]
    Issuer,
    /// The provider cannot be asked from here.
    #[error("`[server.oidc]` cannot be used")]
    Provider(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl EdgeSettings {
    /// The usual settings behind an address.
    ///
    /// # Errors
    ///
    /// If it is no address that a browser could open.
    pub fn new(public_url: &str) -> Result<Self, EdgeError> {
        let public_url = Url::parse(public_url).map_err(|_| EdgeError::PublicUrl)?;
        let is_web = matches!(public_url.scheme(), "http" | "https") && public_url.has_host();
        let is_plain = public_url.query().is_none()
            && public_url.fragment().is_none()
            && public_url.path() == "/"
            && public_url.username().is_empty();
        match is_web && is_plain {
            true => Ok(Self {
                public_url,
                hosts: Vec::new(),
                proxies: Vec::new(),
                requests_per_minute: REQUESTS_PER_MINUTE,
                insecure_http: false,
                linger: Duration::ZERO,
                trusted_header: None,
                oidc: None,
                hand_over: None,
            }),
            false => Err(EdgeError::PublicUrl),
        }
    }

    /// Refuses what would let passwords travel in the open.
    ///
    /// # Errors
    ///
    /// If the address is plain HTTP, not loopback, and nobody has said that this is wanted; if a
    /// header would be believed from nobody, or new operators would have no role.
    pub fn check(&self) -> Result<(), EdgeError> {
        if !self.is_https() && !self.is_loopback() && !self.insecure_http {
            return Err(EdgeError::Insecure);
        }
        if let Some(header) = &self.trusted_header {
            if self.proxies.is_empty() {
                return Err(EdgeError::NoProxies);
            }
            header.rules.check("[server.trusted_header]")?;
        }
        match &self.oidc {
            Some(oidc) => oidc.check(),
            None => Ok(()),
        }
    }

    /// Whether browsers reach it by TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Whether only this machine reaches it.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.public_url)
    }

    /// The address without a slash at its end.
    pub fn address(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }
}

/// Whether an address is one of this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What every handler works with.
pub struct Edge {
    pub(crate) service: Arc<Service>,
    pub(crate) artifacts: Arc<Artifacts>,
    pub(crate) settings: EdgeSettings,
    pub(crate) quotas: Quotas,
    pub(crate) hub: Hub,
    /// Whether the process has been told to end.
    pub(crate) ending: watch::Sender<bool>,
    /// Requests whose answer has not begun.
    pub(crate) answering: Underway,
    /// Open streams of events.
    pub(crate) watchers: Underway,
    pub(crate) downloads: Downloads,
    pub(crate) requests: Requests,
    /// Whether it was told that somebody who is no proxy sends the trusted header.
    pub(crate) is_header_told: AtomicBool,
    pub(crate) sign_on: Option<SingleSignOn>,
    /// SHA-256 of the word that makes the first operator.
    pub(crate) setup: Option<[u8; 32]>,
}

impl Edge {
    /// Puts the edge together.
    ///
    /// # Errors
    ///
    /// If the settings are not safe, or do not fit together.
    pub fn new(
        service: Arc<Service>,
        artifacts: Arc<Artifacts>,
        settings: EdgeSettings,
        setup: Option<&SetupToken>,
    ) -> Result<Arc<Self>, EdgeError> {
        settings.check()?;
        let quotas = Quotas::new(settings.requests_per_minute);
        let hub = Hub::new(Arc::clone(&service));
        let setup = setup.map(|token| Sha256::digest(token.0.as_bytes()).into());
        let address = settings.address().to_owned();
        let sign_on = settings.oidc.clone().map(|oidc| SingleSignOn::new(oidc, &address));
        Ok(Arc::new(Self {
            service,
            artifacts,
            quotas,
            hub,
            ending: watch::Sender::new(false),
            answering: Underway::default(),
            watchers: Underway::default(),
            downloads: Downloads::default(),
            requests: Requests::default(),
            is_header_told: AtomicBool::new(false),
            sign_on: sign_on.transpose()?,
            settings,
            setup,
        }))
    }
}

/// A word that makes the first operator of a site: shown on the host, once.
pub struct SetupToken(String);

impl SetupToken {
    /// A new one.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        Self(hexadecimal(&rand::random::<[u8; SETUP_BYTES]>()))
    }

    /// Where it is to be used.
    pub fn url(&self, address: &str) -> String {
        format!("{}{}?token={}", address.trim_end_matches('/'), crate::pages::SETUP, self.0)
    }
}

/// What handlers are given.
pub(crate) type Shared = Arc<Edge>;
