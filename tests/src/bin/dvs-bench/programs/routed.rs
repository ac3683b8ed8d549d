//! The switch with a router between two networks, and tables of any size.

use std::path::Path;

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, HashMap, LpmTrie, lpm_trie},
    programs::SchedClassifier,
};
use switch_common::{
    addr::{GATEWAY_MAC, IpWords, ip_words, ipv4_words, ipv6_words},
    shared::Shared,
    table::{
        config::Config,
        epoch::{self, Epoch},
        fdb,
        flow::{self, Flow},
        gateway::{self, Gateway},
        neighbour::{self, Neighbour},
        port::{self, Port},
        route::{self, Hop, Target},
    },
    wire::{eth, vlan},
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{
    frame::{RECEIVER_IP, RECEIVER_IP6, SENDER, SENDER_IP, SENDER_IP6, VLAN, station},
    timer::{EGRESS, INGRESS},
};

/// The switch.
const PROGRAM: &str = "dvs_tc";
/// The receiver's VLAN.
const OTHER: u16 = 20;
/// The router.
const VRF: u32 = 3;
/// The first destination of the many routes.
pub(crate) const BASE: u32 = 0x2000_0000;
/// Half-open flows that the first packets may make in one run of the benchmark.
const OPENINGS: u32 = 1 << 20;
/// With ticks of no length the datapath's clock stands still here: nothing ages while it is timed.
const NOW: u64 = 300_000_000_000;

/// Bytes of a type that the tables hold.
fn bytes<T: IntoBytes + Immutable, const N: usize>(row: &T) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(row.as_bytes());
    bytes
}

/// Bytes of a row that is changed in place, and so is written only before the program runs.
fn cells<T: IntoBytes + FromBytes, const N: usize>(mut row: T) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(row.as_mut_bytes());
    bytes
}

/// A switch with a router, so many flows and so many routes.
pub(crate) struct Routed {
    object: Ebpf,
    flows: u32,
    routes: u32,
}

impl Routed {
    /// Fills the tables.
    pub(crate) fn new(path: &Path, flows: u32, routes: u32) -> Result<Self> {
        let openings = if flows == 0 { OPENINGS } else { 1024 };
        let mut object = EbpfLoader::new()
            .map_max_entries(fdb::NAME, 1024)
            .map_max_entries(flow::NAME4, flows.max(1024) * 2)
            .map_max_entries(flow::NAME6, 4096)
            .map_max_entries(flow::OPENING4, openings)
            .map_max_entries(flow::OPENING6, 1024)
            .map_max_entries(route::NAME4, routes + 1024)
            .load_file(path)
            .with_context(|| format!("loading {}", path.display()))?;
        let program = object.program_mut(PROGRAM).with_context(|| format!("no program {PROGRAM}"))?;
        <&mut SchedClassifier>::try_from(program)?.load()?;
        let mut scene = Self { object, flows, routes };
        scene.configure()?;
        scene.connect()?;
        scene.route()?;
        scene.flow()?;
        Ok(scene)
    }

    /// True if the tables have this size.
    pub(crate) fn is(&self, flows: Option<u32>, routes: Option<u32>) -> bool {
        self.flows == flows.unwrap_or(0) && self.routes == routes.unwrap_or(0)
    }

    /// The switch.
    pub(crate) fn program(&self) -> Result<&SchedClassifier> {
        let program = self.object.program(PROGRAM).with_context(|| format!("no program {PROGRAM}"))?;
        Ok(program.try_into()?)
    }

