//! Where a request comes from: the peer, or whom a listed proxy says it speaks for.

use std::net::IpAddr;

use axum::extract::ConnectInfo;
use http::{HeaderMap, request::Parts};

use crate::{
    edge::EdgeSettings,
    socket::{Line, Peer},
};

/// Header of proxies.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of whoever has sent the request.
pub(crate) fn address(settings: &EdgeSettings, parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<Peer>>().map(|info| info.0.address.ip());
    peer.map(|peer| behind(settings, peer.to_canonical(), &parts.headers))
}

/// The connection that the request came on.
pub(crate) fn line(parts: &Parts) -> Option<Line> {
    parts.extensions.get::<ConnectInfo<Peer>>().map(|info| info.0.line.clone())
}

/// Whether the request comes from a listed proxy itself.
pub(crate) fn is_proxy(settings: &EdgeSettings, parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<Peer>>();
    peer.is_some_and(|info| settings.proxies.contains(&info.0.address.ip().to_canonical()))
}

/// Whether the request comes from this machine, and from no proxy on it.
pub(crate) fn is_local(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<Peer>>();
    peer.is_some_and(|info| info.0.address.ip().to_canonical().is_loopback())
        && !parts.headers.contains_key(FORWARDED_FOR)
}

/// The last address of the list that is no proxy of ours: those before it may be invented.
fn behind(settings: &EdgeSettings, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_proxy = |address: &IpAddr| settings.proxies.contains(address);
    if !is_proxy(&peer) {
        return peer;
    }
    let values = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let listed: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut behind = peer;
    for text in listed.iter().rev() {
        match text.parse::<IpAddr>() {
            Ok(address) => behind = address.to_canonical(),
            Err(_) => return behind,
        }
        if !is_proxy(&behind) {
            return behind;
        }
    }
    behind
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind_of(peer: &str, forwarded: &[&str]) -> String {
        let proxies = vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let settings =
            EdgeSettings { proxies, ..EdgeSettings::new("https://exports.example.com").unwrap() };
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        behind(&settings, peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_listed_proxy_is_believed() {
        assert_eq!(behind_of("192.0.2.7", &["198.51.100.1"]), "192.0.2.7");
        assert_eq!(behind_of("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(behind_of("10.0.0.1", &["203.0.113.9, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(behind_of("10.0.0.1", &["198.51.100.1", "10.0.0.2"]), "198.51.100.1");
        assert_eq!(behind_of("10.0.0.1", &["198.51.100.1, nonsense"]), "10.0.0.1");
        assert_eq!(behind_of("10.0.0.1", &[]), "10.0.0.1");
    }
}
