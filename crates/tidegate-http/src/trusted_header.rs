//! A header in which a listed proxy says who has sent a request: from nobody else is it believed.

use std::sync::atomic::Ordering;

use http::{HeaderMap, HeaderName, request::Parts};
use tidegate_service::{ServiceError, Vouched};

use crate::{
    edge::{Edge, EdgeSettings},
    middleware::peer,
    sign_on::RoleRules,
};

/// Name of this sign-on in the activity log.
const PROVIDER: &str = "trusted header";

/// Which header it is, and what becomes of what it says.
#[derive(Clone, Debug)]
pub struct TrustedHeader {
    /// Header with the mail address.
    pub name: HeaderName,
    /// Header with what becomes a role: words, separated by commas.
    pub role_name: Option<HeaderName>,
    /// How.
    pub rules: RoleRules,
}

impl TrustedHeader {
    /// A header that names operators who are there, with the roles that they have.
    pub fn new(name: HeaderName) -> Self {
        Self { name, role_name: None, rules: RoleRules::default() }
    }
}

/// Whom the proxy vouches for; nothing if no proxy of ours says anything.
pub(crate) fn vouched(edge: &Edge, parts: &Parts) -> Option<Result<Vouched, ServiceError>> {
    let said = said(&edge.settings, parts)?;
    if !peer::is_proxy(&edge.settings, parts) {
        if !edge.is_header_told.swap(true, Ordering::Relaxed) {
            let peer = peer::address(&edge.settings, parts).map(|peer| peer.to_string());
            tracing::warn!(peer, "somebody who is no listed proxy sends the trusted header");
        }
        return None;
    }
    Some(said)
}

fn said(settings: &EdgeSettings, parts: &Parts) -> Option<Result<Vouched, ServiceError>> {
    let trusted = settings.trusted_header.as_ref()?;
    let mut values = parts.headers.get_all(&trusted.name).iter();
    let first = values.next()?;
    let Ok(email) = first.to_str().map(str::trim) else { return Some(Err(ServiceError::Unknown)) };
    // A proxy that adds the header where it should replace it lets others say who they are.
    if values.next().is_some() {
        return Some(Err(ServiceError::Unknown));
    }
    if email.is_empty() {
        return None;
    }
    let words = trusted.role_name.as_ref().map(|name| words(&parts.headers, name));
    let vouched = trusted.rules.vouch(PROVIDER, email, &words.unwrap_or_default());
    Some(vouched.ok_or(ServiceError::Unknown))
}

fn words(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|word| word.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn said_by(sent: &[(&str, &str)]) -> Option<Result<Vouched, ServiceError>> {
        let header = TrustedHeader {
            role_name: Some(HeaderName::from_static("x-remote-groups")),
            rules: RoleRules {
                roles: vec![
                    ("admins".to_owned(), "administrator".to_owned()),
                    ("staff".to_owned(), "viewer".to_owned()),
                ],
                ..RoleRules::default()
            },
            ..TrustedHeader::new(HeaderName::from_static("x-remote-user"))
        };
        let usual = EdgeSettings::new("https://exports.example.com").unwrap();
        let settings = EdgeSettings { trusted_header: Some(header), ..usual };
        let mut request = Request::new(());
        for (name, value) in sent {
            let name = HeaderName::try_from(*name).unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        said(&settings, &request.into_parts().0)
    }

    #[test]
    fn one_address_is_read_and_the_first_rule_that_fits() {
        let ada = ("x-remote-user", "ada@example.com");
        let vouched = said_by(&[ada, ("x-remote-groups", "staff, admins")]).unwrap().unwrap();
        assert_eq!(vouched.email, "ada@example.com");
        assert_eq!(vouched.role.as_deref(), Some("administrator"));
        assert_eq!(vouched.newcomer, None);
        assert!(said_by(&[]).is_none());
        assert!(said_by(&[("x-remote-user", "")]).is_none());
        assert!(said_by(&[ada, ("x-remote-user", "eve@example.com")]).unwrap().is_err());
        assert!(said_by(&[ada, ("x-remote-groups", "others")]).unwrap().is_err());
        assert!(said_by(&[ada]).unwrap().is_err(), "without a role that the rules know");
    }
}
