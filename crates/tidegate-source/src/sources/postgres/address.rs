//! Where a server is and how it is signed in to, as the URL says.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use percent_encoding::percent_decode_str;
use tokio_postgres::{
    Config,
    config::{SslNegotiation, TargetSessionAttrs},
};

/// Longest wait for one address to answer, unless the URL sets `connect_timeout`.
const CONNECT_SECONDS_MAX: u64 = 10;
/// Idle time after which the kernel asks whether the server is still there, unless the URL says
/// otherwise: a peer that fell silent is noticed after two minutes, not after two hours.
const KEEPALIVE_IDLE_SECONDS: u64 = 60;
const KEEPALIVE_INTERVAL_SECONDS: u64 = 15;
const KEEPALIVE_RETRIES: u32 = 4;
/// Where Debian's server has its socket; a URL without a host means it, as it does to `psql`.
const SOCKET_FOLDER: &str = "/var/run/postgresql";

/// What a URL says.
#[derive(Clone)]
pub(super) struct Address {
    /// Hosts, account and database, for the driver.
    pub(super) config: Config,
    /// How the connection is secured.
    pub(super) ssl_mode: SslMode,
    /// File with the certificates of the authorities that are trusted; the system's if none.
    pub(super) root_certificates: Option<PathBuf>,
    /// Files with a certificate that proves who we are, and its key.
    pub(super) client_certificate: Option<(PathBuf, PathBuf)>,
}

/// How a connection is secured: the modes of `psql`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SslMode {
    /// In the clear.
    Disable,
    /// Encrypted where the server offers it.
    Prefer,
    /// Encrypted, whoever the server is.
    Require,
    /// Encrypted, with a certificate of a trusted authority.
    VerifyCa,
    /// Encrypted, with a certificate of a trusted authority for this host.
    VerifyFull,
}

/// Names of the modes in a URL.
const SSL_MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    // There is no way to ask for TLS only after a refusal; preferring it is never weaker.
    ("allow", SslMode::Prefer),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// What is wrong; never the URL or a part of it that could be the password.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        // As the driver reads it: all before the first `@` is account and password.
        let account = url.find('@').unwrap_or(0);
        let query = url[account..].find('?').map_or(url.len(), |at| account + at);
        let (place, parameters) = (&url[..query], url.get(query + 1..).unwrap_or_default());
        let mut ours = Parameters::default();
        let mut theirs = String::new();
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or_else(unreadable)?;
            if !ours.take(name, value)? {
                theirs.push(if theirs.is_empty() { '?' } else { '&' });
                theirs.push_str(parameter);
            }
        }
        let mut config = Config::from_str(&format!("{place}{theirs}"))
            .map_err(|error| driver_complaint(&error, parameters))?;
        complete(&mut config, parameters)?;
        let ssl_mode = match (ours.ssl_mode.unwrap_or(SslMode::Prefer), &ours.root) {
            // As `psql` has it: who names an authority wants it asked.
            (SslMode::Require, Some(_)) => SslMode::VerifyCa,
            (mode, _) => mode,
        };
        let client_certificate = match (ours.certificate, ours.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => return Err("it has `sslcert` without `sslkey`".to_owned()),
            (None, Some(_)) => return Err("it has `sslkey` without `sslcert`".to_owned()),
        };
        Ok(Self { config, ssl_mode, root_certificates: ours.root, client_certificate })
    }
}

