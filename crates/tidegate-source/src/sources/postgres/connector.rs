//! Connects to the server and signs in, and cancels what a session runs.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use secrecy::ExposeSecret;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_postgres::{
    CancelToken, Client, Connection,
    config::{self, Host, SslNegotiation},
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    address::{Address, SslMode},
    fault::ServerFault,
    socket::{AlreadySecured, DriverHalf, Socket, Tap, halves},
    tls,
};
use crate::{SourceError, SourceSettings, error::Cause};

const PORT: u16 = 5432;
/// Longest wait for the server to take note of a cancel request.
const CANCEL_SECONDS_MAX: u64 = 2;

/// How to reach the server, shared by all sessions of a source.
pub(super) struct Connector {
    /// What the configuration says.
    pub(super) settings: SourceSettings,
    /// What the URL says.
    pub(super) address: Address,
    tls: Option<MakeRustlsConnect>,
}

/// A connection, signed in.
pub(super) struct Opened {
    /// The driver, for small questions.
    pub(super) client: Client,
    /// The driver's other end, to be run beside it.
    pub(super) connection: Connection<DriverHalf, DriverHalf>,
    /// The socket, for rows.
    pub(super) tap: Tap,
    /// Cancels what runs.
    pub(super) canceller: Canceller,
}

/// One server of those that the URL may name.
#[derive(Clone, Debug)]
enum Place {
    Unix(PathBuf),
    Tcp { host: String, address: SocketAddr },
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum ConnectFault {
    #[error("no answer from {place} within {seconds} s")]
    TooSlow { place: String, seconds: u64 },
    #[error("cannot connect to {place}")]
    NoSocket {
        place: String,
        #[source]
        cause: io::Error,
    },
    #[error("{place} does not speak TLS; `sslmode=disable` or `sslmode=prefer` would go without")]
    NoTls { place: String },
    #[error("TLS with {place} failed; `sslrootcert` names the file with its authority")]
    Tls {
        place: String,
        #[source]
        cause: io::Error,
    },
    #[error("{place} is no PostgreSQL server")]
    NoPostgres { place: String },
    #[error("the server refused the sign-in")]
    SignIn(#[source] Cause),
}

impl Connector {
    /// Reads the URL and the files it names.
    ///
    /// # Errors
    ///
    /// If the URL or a file is wrong.
    pub(super) fn new(settings: SourceSettings) -> Result<Self, SourceError> {
        let bad = |detail| SourceError::BadUrl { source_name: settings.name.clone(), detail };
        let address = Address::parse(settings.url.expose_secret()).map_err(bad)?;
        let tls = tls::connector(&address).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            bad(format!("{error}{}", cause.unwrap_or_default()))
        })?;
        Ok(Self { settings, address, tls })
    }

    /// Connects to the first server that answers, and signs in.
    ///
    /// # Errors
    ///
    /// If none answers, or the last one refuses.
    pub(super) async fn open(self: &Arc<Self>, application: &str) -> Result<Opened, SourceError> {
        let mut refusal: Option<Cause> = None;
        for host in 0..self.hosts() {
            let places = match self.places(host).await {
                Ok(places) => places,
                Err(cause) => {
                    refusal = Some(Box::new(cause));
                    continue;
                }
            };
            for place in places {
                match self.within(&place, self.sign_in(&place, application)).await {
                    Ok(opened) => return Ok(opened),
                    Err(cause) => refusal = Some(Box::new(cause)),
                }
            }
        }
        let cause = refusal.unwrap_or_else(|| "the host has no address".into());
        Err(SourceError::Unreachable { source_name: self.settings.name.clone(), cause })
    }

    fn hosts(&self) -> usize {
        let config = &self.address.config;
        config.get_hosts().len().max(config.get_hostaddrs().len())
    }

    async fn places(&self, index: usize) -> Result<Vec<Place>, ConnectFault> {
        let config = &self.address.config;
        let ports = config.get_ports();
        let port = ports.get(index).or_else(|| ports.first()).copied().unwrap_or(PORT);
        let host = config.get_hosts().get(index);
        if let Some(address) = config.get_hostaddrs().get(index) {
            let host = match host {
                Some(Host::Tcp(host)) => host.clone(),
                Some(Host::Unix(_)) | None => address.to_string(),
            };
            return Ok(vec![Place::Tcp { host, address: (*address, port).into() }]);
        }
        match host {
            Some(Host::Unix(folder)) => {
                Ok(vec![Place::Unix(folder.join(format!(".s.PGSQL.{port}")))])
            }
            Some(Host::Tcp(host)) => {
                let place = format!("{host}:{port}");
                let found = tokio::net::lookup_host((host.as_str(), port)).await;
                let found = found.map_err(|cause| ConnectFault::NoSocket { place, cause })?;
                Ok(found.map(|address| Place::Tcp { host: host.clone(), address }).collect())
            }
            None => Ok(Vec::new()),
        }
    }

