//! How connections are written.

use super::valid;
use crate::classifier::ends::connection;

/// Both ends and what is carried, or the error.
fn read(from: &str, to: &str) -> String {
    match connection(&valid(""), from, to, 7) {
        Err(error) => error.to_string(),
        Ok(connection) => {
            let end = |port: Option<&str>, address| format!("{}={address}", port.unwrap_or("-"));
            let (protocol, ports) = (connection.service.protocol, connection.service.ports);
            let (from, to) =
                (end(connection.from, connection.source), end(connection.to, connection.destination));
            let ports = ports.map(|[source, destination]| format!(" {source}>{destination}"));
            format!("{from} {to} {protocol}{}", ports.unwrap_or_default())
        }
    }
}

#[test]
fn ends_are_ports_and_addresses() {
    for (from, to, expected) in [
        ("p1", "10.0.10.2:443", "p1=10.0.10.1 p2=10.0.10.2 6 7>443"),
        ("p1", "p2:443/tcp", "p1=10.0.10.1 p2=10.0.10.2 6 7>443"),
        ("p1", "192.0.2.1:53/udp", "p1=10.0.10.1 -=192.0.2.1 17 7>53"),
        ("p1", "192.0.2.1:53/sctp", "p1=10.0.10.1 -=192.0.2.1 132 7>53"),
        ("192.0.2.1", "p2", "-=192.0.2.1 p2=10.0.10.2 1"),
        ("192.0.2.1", "p2/47", "-=192.0.2.1 p2=10.0.10.2 47"),
        ("192.0.2.1", "p2:80/6", "-=192.0.2.1 p2=10.0.10.2 6 7>80"),
        ("p1", "2001:db8::1", "p1=fd00::1 -=2001:db8::1 58"),
        ("p1", "[2001:db8::1]", "p1=fd00::1 -=2001:db8::1 58"),
        ("p1", "[2001:db8::1]:53/udp", "p1=fd00::1 -=2001:db8::1 17 7>53"),
        ("2001:db8::1", "p1:53", "-=2001:db8::1 p1=fd00::1 6 7>53"),
        ("fd00::1", "fd00::4", "p1=fd00::1 p4=fd00::4 58"),
        // The first address of the sender whose family the receiver has.
        ("p1", "p4", "p1=10.0.10.1 p4=10.0.10.1 1"),
        ("p4", "p1", "p4=fd00::4 p1=fd00::1 58"),
        ("p4", "p1/icmp", "p4=10.0.10.1 p1=10.0.10.1 1"),
        ("p1", "p4/icmpv6", "p1=fd00::1 p4=fd00::4 58"),
    ] {
        assert_eq!(read(from, to), expected, "{from} {to}");
    }
}

#[test]
fn what_is_no_question_is_refused() {
    let unreadable = |text: &str| format!("{text:?} is no destination");
    for text in ["p2:", "p2:http", "p2:65536", "p2/gre", "p2/256", "", ":80", "[fd00::1", "[fd00::1]80"] {
        assert_eq!(read("p1", text), unreadable(text));
    }
    for (from, to, expected) in [
        ("p9", "p1", "there is no port named \"p9\""),
        ("p1", "p9:80", "there is no port named \"p9\""),
        ("p1:80", "p2", "there is no port named \"p1:80\""),
        ("192.0.2.1", "192.0.2.2", "neither end is a port of the switch"),
        ("10.0.10.1", "p2", "several ports have the address 10.0.10.1: p1, p4"),
        ("p3", "p2", "port p3 has no IPv4 address (--ip)"),
        ("p3", "p4", "port p3 has no IPv6 address (--ip)"),
        ("p3", "p3", "port p3 has no IPv4 address (--ip)"),
        ("fd00::1", "p2", "port p2 has no IPv6 address (--ip)"),
        ("p2", "p1/icmpv6", "port p2 has no IPv6 address (--ip)"),
        ("p2", "2001:db8::1", "port p2 has no IPv6 address (--ip)"),
        ("10.0.10.2", "fd00::4", "fd00::4 is no IPv4 address, as the other end or the protocol wants it"),
        (
            "p1",
            "2001:db8::1/icmp",
            "2001:db8::1 is no IPv4 address, as the other end or the protocol wants it",
        ),
        ("p1", "p2/tcp", "packets of tcp go to a port"),
        ("p1", "p2:8/icmp", "packets of icmp go to no port"),
        ("p1", "p2:8/47", "packets of 47 go to no port"),
    ] {
        assert_eq!(read(from, to), expected, "{from} {to}");
    }
}
