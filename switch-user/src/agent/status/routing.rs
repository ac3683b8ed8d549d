//! Reports of routers: flows and neighbours.

use std::{collections::BTreeMap, net::IpAddr};

use switch_common::{
    addr::{ip_from_words, ipv4_words},
    table::{
        fdb,
        flow::{self, ANSWERED, FIN, FIN_BACK, Flow, Key4, Key6, ORIGINAL, RESET},
        neighbour::{self, Neighbour},
        overlay,
    },
    wire::{
        ipv4::{SCTP, TCP, UDP},
        ipv6::ICMPV6,
    },
};

use super::{NOBODY, View, seconds};
use crate::{
    agent::{
        dataplane::{
            DataplaneError,
            home::Home,
            learned::Learned,
            table::{
                flows::{Key, Table},
                neighbours::mac,
            },
        },
        rule_names::{RuleName, RuleNames},
    },
    netlink::tunnel,
    report::{FlowEntry, FlowFilter, FlowState, NeighbourEntry, NeighbourState, protocol},
};

/// Protocol number of ICMP.
const ICMP: u8 = 1;
/// A neighbour that was not heard for so many seconds is asked, so it may be gone.
const STALE: u64 = 35;

/// What a key says that is the same in both families.
trait Ends: Key {
    /// Sender and receiver.
    fn addresses(&self) -> [IpAddr; 2];
}

impl Ends for Key4 {
    fn addresses(&self) -> [IpAddr; 2] {
        let [a, b, c, d, e, f, g, h] = self.addresses.to_le_bytes();
        [[a, b, c, d], [e, f, g, h]].map(|octets| ip_from_words(4, ipv4_words(octets)))
    }
}

impl Ends for Key6 {
    fn addresses(&self) -> [IpAddr; 2] {
        [self.source, self.destination].map(|words| ip_from_words(6, words))
    }
}

/// Whether a connection has been answered, or has gone on for a while without.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    HalfOpen,
    Established,
}

/// Reads the flows that a filter takes.
pub(super) fn flows(
    home: &Home,
    view: &View,
    filter: &FlowFilter,
    now: u64,
) -> Result<Vec<FlowEntry>, DataplaneError> {
    let mut reader = Reader::new(view, filter, now);
    reader.read::<Key4>(home)?;
    reader.read::<Key6>(home)?;
    let mut flows = reader.found;
    let order = |flow: &FlowEntry| (flow.source, flow.source_port, flow.destination, flow.destination_port);
    flows.sort_unstable_by_key(|flow| (flow.protocol.clone(), order(flow)));
    Ok(flows)
}

struct Reader<'a> {
    /// Port and device by the number of the device.
    places: BTreeMap<u32, [&'a str; 2]>,
    view: &'a View,
    rules: RuleNames,
    filter: &'a FlowFilter,
    now: u64,
    found: Vec<FlowEntry>,
}

impl<'a> Reader<'a> {
    fn new(view: &'a View, filter: &'a FlowFilter, now: u64) -> Self {
        let rules = RuleNames::new(&view.policies);
        Self { places: view.places(), view, rules, filter, now, found: Vec::new() }
    }

    fn read<K: Ends>(&mut self, home: &Home) -> Result<(), DataplaneError> {
        Table::<K>::established(home)?.visit(|key, flow| self.take(key, &flow, Stage::Established))?;
        Table::<K>::half_open(home)?.visit(|key, flow| self.take(key, &flow, Stage::HalfOpen))
    }

    fn take<K: Ends>(&mut self, key: K, flow: &Flow, stage: Stage) {
        let place = |ifindex| self.places.get(&ifindex).copied().unwrap_or([NOBODY; 2]);
        let ([from, device], [to, other]) = (place(flow.ingress), place(flow.egress));
        // A network has fewer than 4096 numbers.
        let network = u16::try_from(flow.network).unwrap_or_default();
        let router = self.view.routers.get(&network);
        let original = flow.state.get() & ORIGINAL != 0;
        if !self.filter.takes([from, to], router.map(String::as_str), original) {
            return;
        }
        let [source, destination] = key.addresses();
        let ports = has_ports(key.protocol()).then(|| flow::ports(key.about()));
        self.found.push(FlowEntry {
            port: from.to_owned(),
            to_port: to.to_owned(),
            router: router.cloned(),
            network: self.view.networks.get(&network).cloned(),
            protocol: protocol(key.protocol().into()),
            source,
            source_port: ports.map(|(source, _)| source),
            destination,
            destination_port: ports.map(|(_, destination)| destination),
            original,
            state: state(key.protocol(), flow.state.get(), stage),
            age_seconds: seconds(self.now, flow.born),
            idle_seconds: flow::age(flow.stamp.get(), self.now) / 1_000_000_000,
            packets: flow.packets.get(),
            bytes: flow.bytes.get(),
            path: format!("{device} -> {other}"),
            rules: flow.rules.iter().filter_map(|rule| self.rules.get(*rule)).map(RuleName::text).collect(),
        });
    }
}

