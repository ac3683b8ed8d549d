//! Packets that are too large for their way: errors about them, and their fragments.

use std::net::IpAddr;

use dvs_tests::{
    frame::{Error, Frame, eth, ip},
    netns::{
        Lab, Namespace, run,
        socket::{Connection, ask, is_empty, listen, send_datagrams, take_datagrams},
        until,
    },
};
use switch_common::addr::GATEWAY_MAC;
use switch_common::wire::tcp::ACK;

use super::{DNS, OTHER, PAIRS, WEB, dropping, dvs, ips, lab, nothing_is_refused};

/// A server may only open connections to a place behind the VM at p4, which is no port's.
const OUTWARD: &str = "
- {kind: Route, router: r, prefix: 192.0.2.0/24, via: [10.0.20.4]}
- {kind: Route, router: r, prefix: '2001:db8::/64', via: ['fd00:20::4']}
- {kind: Rule, policy: web, name: out, priority: 10, direction: out, action: allow, proto: tcp, port: '7000'}
";

const FAR: [&str; 2] = ["192.0.2.9", "2001:db8::9"];
const FAR_PORT: u16 = 7000;
/// What the last part of the way carries.
const NARROW: &str = "1300";

/// A station behind the VM at p4, which is its router and so may send from any address.
#[track_caller]
fn far(lab: &Lab) -> Namespace {
    dvs(lab, "port set p4 --clear ip");
    let (router, far) = (&lab.vm("p4").namespace, Namespace::new("far"));
    far.sysctl("ipv6/conf/default/accept_dad", "0");
    // Only towards the station the way is narrow: whoever sends too much has to be told by the router.
    router.ip(&format!(
        "link add far mtu {NARROW} type veth peer name eth0 netns {} mtu 1500\nlink set far up\n\
         addr add 192.0.2.1/24 dev far\naddr add 2001:db8::1/64 dev far nodad",
        far.name()
    ));
    router.sysctl("ipv4/ip_forward", "1");
    router.sysctl("ipv6/conf/all/forwarding", "1");
    far.ip(&format!(
        "link set eth0 up\naddr add {}/24 dev eth0\naddr add {}/64 dev eth0 nodad\n\
         route add default via 192.0.2.1\nroute add ::/0 via 2001:db8::1",
        FAR[0], FAR[1]
    ));
    far
}

#[test]
fn errors_about_an_allowed_connection_pass_a_firewall() {
    let lab = lab(OUTWARD);
    let far = far(&lab);
    let listener = listen(&far, FAR_PORT);
    let server = &lab.vm("p2").namespace;
    for to in FAR {
        let to: IpAddr = to.parse().unwrap();
        let connection = Connection::open(server, to, &listener);
        connection.stream(1 << 20);
        let route = run(server.command("ip").args(["route", "get", &to.to_string()]));
        assert!(route.contains(&format!("mtu {NARROW}")), "{route}");
    }
    nothing_is_refused(&lab);
}

/// A network that carries less than its station believes.
const NARROW_NETWORK: &str = "
- {kind: Network, name: narrow, vlan: 30, mtu: 1400, router: r, subnet: [10.0.30.0/24, 'fd00:30::/64'], gateway: [10.0.30.1, 'fd00:30::1']}
- {kind: Port, name: p6, network: narrow, mac: ['02:00:00:00:00:06'], ip: [10.0.30.6, 'fd00:30::6']}
- {kind: Rule, policy: web, name: out, priority: 10, direction: out, action: allow, proto: tcp, port: '7000'}
";

#[test]
fn errors_of_the_own_router_pass_too() {
    let lab = lab(NARROW_NETWORK);
    let subnet = 30;
    lab.vm("p6").join(subnet);
    lab.set_mtu("p6", 1500);
    let listener = listen(&lab.vm("p6").namespace, FAR_PORT);
    for to in lab.vm("p6").ips_in(subnet) {
        Connection::open(&lab.vm("p2").namespace, to, &listener).stream(1 << 20);
    }
    assert!(lab.host.drops("p2", "packet-too-big") >= 2, "nothing was too large");
    nothing_is_refused(&lab);
}

/// True for an ICMP error of the VM at p4.
fn is_error(frame: &Frame) -> bool {
    let v4 = frame.0[12..14] == [8, 0] && frame.0[23] == 1 && frame.0[34] == 3;
    v4 || frame.0[12..14] == [0x86, 0xdd] && frame.0[20] == 58 && frame.0[54] == 2
}

#[test]
fn errors_about_no_connection_do_not() {
    let lab = lab(OUTWARD);
    let far = far(&lab);
    let listener = listen(&far, FAR_PORT);
    let [own, router] = ["p2", "p4"].map(|vm| ips(&lab, vm));
    for (family, to) in FAR.into_iter().enumerate() {
        let to: IpAddr = to.parse().unwrap();
        let connection = Connection::open(&lab.vm("p2").namespace, to, &listener);
        let own_port = connection.client_port();
        lab.heard("p2");
        let send = |port: u16| {
            let about = ip(own[family], to).tcp(port, FAR_PORT, ACK, &[7; 600]).routed();
            let error = about.error(router[family], Error::TooBig(1280));
            lab.vm("p4").wire.send(&eth(GATEWAY_MAC, lab.vm("p4").mac()).ip(&error));
        };
        dropping(&lab, ("p2", "policy-in"), || send(own_port ^ 1));
        let heard: Vec<Frame> = lab.heard("p2").into_iter().filter(is_error).collect();
        assert!(heard.is_empty(), "{heard:?}");
        // The same about a packet that could have been one of the connection's.
        send(own_port);
        until("an error about the connection arrives", || lab.heard("p2").iter().any(is_error).then_some(()));
        connection.talk();
    }
}

#[test]
fn fragments_go_the_way_of_the_first() {
    let lab = lab(WEB);
    for (client, server) in PAIRS {
        let (from, to) = (&lab.vm(client).namespace, &lab.vm(server).namespace);
        let [allowed, other] = [DNS, OTHER].map(|port| take_datagrams(to, port));
        for ip in ips(&lab, server) {
            // Whoever has to be asked for first could cost a fragment.
            let asker = send_datagrams(from, ip, DNS);
            ask(&asker, &allowed, b"hello").unwrap();
            let before = lab.host.drops(server, "policy-in");
            ask(&asker, &allowed, &[7; 4000]).unwrap_or_else(|error| panic!("{client} to {ip}: {error}"));
            assert_eq!(lab.host.drops(server, "policy-in"), before);
            let stranger = send_datagrams(from, ip, OTHER);
            dropping(&lab, (server, "policy-in"), || stranger.send(&[7; 4000]).unwrap());
            ask(&asker, &allowed, b"the end").unwrap();
            assert!(is_empty(&other), "{client} to {ip}: fragments have arrived");
        }
    }
    for vm in ["p3", "p4", "u9"] {
        assert_eq!(lab.host.drops(vm, "fragment-evasion"), 0, "{vm}");
    }
}
