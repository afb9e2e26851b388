//! Tests of the way out: where it leads, and that nothing turns it aside.

use std::{
    cell::Cell,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener},
    thread,
};

use super::{address::EVERYWHERE, *};

const NOBODY: &[Network] = &[];

fn way(meant: &[Network]) -> Way<'_> {
    Way { meant, timeout: Duration::from_secs(5), ca_file: None }
}

/// A client to an address, whatever the system says of its name.
async fn client(url: &str, answers: &[&str], meant: &[Network]) -> Result<Client, OutboundError> {
    let answers = answers.iter().map(|text| text.parse().unwrap()).collect();
    client_by(&Url::parse(url).unwrap(), way(meant), async |_, _| Ok(answers)).await
}

/// A server that answers each request with these words, and how often it was asked.
fn server(at: &str, answer: String) -> (u16, std::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind(at).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, heard) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.read(&mut [0; 4096]));
            drop(stream.write_all(answer.as_bytes()));
            if told.send(()).is_err() {
                return;
            }
        }
    });
    (port, heard)
}

fn ended(status: &str, more: &str) -> String {
    format!("HTTP/1.1 {status} So\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn nothing_is_sent_to_the_inside_unless_that_is_meant() {
    for inside in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.31.0.1",
        "192.168.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        // IPv4 within IPv6: mapped, compatible, NAT64, its local-use prefix, 6to4 and Teredo.
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::5db8:d70e",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        let alone = client("https://site.example", &[inside], NOBODY).await;
        assert!(matches!(alone, Err(OutboundError::Inside(_))), "{inside}");
        let beside = client("https://site.example", &["93.184.215.14", inside], NOBODY).await;
        assert!(matches!(beside, Err(OutboundError::Inside(_))), "{inside} as a second one");
        assert!(client("https://site.example", &[inside], EVERYWHERE).await.is_ok(), "{inside}");
    }
    assert!(
        client("https://site.example", &["93.184.215.14", "2606:2800:21f::1"], NOBODY)
            .await
            .is_ok()
    );
    let none = client("https://site.example", &[], EVERYWHERE).await;
    assert!(matches!(none, Err(OutboundError::Inside(AddressFault::None))));
}

#[tokio::test]
async fn an_address_of_the_inside_is_one_however_it_is_written() {
    // In any notation that a browser takes.
    for written in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://0/",
        "https://0x0a.1/",
        "https://2852039166/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:7f00:1]/",
        "https://[0:0:0:0:0:ffff:169.254.169.254]/",
        "https://[64:ff9b::127.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://①②⑦.0.0.1/",
        "https://127。0。0。1/",
    ] {
        let refused = client_to(&Url::parse(written).unwrap(), way(NOBODY)).await;
        assert!(matches!(refused, Err(OutboundError::Inside(_))), "{written}");
    }
    for none in
        ["https://0400.0.0.1/", "https://256.1/", "https://0x100000000/", "https://1.2.3.4.5/"]
    {
        assert!(Url::parse(none).is_err(), "{none}");
    }
}

#[tokio::test]
async fn plain_http_goes_no_further_than_this_machine() {
    let network: Network = "10.0.0.0/8".parse().unwrap();
    assert!(client("http://localhost", &["127.0.0.1", "::1"], EVERYWHERE).await.is_ok());
    for (url, answers, meant) in [
        ("http://site.example", &["93.184.215.14"][..], EVERYWHERE),
        ("http://site.example", &["10.1.2.3"], &[network]),
        ("http://site.example", &["127.0.0.1", "10.1.2.3"], EVERYWHERE),
        ("ftp://site.example", &["127.0.0.1"], EVERYWHERE),
        ("file://site.example/etc/passwd", &["127.0.0.1"], EVERYWHERE),
    ] {
        let refused = client(url, answers, meant).await;
        assert!(matches!(refused, Err(OutboundError::Address(_))), "{url} {answers:?}");
    }
    let near = client("http://localhost", &["127.0.0.1"], NOBODY).await;
    assert!(matches!(near, Err(OutboundError::Inside(_))), "this machine is meant, or it is not");
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time_leads_where_it_was_looked_at() {
    // The system says that `localhost` is 127.0.0.1 or ::1: whoever asked it again would go there.
    let (port, looked_at) = server("127.0.0.2:0", ended("204", ""));
    let (_, elsewhere) = server(&format!("127.0.0.1:{port}"), ended("200", ""));
    let asked = Cell::new(0);
    let url = Url::parse(&format!("http://localhost:{port}/")).unwrap();
    let resolve = async |_, _| {
        asked.set(asked.get() + 1);
        Ok(vec![IpAddr::from(match asked.get() {
            1 => Ipv4Addr::new(127, 0, 0, 2),
            _ => Ipv4Addr::new(10, 0, 0, 1),
        })])
    };
    let client = client_by(&url, way(EVERYWHERE), resolve).await.unwrap();
    for _ in 0..3 {
        assert_eq!(answer_to(client.post(url.clone())).await.unwrap(), 204);
    }
    assert_eq!((asked.get(), looked_at.try_iter().count()), (1, 3));
    assert_eq!(elsewhere.try_iter().count(), 0);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (other, followed) = server("127.0.0.1:0", ended("200", ""));
    for status in [301_u16, 302, 303, 307, 308] {
        let location = format!("location: http://127.0.0.1:{other}/\r\n");
        let (port, asked) = server("127.0.0.1:0", ended(&status.to_string(), &location));
        let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
        let client = client_to(&url, way(EVERYWHERE)).await.unwrap();
        assert_eq!(answer_to(client.post(url)).await.unwrap(), status);
        assert_eq!(asked.recv(), Ok(()));
    }
    assert_eq!(followed.try_iter().count(), 0);
}

#[tokio::test]
async fn what_was_not_sent_is_told_from_what_nobody_answered() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = Url::parse(&format!("http://{nobody}/secret-path")).unwrap();
    let client = client_to(&url, way(EVERYWHERE)).await.unwrap();
    let error = answer_to(client.post(url)).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let (port, _asked) = server("127.0.0.1:0", String::new());
    let url = Url::parse(&format!("http://127.0.0.1:{port}/secret-path")).unwrap();
    let client = client_to(&url, way(EVERYWHERE)).await.unwrap();
    let error = answer_to(client.post(url)).await.unwrap_err();
    assert!(matches!(error, OutboundError::BrokenOff(_)), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}