    fn configure(&mut self) -> Result<()> {
        let config = Config {
            ageing_ns: u64::MAX,
            gateway_mac: GATEWAY_MAC.word().get(),
            opening_quota: u64::from(OPENINGS),
            firewalls: 0,
            ..Config::default()
        };
        self.row::<{ size_of::<Config>() }>("config", 0, bytes(&config))?;
        let epoch = Epoch { configured: Shared::new(1), ..Epoch::default() };
        self.row::<{ size_of::<Epoch>() }>(epoch::NAME, 0, cells(epoch))?;
        for (ifindex, slot, pvid) in [(INGRESS, 1, VLAN), (EGRESS, 2, OTHER)] {
            let port = Port {
                ifindex,
                slot,
                mtu: 1500,
                learn_limit: 1024,
                flags: port::UP,
                pvid,
                ..Port::default()
            };
            let [number, _] = port::rows(slot);
            self.row::<{ size_of::<Port>() }>(port::NAME, number, bytes(&port))?;
            self.row(port::INDEX, ifindex, number.to_ne_bytes())?;
        }
        for (network, mac, ifindex) in [(VLAN, SENDER, INGRESS), (OTHER, station(0), EGRESS)] {
            let entry = fdb::Entry { ifindex, flags: fdb::STATIC, ..fdb::Entry::default() };
            self.put::<8, 16>(fdb::NAME, bytes(&fdb::Key::new(network, mac)), cells(entry))?;
        }
        Ok(())
    }

    /// Both networks with their subnets, and the receiver's addresses.
    fn connect(&mut self) -> Result<()> {
        let networks = [
            (VLAN, ipv4_words([10, 0, 0, 254]), ipv6_words(gateway(SENDER_IP6)), 1),
            (OTHER, ipv4_words([10, 0, 20, 254]), ipv6_words(gateway(RECEIVER_IP6)), 3),
        ];
        for (network, ipv4, ipv6, number) in networks {
            let row = Gateway {
                vrf: VRF,
                mtu: u32::MAX,
                tpid: vlan::CUSTOMER,
                flags: gateway::REVERSE_PATH,
                reserved: 0,
                ipv4,
                ipv6,
            };
            let key = u32::from(network).to_ne_bytes();
            self.put::<4, { size_of::<Gateway>() }>(gateway::NAME, key, bytes(&row))?;
            self.target(number, route::CONNECTED, hop(network, [0; 2], ipv4))?;
            self.target(number + 1, route::CONNECTED, hop(network, [0; 2], ipv6))?;
            self.prefix4(u32::from_be_bytes(first_four(ipv4)), 24, number)?;
            self.prefix6(ipv6, 64, number + 1)?;
        }
        for address in [ip_words(RECEIVER_IP.into()), ip_words(RECEIVER_IP6.into())] {
            let family = if address[1] == 0 { 4 } else { 6 };
            let key = neighbour::Key { network: OTHER.into(), family, address };
            let mac = Shared::new(station(0).word().get());
            let row = Neighbour { mac, flags: neighbour::STATIC, ..Neighbour::default() };
            self.put::<24, { size_of::<Neighbour>() }>(neighbour::NAME, bytes(&key), cells(row))?;
        }
        Ok(())
    }

    /// The many routes, all by way of the receiver.
    fn route(&mut self) -> Result<()> {
        let own = ipv4_words([10, 0, 20, 254]);
        self.target(5, route::VIA, hop(OTHER, ipv4_words(RECEIVER_IP), own))?;
        (0..self.routes).try_for_each(|number| self.prefix4(BASE + number * 16, 28, 5))
    }

    fn flow(&mut self) -> Result<()> {
        let new = eth::addresses(station(0).word(), GATEWAY_MAC.word());
        let row = || Flow {
            stamp: Shared::new(flow::stamp(1, NOW)),
            state: Shared::new(flow::ANSWERED),
            born: NOW,
            from: Flow::source(SENDER.word(), 1500),
            new: new[0],
            new_end: first_half(new[1]),
            ingress: INGRESS,
            egress: EGRESS,
            slot: 2,
            tag: u32::from(vlan::CUSTOMER) << 16 | u32::from(OTHER),
            sender: 1,
            network: VLAN.into(),
            exit: OTHER.into(),
            back: flow::door(EGRESS, 0),
            router: VRF,
            ..Flow::default()
        };
        let [source, destination] = [SENDER_IP, RECEIVER_IP].map(u32::from_le_bytes).map(u64::from);
        let protocols = [17, 6];
        for number in 0..self.flows {
            for protocol in protocols.iter().take(if number == 0 { 2 } else { 1 }) {
                let about = flow::about(number.to_be(), flow::door(INGRESS, 0), *protocol);
                let key = flow::Key4 { addresses: source | destination << 32, about };
                self.put::<16, { size_of::<Flow>() }>(flow::NAME4, bytes(&key), cells(row()))?;
            }
        }
        for number in 0..self.flows.min(1000) {
            let key = flow::Key6 {
                source: ipv6_words(SENDER_IP6),
                destination: ipv6_words(RECEIVER_IP6),
                about: flow::about(number.to_be(), flow::door(INGRESS, 0), 17),
            };
            self.put::<40, { size_of::<Flow>() }>(flow::NAME6, bytes(&key), cells(row()))?;
        }
        Ok(())
    }