/// True for protocols whose packets name two ports or an identifier.
const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | SCTP | ICMP | ICMPV6)
}

fn state(protocol: u8, bits: u64, stage: Stage) -> FlowState {
    let both = FIN | FIN_BACK;
    if bits & RESET != 0 || bits & both == both {
        FlowState::Closed
    } else if bits & both != 0 {
        FlowState::Closing
    } else if bits & ANSWERED != 0 {
        FlowState::Established
    } else if stage == Stage::Established {
        FlowState::OneWay
    } else if protocol == TCP {
        FlowState::SynSent
    } else {
        FlowState::Opening
    }
}

/// Reads all neighbours.
pub(super) fn neighbours(home: &Home, view: &View, now: u64) -> Result<Vec<NeighbourEntry>, DataplaneError> {
    let learned = Learned::open(home)?;
    let mut rows = Vec::new();
    learned.neighbours.visit(|key, row| rows.push((key, row)))?;
    rows.sort_unstable_by_key(|(key, _)| (key.network, ip_from_words(key.family, key.address)));
    let ports = view.ports();
    let entry = |(key, row): &(neighbour::Key, Neighbour)| {
        // A network has fewer than 4096 numbers.
        let vlan = u16::try_from(key.network).unwrap_or_default();
        let mac = mac(row);
        let station = match mac {
            Some(mac) => learned.fdb.get(&fdb::Key::new(vlan, mac))?,
            None => None,
        };
        let heard = (!row.is_static() && row.heard.get() != 0).then(|| seconds(now, row.heard.get()));
        Ok(NeighbourEntry {
            network: view.networks.get(&vlan).cloned(),
            vlan,
            ip: ip_from_words(key.family, key.address),
            mac,
            state: neighbour_state(row, heard),
            port: station.and_then(|entry| ports.get(&entry.ifindex).map(|name| (*name).to_owned())),
            last_heard_seconds: heard,
        })
    };
    rows.iter().map(entry).collect()
}

fn neighbour_state(row: &Neighbour, heard: Option<u64>) -> NeighbourState {
    if row.is_static() {
        NeighbourState::Static
    } else if row.is_dead() {
        NeighbourState::Dead
    } else if row.mac.get() == 0 {
        NeighbourState::Incomplete
    } else if heard.is_some_and(|heard| heard < STALE) {
        NeighbourState::Reachable
    } else {
        NeighbourState::Stale
    }
}

