//! The tables of flows: what gets into them, and what their rows say.

use dvs_tests::{
    actors::{Cast, MAC_A, MAC_C, casts},
    fate::Fate,
    frame::{Error, Packet, eth, ip},
    sim::{Hook, Sim},
    topology::Topology,
};
use switch_common::{
    addr::{GATEWAY_MAC, Mac},
    table::flow::{ANSWERED, FIN, FIN_BACK, Flow, ORIGINAL, RESET},
    verdict::DropReason,
};
use switch_ebpf::tables::Tables as _;

use super::number;

const TWO: &str = "
- {apiVersion: dvs/v1, kind: Router, name: r}
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10, router: r, subnet: [10.0.10.0/24, 'fd00:10::/64'], gateway: [10.0.10.254, 'fd00:10::254']}
- {apiVersion: dvs/v1, kind: Network, name: green, vlan: 20, router: r, subnet: [10.0.20.0/24, 'fd00:20::/64'], gateway: [10.0.20.254, 'fd00:20::254']}
- {apiVersion: dvs/v1, kind: Port, name: a, network: blue, device: va, mac: ['02:00:00:00:00:0a'], ip: [10.0.10.1, 'fd00:10::1']}
- {apiVersion: dvs/v1, kind: Port, name: c, network: green, device: vc, mac: ['02:00:00:00:00:0c'], ip: [10.0.20.3, 'fd00:20::3']}
";

/// A router between stations A and C.
struct Bench {
    sim: Sim,
    topology: Topology,
    cast: Cast,
}

impl Bench {
    fn both() -> [Self; 2] {
        casts().map(|cast| {
            let topology = Topology::new(TWO, number);
            Self { sim: Sim::new(&topology), topology, cast }
        })
    }

    /// Station A sends, and C gets it.
    #[track_caller]
    fn there(&self, packet: &Packet) {
        self.pass("a", MAC_A, packet, "c", MAC_C);
    }

    /// Station C sends, and A gets it.
    #[track_caller]
    fn back(&self, packet: &Packet) {
        self.pass("c", MAC_C, packet, "a", MAC_A);
    }

    #[track_caller]
    fn pass(&self, from: &str, source: Mac, packet: &Packet, to: &str, station: Mac) {
        let wanted = Fate::forward(to, eth(station, GATEWAY_MAC).ip(&packet.routed()));
        assert_eq!(self.sim.fate(from, &eth(GATEWAY_MAC, source).ip(packet), 0), wanted);
    }

    fn tcp(&self, flags: u8) -> [Packet; 2] {
        let there = ip(self.cast.a, self.cast.c).tcp(1000, 80, flags, b"");
        [there, ip(self.cast.c, self.cast.a).tcp(80, 1000, flags, b"")]
    }

    fn udp(&self, port: u16) -> [Packet; 2] {
        let there = ip(self.cast.a, self.cast.c).udp(port, 53, b"");
        [there, ip(self.cast.c, self.cast.a).udp(53, port, b"")]
    }

    /// Established flows, and half-open ones.
    fn counts(&self) -> (usize, usize) {
        let tables = &self.sim.tables;
        let (of4, of6) =
            ((tables.flows4.len(), tables.opening4.len()), (tables.flows6.len(), tables.opening6.len()));
        let (this, other) = if self.cast.a.is_ipv4() { (of4, of6) } else { (of6, of4) };
        assert_eq!(other, (0, 0), "flows of the other family");
        this
    }

    /// The established flows: those that A sends first.
    fn established(&self) -> Vec<&Flow> {
        let tables = &self.sim.tables;
        let v4 = tables.flows4.keys().into_iter().filter_map(|key| tables.flow4(&key));
        let v6 = tables.flows6.keys().into_iter().filter_map(|key| tables.flow6(&key));
        let mut flows: Vec<&Flow> = v4.chain(v6).collect();
        flows.sort_by_key(|flow| flow.ingress != self.topology.ifindexes["a"]);
        flows
    }

