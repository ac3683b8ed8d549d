//! Groups: who has a firewall, and who is let in, follows labels and addresses.

use dvs_tests::netns::{
    Lab,
    socket::{Connection, listen, try_connect},
};

use super::{GREEN, HTTPS, OTHER, dropping, dvs, ips, lab};

/// A VM reaches a port of another one over both families.
#[track_caller]
fn reaches(lab: &Lab, from: &str, to: &str, port: u16) {
    let listener = listen(&lab.vm(to).namespace, port);
    for ip in ips(lab, to) {
        Connection::open(&lab.vm(from).namespace, ip, &listener).talk();
    }
}

/// A VM does not reach a port of another one, because of its firewall.
#[track_caller]
fn is_kept_out(lab: &Lab, from: &str, to: &str, port: u16) {
    let _listener = listen(&lab.vm(to).namespace, port);
    for ip in ips(lab, to) {
        let tried = dropping(lab, (to, "policy-in"), || try_connect(&lab.vm(from).namespace, ip, port));
        assert!(tried.is_err(), "{from} reaches {ip}");
    }
}

#[test]
fn a_label_gives_a_port_its_firewall() {
    let lab = lab("");
    reaches(&lab, "p3", "p4", OTHER);
    dvs(&lab, "port set p4 --label role=server");
    is_kept_out(&lab, "p3", "p4", OTHER);
    dvs(&lab, "port set p4 --clear label");
    reaches(&lab, "p3", "p4", OTHER);
    // The group of a policy may be another one, and have members of its own.
    dvs(&lab, "group add more --ports p4 --groups servers");
    dvs(&lab, "policy set web --applies-to more");
    for server in ["p2", "p4"] {
        is_kept_out(&lab, "p3", server, OTHER);
    }
    dvs(&lab, "policy set web --clear applies-to");
    for server in ["p2", "p4"] {
        reaches(&lab, "p3", server, OTHER);
    }
}

#[test]
fn a_peer_group_lets_its_members_in() {
    let lab = lab("
- {kind: Group, name: office, selector: {role: client}}
- {kind: Rule, policy: web, name: office, priority: 10, direction: in, action: allow, proto: tcp, port: '443', peer: 'group:office'}
");
    for client in ["p3", "p4", "u9"] {
        is_kept_out(&lab, client, "p2", HTTPS);
    }
    dvs(&lab, "port set p3 --label role=client");
    reaches(&lab, "p3", "p2", HTTPS);
    is_kept_out(&lab, "p4", "p2", HTTPS);
    // Another address of the member's.
    dvs(&lab, "port set p3 --ip 10.0.10.33 --ip fd00:10::33");
    lab.vm("p3").namespace.ip(
        "addr del 10.0.10.3/24 dev eth0\naddr del fd00:10::3/64 dev eth0\naddr add 10.0.10.33/24 dev eth0\n\
         addr add fd00:10::33/64 dev eth0\nroute replace default via 10.0.10.1\nroute replace ::/0 via fd00:10::1",
    );
    reaches(&lab, "p3", "p2", HTTPS);
    dvs(&lab, &format!("group set office --prefixes 10.0.{GREEN}.0/24,fd00:{GREEN}::/64"));
    reaches(&lab, "p4", "p2", HTTPS);
    reaches(&lab, "p3", "p2", HTTPS);
    is_kept_out(&lab, "u9", "p2", HTTPS);
    dvs(&lab, "group set office --clear selector");
    is_kept_out(&lab, "p3", "p2", HTTPS);
    reaches(&lab, "p4", "p2", HTTPS);
}
