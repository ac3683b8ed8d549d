//! Stations of which the switch does not know where they are have connections as others have.

use dvs_tests::netns::{
    Ping,
    socket::{Connection, ask, listen, send_datagrams, take_datagrams},
};

use super::{BLUE, DNS, HTTPS, WEB, lab};

/// A server that the switch learns nothing of, and a client without a firewall of which it learns nothing.
const SILENT: &str = "
- {kind: Port, name: p6, network: blue, learnLimit: 0, label: {role: server}}
- {kind: Port, name: p7, network: blue, learnLimit: 0}
";

#[test]
fn a_server_that_nobody_knows_is_asked_and_answers() {
    let lab = lab(&format!("{WEB}{SILENT}"));
    for vm in ["p6", "p7"] {
        lab.vm(vm).join(BLUE);
    }
    let to = &lab.vm("p6").namespace;
    let (listener, taker) = (listen(to, HTTPS), take_datagrams(to, DNS));
    for client in ["p3", "p7", "p4", "u9"] {
        let from = &lab.vm(client).namespace;
        for ip in lab.vm("p6").ips_in(BLUE) {
            println!("{client} to {ip}");
            let connection = Connection::open(from, ip, &listener);
            connection.talk();
            connection.stream(1 << 20);
            let asker = send_datagrams(from, ip, DNS);
            ask(&asker, &taker, b"what?").unwrap_or_else(|error| panic!("{client} {ip}: {error}"));
            let ping = Ping::run(from, ip);
            assert!(ping.is_lossless(), "{client} to {ip}: {ping:?}");
        }
    }
    for reason in ["no-connection", "policy-out"] {
        assert_eq!(lab.host.drops("p6", reason), 0, "{reason}");
    }
}

/// A packet whose checksum the kernel has yet to compute becomes the router's question for its station, which
/// a station's stack must be able to take.
#[test]
fn a_stream_is_what_the_router_asks_for_first() {
    let lab = lab(&format!("{WEB}{SILENT}"));
    lab.vm("p6").join(BLUE);
    let listener = listen(&lab.vm("p6").namespace, HTTPS);
    for ip in lab.vm("p6").ips_in(BLUE) {
        Connection::open(&lab.vm("p4").namespace, ip, &listener).talk();
    }
}
