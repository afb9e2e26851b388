//! Debian's nginx in front, configured as the guide says: TLS, files, events, sign-in, addresses.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};

use super::{
    server::Server,
    sign_in::{PASSWORD, with_password},
};
use crate::site::Shop;

const GUIDE: &str = include_str!("../../../../../docs/guides/reverse-proxy.md");
/// Where Debian puts it, which is in no user's path.
const NGINX: &str = "/usr/sbin/nginx";
const URL: &str = "https://exports.example.com";
/// Where the clients of these tests are, so that they can be told from the proxy.
const CLIENT: &str = "127.0.0.2";

/// A running nginx.
struct Proxy {
    child: Child,
    folder: PathBuf,
    tls_port: u16,
    plain_port: u16,
}

/// A port that was free just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The configuration of the guide, with ports and files of this test.
fn configuration(folder: &str, ports: [u16; 3]) -> String {
    let block = GUIDE.split("```nginx\n").nth(1).unwrap().split("```").next().unwrap();
    let [tls, plain, service] = ports;
    let mut text = block.to_owned();
    for (there, here) in [
        ("server 127.0.0.1:8080;", format!("server 127.0.0.1:{service};")),
        ("listen 80;", format!("listen 127.0.0.1:{plain};")),
        ("listen 443 ssl http2;", format!("listen 127.0.0.1:{tls} ssl http2;")),
        ("/etc/ssl/private", folder.to_owned()),
        ("/var/log/nginx", folder.to_owned()),
    ] {
        assert!(text.contains(there), "the guide does not say `{there}`");
        text = text.replace(there, &here);
    }
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n\
         events {{}}\nhttp {{\nclient_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/f;\nuwsgi_temp_path {folder}/u;\nscgi_temp_path {folder}/s;\n\
         {text}\n}}\n"
    )
}

impl Proxy {
    fn start(shop: &Shop, service_port: u16) -> Self {
        let folder = shop.path("proxy");
        fs::create_dir(&folder).unwrap();
        let name = folder.to_str().unwrap();
        let certificate = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout"])
            .arg(folder.join("exports.example.com.key"))
            .arg("-out")
            .arg(folder.join("exports.example.com.pem"))
            .args(["-subj", "/CN=exports.example.com"])
            .args(["-addext", "subjectAltName=DNS:exports.example.com"])
            .output()
            .unwrap();
        assert!(certificate.status.success(), "{certificate:?}");
        let (tls_port, plain_port) = (free_port(), free_port());
        let path = folder.join("nginx.conf");
        fs::write(&path, configuration(name, [tls_port, plain_port, service_port])).unwrap();
        let nginx = || {
            let mut command = Command::new(NGINX);
            command.arg("-c").arg(&path).arg("-p").arg(&folder);
            command
        };
        let tested = nginx().arg("-t").output().unwrap();
        assert!(tested.status.success(), "{tested:?}");
        let mut child = nginx().stderr(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", tls_port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "nginx has ended");
            std::thread::yield_now();
        }
        Self { child, folder, tls_port, plain_port }
    }

