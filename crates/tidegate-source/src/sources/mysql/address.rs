//! Reads a `mysql://` URL into the driver's options.

use std::time::Duration;

use mysql_async::{Opts, OptsBuilder, SslOpts};
use secrecy::ExposeSecret;
use url::Url;

use crate::{SourceError, SourceSettings};

/// Schemes of the URLs.
pub(super) const SCHEMES: &[&str] = &["mysql", "mariadb"];
/// A URL to show as an example.
pub(super) const EXAMPLE_URL: &str = "mysql://user:password@host:3306/database";

/// Idle time after which the system asks whether the server is still there: well below the five
/// minutes after which common firewalls forget a connection.
const KEEPALIVE_SECONDS: u64 = 30;
/// Largest packet that the protocol knows; the server's own `max_allowed_packet` is the real limit.
const PACKET_BYTES_MAX: usize = 1 << 30;
/// Idle time that the driver would close a pooled connection after; ours are not pooled.
const POOL_SECONDS: usize = 28_800;

/// How a connection is secured: the modes of the `mysql` client, but for `VERIFY_CA`, which the
/// driver does not have; a name for the certificate (`ssl-name`) does the same, and more strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SslMode {
    /// In the clear.
    Disabled,
    /// Encrypted where the server can, in the clear where it cannot.
    Preferred,
    /// Encrypted, whoever the server is.
    Required,
    /// Encrypted, with a certificate of a known authority for this host.
    VerifyIdentity,
}

/// Names of the modes in a URL.
const SSL_MODES: &[(&str, SslMode)] = &[
    ("disabled", SslMode::Disabled),
    ("preferred", SslMode::Preferred),
    ("required", SslMode::Required),
    ("verify-identity", SslMode::VerifyIdentity),
];

/// Where a server is, and how to sign in.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// Name of the source in the configuration.
    pub(super) source_name: String,
    /// Database of the URL.
    pub(super) database: String,
    /// How the connection is secured.
    pub(super) ssl_mode: SslMode,
    opts: Opts,
    ssl: SslOpts,
}

/// What the URL says behind its question mark.
#[derive(Default)]
struct Parameters {
    ssl_mode: Option<SslMode>,
    ssl: SslOpts,
    socket: Option<String>,
}

impl Address {
    /// Reads the URL of the settings.
    ///
    /// # Errors
    ///
    /// If the URL is wrong; what is said never holds the password.
    pub(super) fn parse(settings: &SourceSettings) -> Result<Self, SourceError> {
        Self::read(settings.url.expose_secret(), &settings.name)
            .map_err(|detail| SourceError::BadUrl { source_name: settings.name.clone(), detail })
    }

    fn read(url: &str, source_name: &str) -> Result<Self, String> {
        let mut url = Url::parse(url).map_err(|error| error.to_string())?;
        url.set_scheme(SCHEMES[0])
            .map_err(|()| format!("it should begin with {}://", SCHEMES.join(":// or ")))?;
        let parameters = read_parameters(&url)?;
        url.set_query(None);
        url.set_fragment(None);
        if !url.has_host() {
            // The driver insists on a host; with a socket it goes unused.
            url.set_host(Some("localhost")).map_err(|error| error.to_string())?;
        }
        let opts = Opts::from_url(url.as_str()).map_err(|error| error.to_string())?;
        let database = opts.db_name().map(str::to_owned);
        let database =
            database.ok_or_else(|| format!("it names no database; write {EXAMPLE_URL}"))?;
        if url.path().trim_end_matches('/').matches('/').count() > 1 {
            return Err("its path holds more than the name of a database".to_owned());
        }
        let ssl_mode = match (&parameters.socket, parameters.ssl_mode) {
            (Some(_), _) => SslMode::Disabled,
            (None, mode) => mode.unwrap_or(SslMode::Preferred),
        };
        let opts = OptsBuilder::from_opts(opts)
            .socket(parameters.socket)
            .prefer_socket(false)
            .tcp_keepalive(Some(Duration::from_secs(KEEPALIVE_SECONDS)))
            .max_allowed_packet(Some(PACKET_BYTES_MAX))
            .wait_timeout(Some(POOL_SECONDS))
            .stmt_cache_size(0);
        Ok(Self {
            source_name: source_name.to_owned(),
            database,
            ssl_mode,
            opts: opts.into(),
            ssl: parameters.ssl,
        })
    }

    /// Whether nobody between the machines can listen: the same machine, or a socket.
    pub(super) fn is_local(&self) -> bool {
        self.opts.socket().is_some()
            || matches!(self.opts.ip_or_hostname(), "localhost" | "127.0.0.1" | "[::1]" | "::1")
    }

    /// The driver's options, in the order in which they are to be tried.
    pub(super) fn attempts(&self, application: &str) -> Vec<Opts> {
        let plain = OptsBuilder::from_opts(self.opts.clone())
            .connect_attribute("program_name", application)
            .connect_attribute("_client_name", "tidegate");
        let ssl = self.ssl.clone();
        let secured = |ssl: SslOpts| Opts::from(plain.clone().ssl_opts(ssl));
        match self.ssl_mode {
            SslMode::Disabled => vec![plain.into()],
            SslMode::Preferred => {
                vec![secured(ssl.with_danger_accept_invalid_certs(true)), plain.into()]
            }
            SslMode::Required => vec![secured(ssl.with_danger_accept_invalid_certs(true))],
            SslMode::VerifyIdentity => vec![secured(ssl)],
        }
    }
}

