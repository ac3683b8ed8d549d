//! The cache of the pipeline in the driver of an uplink.
//!
//! A packet socket on the uplink sees what the driver hands to the kernel, before TC: a frame that arrives
//! at its port and was not seen there was forwarded by XDP. veth is a driver with native XDP, if its peer
//! leaves tags in the frames; its frames go to taps, because nothing has to be set up there.

use dvs_tests::netns::frames::{CUSTOMER, Frame, MAC_1, MAC_2, MAC_9, data};
use dvs_tests::netns::{Lab, Tap, Wire, run};
use switch_user::report::XdpMode;

const NATIVE: &str = "
- {kind: Network, name: blue, vlan: 10}
- {kind: Network, name: green, vlan: 20}
- {kind: Uplink, name: u9, vlans: '10,20,30', native: 20, xdp: native}
";

const TAPS: &str = "
- {kind: Port, name: t1, network: blue, device: t1, mac: ['02:00:00:00:00:01']}
- {kind: Port, name: t2, trunk: '10,20', device: t2, mac: ['02:00:00:00:00:02']}
";

struct Setup {
    taps: [Tap; 2],
    before_tc: Wire,
    lab: Lab,
}

fn setup() -> Setup {
    let lab = Lab::silent(NATIVE);
    run(lab.vm("u9").namespace.command("ethtool").args(["-K", "eth0", "tx-vlan-hw-insert", "off"]));
    let taps = ["t1", "t2"].map(|name| Tap::new(&lab.host.namespace, name));
    lab.host.apply(TAPS);
    assert_eq!(lab.host.port("u9").xdp, Some(XdpMode::Native));
    let before_tc = Wire::open(&lab.host.namespace, "u9");
    Setup { taps, before_tc, lab }
}

impl Setup {
    /// Sends a frame from outside that a tap has to get in this form.
    #[track_caller]
    fn arrives(&self, frame: &Frame, tap: usize, wanted: &Frame) {
        self.lab.vm("u9").wire.send(frame);
        assert_eq!(self.taps[tap].receive(), *wanted);
    }
}

#[test]
fn known_stations_are_served_by_the_driver() {
    let setup = setup();
    let (to_1, to_2) = (data(MAC_1, MAC_9), data(MAC_2, MAC_9));
    let cases = [
        ("tag popped", to_1.tagged(10), 0, to_1),
        ("tag kept", to_2.with_tag(CUSTOMER, 0xa00a), 1, to_2.with_tag(CUSTOMER, 0xa00a)),
        ("tag pushed", to_2.clone(), 1, to_2.tagged(20)),
    ];
    for (name, frame, tap, wanted) in &cases {
        println!("{name}");
        // The first frame of a station is learned by the pipeline, the next one finds it.
        setup.arrives(frame, *tap, wanted);
        setup.arrives(frame, *tap, wanted);
        setup.arrives(frame, *tap, wanted);
    }
    let not_ours = data(MAC_1, MAC_9).tagged(99);
    setup.lab.vm("u9").wire.send(&not_ours);
    let seen: Vec<Frame> =
        std::iter::from_fn(|| Some(setup.before_tc.receive()).filter(|frame| *frame != not_ours)).collect();
    // VLAN 10 is learned by the first case, VLAN 20 by the last.
    assert_eq!(seen, [cases[0].1.clone(), cases[2].1.clone()], "left is what came past XDP");
}

#[test]
fn what_the_driver_forwards_is_counted() {
    let setup = setup();
    let frame = data(MAC_1, MAC_9);
    for _ in 0..5 {
        setup.arrives(&frame.tagged(10), 0, &frame);
    }
    let (uplink, tap) = (setup.lab.host.counters("u9"), setup.lab.host.counters("t1"));
    assert_eq!((uplink.out_packets, tap.in_packets), (5, 5));
    assert_eq!(tap.in_bytes, uplink.out_bytes);
    setup.taps[0].send(&data(MAC_9, MAC_1));
    assert_eq!(setup.lab.vm("u9").wire.receive(), data(MAC_9, MAC_1).tagged(10));
}
