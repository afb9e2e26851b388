//! Sends a mail by SMTP, step by step: what was refused is told apart from what may have arrived.

use std::{net::IpAddr, path::Path};

use lettre::{
    Address, Message,
    message::{Mailbox, MultiPart, header::ContentType},
    transport::smtp::{
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
    },
};
use secrecy::ExposeSecret;

use super::{
    settings::{NotifySettings, SmtpSecurity},
    template::Rendered,
};

/// A mail could not be sent, or the mail server not be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Nobody said by which server.
    #[error("no mail server is configured: say `smtp_host` and `from` in [notify]")]
    Unconfigured,
    /// Something in the configuration does not do.
    #[error("[notify] {0}")]
    Wrong(String),
    /// The server was not reached, or does not speak as it should.
    #[error("the mail server cannot be used: {0}")]
    Unusable(String),
    /// The server did not take it.
    #[error("the mail server refused: {0}")]
    Refused(String),
    /// It was sent, and what became of it is not known.
    #[error("the mail server broke off: {0}")]
    BrokenOff(String),
    /// It took too long; whether it has arrived is known only if it was not yet being sent.
    #[error("the mail server did not answer in time")]
    TimedOut {
        /// Whether the text was on its way.
        was_sending: bool,
    },
}

impl MailError {
    /// Whether the recipient is known not to have it.
    pub(crate) fn is_refused(&self) -> bool {
        match self {
            Self::Unconfigured | Self::Wrong(_) | Self::Unusable(_) | Self::Refused(_) => true,
            Self::BrokenOff(_) => false,
            Self::TimedOut { was_sending } => !was_sending,
        }
    }
}

/// A mail, before it is one.
pub(crate) struct Outgoing<'a> {
    pub(crate) to: &'a str,
    /// Name under which it goes.
    pub(crate) message: &'a str,
    pub(crate) words: &'a Rendered,
}

/// Sends a mail.
///
/// # Errors
///
/// If it was not taken, or it is not known whether it was.
pub(crate) async fn send(
    settings: &NotifySettings,
    outgoing: &Outgoing<'_>,
) -> Result<(), MailError> {
    let message = compose(settings, outgoing)?;
    let text = message.formatted();
    let prepared = tokio::time::timeout(settings.timeout(), prepare(settings, &message));
    let mut connection =
        prepared.await.map_err(|_| MailError::TimedOut { was_sending: false })??;
    let sent = tokio::time::timeout(settings.timeout(), connection.message(&text));
    match sent.await {
        Err(_) => Err(MailError::TimedOut { was_sending: true }),
        Ok(Err(error)) if error.status().is_some() => Err(MailError::Refused(said(&error))),
        Ok(Err(error)) => Err(MailError::BrokenOff(said(&error))),
        Ok(Ok(_)) => {
            // It was taken: how the conversation ends changes nothing.
            drop(tokio::time::timeout(settings.timeout(), connection.quit()).await);
            Ok(())
        }
    }
}

/// Speaks to the mail server without sending anything: name, TLS, sign-in.
///
/// # Errors
///
/// If it cannot be used.
pub(crate) async fn prove(settings: &NotifySettings) -> Result<(), MailError> {
    let proof = async {
        let mut connection = connect(settings).await?;
        match connection.test_connected().await {
            true => Ok(connection),
            false => Err(MailError::Unusable("it does not answer NOOP".to_owned())),
        }
    };
    let proof = tokio::time::timeout(settings.timeout(), proof).await;
    let mut connection = proof.map_err(|_| MailError::TimedOut { was_sending: false })??;
    drop(tokio::time::timeout(settings.timeout(), connection.quit()).await);
    Ok(())
}

/// Everything before the text: from here on, whatever happens, the recipient may have it.
async fn prepare(
    settings: &NotifySettings,
    message: &Message,
) -> Result<AsyncSmtpConnection, MailError> {
    let mut connection = connect(settings).await?;
    let envelope = message.envelope();
    let from = envelope.from().cloned();
    connection.command(Mail::new(from, Vec::new())).await.map_err(|it| refused(&it))?;
    for to in envelope.to() {
        let named = connection.command(Rcpt::new(to.clone(), Vec::new())).await;
        named.map_err(|it| refused(&it))?;
    }
    connection.command(Data).await.map_err(|it| refused(&it))?;
    Ok(connection)
}