impl View {
    /// Names of port and device by the number of the device.
    fn places(&self) -> BTreeMap<u32, [&str; 2]> {
        let seats = self.seats.iter().filter_map(|(holder, seat)| Some((holder, seat.device.as_ref()?)));
        let seats = seats.map(|(holder, device)| (device.ifindex, [holder.name(), device.name.as_str()]));
        let hosts =
            self.hosts.iter().map(|(name, slot)| (overlay::host(*slot), [name.as_str(), tunnel::NAME]));
        seats.chain(hosts).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use switch_common::{
        addr::ip_words,
        shared::Shared,
        table::{flow::about, neighbour::STATIC},
    };

    use super::*;
    use crate::{
        agent::{image::Holder, plan::Seat, rule_names::tests::web},
        classifier::rule_id,
        netlink::Device,
    };

    const NOW: u64 = 1_000_000_000_000;

    fn view() -> View {
        let seat = |ifindex, name: &str| {
            let device = Device { ifindex, name: name.into(), ..Device::default() };
            Seat { device: Some(Arc::new(device)), ..Seat::default() }
        };
        let seats = [("p1", seat(7, "v1")), ("p3", seat(9, "v3"))];
        let seats: BTreeMap<_, _> =
            seats.into_iter().map(|(name, seat)| (Holder::Port(name.into()), seat)).collect();
        View {
            networks: [(10, "blue".into())].into(),
            routers: [(10, "r1".into())].into(),
            seats: Arc::new(seats),
            hosts: BTreeMap::new(),
            attached: Arc::new(BTreeSet::new()),
            routes: [0; 2],
            policies: web(),
        }
    }

    fn read<K: Ends>(filter: &FlowFilter, key: K, flow: &Flow, stage: Stage) -> Option<FlowEntry> {
        let view = view();
        let mut reader = Reader::new(&view, filter, NOW);
        reader.take(key, flow, stage);
        reader.found.pop()
    }

    fn row() -> Flow {
        let ago = |seconds: u64| NOW - seconds * 1_000_000_000;
        Flow {
            // A stamp is true to about a millisecond.
            stamp: Shared::new(flow::stamp(1, ago(3) - 2_000_000)),
            packets: Shared::new(5),
            bytes: Shared::new(700),
            state: Shared::new(ANSWERED | ORIGINAL),
            born: ago(9),
            ingress: 7,
            egress: 9,
            network: 10,
            rules: [1, rule_id("web", "https")],
            ..Flow::default()
        }
    }

    #[test]
    fn a_flow_is_told_in_the_words_of_its_packets() {
        let ports = u32::from_le_bytes([0x9c, 0x40, 0, 80]);
        let addresses = u64::from_le_bytes([10, 0, 10, 11, 10, 0, 20, 11]);
        let key = Key4 { addresses, about: about(ports, 10, TCP) };
        let entry = read(&FlowFilter::default(), key, &row(), Stage::Established).unwrap();
        let expected = FlowEntry {
            port: "p1".into(),
            to_port: "p3".into(),
            router: Some("r1".into()),
            network: Some("blue".into()),
            protocol: "tcp".into(),
            source: [10, 0, 10, 11].into(),
            source_port: Some(40_000),
            destination: [10, 0, 20, 11].into(),
            destination_port: Some(80),
            original: true,
            state: FlowState::Established,
            age_seconds: 9,
            idle_seconds: 3,
            packets: 5,
            bytes: 700,
            path: "v1 -> v3".into(),
            rules: vec!["web/https".into()],
        };
        assert_eq!(entry, expected);
        for (port, router, taken) in [("p3", "r1", true), ("p3", "r2", false), ("p2", "r1", false)] {
            let filter =
                FlowFilter { port: Some(port.into()), router: Some(router.into()), ..FlowFilter::default() };
            assert_eq!(read(&filter, key, &row(), Stage::Established).is_some(), taken, "{port} {router}");
        }
        let filter = FlowFilter { original: true, ports: ["p3".into()].into(), ..FlowFilter::default() };
        for (state, taken) in [(ORIGINAL, true), (0, false)] {
            let flow = Flow { state: Shared::new(state), ..row() };
            assert_eq!(read(&filter, key, &flow, Stage::Established).is_some(), taken, "{state}");
        }
        let filter = FlowFilter { ports: ["p2".into()].into(), ..FlowFilter::default() };
        assert_eq!(read(&filter, key, &row(), Stage::Established), None);
    }

    #[test]
    fn a_flow_without_ports_and_places_is_told_without_them() {
        let [source, destination] = ["fd00:10::1", "fd00:20::2"].map(|text| text.parse::<IpAddr>().unwrap());
        let key =
            Key6 { source: ip_words(source), destination: ip_words(destination), about: about(0, 99, 47) };
        let entry =
            read(&FlowFilter::default(), key, &Flow { egress: 77, network: 99, ..row() }, Stage::HalfOpen)
                .unwrap();
        assert_eq!((entry.source, entry.destination), (source, destination));
        assert_eq!((entry.protocol.as_str(), entry.source_port, entry.destination_port), ("47", None, None));
        assert_eq!((entry.router, entry.network, entry.to_port.as_str()), (None, None, NOBODY));
    }

    #[test]
    fn states_follow_from_what_both_sides_have_sent() {
        let (half, whole) = (Stage::HalfOpen, Stage::Established);
        let cases = [
            (TCP, 0, half, FlowState::SynSent),
            (UDP, 0, half, FlowState::Opening),
            (UDP, 0, whole, FlowState::OneWay),
            (UDP, ANSWERED, whole, FlowState::Established),
            (TCP, ANSWERED | FIN_BACK, whole, FlowState::Closing),
            (TCP, ANSWERED | FIN | FIN_BACK, whole, FlowState::Closed),
            (TCP, RESET, half, FlowState::Closed),
        ];
        for (protocol, bits, stage, expected) in cases {
            assert_eq!(state(protocol, bits, stage), expected, "{protocol} {bits:b}");
        }
    }

    #[test]
    fn neighbours_are_as_good_as_what_was_heard_of_them() {
        let row = |mac, flags, unanswered| Neighbour {
            mac: Shared::new(mac),
            flags,
            unanswered: Shared::new(unanswered),
            ..Neighbour::default()
        };
        let cases = [
            (row(1, STATIC, 0), None, NeighbourState::Static),
            (row(1, 0, 0), Some(34), NeighbourState::Reachable),
            (row(1, 0, 0), Some(35), NeighbourState::Stale),
            (row(0, 0, 2), None, NeighbourState::Incomplete),
            (row(0, 0, 3), Some(99), NeighbourState::Dead),
        ];
        for (row, heard, expected) in cases {
            assert_eq!(neighbour_state(&row, heard), expected);
        }
    }
}
