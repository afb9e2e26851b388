//! Single sign-on by OpenID Connect: authorization code, with PKCE, state and nonce.

mod rules;

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreJwsSigningAlgorithm,
        CoreProviderMetadata,
    },
};
pub use rules::RoleRules;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_service::Vouched;
use tokio::sync::Mutex;
use url::Url;

use crate::edge::{EdgeError, is_loopback};

/// Time in which the provider answers.
const ANSWER_SECONDS_MAX: Duration = Duration::from_secs(10);
/// Claim with the mail address unless the site says otherwise.
const EMAIL: &str = "email";
/// Signatures that are believed: those of which the provider alone has the key.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The provider, and what becomes of what it says.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Address of the provider: `/.well-known/openid-configuration` is found below it.
    pub issuer: String,
    /// By what name the provider knows this service.
    pub client_id: String,
    /// The word between the two, if there is one.
    pub client_secret: Option<SecretString>,
    /// What people call the provider.
    pub label: Option<String>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Claim with the mail address.
    pub email_claim: Option<String>,
    /// Claim with the words that become roles: a text, or a list of them.
    pub role_claim: Option<String>,
    /// Domains of mail addresses that are let in; all if there is none.
    pub domains: Vec<String>,
    /// How words become roles.
    pub rules: RoleRules,
}

impl OidcSettings {
    pub(crate) fn check(&self) -> Result<(), EdgeError> {
        let issuer = Url::parse(&self.issuer).map_err(|_| EdgeError::Issuer)?;
        if issuer.scheme() != "https" && !is_loopback(&issuer) {
            return Err(EdgeError::Issuer);
        }
        self.rules.check("[server.oidc]")
    }
}

/// Somebody cannot be signed in by the provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignOnError {
    /// It does not answer, or not as providers do.
    #[error("the sign-on cannot be reached: try again in a moment")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It did not take the code, or what it gave for it does not hold.
    #[error("the sign-on was not completed: begin again")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer belongs to no sign-on that this browser has begun.
    #[error("the sign-on was not begun here, or too long ago: begin again")]
    NotBegun,
    /// It names no mail address, or one that it has not seen to be theirs.
    #[error("the sign-on does not say that your mail address is yours")]
    Unverified,
    /// The address is of another domain, or no rule lets its words in.
    #[error("your account may not sign in here")]
    NotAllowed,
}

/// What a browser keeps between leaving for the provider and coming back. It holds no right: it is
/// worth something only together with the provider's answer to this very browser.
#[derive(Deserialize, Serialize)]
pub(crate) struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
    pub(crate) next: String,
}

impl Attempt {
    /// As it stands in a cookie.
    pub(crate) fn text(&self) -> String {
        let json = serde_json::to_vec(self).expect("four texts are plain JSON");
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads it again.
    pub(crate) fn read(text: &str) -> Result<Self, SignOnError> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| SignOnError::NotBegun)?;
        serde_json::from_slice(&json).map_err(|_| SignOnError::NotBegun)
    }
}

/// The provider, to be asked.
pub(crate) struct SingleSignOn {
    settings: OidcSettings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: reqwest::Client,
    /// What it says of itself, once it was asked.
    known: Mutex<Option<CoreProviderMetadata>>,
}

