//! A small OpenID provider: it signs what a test tells it to, and gives it out for a code.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use openidconnect::{
    JsonWebKeyId, PrivateSigningKey,
    core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey},
};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// By what name it knows the service, and the word between the two.
pub(crate) const CLIENT: (&str, &str) = ("tidegate", "between-us");
/// The year 2100, in seconds.
const LATER: i64 = 4_102_444_800;

/// The provider.
pub(crate) struct Issuer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    key: CoreRsaPrivateSigningKey,
    kid: String,
    /// Challenge and token by code.
    granted: BTreeMap<String, (String, String)>,
    /// Paths that were asked for.
    asked: Vec<String>,
}

impl Issuer {
    /// A provider on a free port.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state =
            State { key: key("k1"), kid: "k1".to_owned(), granted: BTreeMap::new(), asked: vec![] };
        let state = Arc::new(Mutex::new(state));
        let (own, shared) = (url.clone(), Arc::clone(&state));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(stream, &own, &shared);
            }
        });
        Self { url, state }
    }

    /// Signs in somebody at the provider: gives the code for what an address asks for. `claims`
    /// stands over what a token says otherwise.
    pub(crate) fn grant(&self, asked: &str, claims: &Value) -> String {
        let asked = Url::parse(asked).unwrap();
        let asked: BTreeMap<String, String> = asked.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT.0);
        assert_eq!(asked["code_challenge_method"], "S256");
        let mut says = json!({
            "iss": self.url, "aud": CLIENT.0, "sub": "7", "exp": LATER, "iat": 1_767_225_600,
            "nonce": asked["nonce"], "email_verified": true,
        });
        for (name, value) in claims.as_object().unwrap() {
            says[name] = value.clone();
        }
        let mut state = self.state.lock().unwrap();
        let token = signed(&state.key, &state.kid, &says);
        let code = format!("code-{}", state.granted.len());
        state.granted.insert(code.clone(), (asked["code_challenge"].clone(), token));
        code
    }

    /// Signs with another key from now on.
    pub(crate) fn rotate(&self) {
        let mut state = self.state.lock().unwrap();
        (state.key, state.kid) = (key("k2"), "k2".to_owned());
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|one| *one == path).count()
    }
}

fn key(kid: &str) -> CoreRsaPrivateSigningKey {
    let made = Command::new("openssl").args(["genrsa", "-traditional", "2048"]).output().unwrap();
    let pem = String::from_utf8(made.stdout).unwrap();
    CoreRsaPrivateSigningKey::from_pem(&pem, Some(JsonWebKeyId::new(kid.to_owned()))).unwrap()
}

fn signed(key: &CoreRsaPrivateSigningKey, kid: &str, says: &Value) -> String {
    let head = json!({ "alg": "RS256", "kid": kid });
    let text =
        format!("{}.{}", base64(head.to_string().as_bytes()), base64(says.to_string().as_bytes()));
    let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    let signature = key.sign(&algorithm, text.as_bytes()).unwrap();
    format!("{text}.{}", base64(&signature))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, at| word << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(word >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}

fn answer(stream: TcpStream, own: &str, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let length = head.to_lowercase().lines().find_map(|line| {
        line.strip_prefix("content-length:").map(|length| length.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let mut state = state.lock().unwrap();
    state.asked.push(path.clone());
    let said = match path.as_str() {
        "/.well-known/openid-configuration" => Some(json!({
            "issuer": own, "authorization_endpoint": format!("{own}/authorize"),
            "token_endpoint": format!("{own}/token"), "jwks_uri": format!("{own}/keys"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        })),
        "/keys" => Some(json!({ "keys": [state.key.as_verification_key()] })),
        "/token" => token(&mut state, &head, &body),
        _ => None,
    };
    let status = if said.is_some() { "200 OK" } else { "400 Bad Request" };
    let body = said.unwrap_or_else(|| json!({ "error": "invalid_grant" })).to_string();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close");
    let length = body.len();
    write!(reader.get_mut(), "{head}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
}

/// The token of a code: once, to whoever has the verifier and the word between the two.
fn token(state: &mut State, head: &str, body: &[u8]) -> Option<Value> {
    let sent = Url::parse(&format!("http://x/?{}", String::from_utf8_lossy(body))).unwrap();
    let sent: BTreeMap<String, String> = sent.query_pairs().into_owned().collect();
    let (challenge, token) = state.granted.remove(&sent["code"])?;
    let verifier = base64(&Sha256::digest(sent["code_verifier"].as_bytes()));
    let word = base64(format!("{}:{}", CLIENT.0, CLIENT.1).as_bytes());
    let is_client = head.contains(&format!("Basic {word}"));
    let given = json!({ "access_token": "a", "token_type": "Bearer", "id_token": token });
    (verifier == challenge && is_client).then_some(given)
}
