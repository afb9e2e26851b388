//! `[server]`: where the edge listens, and by which address people reach it.

use std::net::{IpAddr, SocketAddr};

use secrecy::SecretString;
use serde::Deserialize;

/// Where the edge listens unless the file says otherwise.
const LISTEN: &str = "127.0.0.1:8080";

/// `[server]` as the file has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerDeclaration {
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    proxies: Vec<IpAddr>,
    requests_per_minute: Option<u32>,
    #[serde(default)]
    insecure_http: bool,
    #[serde(default)]
    linger_seconds: u64,
    trusted_header: Option<TrustedHeaderDeclaration>,
    oidc: Option<OidcDeclaration>,
    hand_over: Option<HandOverDeclaration>,
}

/// `[server.hand_over]`: a site whose signed requests are taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOverDeclaration {
    /// The key that is shared with it.
    pub key: SecretString,
    /// Name of the site.
    #[serde(default = "usual_site")]
    pub source: String,
    /// Role of those whom the site makes operators.
    pub role: String,
    /// Whether whoever is new becomes an operator.
    #[serde(default)]
    pub create: bool,
    /// Whether a signed request also signs in.
    #[serde(default)]
    pub sign_in: bool,
}

/// `[server.trusted_header]`: a header in which a listed proxy says who somebody is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedHeaderDeclaration {
    /// Header with the mail address.
    pub name: String,
    /// Header with what becomes a role.
    pub role_name: Option<String>,
    /// Words of it and what they become.
    #[serde(default)]
    pub roles: Vec<RoleDeclaration>,
    /// Role of everybody else.
    pub default_role: Option<String>,
    /// Whether whoever is new becomes an operator.
    #[serde(default)]
    pub create: bool,
}

/// `[server.oidc]`: a provider by which one signs in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcDeclaration {
    /// Address of the provider.
    pub issuer: String,
    /// By what name the provider knows this service.
    pub client_id: String,
    /// The word between the two.
    pub client_secret: Option<SecretString>,
    /// What people call the provider.
    pub label: Option<String>,
    /// What is asked for beside `openid`.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// Claim with the mail address.
    pub email_claim: Option<String>,
    /// Claim with what becomes a role.
    pub role_claim: Option<String>,
    /// Words of it and what they become.
    #[serde(default)]
    pub roles: Vec<RoleDeclaration>,
    /// Domains of mail addresses that are let in.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Role of everybody else.
    pub default_role: Option<String>,
    /// Whether whoever is new becomes an operator.
    #[serde(default)]
    pub create: bool,
}

/// A word of a sign-on, and the role that it gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleDeclaration {
    /// The word, such as a group.
    pub value: String,
    /// Slug of the role.
    pub role: String,
}

fn usual_site() -> String {
    "django".to_owned()
}

fn usual_scopes() -> Vec<String> {
    vec!["email".to_owned()]
}

/// Where the edge listens, and by which address people reach it.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Socket.
    pub listen: SocketAddr,
    /// Address that people reach the service by: links begin with it.
    pub public_url: Option<String>,
    /// Other hosts that requests may name.
    pub hosts: Vec<String>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// Requests of one caller within a minute.
    pub requests_per_minute: Option<u32>,
    /// Whether sign-in over plain HTTP is allowed beyond loopback.
    pub insecure_http: bool,
    /// Seconds for which everything is still answered once the process is told to end.
    pub linger_seconds: u64,
    /// Header in which a listed proxy says who somebody is.
    pub trusted_header: Option<TrustedHeaderDeclaration>,
    /// Provider by which one signs in.
    pub oidc: Option<OidcDeclaration>,
    /// Site whose signed requests are taken.
    pub hand_over: Option<HandOverDeclaration>,
}

impl From<ServerDeclaration> for ServerSettings {
    fn from(declared: ServerDeclaration) -> Self {
        let usual = || LISTEN.parse().expect("it is an address");
        Self {
            listen: declared.listen.unwrap_or_else(usual),
            public_url: declared.public_url,
            hosts: declared.hosts,
            proxies: declared.proxies,
            requests_per_minute: declared.requests_per_minute,
            insecure_http: declared.insecure_http,
            linger_seconds: declared.linger_seconds,
            trusted_header: declared.trusted_header,
            oidc: declared.oidc,
            hand_over: declared.hand_over,
        }
    }
}

impl ServerSettings {
    /// Address that people reach the service by, as far as it is known before it listens.
    pub fn address(&self) -> Option<String> {
        let is_known = self.listen.ip().is_loopback() && self.listen.port() != 0;
        let own = is_known.then(|| format!("http://{}", self.listen));
        self.public_url.clone().or(own)
    }
}