    async fn within<T>(
        &self,
        place: &Place,
        attempt: impl Future<Output = Result<T, ConnectFault>>,
    ) -> Result<T, ConnectFault> {
        // Zero means no limit, as it does to `psql`.
        let limit = self.address.config.get_connect_timeout().filter(|limit| !limit.is_zero());
        let Some(limit) = limit else { return attempt.await };
        timeout(*limit, attempt).await.unwrap_or_else(|_| {
            Err(ConnectFault::TooSlow { place: place.to_string(), seconds: limit.as_secs() })
        })
    }

    async fn sign_in(
        self: &Arc<Self>,
        place: &Place,
        application: &str,
    ) -> Result<Opened, ConnectFault> {
        let socket = self.dial(place).await?;
        let mut config = self.address.config.clone();
        config.application_name(application);
        match &socket {
            Socket::Unix(_) | Socket::Tcp(_) => config.ssl_mode(config::SslMode::Disable),
            // The handshake is behind us; the driver then binds the sign-in to it.
            Socket::Secured(_) => {
                config.ssl_mode(config::SslMode::Require).ssl_negotiation(SslNegotiation::Direct)
            }
        };
        let (tap, half) = halves(socket);
        let signed_in = config.connect_raw(half, AlreadySecured).await;
        let (client, connection) = signed_in.map_err(|error| {
            ConnectFault::SignIn(match error.as_db_error() {
                Some(said) => Box::new(ServerFault::from(said)),
                None => Box::new(error),
            })
        })?;
        let canceller = Canceller {
            connector: Arc::clone(self),
            place: place.clone(),
            token: client.cancel_token(),
        };
        Ok(Opened { client, connection, tap, canceller })
    }

    async fn dial(&self, place: &Place) -> Result<Socket, ConnectFault> {
        let failed = |cause| ConnectFault::NoSocket { place: place.to_string(), cause };
        match place {
            Place::Unix(path) => UnixStream::connect(path).await.map(Socket::Unix).map_err(failed),
            Place::Tcp { host, address } => {
                let stream = TcpStream::connect(address).await.map_err(failed)?;
                self.keep_alive(&stream).map_err(failed)?;
                match &self.tls {
                    None => Ok(Socket::Tcp(stream)),
                    Some(tls) => self.secure(stream, tls, host).await,
                }
            }
        }
    }

    fn keep_alive(&self, stream: &TcpStream) -> io::Result<()> {
        let config = &self.address.config;
        stream.set_nodelay(true)?;
        let socket = SockRef::from(stream);
        if config.get_keepalives() {
            let mut keepalive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
            if let Some(interval) = config.get_keepalives_interval() {
                keepalive = keepalive.with_interval(interval);
            }
            if let Some(retries) = config.get_keepalives_retries() {
                keepalive = keepalive.with_retries(retries);
            }
            socket.set_tcp_keepalive(&keepalive)?;
        }
        #[cfg(target_os = "linux")]
        if let Some(limit) = config.get_tcp_user_timeout() {
            socket.set_tcp_user_timeout(Some(*limit))?;
        }
        Ok(())
    }

    async fn secure(
        &self,
        mut stream: TcpStream,
        tls: &MakeRustlsConnect,
        host: &str,
    ) -> Result<Socket, ConnectFault> {
        let place = host.to_owned();
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        let mut answer = [0];
        let asked = async {
            stream.write_all(&request).await?;
            // One byte and no more: what follows belongs to the handshake, not to us.
            stream.read_exact(&mut answer).await
        };
        if let Err(cause) = asked.await {
            return Err(ConnectFault::NoSocket { place, cause });
        }
        match (answer[0], self.address.ssl_mode) {
            (b'S', _) => {
                let Ok(tls) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls.clone(), host);
                let secured = tls.connect(stream).await;
                secured
                    .map(|stream| Socket::Secured(Box::new(stream)))
                    .map_err(|cause| ConnectFault::Tls { place, cause })
            }
            (b'N', SslMode::Prefer) => Ok(Socket::Tcp(stream)),
            (b'N', _) => Err(ConnectFault::NoTls { place }),
            _ => Err(ConnectFault::NoPostgres { place }),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp { host, address } => write!(f, "{host} ({address})"),
        }
    }
}

/// Cancels what a session runs, over a connection of its own.
#[derive(Clone)]
pub(super) struct Canceller {
    connector: Arc<Connector>,
    place: Place,
    token: CancelToken,
}

impl Canceller {
    /// Asks the server to cancel. A server that cannot be reached runs nothing of ours for long:
    /// it looks after its clients every second.
    pub(super) async fn cancel(&self) {
        let asked = async {
            let socket = self.connector.dial(&self.place).await?;
            let (_tap, half) = halves(socket);
            let sent = self.token.cancel_query_raw(half, AlreadySecured).await;
            sent.map_err(|error| ConnectFault::SignIn(Box::new(error)))
        };
        let limit = Duration::from_secs(CANCEL_SECONDS_MAX);
        match timeout(limit, asked).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a statement could not be cancelled"),
            Err(_) => tracing::debug!("a statement could not be cancelled in time"),
        }
    }
}