    fn states(&self) -> Vec<u64> {
        self.established().into_iter().map(|flow| flow.state.get() & !ORIGINAL).collect()
    }

    /// Half-open flows that count for station A.
    fn openings(&self) -> u64 {
        self.sim.tables.openings(self.topology.slots["a"]).map_or(0, |openings| openings.count(0))
    }

    /// Flows of station A for which there was no room.
    fn crowded_out(&self) -> u64 {
        self.sim.tables.stats(self.topology.slots["a"]).map_or(0, |stats| stats.flow_full.get())
    }
}

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const FIN_ACK: u8 = 0x11;
const RST: u8 = 0x04;

#[test]
fn a_flow_is_half_open_until_it_is_answered() {
    for bench in Bench::both() {
        let [there, back] = bench.udp(1000);
        bench.there(&there);
        assert_eq!((bench.counts(), bench.openings()), ((0, 1), 1));
        bench.there(&there);
        assert_eq!((bench.counts(), bench.openings()), ((0, 1), 1));
        bench.back(&back);
        assert_eq!((bench.counts(), bench.openings()), ((2, 0), 0));
        assert_eq!(bench.states(), [ANSWERED, ANSWERED]);
        let flows = bench.established();
        assert_eq!((flows[0].packets.get(), flows[1].packets.get()), (2, 1));
        let octets = u64::try_from(14 + there.0.len()).unwrap();
        assert_eq!(flows[0].bytes.get(), 2 * octets);
        assert_eq!((flows[0].state.get() & ORIGINAL, flows[1].state.get() & ORIGINAL), (ORIGINAL, 0));
    }
}

#[test]
fn a_flow_that_goes_on_unanswered_is_established_too() {
    for bench in Bench::both() {
        let [there, _] = bench.udp(1000);
        bench.there(&there);
        bench.there(&there);
        assert_eq!(bench.counts(), (0, 1));
        bench.sim.wait(1100);
        bench.there(&there);
        assert_eq!((bench.counts(), bench.openings()), ((1, 0), 0));
        assert_eq!(bench.states(), [0]);
    }
}

#[test]
fn every_packet_of_a_flow_counts() {
    for bench in Bench::both() {
        let [there, back] = bench.udp(1000);
        bench.there(&there);
        bench.back(&back);
        for pause in [0, 10, 1100, 10] {
            bench.sim.wait(pause);
            bench.there(&there);
        }
        assert_eq!(bench.established()[0].packets.get(), 5);
    }
}

#[test]
fn a_tcp_connection_is_followed_to_its_end() {
    for bench in Bench::both() {
        let [[syn, syn_ack], [there, back], [fin, fin_back]] =
            [SYN, ACK, FIN_ACK].map(|flags| bench.tcp(flags));
        bench.there(&syn);
        bench.back(&syn_ack);
        bench.there(&there);
        bench.back(&back);
        assert_eq!(bench.states(), [ANSWERED, ANSWERED]);
        bench.there(&fin);
        assert_eq!(bench.states(), [ANSWERED | FIN, ANSWERED | FIN_BACK]);
        bench.back(&back);
        assert_eq!(bench.states(), [ANSWERED | FIN, ANSWERED | FIN_BACK]);
        bench.back(&fin_back);
        assert_eq!(bench.states(), [ANSWERED | FIN | FIN_BACK; 2]);
        bench.there(&syn);
        assert_eq!(bench.states()[0], ANSWERED, "the same ports begin anew");
    }
}

#[test]
fn a_reset_is_known_to_both_directions() {
    for bench in Bench::both() {
        let [[syn, syn_ack], [_, reset]] = [SYN, RST].map(|flags| bench.tcp(flags));
        bench.there(&syn);
        bench.back(&syn_ack);
        bench.back(&reset);
        assert_eq!(bench.states(), [ANSWERED | RESET; 2]);
    }
}

