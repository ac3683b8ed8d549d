//! What the firewall remembers and says.

use dvs_tests::{
    actors::{Cast, MAC_A, MAC_B, casts},
    fate::Fate,
    frame::{Frame, Packet, eth, ip},
    sim::Sim,
    topology::Topology,
};
use switch_common::{
    addr::ip_words,
    table::{hits, rules},
    verdict::{Direction, DropReason},
    wire::tcp::{ACK, SYN},
};
use switch_ebpf::tables::Tables as _;
use switch_user::classifier::{default_id, rule_id};

use super::number;

const SERVER: &str = "
- {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}
- {apiVersion: dvs/v1, kind: Port, name: a, network: blue, device: va, mac: ['02:00:00:00:00:0a'], ip: [10.0.10.1, 'fd00:10::1']}
- {apiVersion: dvs/v1, kind: Port, name: b, network: blue, device: vb, mac: ['02:00:00:00:00:0b'], ip: [10.0.10.2, 'fd00:10::2']}
- {apiVersion: dvs/v1, kind: Group, name: servers, ports: [b]}
- {apiVersion: dvs/v1, kind: Policy, name: web, appliesTo: servers, log: true}
- {apiVersion: dvs/v1, kind: Rule, policy: web, name: seen, priority: 1, direction: in, action: drop, proto: tcp, port: '80', staged: true, log: true}
- {apiVersion: dvs/v1, kind: Rule, policy: web, name: http, priority: 10, direction: in, action: allow, proto: tcp, port: '80', log: true}
- {apiVersion: dvs/v1, kind: Rule, policy: web, name: dns, priority: 10, direction: in, action: allow, proto: udp, port: '53'}
- {apiVersion: dvs/v1, kind: Rule, policy: web, name: ssh, priority: 10, direction: in, action: reject, proto: tcp, port: '22'}
";

/// A client, and a server with a firewall.
struct Bench {
    sim: Sim,
    topology: Topology,
    cast: Cast,
}

impl Bench {
    fn both() -> [Self; 2] {
        casts().map(|cast| {
            let topology = Topology::new(SERVER, number);
            Self { sim: Sim::new(&topology), topology, cast }
        })
    }

    /// The client sends.
    fn asks(&self, packet: &Packet) -> Fate {
        self.sim.fate("a", &asked(packet), 0)
    }

    /// The server sends.
    fn answers(&self, packet: &Packet) -> Fate {
        self.sim.fate("b", &eth(MAC_A, MAC_B).ip(packet), 0)
    }

    fn tcp(&self, flags: u8) -> [Packet; 2] {
        let Cast { a, b, .. } = self.cast;
        [ip(a, b).tcp(40000, 80, flags, b""), ip(b, a).tcp(80, 40000, flags, b"")]
    }

    fn udp(&self, source: u16, port: u16) -> Packet {
        ip(self.cast.a, self.cast.b).udp(source, port, b"what?")
    }

    /// Packets and octets that a rule or default has counted at the server's port.
    fn hits(&self, rule: u64) -> (u64, u64) {
        let key = hits::Key { rule, slot: self.topology.slots["b"], reserved: 0 };
        self.sim.tables.hits(&key).map_or((0, 0), |hits| (hits.packets.get(), hits.bytes.get()))
    }
}

fn asked(packet: &Packet) -> Frame {
    eth(MAC_B, MAC_A).ip(packet)
}

fn forward(packet: &Packet) -> Fate {
    Fate::forward("b", asked(packet))
}

/// Packets of a connection are counted when they are judged, at the latest a second later.
#[test]
fn rules_and_defaults_count() {
    for bench in Bench::both() {
        let ([syn, _], [ack, _], [_, answer]) = (bench.tcp(SYN), bench.tcp(ACK), bench.tcp(SYN | ACK));
        let octets = asked(&syn).0.len() as u64;
        assert_eq!(bench.asks(&syn), forward(&syn));
        assert_eq!(bench.hits(rule_id("web", "http")), (1, octets));
        assert_eq!(bench.hits(rule_id("web", "seen")), (1, octets), "a staged rule counts too");
        bench.answers(&answer);
        for _ in 0..5 {
            bench.asks(&ack);
        }
        bench.sim.wait(1500);
        bench.asks(&ack);
        assert_eq!(bench.hits(rule_id("web", "http")).0, 8, "both directions");
        let refused = bench.udp(40000, 54);
        assert_eq!(bench.asks(&refused), Fate::drop_at("b", DropReason::PolicyIn));
        let counted = (1, asked(&refused).0.len() as u64);
        assert_eq!(bench.hits(default_id("web", Direction::In)), counted);
        assert_eq!(bench.hits(default_id("web", Direction::Out)), (0, 0));
    }
}

/// A connection is told of once, and a refusal each time, but not without end.
#[test]
fn events_say_who_was_refused_and_why() {
    for bench in Bench::both() {
        let ([syn, _], [ack, _], [_, answer]) = (bench.tcp(SYN), bench.tcp(ACK), bench.tcp(SYN | ACK));
        bench.asks(&syn);
        bench.answers(&answer);
        bench.asks(&ack);
        // It is judged again, and so is its answer.
        bench.sim.wait(1500);
        bench.asks(&ack);
        bench.answers(&answer);
        let told = || bench.sim.tables.events.borrow().iter().map(|event| event.rule).collect::<Vec<_>>();
        let (seen, http) = (rule_id("web", "seen"), rule_id("web", "http"));
        assert_eq!(told(), [seen, http]);
        bench.sim.tables.events.borrow_mut().clear();
        let refused = bench.udp(40000, 54);
        bench.asks(&refused);
        let event = bench.sim.tables.events.borrow()[0];
        assert_eq!(event.rule, default_id("web", Direction::In));
        assert_eq!(event.what & rules::ACTION, rules::DROP);
        assert_eq!((event.source, event.destination), (ip_words(bench.cast.a), ip_words(bench.cast.b)));
        assert_eq!(event.ports.to_ne_bytes(), [0x9c, 0x40, 0, 54]);
        assert_eq!((event.protocol, event.network), (17, 10));
        assert_eq!(event.octets as usize, asked(&refused).0.len());
        for _ in 0..500 {
            bench.asks(&refused);
        }
        let count = bench.sim.tables.events.borrow().len();
        assert!((10..200).contains(&count), "{count} events in one moment");
    }
}