fn read_parameters(url: &Url) -> Result<Parameters, String> {
    let mut read = Parameters::default();
    let (mut certificate, mut key) = (None, None);
    for (name, value) in url.query_pairs() {
        let path = || std::path::PathBuf::from(value.as_ref());
        match name.replace('_', "-").as_str() {
            "ssl-mode" | "sslmode" => read.ssl_mode = Some(ssl_mode(&value)?),
            // Only this authority: a certificate that anyone can buy is not good enough then.
            "ssl-ca" => {
                read.ssl =
                    read.ssl.with_root_certs(vec![path().into()]).with_disable_built_in_roots(true);
            }
            "ssl-name" => {
                read.ssl = read.ssl.with_danger_tls_hostname_override(Some(value.into_owned()));
            }
            "ssl-cert" => certificate = Some(path()),
            "ssl-key" => key = Some(path()),
            "socket" => read.socket = Some(value.into_owned()),
            _ => {
                return Err(format!(
                    "it has no parameter `{name}`; there are ssl-mode, ssl-ca, ssl-name, ssl-cert, \
                     ssl-key and socket"
                ));
            }
        }
    }
    read.ssl = match (certificate, key) {
        (None, None) => read.ssl,
        (Some(certificate), Some(key)) => {
            let identity = mysql_async::ClientIdentity::new(certificate.into(), key.into());
            read.ssl.with_client_identity(Some(identity))
        }
        _ => return Err("ssl-cert and ssl-key go together".to_owned()),
    };
    Ok(read)
}

fn ssl_mode(text: &str) -> Result<SslMode, String> {
    let name = text.to_ascii_lowercase().replace('_', "-");
    if name == "verify-ca" {
        return Err("its ssl-mode should be verify-identity, with `ssl-name=…` where the \
                    certificate bears another name than the URL"
            .to_owned());
    }
    let known = SSL_MODES.iter().find(|(known, _)| *known == name);
    known.map(|(_, mode)| *mode).ok_or_else(|| {
        let names: Vec<&str> = SSL_MODES.iter().map(|(name, _)| *name).collect();
        format!("its ssl-mode should be one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Address, String> {
        Address::read(url, "shop")
    }

    #[test]
    fn a_url_gives_host_account_and_database() {
        let address = read("mariadb://ada:p%40ss%2F@db.example:3307/my%20shop").unwrap();
        assert_eq!(address.database, "my shop");
        assert_eq!(address.ssl_mode, SslMode::Preferred);
        let opts = &address.attempts("tidegate/export")[0];
        assert_eq!(opts.user(), Some("ada"));
        assert_eq!(opts.pass(), Some("p@ss/"));
        assert_eq!((opts.ip_or_hostname(), opts.tcp_port()), ("db.example", 3307));
    }

    #[test]
    fn a_socket_needs_no_host_and_no_encryption() {
        let address = read("mysql:///shop?socket=/run/mysqld/mysqld.sock").unwrap();
        assert_eq!(address.ssl_mode, SslMode::Disabled);
        assert!(address.is_local());
        assert_eq!(address.attempts("a")[0].socket(), Some("/run/mysqld/mysqld.sock"));
    }

    #[test]
    fn encryption_is_as_strict_as_the_url_says() {
        for (mode, attempts) in
            [("disabled", 1), ("preferred", 2), ("required", 1), ("VERIFY_IDENTITY", 1)]
        {
            let address = read(&format!("mysql://u@h/d?ssl-mode={mode}")).unwrap();
            let opts = address.attempts("a");
            assert_eq!(opts.len(), attempts, "{mode}");
            assert_eq!(opts[0].ssl_opts().is_some(), mode != "disabled", "{mode}");
        }
        let address = read("mysql://u@h/d?ssl-mode=verify-identity&ssl-ca=/ca.pem").unwrap();
        let opts = address.attempts("a");
        let ssl = opts[0].ssl_opts().unwrap();
        assert!(!ssl.accept_invalid_certs() && !ssl.skip_domain_validation());
        assert!(ssl.disable_built_in_roots());
    }

    #[test]
    fn a_wrong_url_is_told_without_its_password() {
        for url in [
            "mysql://u:secret@h/",
            "mysql://u:secret@h",
            "mysql://u:secret@h/d?pool=3",
            "mysql://u:secret@h/d?ssl-mode=maybe",
            "mysql://u:secret@h/d?ssl-mode=VERIFY_CA",
            "mysql://u:secret@h/d?ssl-cert=/c.pem",
            "mysql://u:secret@h/d/e",
            "mysql://u:secret@h:99999/d",
            "mysql:secret",
        ] {
            let detail = read(url).unwrap_err();
            assert!(!detail.contains("secret"), "{url}: {detail}");
        }
    }
}
