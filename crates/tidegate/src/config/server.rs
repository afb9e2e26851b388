//! `[server]`: where the edge listens, and by which address people reach it.

use std::net::{IpAddr, SocketAddr};

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