/// After a move connections go on that the port's new place has not seen begin, in both directions.
#[test]
fn a_connection_from_before_is_adopted_for_a_while() {
    for bench in Bench::both() {
        let [ack, answer] = bench.tcp(ACK);
        let limit = bench.sim.tables.limit(bench.topology.slots["b"]).unwrap();
        limit.grace.set(bench.sim.tables.now.get() + 1_000_000_000);
        let stranger = ip(bench.cast.a, bench.cast.b).tcp(40000, 81, ACK, b"");
        assert_eq!(
            bench.asks(&stranger),
            Fate::drop(DropReason::NoConnection),
            "no rule would have let it begin"
        );
        assert_eq!(bench.answers(&answer), Fate::forward("a", eth(MAC_A, MAC_B).ip(&answer)));
        assert_eq!(bench.asks(&ack), forward(&ack));
        bench.sim.wait(1500);
        assert_eq!(bench.asks(&ack), forward(&ack), "it is remembered");
        assert_eq!(bench.answers(&answer), Fate::forward("a", eth(MAC_A, MAC_B).ip(&answer)));
        let late = ip(bench.cast.a, bench.cast.b).tcp(40001, 80, ACK, b"");
        assert_eq!(bench.asks(&late), Fate::drop(DropReason::NoConnection), "the time is over");
    }
}

/// What cannot be remembered must not begin: its answers would not pass. What is there goes on.
#[test]
fn connections_end_where_memory_does() {
    for mut bench in Bench::both() {
        let [syn, _] = bench.tcp(SYN);
        let [_, answer] = bench.tcp(SYN | ACK);
        let [ack, _] = bench.tcp(ACK);
        assert_eq!(bench.asks(&syn), forward(&syn));
        bench.answers(&answer);
        for table in [&mut bench.sim.tables.opening4.capacity, &mut bench.sim.tables.opening6.capacity] {
            *table = 0;
        }
        let question = bench.udp(40000, 53);
        assert_eq!(bench.asks(&question), Fate::drop(DropReason::ConnectionsFull));
        assert_eq!(bench.asks(&ack), forward(&ack));
    }
}

/// The same where those are remembered that both sides have spoken on: nobody is let in unseen.
#[test]
fn connections_are_not_established_where_there_is_no_room() {
    for mut bench in Bench::both() {
        let ([syn, _], [_, answer], [ack, _]) = (bench.tcp(SYN), bench.tcp(SYN | ACK), bench.tcp(ACK));
        bench.asks(&syn);
        bench.answers(&answer);
        bench.sim.tables.flows4.capacity = bench.sim.tables.flows4.len();
        bench.sim.tables.flows6.capacity = bench.sim.tables.flows6.len();
        let (a, b) = (bench.cast.a, bench.cast.b);
        let begin = ip(a, b).tcp(40001, 80, SYN, b"");
        let reply = ip(b, a).tcp(80, 40001, SYN | ACK, b"");
        assert_eq!(bench.asks(&begin), forward(&begin), "there is room for half-open ones");
        assert_eq!(bench.answers(&reply), Fate::drop(DropReason::ConnectionsFull));
        let full = ["a", "b"].map(|port| {
            bench.sim.tables.stats(bench.topology.slots[port]).map_or(0, |stats| stats.flow_full.get())
        });
        assert!(full.iter().sum::<u64>() > 0, "nobody was told");
        assert_eq!(bench.asks(&ack), forward(&ack), "what is there goes on");
    }
}

/// Without room for counts packets pass as they did, and how many are not counted is.
#[test]
fn hits_that_are_lost_are_counted() {
    for mut bench in Bench::both() {
        bench.sim.tables.hits.capacity = 1;
        let [syn, _] = bench.tcp(SYN);
        assert_eq!(bench.asks(&syn), forward(&syn));
        let refused = bench.udp(40000, 54);
        assert_eq!(bench.asks(&refused), Fate::drop_at("b", DropReason::PolicyIn));
        let lost = bench.sim.tables.stats(bench.topology.slots["b"]).map(|stats| stats.hits_full.get());
        assert_eq!(lost, Some(2), "the rule's packet, and the default's");
        assert_eq!(bench.hits(rule_id("web", "seen")).0, 1, "the first one had room");
    }
}

/// Who is rejected is told, but the switch is no source of load.
#[test]
fn so_many_rejections_are_told() {
    for bench in Bench::both() {
        let attempts = 500;
        let told = (0..attempts).filter(|number| {
            let packet = ip(bench.cast.a, bench.cast.b).tcp(40000 + number, 22, SYN, b"");
            !bench.asks(&packet).sent().is_empty()
        });
        let told = told.count() as u64;
        assert!((10..200).contains(&told), "{told} of {attempts} at one moment");
        let slot = bench.topology.slots["a"];
        let limited = bench.sim.tables.stats(slot).map(|stats| stats.limited_errors.get());
        assert_eq!(limited, Some(u64::from(attempts) - told));
    }
}
