//! Packets that nobody thought of, against the oracle that routes.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use dvs_tests::{
    fate::Fate,
    frame::{Frame, Ip, Packet, advertisement, eth, ip, solicitation, verify},
    oracle::Router,
    sim::Sim,
    topology::{HOST_MAC, Topology},
};
use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
use switch_common::{
    addr::{GATEWAY_MAC, Mac},
    verdict::DropReason,
    wire::eth::{IPV4, IPV6},
};

use super::number;

/// Two routers, the second with the addresses of the first again, and a network without one.
const ROUTED: &str = "
- {apiVersion: dvs/v1, kind: Router, name: r1}
- {apiVersion: dvs/v1, kind: Router, name: r2, reversePath: 'off'}
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10, router: r1, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {apiVersion: dvs/v1, kind: Network, name: green, vlan: 20, router: r1, mtu: 1400, subnet: [10.0.20.0/24, 'fd00:20::/64', 10.0.21.0/24], gateway: [10.0.20.1, 'fd00:20::1']}
- {apiVersion: dvs/v1, kind: Network, name: red, vlan: 30, router: r2, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.1, 'fd00:10::1']}
- {apiVersion: dvs/v1, kind: Network, name: plain, vlan: 40}
- {apiVersion: dvs/v1, kind: Network, name: outer, vlan: 50, router: r1, subnet: [10.0.50.0/24], gateway: [10.0.50.1]}
- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: 192.0.2.0/24, via: [10.0.20.3]}
- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: 192.0.2.128/25, blackhole: true}
- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: 198.51.100.0/24, via: [10.0.20.2, 10.0.20.3, 10.0.10.3]}
- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: 203.0.113.0/24, unreachable: true}
- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: '2001:db8:1::/48', via: ['fd00:20::2', 'fd00:20::3', 'fd00:10::3']}
- {apiVersion: dvs/v1, kind: Route, router: r1, prefix: '2001:db8:2::/48', unreachable: true}
- {apiVersion: dvs/v1, kind: Route, router: r2, prefix: 0.0.0.0/0, via: [10.0.10.3]}
- {apiVersion: dvs/v1, kind: Port, name: a, network: blue, device: va, mac: ['02:00:00:00:00:02'], ip: [10.0.10.2, 'fd00:10::2']}
- {apiVersion: dvs/v1, kind: Port, name: b, network: blue, device: vb}
- {apiVersion: dvs/v1, kind: Port, name: g, network: green, device: vg, mac: ['02:00:00:00:00:22'], ip: [10.0.20.2, 'fd00:20::2']}
- {apiVersion: dvs/v1, kind: Port, name: h, network: green, device: vh}
- {apiVersion: dvs/v1, kind: Port, name: d, network: green, device: vd, admin: down, mac: ['02:00:00:00:00:24'], ip: [10.0.20.4, 'fd00:20::4']}
- {apiVersion: dvs/v1, kind: Port, name: r, network: red, device: vr, mac: ['02:00:00:00:00:32'], ip: [10.0.10.2, 'fd00:10::2']}
- {apiVersion: dvs/v1, kind: Port, name: s, network: red, device: vs}
- {apiVersion: dvs/v1, kind: Port, name: p, network: plain, device: vp}
- {apiVersion: dvs/v1, kind: Port, name: q, network: outer, qinq: true, device: vq}
- {apiVersion: dvs/v1, kind: Port, name: t, trunk: '10,20,30,50', device: vt}
- {apiVersion: dvs/v1, kind: Uplink, name: u, vlans: '10,20,50', native: 30, xdp: off}
- {apiVersion: dvs/v1, kind: Uplink, name: w, vlans: '40', xdp: off}
";

/// Ports with an address of their own, which they may not leave.
const GUARDED: [(&str, u8, [&str; 2]); 3] = [
    ("a", 0x02, ["10.0.10.2", "fd00:10::2"]),
    ("g", 0x22, ["10.0.20.2", "fd00:20::2"]),
    ("r", 0x32, ["10.0.10.2", "fd00:10::2"]),
];