    fn target(&mut self, number: u64, kind: u32, hop: Hop) -> Result<()> {
        let mut row = Target { kind, count: 1, ..Target::default() };
        row.hops[0] = hop;
        self.put::<8, { size_of::<Target>() }>(route::TARGETS, number.to_ne_bytes(), bytes(&row))
    }

    fn prefix4(&mut self, address: u32, bits: u32, target: u64) -> Result<()> {
        let key = route::Key4::new(VRF, ipv4_words(address.to_be_bytes()), bits);
        let map = self.object.map_mut(route::NAME4).context("no routes")?;
        let key = lpm_trie::Key::new(key.bits, [key.vrf, key.address]);
        Ok(LpmTrie::<_, [u32; 2], u64>::try_from(map)?.insert(&key, target, 0)?)
    }

    fn prefix6(&mut self, address: IpWords, bits: u32, target: u64) -> Result<()> {
        let key = route::Key6::new(VRF, address, bits);
        let mut data = [0; 20];
        data.copy_from_slice(&bytes::<_, 24>(&key)[4..]);
        let map = self.object.map_mut(route::NAME6).context("no routes")?;
        Ok(LpmTrie::<_, [u8; 20], u64>::try_from(map)?.insert(
            &lpm_trie::Key::new(key.bits, data),
            target,
            0,
        )?)
    }

    fn row<const V: usize>(&mut self, name: &str, index: u32, value: [u8; V]) -> Result<()> {
        let map = self.object.map_mut(name).with_context(|| format!("the switch has no table {name}"))?;
        Ok(Array::<_, [u8; V]>::try_from(map)?.set(index, value, 0)?)
    }

    fn put<const K: usize, const V: usize>(
        &mut self,
        name: &str,
        key: [u8; K],
        value: [u8; V],
    ) -> Result<()> {
        let map = self.object.map_mut(name).with_context(|| format!("the switch has no table {name}"))?;
        Ok(HashMap::<_, [u8; K], [u8; V]>::try_from(map)?.insert(key, value, 0)?)
    }
}

/// What `bench_route_tc` makes of a frame, as it lies in the map of the benchmark's own programs.
#[derive(Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Packet {
    addresses: [u64; 2],
    flows: u32,
    routes: u32,
    base: u32,
    sum: u32,
}

impl Packet {
    /// Of one of these flows, to one of these routes.
    pub(crate) fn new(frame: &[u8; 64], flows: u32, routes: u32) -> Self {
        let pairs =
            [14, 16, 18, 20, 22, 26, 28].map(|at| u32::from(u16::from_be_bytes([frame[at], frame[at + 1]])));
        Self {
            addresses: eth::addresses(GATEWAY_MAC.word(), SENDER.word()),
            flows,
            routes,
            base: BASE,
            sum: pairs.iter().sum(),
        }
    }
}

/// A flow of `bench_limit_tc`, with its key.
pub(crate) fn limit(number: u32) -> ([u64; 2], [u64; 3]) {
    let [source, destination] = [SENDER_IP, RECEIVER_IP].map(u32::from_le_bytes).map(u64::from);
    let new = eth::addresses(station(0).word(), GATEWAY_MAC.word());
    let about = u64::from(number.to_be()) | 17 << 32;
    ([source | destination << 32, about], [new[0], new[1], EGRESS.into()])
}

fn hop(network: u16, address: IpWords, own: IpWords) -> Hop {
    Hop { network: network.into(), address, own }
}

fn first_half(word: u64) -> u32 {
    let [a, b, c, d, ..] = word.to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

fn first_four(words: IpWords) -> [u8; 4] {
    let [a, b, c, d, ..] = words[0].to_ne_bytes();
    [a, b, c, d]
}

fn gateway(mut address: [u8; 16]) -> [u8; 16] {
    address[15] = 0xfe;
    address
}
