//! What `check` says about the address that people reach the service by.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use super::server::Server;
use crate::site::{Ended, Shop};

fn check(shop: &Shop, public_url: &str) -> Ended {
    let mut check = shop.command(&["check"]);
    Ended::new(check.env("TIDEGATE__SERVER__PUBLIC_URL", public_url).output().unwrap())
}

#[test]
fn check_proves_that_the_public_address_is_the_services_own() {
    let server = Server::new();
    let good = check(&server.shop, &server.base).with_code(0);
    assert!(
        good.stdout.contains(&format!("public_url: good, {}/healthz", server.base)),
        "{good:?}"
    );

    let other = server.base.replace("127.0.0.1", "localhost");
    let other = check(&server.shop, &other).with_code(2);
    assert!(other.stdout.contains("answered for another host"), "{other:?}");

    // A port that somebody else has, who answers anything.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stranger = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let strange = check(&server.shop, &url).with_code(2);
    assert!(strange.stdout.contains("answered by something else (status 200"), "{strange:?}");
    stranger.join().unwrap();

    // Nobody is there any more, which is so, too, before the first start.
    let early = check(&server.shop, &url).with_code(0);
    assert!(early.stdout.contains("nobody is behind it"), "{early:?}");
}