/// Addresses that mean something, the most likely first.
const V4: [&str; 20] = [
    "10.0.10.2",
    "10.0.10.3",
    "10.0.20.2",
    "10.0.20.3",
    "198.51.100.1",
    "192.0.2.1",
    "10.0.10.1",
    "10.0.20.1",
    "10.0.50.3",
    "10.0.50.1",
    "192.0.2.200",
    "203.0.113.1",
    "10.0.20.4",
    "10.0.21.5",
    "8.8.8.8",
    "127.0.0.1",
    "224.0.0.5",
    "169.254.1.1",
    "0.0.0.0",
    "255.255.255.255",
];
const V6: [&str; 16] = [
    "fd00:10::2",
    "fd00:10::3",
    "fd00:20::2",
    "fd00:20::3",
    "2001:db8:1::1",
    "fd00:10::1",
    "fd00:20::1",
    "fe80::64:76ff:fe73:1",
    "2001:db8:2::1",
    "2001:db8:3::1",
    "fd00:20::4",
    "fe80::ff:fe00:3",
    "ff02::1",
    "::",
    "::1",
    "fe80::1",
];

/// A packet as numbers.
#[derive(Clone, Debug)]
struct Spec {
    from: &'static str,
    v4: bool,
    addresses: [Index; 2],
    macs: [u8; 2],
    tag: Option<u16>,
    hops: u8,
    kind: u8,
    ports: [u8; 2],
    odd: u8,
}

fn spec() -> impl Strategy<Value = Spec> {
    let from = prop::sample::select(vec![
        "a", "b", "b", "g", "h", "h", "d", "r", "s", "p", "q", "t", "t", "u", "u", "w",
    ]);
    let hops = prop_oneof![12 => Just(64u8), 1 => Just(0), 2 => Just(1), 1 => Just(2)];
    let tag = prop_oneof![
        4 => prop::sample::select(vec![10u16, 20, 0xa00a, 0x6014]).prop_map(Some),
        1 => prop::sample::select(vec![30u16, 50, 40, 0xa000]).prop_map(Some),
        1 => Just(None),
    ];
    (
        from,
        any::<bool>(),
        any::<[Index; 2]>(),
        any::<[u8; 2]>(),
        tag,
        hops,
        any::<u8>(),
        any::<[u8; 2]>(),
        any::<u8>(),
    )
        .prop_map(|(from, v4, addresses, macs, tag, hops, kind, ports, odd)| Spec {
            from,
            v4,
            addresses,
            macs,
            tag,
            hops,
            kind,
            ports,
            odd,
        })
}

/// One of these, the first ones more often.
fn any_of<'a>(list: &[&'a str], index: Index) -> &'a str {
    let place = index.index(list.len() * list.len());
    list[list.len() - 1 - place.isqrt()]
}

fn parsed(address: &str) -> IpAddr {
    let Ok(address) = address.parse() else { unreachable!("{address} is an address") };
    address
}

impl Spec {
    fn guarded(&self) -> Option<(Mac, IpAddr)> {
        let (_, mac, ips) = GUARDED.iter().find(|(port, ..)| *port == self.from)?;
        Some((station(*mac), parsed(ips[usize::from(!self.v4)])))
    }

    fn address(&self, which: usize) -> IpAddr {
        if which == 0
            && let Some((_, own)) = self.guarded()
        {
            return own;
        }
        parsed(any_of(if self.v4 { &V4 } else { &V6 }, self.addresses[which]))
    }

    fn source_mac(&self) -> Mac {
        if let Some((own, _)) = self.guarded() {
            return own;
        }
        match self.macs[0] {
            0 => GATEWAY_MAC,
            1 => HOST_MAC,
            number => station([0x03, 0x13, 0x23, 0x33][usize::from(number % 4)]),
        }
    }

    /// The router's, as the port sees it, most of the time.
    fn destination_mac(&self) -> Mac {
        let (own, other) =
            if ["u", "w"].contains(&self.from) { (HOST_MAC, GATEWAY_MAC) } else { (GATEWAY_MAC, HOST_MAC) };
        match self.macs[1] {
            0..200 => own,
            200..210 => other,
            number => station([0x02, 0x22, 0x03, 0x23][usize::from(number % 4)]),
        }
    }

