//! Opens the edge that the configuration describes.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use http::HeaderName;
use tidegate_http::{
    Edge, EdgeSettings, OidcSettings, RoleRules, SetupToken, TrustedHeader, serve,
};
use tidegate_service::{HandOverSettings, SharedKey};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    config::{
        HandOverDeclaration, OidcDeclaration, RoleDeclaration, ServerSettings,
        TrustedHeaderDeclaration,
    },
    control::Control,
    failure::Failure,
};

/// The edge, on its socket.
pub struct Listening {
    edge: Arc<Edge>,
    listener: TcpListener,
    address: String,
    setup: Option<String>,
}

/// Takes the socket, and puts the edge behind it.
///
/// # Errors
///
/// If the address is not one to be reached by, or the socket is taken.
pub async fn open(control: &Control) -> Result<Listening, Failure> {
    let server = &control.settings.server;
    let listener = TcpListener::bind(server.listen).await.map_err(|cause| {
        Failure::wrong(format!(
            "cannot listen on {}: {cause}; say where under [server] listen",
            server.listen
        ))
    })?;
    let bound = listener.local_addr().map_err(|error| Failure::failed("server", &error))?;
    let address = match &server.public_url {
        Some(url) => url.clone(),
        None if bound.ip().is_loopback() => format!("http://{bound}"),
        None => {
            return Err(Failure::wrong(
                "a service beyond this machine needs an address: say `public_url` under [server]",
            ));
        }
    };
    let settings = settings(&address, server)?;
    let setup = match control.service.is_empty().await? {
        true => Some(SetupToken::new()),
        false => None,
    };
    let (service, artifacts) = (Arc::clone(&control.service), Arc::clone(&control.artifacts));
    let edge = Edge::new(service, artifacts, settings, setup.as_ref());
    let edge = edge.map_err(|error| Failure::wrong(error.to_string()))?;
    let setup = setup.map(|token| token.url(&address));
    Ok(Listening { edge, listener, address, setup })
}

fn settings(address: &str, server: &ServerSettings) -> Result<EdgeSettings, Failure> {
    let usual = EdgeSettings::new(address).map_err(|error| Failure::wrong(error.to_string()))?;
    let requests = server.requests_per_minute.and_then(NonZeroU32::new);
    Ok(EdgeSettings {
        hosts: server.hosts.clone(),
        proxies: server.proxies.clone(),
        requests_per_minute: requests.unwrap_or(usual.requests_per_minute),
        insecure_http: server.insecure_http,
        linger: Duration::from_secs(server.linger_seconds),
        trusted_header: server.trusted_header.as_ref().map(trusted_header).transpose()?,
        oidc: server.oidc.as_ref().map(oidc),
        hand_over: hand_over(&usual, server.hand_over.as_ref())?,
        ..usual
    })
}

fn trusted_header(declared: &TrustedHeaderDeclaration) -> Result<TrustedHeader, Failure> {
    let header = |name: &String| {
        HeaderName::try_from(name)
            .map_err(|_| Failure::wrong(format!("[server.trusted_header]: `{name}` is no header")))
    };
    let rules = rules(&declared.roles, declared.default_role.as_ref(), declared.create);
    Ok(TrustedHeader {
        role_name: declared.role_name.as_ref().map(header).transpose()?,
        rules,
        ..TrustedHeader::new(header(&declared.name)?)
    })
}

fn oidc(declared: &OidcDeclaration) -> OidcSettings {
    let declared = declared.clone();
    OidcSettings {
        rules: rules(&declared.roles, declared.default_role.as_ref(), declared.create),
        issuer: declared.issuer,
        client_id: declared.client_id,
        client_secret: declared.client_secret,
        label: declared.label,
        scopes: declared.scopes,
        email_claim: declared.email_claim,
        role_claim: declared.role_claim,
        domains: declared.domains,
    }
}

fn hand_over(
    usual: &EdgeSettings,
    declared: Option<&HandOverDeclaration>,
) -> Result<Option<HandOverSettings>, Failure> {
    let Some(declared) = declared else { return Ok(None) };
    let key = SharedKey::read(&declared.key)
        .map_err(|error| Failure::wrong(format!("[server.hand_over] key: {error}")))?;
    Ok(Some(HandOverSettings {
        source: declared.source.clone(),
        key,
        audience: usual.address().to_owned(),
        role: declared.role.clone(),
        create: declared.create,
        sign_in: declared.sign_in,
    }))
}

fn rules(roles: &[RoleDeclaration], default_role: Option<&String>, create: bool) -> RoleRules {
    let pair = |one: &RoleDeclaration| (one.value.clone(), one.role.clone());
    RoleRules {
        roles: roles.iter().map(pair).collect(),
        default_role: default_role.cloned(),
        create,
    }
}

impl Listening {
    /// Address that people reach it by.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where the first operator is made, while there is none.
    pub fn setup(&self) -> Option<&str> {
        self.setup.as_deref()
    }

    /// Answers until told to stop.
    pub async fn run(self, stopped: watch::Receiver<bool>) {
        if let Err(error) = serve(self.edge, self.listener, stopped).await {
            tracing::error!(%error, "the edge has ended");
        }
    }
}
