//! What was planned, for those who send frames of their own: who is in a network, and how to reach them.

use std::{collections::BTreeMap, io, net::IpAddr, sync::Arc};

use switch_common::{
    addr::{IpWords, Mac, MacWord, ip_words},
    table::{
        config::Config,
        gateway::Gateway,
        port::{Form, Port, TRUNK, TUNNEL, UP, UPLINK},
        route::Target,
    },
    wire::vlan::{CUSTOMER, SERVICE},
};

use super::{
    image::{Holder, TableImage},
    plan::routes::own_address,
};
use crate::{
    model::{Attachment, ValidNetwork, ValidPort, Validated},
    netlink::{packet::Sender, tunnel::Tunnel},
};

/// The plan of one moment.
pub struct Scene {
    /// What users want.
    pub desired: Arc<Validated>,
    /// Networks that are routed.
    pub gateways: BTreeMap<u32, Gateway>,
    /// Targets of routes.
    pub targets: Arc<BTreeMap<u64, Target>>,
    /// Who has which slot.
    pub holders: BTreeMap<u32, Holder>,
    /// Ports that were opened after a claim, with its epoch.
    pub opened: BTreeMap<String, u64>,
    config: Config,
    ports: BTreeMap<u32, Port>,
    /// Names of networks by their VLAN.
    names: BTreeMap<u16, String>,
}

/// A way out of the switch into a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exit {
    /// Number of the device.
    pub ifindex: u32,
    /// Kind and VLAN of the tag that frames leave with.
    pub tag: Option<(u16, u16)>,
    /// The router's address there.
    pub router: Mac,
    /// The way leads to other hosts.
    pub uplink: bool,
    /// The tunnel to another host, which is no device.
    pub tunnel: Option<Tunnel>,
}

impl Exit {
    /// Sends a frame this way.
    ///
    /// # Errors
    /// When the device is gone or down, or there is no way to the other host.
    pub fn send(&self, sender: &Sender, frame: &[u8]) -> io::Result<()> {
        match &self.tunnel {
            Some(tunnel) => tunnel.send(frame),
            None => sender.send(self.ifindex, frame),
        }
    }
}

impl Scene {
    /// What a plan says.
    pub fn new(desired: Arc<Validated>, image: TableImage) -> Self {
        let TableImage { gateways, routes, config, ports, names: holders, .. } = image;
        let names = desired.networks.iter().map(|(name, network)| (network.vlan.get(), name.clone()));
        let (names, opened) = (names.collect(), BTreeMap::new());
        Self { names, gateways, targets: routes.targets, holders, opened, config, ports, desired }
    }

    /// The same with the ports that were opened after a claim.
    #[must_use]
    pub fn with_opened(self, opened: BTreeMap<String, u64>) -> Self {
        Self { opened, ..self }
    }

    /// Slots of ports whose device exists, with its number.
    pub fn devices(&self) -> impl Iterator<Item = (u32, u32)> {
        self.ports.iter().map(|(ifindex, port)| (port.slot, *ifindex))
    }

    /// Devices of this host's ports that are open, with what makes each another port: its slot, and its network of
    /// frames without tag.
    pub fn open(&self) -> impl Iterator<Item = (u32, (u32, u16))> {
        let open = self.ports.iter().filter(|(_, port)| port.is(UP) && !port.is(UPLINK));
        open.map(|(ifindex, port)| (*ifindex, (port.slot, port.pvid)))
    }

    /// All ways into a network.
    pub fn exits(&self, network: u16) -> impl Iterator<Item = Exit> {
        self.ports.keys().filter_map(move |ifindex| self.exit(*ifindex, network))
    }

    /// The way into a network by this device.
    pub fn exit(&self, ifindex: u32, network: u16) -> Option<Exit> {
        self.door(ifindex, network, self.gateways.get(&network.into())?.tpid)
    }

    /// All ways into a network, whether it is routed or not, but for that to a port of its own.
    pub fn doors(&self, network: u16, but: &str) -> Vec<Exit> {
        let service = |port: &ValidPort| matches!(&port.attachment, Attachment::Access { vlan, qinq: true } if vlan.get() == network);
        let tpid = if self.desired.ports.values().any(service) { SERVICE } else { CUSTOMER };
        let own = Holder::Port(but.to_owned());
        let others = self.ports.iter().filter(|(_, port)| self.holders.get(&port.slot) != Some(&own));
        others.filter_map(|(ifindex, _)| self.door(*ifindex, network, tpid)).collect()
    }

    fn door(&self, ifindex: u32, network: u16, tpid: u16) -> Option<Exit> {
        let port = self.ports.get(&ifindex).filter(|port| port.is(UP))?;
        let tunnel = if port.is(TUNNEL) { Some(self.tunnel(port, network)?) } else { None };
        let tag = match port.form(network) {
            Form::Absent => return None,
            Form::Tagged if tunnel.is_none() => Some((tpid, network)),
            Form::Untagged | Form::Tagged => None,
        };
        let uplink = port.is(UPLINK);
        let router = if uplink { self.config.host_mac } else { self.config.gateway_mac };
        Some(Exit { ifindex, tag, router: mac(router), uplink, tunnel })
    }

    /// The tunnel that a network has to the host with this row.
    fn tunnel(&self, row: &Port, network: u16) -> Option<Tunnel> {
        let overlay = &self.desired.overlay;
        let host = self.holders.get(&row.slot)?;
        Some(Tunnel {
            own: overlay.address?,
            remote: *overlay.hosts.get(host.name())?,
            vni: self.network(network)?.vni?,
        })
    }

    /// The network of frames that come in at a device with this tag, or without one.
    pub fn network_at(&self, ifindex: u32, tag: Option<u16>) -> Option<u16> {
        let port = self.ports.get(&ifindex)?;
        // A priority tag is none (IEEE 802.1Q-2018, 9.6).
        let tag = tag.filter(|vlan| *vlan != 0);
        if tag.is_some() && !port.is(TRUNK) {
            return None;
        }
        let network = tag.unwrap_or(port.pvid);
        (network != 0 && port.form(network) != Form::Absent).then_some(network)
    }

    /// Name of the network with this VLAN.
    pub fn name(&self, vlan: u16) -> Option<&str> {
        self.names.get(&vlan).map(String::as_str)
    }

    /// The network with this VLAN.
    pub fn network(&self, vlan: u16) -> Option<&ValidNetwork> {
        self.desired.networks.get(self.names.get(&vlan)?)
    }

    /// The address from which the router asks for another one in a network.
    pub fn own(&self, network: u16, other: IpAddr) -> Option<IpAddr> {
        if matches!(other, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
            return Some(IpAddr::from(self.link_local()));
        }
        let network = self.network(network)?;
        let mut gateways = network.subnets.iter().filter_map(|subnet| subnet.gateway);
        own_address(network, other).or_else(|| gateways.find(|own| own.is_ipv4() == other.is_ipv4()))
    }

    /// True if this is the router's address in an IPv4 subnet of a network.
    pub fn is_own4(&self, network: u16, own: IpWords) -> bool {
        let gateways = self.network(network).map(|network| &network.subnets);
        let mut gateways = gateways.into_iter().flatten().filter_map(|subnet| subnet.gateway);
        gateways.any(|gateway| gateway.is_ipv4() && ip_words(gateway) == own)
    }

    /// The link-local address of the router, the same in all networks.
    pub fn link_local(&self) -> [u8; 16] {
        mac(self.config.gateway_mac).link_local()
    }
}

fn mac(word: u64) -> Mac {
    MacWord::from_octets(word.to_le_bytes()).mac()
}