impl SingleSignOn {
    pub(crate) fn new(settings: OidcSettings, base: &str) -> Result<Self, EdgeError> {
        let redirect = format!("{base}{}", crate::pages::SIGNED_ON);
        // Where it would send us is not where the site has said that it is.
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_SECONDS_MAX)
            .build();
        Ok(Self {
            issuer: IssuerUrl::new(settings.issuer.clone()).map_err(|_| EdgeError::Issuer)?,
            redirect: RedirectUrl::new(redirect).map_err(|_| EdgeError::PublicUrl)?,
            http: http.map_err(|error| EdgeError::Provider(error.into()))?,
            known: Mutex::default(),
            settings,
        })
    }

    /// What people call it.
    pub(crate) fn label(&self) -> &str {
        let host = self.issuer.url().host_str().unwrap_or_default();
        self.settings.label.as_deref().unwrap_or(host)
    }

    /// Where the browser goes now, and what it keeps until it comes back.
    pub(crate) async fn begin(&self, next: &str) -> Result<(Url, Attempt), SignOnError> {
        let client = self.client(self.metadata().await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let mut asked = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        for scope in &self.settings.scopes {
            asked = asked.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = asked.set_pkce_challenge(challenge).url();
        let attempt = Attempt {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            next: next.to_owned(),
        };
        Ok((url, attempt))
    }

    /// Whom the provider vouches for, by the code with which it has sent the browser back.
    pub(crate) async fn finish(
        &self,
        attempt: &Attempt,
        state: &str,
        code: String,
    ) -> Result<Vouched, SignOnError> {
        if attempt.state != state {
            return Err(SignOnError::NotBegun);
        }
        let client = self.client(self.metadata().await?);
        let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
        let exchange = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| SignOnError::Unreachable(error.into()))?
            .set_pkce_verifier(verifier);
        let answer = exchange.request_async(&self.http).await;
        let answer = answer.map_err(|error| SignOnError::Refused(error.into()))?;
        let token = answer.id_token().ok_or_else(|| SignOnError::Refused("no id token".into()))?;
        let nonce = Nonce::new(attempt.nonce.clone());
        match checked(&client, token, &nonce) {
            // It may have another key by now.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let client = self.client(self.asked().await?);
                checked(&client, token, &nonce)
            }
            verdict => verdict,
        }
        .map_err(|error| SignOnError::Refused(error.into()))?;
        self.vouched(&claims(token)?)
    }

    /// Reads what was found to be the provider's word.
    fn vouched(&self, claims: &Value) -> Result<Vouched, SignOnError> {
        let email_claim = self.settings.email_claim.as_deref().unwrap_or(EMAIL);
        let email = claims[email_claim].as_str().filter(|_| claims["email_verified"] == true);
        let email = email.ok_or(SignOnError::Unverified)?;
        let domain = email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
        let domains = &self.settings.domains;
        if !domains.is_empty() && !domains.iter().any(|one| one.eq_ignore_ascii_case(domain)) {
            return Err(SignOnError::NotAllowed);
        }
        let said = self.settings.role_claim.as_ref().map(|name| &claims[name.as_str()]);
        let words: Vec<String> = match said {
            Some(Value::String(word)) => vec![word.clone()],
            Some(Value::Array(words)) => {
                words.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let vouched = self.settings.rules.vouch(self.issuer.as_str(), email, &words);
        vouched.ok_or(SignOnError::NotAllowed)
    }

    async fn metadata(&self) -> Result<CoreProviderMetadata, SignOnError> {
        let known = self.known.lock().await.clone();
        match known {
            Some(known) => Ok(known),
            None => self.asked().await,
        }
    }

    async fn asked(&self) -> Result<CoreProviderMetadata, SignOnError> {
        let asked = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let asked = asked.map_err(|error| SignOnError::Unreachable(error.into()))?;
        *self.known.lock().await = Some(asked.clone());
        Ok(asked)
    }

    fn client(&self, metadata: CoreProviderMetadata) -> Client {
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        CoreClient::from_provider_metadata(metadata, id, secret)
            .set_redirect_uri(self.redirect.clone())
    }
}

/// Whether a token is the provider's, for us, fresh, and for this attempt.
fn checked(
    client: &Client,
    token: &CoreIdToken,
    nonce: &Nonce,
) -> Result<(), ClaimsVerificationError> {
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
    token.claims(&verifier, nonce).map(|_| ())
}

/// All that a token says: the claims of a site have names of their own.
fn claims(token: &CoreIdToken) -> Result<Value, SignOnError> {
    let text = token.to_string();
    let payload = text.split('.').nth(1).unwrap_or_default();
    let json = BASE64_URL_SAFE_NO_PAD.decode(payload);
    let json = json.map_err(|error| SignOnError::Refused(error.into()))?;
    serde_json::from_slice(&json).map_err(|error| SignOnError::Refused(error.into()))
}