    /// curl, which finds the proxy by its public name.
    fn curl(&self, arguments: &[&str]) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "120", "--interface", CLIENT]);
        curl.arg("--cacert").arg(self.folder.join("exports.example.com.pem"));
        for (public, port) in [(443, self.tls_port), (80, self.plain_port)] {
            let to = format!("exports.example.com:{public}:127.0.0.1:{port}");
            curl.args(["--connect-to", &to]);
        }
        curl.args(arguments);
        curl
    }

    #[track_caller]
    fn ask(&self, arguments: &[&str]) -> Output {
        let output = self.curl(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// Status of an answer.
    #[track_caller]
    fn status(&self, arguments: &[&str]) -> String {
        let kept = self.folder.join("answer");
        let write = ["--output", kept.to_str().unwrap(), "--write-out", "%{http_code}"];
        String::from_utf8(self.ask(&[&write, arguments].concat()).stdout).unwrap()
    }

    #[track_caller]
    fn read(&self, arguments: &[&str]) -> Value {
        let output = self.ask(&[&["--fail-with-body"], arguments].concat());
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A service behind nginx, and the header by which its administrator is known.
fn behind_nginx() -> (Server, Proxy, String) {
    let shop = Server::staffed("proxies = [\"127.0.0.1\"]\n");
    let port = free_port();
    let mut command = shop.command(&["serve"]);
    command.env("TIDEGATE__SERVER__LISTEN", format!("127.0.0.1:{port}"));
    command.env("TIDEGATE__SERVER__PUBLIC_URL", URL);
    let server = Server::started(shop, command);
    assert_eq!(server.base, URL);
    let proxy = Proxy::start(&server.shop, port);
    let token = server.with_role("administrator").token.unwrap();
    (server, proxy, format!("Authorization: Bearer {token}"))
}

/// Makes an export; gives where it is.
fn export(proxy: &Proxy, bearer: &str, subject: &str) -> String {
    let body = json!({ "subject": subject, "format": "csv" }).to_string();
    let url = format!("{URL}/api/v1/exports");
    let made = proxy.read(&["-H", bearer, "--json", &body, &url]);
    format!("{url}/{}", made["id"])
}

#[test]
fn files_come_whole_and_in_parts_through_nginx() {
    let (_server, proxy, bearer) = behind_nginx();
    let job = export(&proxy, &bearer, "orders");
    let accept = "Accept: text/event-stream";
    proxy.ask(&["-H", &bearer, "-H", accept, &format!("{job}/events")]);
    let job_now = proxy.read(&["-H", &bearer, &job]);
    assert_eq!(job_now["status"], "ready");
    let link = proxy.read(&["-H", &bearer, "-X", "POST", &format!("{job}/downloads")]);
    let link = link["url"].as_str().unwrap();
    let whole = proxy.ask(&["-H", &bearer, link]).stdout;
    assert_eq!(json!(whole.len()), job_now["size_bytes"]);
    assert_eq!(proxy.ask(&["-H", &bearer, "-r", "100-299", link]).stdout, &whole[100..300]);
    assert_eq!(proxy.status(&["-H", &bearer, "-r", "100-299", link]), "206");
    let begun = proxy.folder.join("begun");
    fs::write(&begun, &whole[..1_000]).unwrap();
    proxy.ask(&["-H", &bearer, "-C", "-", "-o", begun.to_str().unwrap(), link]);
    assert_eq!(fs::read(&begun).unwrap(), whole);

    let logged = fs::read_to_string(proxy.folder.join("tidegate.log")).unwrap();
    assert!(logged.contains("\"GET /d/\" 206 200"), "{logged}");
    assert!(!logged.contains(link.rsplit('/').next().unwrap()), "a link stands in nginx's log");
}

#[test]
fn events_come_through_nginx_while_the_export_goes_on() {
    let (server, proxy, bearer) = behind_nginx();
    let job = export(&proxy, &bearer, "endless");
    let accept = "Accept: text/event-stream";
    let mut curl = proxy.curl(&["--no-buffer", "-H", &bearer, "-H", accept]);
    let mut curl = curl.arg(format!("{job}/events")).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(curl.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("data: ")), "nothing comes before the end");
    server.run(&["jobs", "cancel", job.rsplit('/').next().unwrap()]);
    assert!(lines.any(|line| line.contains("\"cancelled\"")));
    assert!(curl.wait().unwrap().success());
}

#[test]
fn whoever_signs_in_through_nginx_is_known_by_their_own_address() {
    let (server, proxy, bearer) = behind_nginx();
    with_password(&server);
    let jar = proxy.folder.join("jar");
    let jar = jar.to_str().unwrap();
    let body = json!({ "email": "editor@example.com", "password": PASSWORD }).to_string();
    let sessions = format!("{URL}/api/v1/sessions");
    let forged = "X-Forwarded-For: 198.51.100.9";
    let origin = format!("Origin: {URL}");
    assert_eq!(
        proxy.status(&["-c", jar, "-H", forged, "-H", &origin, "--json", &body, &sessions]),
        "201"
    );
    assert!(fs::read_to_string(jar).unwrap().contains("__Host-tidegate_session"));
    let me = proxy.read(&["-b", jar, &format!("{URL}/api/v1/me")]);
    assert_eq!(me["email"], "editor@example.com");
    let log = server.log();
    let started = log.iter().rfind(|entry| entry["action"] == "session.started").unwrap();
    assert_eq!(started["address"], CLIENT, "{started}");

    assert_eq!(proxy.status(&["-H", &bearer, &format!("{URL}/metrics")]), "404");
    assert_eq!(proxy.status(&[&format!("{URL}/readyz")]), "200");
    let plain = proxy.ask(&["--head", "http://exports.example.com/sg-admin/sign-in"]);
    let plain = String::from_utf8(plain.stdout).unwrap();
    assert!(plain.contains(&format!("Location: {URL}/sg-admin/sign-in")), "{plain}");
}