    /// The packet, and how many octets of payload each segment has, or 0.
    fn packet(&self) -> (Packet, u32) {
        let header = self.header();
        let [source, destination] = self.ports.map(|port| 1000 + u16::from(port % 3));
        let data = |octets: usize| vec![self.odd; octets];
        let size = [10, 11, 100, 1000, 1360, 1372, 1380, 1472, 1500][usize::from(self.odd % 9)];
        let size = if self.odd < 200 { 10 + usize::from(self.odd % 2) } else { size };
        let packet = match self.kind {
            0..70 => header.udp(source, destination, &data(size)),
            70..140 => header.tcp(
                source,
                destination,
                [0x10, 0x10, 0x02, 0x12, 0x11, 0x04][usize::from(self.odd % 6)],
                &data(size),
            ),
            140..180 => header.echo(source, 1, &data(size)),
            180..190 => header.icmp([0, 129][usize::from(!self.v4)], 0, 0x0001_0001, &data(20)),
            190..200 => header.icmp([3, 1, 11, 5, 200][usize::from(self.odd % 5)], 1, 0, &data(40)),
            200..210 => header.payload(47, &data(30)),
            210..220 => return self.fragment(&header.udp(source, destination, &data(40))),
            220..225 => return self.fragment(&header.echo(source, 1, &data(40))),
            225..230 if self.guarded().is_none() => {
                header.payload([1, 58, 6, 17][usize::from(self.odd % 4)], &data(usize::from(self.odd % 9)))
            }
            _ => return self.segments(&header, [source, destination]),
        };
        (packet, 0)
    }

    /// Now and then something that is not routed, or looks odd.
    fn header(&self) -> Ip {
        let header = ip(self.address(0), self.address(1)).hops(self.hops).id(u16::from(self.odd));
        match self.ports[1] {
            255 => header.options(&[1, 1, 1, 0]).extension(43, &[0; 6]),
            254 => header.extension(0, &[1, 4, 0, 0, 0, 0]).class(0x28),
            250..254 => header.fragmentable(),
            _ => header,
        }
    }

    fn fragment(&self, packet: &Packet) -> (Packet, u32) {
        let parts = packet.fragments(16);
        (parts[usize::from(self.ports[0]) % parts.len()].clone(), 0)
    }

    fn segments(&self, header: &Ip, [source, destination]: [u16; 2]) -> (Packet, u32) {
        let segment = [1000, 1360, 1361, 1372, 1373, 1460, 1461][usize::from(self.odd % 7)];
        let data = vec![self.odd; 3000];
        if self.odd.is_multiple_of(2) {
            (header.tcp(source, destination, 0x10, &data), segment)
        } else {
            (header.udp(source, destination, &data), segment)
        }
    }

    fn frame(&self) -> (Frame, u32) {
        let (mac, source, destination) = (self.source_mac(), self.address(0), self.address(1));
        let tagged = |frame: Frame| match self.tag.filter(|_| ["t", "u", "w"].contains(&self.from)) {
            Some(tci) => frame.with_tag(0x8100, tci),
            None => frame,
        };
        if self.kind >= 245 {
            return (tagged(talk(self, mac, source, destination)), 0);
        }
        let to_router = self.destination_mac();
        let (packet, segment) = self.packet();
        let segment = if self.macs[1] < 200 && !["p", "w"].contains(&self.from) { segment } else { 0 };
        // What is no packet at all is the guard's business where there is one.
        let packet = if self.guarded().is_some() { packet } else { broken(packet, self.ports) };
        (tagged(eth(to_router, mac).payload(if self.v4 { IPV4 } else { IPV6 }, &packet.0)), segment)
    }
}

/// Now and then a packet that lies about itself.
fn broken(mut packet: Packet, [about, how]: [u8; 2]) -> Packet {
    if (70..100).contains(&about) {
        match how % 4 {
            0 => packet.0[0] ^= 0x10,
            1 => packet.0[2] ^= 0x40,
            2 if packet.is_v4() => packet.0[10] ^= 1,
            _ => packet.0.truncate(usize::from(how)),
        }
    }
    if about == 100 {
        packet.0.extend([0; 30]);
    }
    packet
}

