//! Decides which addresses a request may go to: public ones, and those that the site means.
//!
//! A host is resolved once, each of its addresses is looked at, and the connection is made to one
//! of those that were. An answer with one address of the inside is refused as a whole: it is not
//! for us to guess which of them is meant.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// A network, as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why an address, or a network, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// It is no network.
    #[error("`{0}` is no network: write it as 10.0.0.0/8 or fd00::/8")]
    NoNetwork(String),
    /// A name that leads nowhere.
    #[error("the host has no address")]
    None,
    /// An address of the inside.
    #[error(
        "the host is at {0}, which is not public: list its network under `webhook_networks` in \
         [notify] if it is meant"
    )]
    Inside(IpAddr),
}

/// Every network: a site that says `private = true` means whatever the address turns out to be.
pub(crate) const EVERYWHERE: &[Network] = &[
    Network { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), prefix: 0 },
    Network { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), prefix: 0 },
];
/// Networks of IPv4 that are not public (IANA's registry of special-purpose addresses).
const INSIDE: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];
/// The networks of IPv6 that are public: what is not assigned there is not.
const OUTSIDE_6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// What within them is not: protocols, 6to4 and Teredo, which lead to IPv4, and documentation.
const INSIDE_6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// The addresses to connect to: all that a name has.
///
/// # Errors
///
/// If there is none, or one of them is neither public nor in a listed network.
pub(crate) fn choose(answers: &[IpAddr], listed: &[Network]) -> Result<Vec<IpAddr>, AddressFault> {
    let answers: Vec<IpAddr> = answers.iter().map(IpAddr::to_canonical).collect();
    let is_refused = |address: &&IpAddr| {
        !is_public(**address) && !listed.iter().any(|network| network.holds(**address))
    };
    match answers.iter().find(is_refused) {
        Some(inside) => Err(AddressFault::Inside(*inside)),
        None if answers.is_empty() => Err(AddressFault::None),
        None => Ok(answers),
    }
}

/// Whether an address is one of the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    let within = |(network, prefix): (IpAddr, u8)| Network { address: network, prefix };
    match address.to_canonical() {
        IpAddr::V4(_) => {
            !INSIDE.iter().any(|&(at, prefix)| within((at.into(), prefix)).holds(address))
        }
        IpAddr::V6(_) => {
            let (at, prefix) = OUTSIDE_6;
            within((at.into(), prefix)).holds(address)
                && !INSIDE_6.iter().any(|&(at, prefix)| within((at.into(), prefix)).holds(address))
        }
    }
}

impl Network {
    /// Whether an address is in it. One of IPv4 that is written as IPv6 is one of IPv4.
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same(u32::from(own).into(), u32::from(other).into(), 32, self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                same(own.into(), other.into(), 128, self.prefix)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn same(own: u128, other: u128, bits: u8, prefix: u8) -> bool {
    let rest = u32::from(bits.saturating_sub(prefix));
    own.checked_shr(rest).unwrap_or(0) == other.checked_shr(rest).unwrap_or(0)
}

impl FromStr for Network {
    type Err = AddressFault;

    fn from_str(text: &str) -> Result<Self, AddressFault> {
        let refuse = || AddressFault::NoNetwork(text.to_owned());
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.trim().parse().map_err(|_| refuse())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            "" if !text.contains('/') => most,
            prefix => prefix.parse().ok().filter(|it| *it <= most).ok_or_else(refuse)?,
        };
        Ok(Self { address, prefix })
    }
}

impl TryFrom<String> for Network {
    type Error = AddressFault;

    fn try_from(text: String) -> Result<Self, AddressFault> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_public_addresses_are_connected_to_and_one_of_the_inside_refuses_all() {
        for public in ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "192.169.0.1"] {
            assert_eq!(choose(&addresses(&[public]), &[]), Ok(vec![public.parse().unwrap()]));
        }
        for public in ["2606:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888"] {
            assert_eq!(choose(&addresses(&[public]), &[]), Ok(vec![public.parse().unwrap()]));
        }
        let inside = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ];
        for one in inside {
            assert!(choose(&addresses(&[one]), &[]).is_err(), "{one}");
            assert!(choose(&addresses(&["1.1.1.1", one]), &[]).is_err(), "second: {one}");
            assert!(choose(&addresses(&[one, "1.1.1.1"]), &[]).is_err(), "first: {one}");
        }
        assert_eq!(choose(&[], &[]), Err(AddressFault::None));
    }

    #[test]
    fn a_listed_network_is_meant_and_no_other() {
        let listed: Vec<Network> =
            ["10.20.0.0/16", "::1", "127.0.0.0/8"].iter().map(|it| it.parse().unwrap()).collect();
        for meant in ["10.20.255.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"] {
            assert!(choose(&addresses(&[meant]), &listed).is_ok(), "{meant}");
        }
        for other in ["10.21.0.1", "169.254.169.254", "::2", "fd00::1"] {
            assert!(choose(&addresses(&[other]), &listed).is_err(), "{other}");
        }
        for wrong in ["10.0.0.0/33", "::/129", "10.0.0/8", "", "a/8", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert_eq!("0.0.0.0/0".parse::<Network>().unwrap().to_string(), "0.0.0.0/0");
    }
}
