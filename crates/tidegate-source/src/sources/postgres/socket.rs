//! The socket of a session, shared by the driver and by the reader of rows.
//!
//! The driver signs in, prepares and asks small questions. Rows are read from the same socket
//! without it ([`super::portal`]): its tasks, channels and reference counts for every row cost an
//! eighth of the time of an export. Once the socket is lent, the driver neither reads nor writes.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

type SecuredStream = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::Stream;

/// A connected socket.
pub(super) enum Socket {
    /// On this machine.
    Unix(UnixStream),
    /// In the clear.
    Tcp(TcpStream),
    /// Encrypted.
    Secured(Box<SecuredStream>),
}

/// The reader's half.
pub(super) struct Tap(Arc<Shared>);

/// The driver's half.
pub(super) struct DriverHalf(Arc<Shared>);

struct Shared {
    socket: Mutex<Socket>,
    /// Whether what arrives belongs to the reader.
    is_lent: AtomicBool,
}

impl Shared {
    fn socket(&self) -> MutexGuard<'_, Socket> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both halves of a socket; the driver has it first.
pub(super) fn halves(socket: Socket) -> (Tap, DriverHalf) {
    let shared = Arc::new(Shared { socket: Mutex::new(socket), is_lent: AtomicBool::new(false) });
    (Tap(Arc::clone(&shared)), DriverHalf(shared))
}

impl Tap {
    /// Takes the socket from the driver. All its questions must have been answered.
    pub(super) fn lend(&self) {
        self.0.is_lent.store(true, Ordering::Relaxed);
    }

    /// Reads what is there into `room`, waits if there is nothing. 0 means the end.
    pub(super) async fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        let mut room = ReadBuf::new(room);
        poll_fn(|context| self.0.socket().poll_read(context, &mut room)).await?;
        Ok(room.filled().len())
    }

    /// Writes all bytes.
    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = poll_fn(|context| self.0.socket().poll_write(context, bytes)).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = &bytes[written..];
        }
        poll_fn(|context| self.0.socket().poll_flush(context)).await
    }
}

impl Socket {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Unix(stream) => Pin::new(stream).poll_read(context, room),
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, room),
            Self::Secured(stream) => Pin::new(stream).poll_read(context, room),
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secured(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Secured(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl DriverHalf {
    /// Whether the driver has to keep still. It would still have things to say, such as that a
    /// statement may be forgotten, and the answers would stand among the reader's rows.
    fn is_lent(&self) -> bool {
        self.0.is_lent.load(Ordering::Relaxed)
    }
}

impl AsyncRead for DriverHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_lent() {
            return Poll::Pending;
        }
        self.0.socket().poll_read(context, room)
    }
}

impl AsyncWrite for DriverHalf {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_lent() {
            return Poll::Pending;
        }
        self.0.socket().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.socket().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.socket().poll_shutdown(context)
    }
}

impl TlsStream for DriverHalf {
    fn channel_binding(&self) -> ChannelBinding {
        match &*self.0.socket() {
            Socket::Unix(_) | Socket::Tcp(_) => ChannelBinding::none(),
            Socket::Secured(stream) => stream.channel_binding(),
        }
    }
}

/// Tells the driver that the socket is encrypted already, so that it binds its sign-in to that.
#[derive(Clone, Copy)]
pub(super) struct AlreadySecured;

impl TlsConnect<DriverHalf> for AlreadySecured {
    type Stream = DriverHalf;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<DriverHalf, Self::Error>>;

    fn connect(self, stream: DriverHalf) -> Self::Future {
        std::future::ready(Ok(stream))
    }
}