async fn connect(settings: &NotifySettings) -> Result<AsyncSmtpConnection, MailError> {
    let host = settings.smtp_host.as_deref().ok_or(MailError::Unconfigured)?;
    let hello = ClientId::Domain(own_name(settings));
    let tls = match settings.smtp_security {
        SmtpSecurity::Tls | SmtpSecurity::Starttls => Some(trust(settings, host)?),
        SmtpSecurity::None => {
            refuse_far(host)?;
            None
        }
    };
    let from_start = tls.clone().filter(|_| settings.smtp_security == SmtpSecurity::Tls);
    let server = (host, settings.port());
    let limit = Some(settings.timeout());
    let connected = AsyncSmtpConnection::connect_tokio1(server, limit, &hello, from_start, None);
    let mut connection = connected.await.map_err(|it| unusable(&it))?;
    if let (SmtpSecurity::Starttls, Some(tls)) = (settings.smtp_security, tls) {
        // Whoever takes STARTTLS out of the greeting gets no mail, rather than a readable one.
        connection.starttls(tls, &hello).await.map_err(|it| unusable(&it))?;
    }
    if let (Some(user), Some(password)) = (&settings.smtp_user, &settings.smtp_password) {
        let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
        let signed_in = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
        signed_in.map_err(|it| unusable(&it))?;
    }
    Ok(connection)
}

/// Without TLS only to this very host: nobody between could read.
fn refuse_far(host: &str) -> Result<(), MailError> {
    let is_near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    match is_near {
        true => Ok(()),
        false => Err(MailError::Wrong(
            "smtp_security = \"none\" is for a mail server on this host only: use \"starttls\" or \
             \"tls\""
                .to_owned(),
        )),
    }
}

fn trust(settings: &NotifySettings, host: &str) -> Result<TlsParameters, MailError> {
    let wrong = |error: &dyn std::error::Error| MailError::Wrong(format!("TLS: {error}"));
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(file) = &settings.ca_file {
        let certificate = Certificate::from_pem(&read(file)?).map_err(|it| wrong(&it))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|it| wrong(&it))
}

/// The authorities that the site trusts beside the system's.
fn read(file: &Path) -> Result<Vec<u8>, MailError> {
    std::fs::read(file).map_err(|error| MailError::Wrong(format!("ca_file: {error}")))
}

/// The name of this host to a mail server, and in the names of its mails.
fn own_name(settings: &NotifySettings) -> String {
    let host = settings.public_url.as_deref().and_then(|url| url::Url::parse(url).ok());
    let host = host.and_then(|url| url.domain().map(str::to_owned));
    host.unwrap_or_else(|| "localhost".to_owned())
}

fn compose(settings: &NotifySettings, outgoing: &Outgoing<'_>) -> Result<Message, MailError> {
    let from = settings.from.as_deref().ok_or(MailError::Unconfigured)?;
    let from: Mailbox =
        from.parse().map_err(|_| MailError::Wrong("from: it is no mail address".to_owned()))?;
    let to: Address = outgoing
        .to
        .parse()
        .map_err(|_| MailError::Refused("the recipient is no mail address".to_owned()))?;
    let Rendered { title, body, html } = outgoing.words;
    let builder = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(title.clone())
        .message_id(Some(format!("<{}@{}>", outgoing.message, own_name(settings))));
    let built = match html {
        Some(html) => {
            builder.multipart(MultiPart::alternative_plain_html(body.clone(), html.clone()))
        }
        None => builder.header(ContentType::TEXT_PLAIN).body(body.clone()),
    };
    built.map_err(|error| MailError::Wrong(error.to_string()))
}

fn refused(error: &lettre::transport::smtp::Error) -> MailError {
    MailError::Refused(said(error))
}

fn unusable(error: &lettre::transport::smtp::Error) -> MailError {
    MailError::Unusable(said(error))
}

/// What a mail server says, with what caused it, and no line feed.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}
