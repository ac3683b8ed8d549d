//! The switch with a router between two networks, and tables of any size.

use std::{
    fs,
    os::fd::{AsFd as _, AsRawFd as _},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, HashMap, LpmTrie, Map, lpm_trie},
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
        policy,
        port::{self, Port},
        route::{self, Hop, Target},
        rules,
    },
    wire::{eth, vlan},
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{
    firewall,
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

/// How much is in the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Established flows; behind a firewall each has its answers, which are as many.
    pub(crate) flows: u32,
    /// Routes.
    pub(crate) routes: u32,
    /// Rules of the receiver's firewall; 0 for none.
    pub(crate) rules: u32,
}

/// A switch with a router.
pub(crate) struct Routed {
    object: Ebpf,
    size: Size,
    /// How long it took to write the flows.
    filled: Duration,
}

impl Routed {
    /// Fills the tables.
    pub(crate) fn new(path: &Path, size: Size) -> Result<Self> {
        let openings = if size.flows == 0 { OPENINGS } else { 1024 };
        let mut object = EbpfLoader::new()
            .map_max_entries(fdb::NAME, 1024)
            .map_max_entries(flow::NAME4, size.flows.max(1024) * 2 + 1024)
            .map_max_entries(flow::NAME6, 4096)
            .map_max_entries(flow::OPENING4, openings)
            .map_max_entries(flow::OPENING6, 1024)
            .map_max_entries(route::NAME4, size.routes + 1024)
            .load_file(path)
            .with_context(|| format!("loading {}", path.display()))?;
        let program = object.program_mut(PROGRAM).with_context(|| format!("no program {PROGRAM}"))?;
        <&mut SchedClassifier>::try_from(program)?.load()?;
        let mut scene = Self { object, size, filled: Duration::ZERO };
        scene.configure()?;
        scene.connect()?;
        scene.filter()?;
        scene.route()?;
        let start = Instant::now();
        scene.flow()?;
        scene.filled = start.elapsed();
        Ok(scene)
    }

    /// True if the tables have this size.
    pub(crate) fn is(&self, size: Size) -> bool {
        self.size == size
    }

    /// How long it took to write the flows.
    pub(crate) const fn filled(&self) -> Duration {
        self.filled
    }

    /// Memory that the kernel accounts to the table of flows.
    pub(crate) fn bytes_of_flows(&self) -> Result<u64> {
        let Some(Map::HashMap(map)) = self.object.map(flow::NAME4) else { bail!("no flows") };
        let description = fs::read_to_string(format!("/proc/self/fdinfo/{}", map.fd().as_fd().as_raw_fd()))?;
        let line = description.lines().find_map(|line| line.strip_prefix("memlock:"));
        Ok(line.context("the kernel tells no size of a table")?.trim().parse()?)
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
            firewalls: u64::from(self.has_firewall()),
            ..Config::default()
        };
        self.row::<{ size_of::<Config>() }>("config", 0, bytes(&config))?;
        let epoch = Epoch { configured: Shared::new(1), ..Epoch::default() };
        self.row::<{ size_of::<Epoch>() }>(epoch::NAME, 0, cells(epoch))?;
        for (ifindex, slot, pvid) in [(INGRESS, 1, VLAN), (EGRESS, 2, OTHER)] {
            let port = Port { ifindex, slot, mtu: 1500, learn_limit: 1024, pvid, ..self.port(ifindex) };
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

    const fn has_firewall(&self) -> bool {
        self.size.rules != 0
    }

    /// What the firewall makes of the port at a device: it is the receiver's, and both networks are watched.
    fn port(&self, ifindex: u32) -> Port {
        if !self.has_firewall() {
            return Port { flags: port::UP, ..Port::default() };
        }
        let open = Port { flags: port::UP | port::TRACKED, ..Port::default() };
        if ifindex == INGRESS {
            return open;
        }
        let (flags, policies) = (open.flags | port::FIREWALL, firewall::chain());
        Port { flags, policies, fallback: firewall::SLOT, ..open }
    }

    /// The rules, and the subnet of those who they are asked about.
    fn filter(&mut self) -> Result<()> {
        self.prefix4(firewall::STRANGERS, 16, 1)?;
        if !self.has_firewall() {
            return Ok(());
        }
        let map = self.object.map_mut(rules::NAME).context("the switch has no table of rules")?;
        let mut table = Array::<_, [u8; size_of::<rules::Row>()]>::try_from(map)?;
        for (number, row) in (firewall::HEAD..).zip(firewall::compiled(self.size.rules)?) {
            table.set(u32::try_from(number)?, bytes(&row), 0)?;
        }
        self.row(policy::NAME, firewall::SLOT.into(), firewall::HEAD.to_ne_bytes())
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
        (0..self.size.routes).try_for_each(|number| self.prefix4(BASE + number * 16, 28, 5))
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
        for number in 0..self.size.flows {
            for protocol in protocols.iter().take(if number == 0 { 2 } else { 1 }) {
                let about = flow::about(number.to_be(), flow::door(INGRESS, 0), *protocol);
                let key = flow::Key4 { addresses: source | destination << 32, about };
                self.put::<16, { size_of::<Flow>() }>(flow::NAME4, bytes(&key), cells(row()))?;
                if self.has_firewall() {
                    let answers = key.mirror(flow::door(EGRESS, 0));
                    self.put::<16, { size_of::<Flow>() }>(flow::NAME4, bytes(&answers), cells(row()))?;
                }
            }
        }
        for number in 0..self.size.flows.min(1000) {
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
        let sum = sum(frame, [26, 28]);
        Self { addresses: Self::addresses(), flows, routes, base: BASE, sum }
    }

    /// From one of the strangers, to where the frame goes.
    pub(crate) fn of_strangers(frame: &[u8; 64]) -> Self {
        let (base, sum) = (firewall::STRANGERS, sum(frame, [30, 32]));
        Self { addresses: Self::addresses(), flows: 0, routes: 0, base, sum }
    }

    fn addresses() -> [u64; 2] {
        eth::addresses(GATEWAY_MAC.word(), SENDER.word())
    }
}

/// Sum of a frame's IPv4 header with one of its addresses, which is here, and without the checksum.
fn sum(frame: &[u8; 64], address: [usize; 2]) -> u32 {
    let pairs = [14, 16, 18, 20, 22].into_iter().chain(address);
    pairs.map(|at| u32::from(u16::from_be_bytes([frame[at], frame[at + 1]]))).sum()
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