#[test]
fn a_port_has_so_many_half_open_flows_and_routes_the_others_one_by_one() {
    for bench in Bench::both() {
        let quota = bench.topology.image.config.opening_quota;
        // The table has room for fewer here, which is told in the same way.
        let room = u64::try_from(bench.sim.tables.opening4.capacity).unwrap().min(quota);
        let ports = |from: u64, to: u64| (from..to).map(|port| u16::try_from(port).unwrap());
        ports(0, room).for_each(|port| bench.there(&bench.udp(1000 + port)[0]));
        assert_eq!((bench.openings(), bench.crowded_out()), (room, 0));
        ports(room, room + 10).for_each(|port| bench.there(&bench.udp(1000 + port)[0]));
        assert_eq!((bench.openings(), bench.crowded_out()), (room, 10));
        bench.back(&bench.udp(1000)[1]);
        assert_eq!((bench.openings(), bench.counts()), (room - 1, (2, usize::try_from(room).unwrap() - 1)));
    }
}

#[test]
fn the_quota_of_one_port_leaves_room_for_others() {
    for mut bench in Bench::both() {
        let mut topology = bench.topology.clone();
        topology.image.config.opening_quota = 3;
        bench.sim.change(&topology);
        (0..5).for_each(|port| bench.there(&bench.udp(1000 + port)[0]));
        assert_eq!((bench.counts(), bench.openings(), bench.crowded_out()), ((0, 3), 3, 2));
        let from_c = ip(bench.cast.c, bench.cast.a).udp(7, 7, b"");
        bench.back(&from_c);
        assert_eq!(bench.counts(), (0, 4));
        // Established connections are none of the quota's business.
        bench.back(&bench.udp(1000)[1]);
        assert_eq!((bench.counts(), bench.openings()), ((2, 3), 2));
    }
}

#[test]
fn a_full_table_costs_nothing_but_time() {
    for mut bench in Bench::both() {
        bench.sim.tables.flows4.capacity = 2;
        bench.sim.tables.flows6.capacity = 2;
        let answered = |port| bench.udp(port);
        for [there, back] in [answered(1000), answered(1001)] {
            for _ in 0..3 {
                bench.there(&there);
                bench.back(&back);
            }
        }
        assert_eq!(bench.counts().0, 2);
        let of_c = bench.sim.tables.stats(bench.topology.slots["c"]).map_or(0, |stats| stats.flow_full.get());
        assert!(bench.crowded_out() + of_c > 0, "nobody was told");
    }
}

/// What no flow is made of: packets without a connection, and those that were not passed on.
#[test]
fn not_everything_is_a_flow() {
    for bench in Bench::both() {
        let header = ip(bench.cast.a, bench.cast.c);
        let whole = header.udp(1000, 53, &[1; 64]);
        let error = ip(bench.cast.c, bench.cast.a).udp(1, 2, b"").error(bench.cast.a, Error::NoPort);
        for packet in whole.fragments(32).iter().chain([&error]) {
            bench.there(packet);
        }
        let own = header.udp(1, 2, b"").with_hops(1);
        let fate = bench.sim.fate("a", &eth(GATEWAY_MAC, MAC_A).ip(&own), 0);
        assert!(matches!(fate, Fate::Drop(DropReason::TtlExceeded, _)), "{fate:?}");
        assert_eq!(bench.counts(), (0, 0));
    }
}

/// A request for a station is made of the packet that has to wait, of which the other network must
/// not see anything.
#[test]
fn a_request_for_a_station_gives_nothing_away() {
    for bench in Bench::both() {
        let secret = ip(bench.cast.a, bench.cast.y).udp(1, 2, &[0xc3; 200]);
        let outcome =
            bench.sim.send(Hook::Tc, bench.topology.ifindexes["a"], &eth(GATEWAY_MAC, MAC_A).ip(&secret));
        assert_eq!(outcome.sent.len(), 1, "{outcome:?}");
        for (_, frame) in &outcome.sent {
            let behind = &frame.0[frame.trimmed().0.len()..];
            assert!(behind.iter().all(|octet| *octet == 0), "{frame:?} has {behind:02x?} behind it");
        }
    }
}