/// Parameters that the driver does not know.
#[derive(Default)]
struct Parameters {
    ssl_mode: Option<SslMode>,
    root: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Parameters {
    /// Takes a parameter that is ours; `false` leaves it to the driver.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let value = percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| "a parameter is not UTF-8".to_owned())?;
        let path = || Some(PathBuf::from(value.as_ref()));
        match name {
            "sslmode" => {
                let mode = SSL_MODES.iter().find(|(known, _)| *known == value);
                self.ssl_mode = Some(mode.ok_or_else(unknown_ssl_mode)?.1);
            }
            // The default: the authorities that the system trusts.
            "sslrootcert" if value == "system" => {}
            "sslrootcert" => self.root = path(),
            "sslcert" => self.certificate = path(),
            "sslkey" => self.key = path(),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn unknown_ssl_mode() -> String {
    let known: Vec<&str> = SSL_MODES.iter().map(|(name, _)| *name).collect();
    format!("`sslmode` is one of {}", known.join(", "))
}

/// Fills in what the URL leaves open, and refuses what would be ignored in silence.
fn complete(config: &mut Config, parameters: &str) -> Result<(), String> {
    let says = |name: &str| {
        parameters.split('&').any(|given| given.split('=').next().is_some_and(|n| n == name))
    };
    if config.get_target_session_attrs() != TargetSessionAttrs::Any {
        return Err("`target_session_attrs` is not supported; name the server itself".to_owned());
    }
    if config.get_ssl_negotiation() != SslNegotiation::Postgres {
        return Err("`sslnegotiation=direct` is not supported".to_owned());
    }
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        match Path::new(SOCKET_FOLDER).exists() {
            true => config.host_path(SOCKET_FOLDER),
            false => config.host("localhost"),
        };
    }
    if !says("connect_timeout") {
        config.connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX));
    }
    if !says("keepalives_idle") {
        config.keepalives_idle(Duration::from_secs(KEEPALIVE_IDLE_SECONDS));
    }
    if !says("keepalives_interval") {
        config.keepalives_interval(Duration::from_secs(KEEPALIVE_INTERVAL_SECONDS));
    }
    if !says("keepalives_retries") {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
    Ok(())
}

/// What the driver says of a URL, without pieces of it: with a `?` or `&` in the password, the
/// driver would take a part of the password for the name of a parameter.
fn driver_complaint(error: &tokio_postgres::Error, parameters: &str) -> String {
    let is_plain = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let names: Vec<&str> = parameters
        .split('&')
        .filter_map(|parameter| parameter.split_once('='))
        .map(|(name, _)| name)
        .filter(is_plain)
        .collect();
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    match names.iter().find(|name| said.contains(&format!("`{name}`"))) {
        Some(name) => format!("its parameter `{name}` is unknown or has a wrong value"),
        None => unreadable(),
    }
}

fn unreadable() -> String {
    "it does not read as postgres://user:password@host:5432/database; write special characters of \
     the password as %40, %3F, …"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::Host;

    use super::*;

    fn complaint(url: &str) -> String {
        Address::parse(url).err().unwrap_or_else(|| panic!("{url} should be refused"))
    }

    #[test]
    fn a_url_says_where_the_server_is_and_how_it_is_secured() {
        let address = Address::parse(
            "postgres://ada:p%40ss@db.example:6543/shop?sslmode=verify-full&sslrootcert=%2Fca.pem",
        )
        .unwrap();
        assert_eq!(address.config.get_hosts(), [Host::Tcp("db.example".to_owned())]);
        assert_eq!(address.config.get_ports(), [6543]);
        assert_eq!(address.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(address.config.get_dbname(), Some("shop"));
        assert_eq!(address.ssl_mode, SslMode::VerifyFull);
        assert_eq!(address.root_certificates.as_deref(), Some(Path::new("/ca.pem")));
        assert_eq!(address.config.get_user(), Some("ada"));
    }

    #[test]
    fn tls_is_preferred_and_a_named_authority_is_asked() {
        let mode = |url: &str| Address::parse(url).unwrap().ssl_mode;
        assert_eq!(mode("postgres://h/d"), SslMode::Prefer);
        assert_eq!(mode("postgres://h/d?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://h/d?sslmode=require"), SslMode::Require);
        assert_eq!(mode("postgres://h/d?sslmode=require&sslrootcert=ca.pem"), SslMode::VerifyCa);
    }

    #[test]
    fn a_question_mark_in_the_password_hides_no_parameter() {
        let address = Address::parse("postgres://ada:se?cret=1@h/d?sslmode=require").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"se?cret=1"[..]));
        assert_eq!(address.ssl_mode, SslMode::Require);
    }

    #[test]
    fn a_socket_can_be_named_in_both_ways() {
        for url in ["postgres://ada@%2Ftmp%2Fpg/shop", "postgres:///shop?user=ada&host=/tmp/pg"] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.config.get_hosts(), [Host::Unix("/tmp/pg".into())], "{url}");
            assert_eq!(address.config.get_dbname(), Some("shop"));
        }
        let bare = Address::parse("postgres:///shop").unwrap();
        assert_eq!(bare.config.get_hosts().len(), 1);
    }

    #[test]
    fn a_wrong_url_is_named_by_its_parameter_and_never_quoted() {
        assert!(complaint("postgres://h/d?sslmode=yes").contains("verify-full"));
        assert!(complaint("postgres://h/d?colour=blue").contains("`colour`"));
        assert!(complaint("postgres://h/d?sslcert=a.pem").contains("sslkey"));
        assert!(complaint("postgres://h/d?target_session_attrs=read-write").contains("session"));
        for url in [
            "postgres://ada:secret@h:port/d",
            "postgres://ada:se@cret?x@h/d",
            "postgres://ada:se@h?cret&x@h/d",
            "postgres://ada:se@h?cret@=x",
        ] {
            let detail = complaint(url);
            assert!(!detail.contains("cret"), "{url}: {detail}");
        }
    }
}
