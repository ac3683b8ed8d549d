//! Who is rejected is told so at once, in a form that his programs understand.

use std::{
    io::{self, ErrorKind},
    net::IpAddr,
    time::{Duration, Instant},
};

use dvs_tests::netns::{
    Lab, run,
    socket::{Connection, listen, send_datagrams, try_connect},
};

use super::{HTTPS, OTHER, PAIRS, WEB, dvs, ips, lab};

/// Less than the second after which a program that was told nothing tries again.
const AT_ONCE: Duration = Duration::from_millis(900);

/// What Linux makes of "communication administratively prohibited".
fn prohibited(ip: IpAddr) -> ErrorKind {
    if ip.is_ipv4() { ErrorKind::HostUnreachable } else { ErrorKind::PermissionDenied }
}

/// Whoever asks a VM is told that it is of no use.
#[track_caller]
fn is_told(lab: &Lab, from: &str, to: &str) {
    for ip in ips(lab, to) {
        is_told_at(lab, from, ip);
    }
}

/// The same at one address.
#[track_caller]
pub(super) fn is_told_at(lab: &Lab, from: &str, ip: IpAddr) {
    let sender = &lab.vm(from).namespace;
    let refused = |what: &str, deed: &dyn Fn() -> io::Result<()>, wanted| {
        let start = Instant::now();
        let said = deed();
        let kind = said.as_ref().err().map(io::Error::kind);
        assert_eq!(kind, Some(wanted), "{what} from {from} to {ip}: {said:?}\n{}", tell_drops(lab));
        assert!(start.elapsed() < AT_ONCE, "{what} from {from} to {ip} took {:?}", start.elapsed());
    };
    refused("a connection", &|| try_connect(sender, ip, OTHER).map(drop), ErrorKind::ConnectionRefused);
    let asker = send_datagrams(sender, ip, OTHER);
    let datagram = || {
        asker.send(b"what?")?;
        asker.recv(&mut [0]).map(drop)
    };
    refused("a datagram", &datagram, prohibited(ip));
}

fn tell_drops(lab: &Lab) -> String {
    run(&mut lab.host.cli("drops"))
}

#[test]
fn who_is_rejected_is_told_at_once() {
    let lab = lab(WEB);
    dvs(&lab, "policy set web --default reject");
    for (client, server) in PAIRS {
        is_told(&lab, client, server);
        // The firewall is the sender's own.
        is_told(&lab, server, client);
    }
}

#[test]
fn it_does_not_matter_who_computes_checksums() {
    let lab = lab(WEB);
    dvs(&lab, "policy set web --default reject");
    for vm in ["p2", "p3", "p4", "p5", "u9"] {
        run(lab.vm(vm).namespace.command("ethtool").args(["-K", "eth0", "tx", "off"]));
    }
    for (client, server) in PAIRS {
        is_told(&lab, client, server);
        is_told(&lab, server, client);
    }
}

#[test]
fn a_connection_that_is_rejected_later_ends_at_both_ends() {
    let lab = lab(WEB);
    for (client, server) in PAIRS {
        let (from, to) = (&lab.vm(client).namespace, &lab.vm(server).namespace);
        let listener = listen(to, HTTPS);
        for ip in ips(&lab, server) {
            let connection = Connection::open(from, ip, &listener);
            connection.talk();
            dvs(&lab, "rule set web https --action reject");
            for end in connection.ends_after(b"late") {
                assert_eq!(end, ErrorKind::ConnectionReset, "{client} to {ip}\n{}", tell_drops(&lab));
            }
            dvs(&lab, "rule set web https --action allow");
        }
    }
}
