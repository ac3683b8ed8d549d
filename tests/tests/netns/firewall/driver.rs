//! The cache in the driver of an uplink knows no more than the firewall lets it.

use dvs_tests::{
    frame::{Frame, eth, ip},
    netns::{
        Lab, Tap, Wire,
        frames::{IP_1, IP_2, MAC_1, MAC_9},
        run,
    },
};
use switch_common::wire::tcp::{ACK, SYN};

use super::{dropping, dvs};

const NATIVE: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Uplink, name: u9, vlans: '10', native: 10, xdp: native}
";

/// A tap, because a driver can hand frames to one without its peer's help.
const SERVER: &str = "
- {kind: Port, name: t1, network: blue, device: t1, mac: ['02:00:00:00:00:01'], ip: [10.0.0.1]}
- {kind: Group, name: servers, ports: [t1]}
- {kind: Policy, name: web, appliesTo: servers}
- {kind: Rule, policy: web, name: http, priority: 10, direction: in, action: allow, proto: tcp, port: '80'}
- {kind: Rule, policy: web, name: ssh, priority: 10, direction: in, action: allow, proto: tcp, port: '22'}
";

/// A packet of the client outside.
fn asked(port: u16, flags: u8, data: &[u8]) -> Frame {
    eth(MAC_1, MAC_9).ip(&ip(IP_2, IP_1).tcp(40_000, port, flags, data))
}

/// A packet of the server.
fn answered(port: u16, flags: u8, data: &[u8]) -> Frame {
    eth(MAC_9, MAC_1).ip(&ip(IP_1, IP_2).tcp(port, 40_000, flags, data))
}

struct Setup {
    tap: Tap,
    before_tc: Wire,
    lab: Lab,
}

impl Setup {
    fn new() -> Self {
        let lab = Lab::silent(NATIVE);
        run(lab.vm("u9").namespace.command("ethtool").args(["-K", "eth0", "tx-vlan-hw-insert", "off"]));
        let tap = Tap::new(&lab.host.namespace, "t1");
        lab.host.apply(SERVER);
        let before_tc = Wire::open(&lab.host.namespace, "u9");
        Self { tap, before_tc, lab }
    }

    #[track_caller]
    fn asks(&self, frame: &Frame) {
        self.lab.vm("u9").wire.send(frame);
        assert_eq!(self.tap.receive(), *frame);
    }

    #[track_caller]
    fn answers(&self, frame: &Frame) {
        self.tap.send(frame);
        assert_eq!(self.lab.vm("u9").wire.receive(), *frame);
    }

    /// Opens a connection and talks until the driver could know it.
    #[track_caller]
    fn talks(&self, port: u16) {
        self.asks(&asked(port, SYN, b""));
        self.answers(&answered(port, SYN | ACK, b""));
        for turn in *b"abcd" {
            self.asks(&asked(port, ACK, &[turn]));
            self.answers(&answered(port, ACK, &[turn]));
        }
    }
}

#[test]
fn a_change_cuts_what_the_driver_forwards() {
    let setup = Setup::new();
    setup.talks(80);
    setup.talks(22);
    // What came before TC was not taken by the driver.
    let last = asked(22, ACK, b"last");
    setup.asks(&last);
    let refused = asked(81, SYN, b"");
    dropping(&setup.lab, ("t1", "policy-in"), || setup.lab.vm("u9").wire.send(&refused));
    let seen = setup.before_tc.receive_until(&refused);
    println!("{} frames have passed the driver", seen.len());
    assert!(!seen.contains(&last), "the driver takes nothing of a connection that is known");
    dvs(&setup.lab, "rule remove web http");
    dropping(&setup.lab, ("t1", "policy-in"), || setup.lab.vm("u9").wire.send(&asked(80, ACK, b"late")));
    dropping(&setup.lab, ("t1", "policy-out"), || setup.tap.send(&answered(80, ACK, b"late")));
    // The next frame is one of the other connection, so none of the former has come.
    setup.asks(&asked(22, ACK, b"more"));
    setup.answers(&answered(22, ACK, b"more"));
    dvs(&setup.lab, "rule add web http --priority 10 --direction in --action allow --proto tcp --port 80");
    setup.asks(&asked(80, ACK, b"late"));
    setup.answers(&answered(80, ACK, b"late"));
}