fn station(last: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, last])
}

/// ARP or neighbour discovery.
fn talk(spec: &Spec, mac: Mac, source: IpAddr, target: IpAddr) -> Frame {
    let router = spec.destination_mac();
    match (source, target) {
        (IpAddr::V4(source), IpAddr::V4(target)) => match spec.kind % 4 {
            0 | 1 => eth(Mac::BROADCAST, mac).arp(mac, source, target),
            2 => eth(router, mac).arp_reply((mac, source), (router, target)),
            _ => eth(Mac::BROADCAST, mac).arp(mac, source, source),
        },
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            let source = if source.is_multicast() { Ipv6Addr::UNSPECIFIED } else { source };
            match spec.kind % 4 {
                0 | 1 => solicitation(mac, source, target),
                2 => advertisement(mac, source, Some((router, target.into())), false),
                _ => advertisement(mac, source, None, false),
            }
        }
        _ => eth(Mac::BROADCAST, mac).arp(mac, Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST),
    }
}

/// Why frames must have been dropped, for the test to have seen everything. Memory never runs out here.
fn reasons() -> impl Iterator<Item = DropReason> {
    let of_router = DropReason::SpoofedGateway as u16..DropReason::EditFailed as u16;
    DropReason::ALL.iter().copied().filter(move |reason| of_router.contains(&(*reason as u16)))
}

/// Sends a packet to both, and notes what became of it.
fn compare(sim: &Sim, oracle: &mut Router, spec: &Spec, seen: &mut Seen) -> Result<(), TestCaseError> {
    let (frame, segment) = spec.frame();
    let fate = sim.fate(spec.from, &frame, segment);
    let judged = oracle.judge(spec.from, &frame, segment, &fate);
    prop_assert!(judged.is_ok(), "{}: {:?}\nbecame {:?}\nnot {:#?}", spec.from, frame, fate, judged);
    if segment == 0 && verify(&frame).is_ok() {
        let wrong = fate.sent().values().find_map(|frame| verify(frame).err());
        prop_assert_eq!(wrong, None, "{:?} becomes {:?}", frame, fate);
    }
    match fate {
        Fate::Drop(reason, _) | Fate::DropAt(_, reason, _) => drop(seen.reasons.insert(reason)),
        Fate::Forward(..) if sim.tables.flows() > 0 => seen.flows += 1,
        Fate::Forward(..) | Fate::Flood(..) | Fate::Taken | Fate::Pass => {}
    }
    Ok(())
}

/// What all cases together have seen.
#[derive(Default)]
struct Seen {
    reasons: BTreeSet<DropReason>,
    flows: u32,
}

/// Every packet is sent twice: what its flow does is what routing did.
#[test]
fn the_router_does_what_the_oracle_says() {
    let packets = prop::collection::vec(spec(), 1..5);
    let pause = prop::sample::select(vec![150_u64, 1100]);
    let order = prop::collection::vec((any::<Index>(), pause), 1..12);
    let topology = Topology::new(ROUTED, number);
    let seen = RefCell::<Seen>::default();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let result = runner.run(&(packets, order), |(packets, order)| {
        let (sim, mut oracle) = (Sim::new(&topology), Router::new(&topology.validated, 1500));
        for (index, pause) in order {
            sim.wait(pause);
            oracle.wait(pause);
            for _ in 0..2 {
                compare(&sim, &mut oracle, index.get(&packets), &mut seen.borrow_mut())?;
            }
        }
        Ok(())
    });
    assert!(result.is_ok(), "{}", result.unwrap_err());
    let seen = seen.into_inner();
    let missed: Vec<_> = reasons().filter(|reason| !seen.reasons.contains(reason)).collect();
    assert_eq!(missed, [], "no packet was dropped for these");
    assert!(seen.flows > 200, "only {} packets were forwarded beside flows", seen.flows);
}
