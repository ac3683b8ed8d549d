//! Overlay networks: the cases, and what is in the tunnels.

use dvs_tests::{
    actors::{MAC_A, MAC_X},
    fixture::{
        Step,
        overlay::{BLUE, BLUE_VNI, cases, topology},
    },
    frame::eth,
    sim::{Hook, Sim, SimPacket},
};
use switch_common::{
    table::overlay,
    verdict::{DropReason, Verdict},
};
use switch_ebpf::tunnel::Tunnel;

use super::{fixtures::check_sent, number};

#[test]
fn overlays() {
    let mut wrong = Vec::new();
    for case in cases() {
        let sim = Sim::new(&topology(number));
        for (index, step) in case.steps.iter().enumerate() {
            if let Step::Send(sent) = step
                && let Err(error) = check_sent(&sim, sent)
            {
                wrong.push(format!("{}, step {index}: {error}", case.name));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_frame_in_a_tunnel_has_no_tag_and_says_whose_it_is() {
    let topology = topology(number);
    let frame = eth(MAC_X, MAC_A).noise(46);
    let (tunnel, inner) = Sim::new(&topology).into_tunnel(topology.ifindexes["h2"], &frame.tagged(BLUE));
    assert_eq!((tunnel.vni, inner), (BLUE_VNI, frame));
    let ends = [tunnel.local, tunnel.remote];
    assert_eq!(ends, [1, 2].map(|host| overlay::ipv4([192, 0, 2, host])));
}

#[test]
fn nobody_else_has_a_tunnel_here() {
    let topology = topology(number);
    let sim = Sim::new(&topology);
    let device = u32::try_from(topology.image.config.tunnels).unwrap();
    let unknown = Verdict::Drop(DropReason::UnknownTunnel);
    let stranger = Tunnel { vni: BLUE_VNI, remote: overlay::ipv4([192, 0, 2, 9]), ..Tunnel::default() };
    let frame = eth(MAC_A, MAC_X).noise(46);
    assert_eq!(sim.run(SimPacket::new(Hook::Tc, device, &frame).out_of(stranger)).verdict, unknown);
    assert_eq!(sim.send(Hook::Tc, device, &frame).verdict, unknown, "a frame that came by no tunnel");
    assert_eq!(sim.tables.dropped(0, DropReason::UnknownTunnel), 2);
}
