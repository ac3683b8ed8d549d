//! One network device, as far as a switch is interested in it.
#![expect(clippy::wildcard_enum_match_arm, reason = "the kernel has more attributes than a switch needs")]

use netlink_packet_route::link::{
    InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage, LinkXdp, Prop,
};

/// What a device is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// One end of a virtual cable.
    Veth,
    /// The host's end of a VM's or program's Ethernet device.
    Tap,
    /// Another device that carries Ethernet frames.
    #[default]
    Ethernet,
    /// A device without Ethernet frames, which no switch can use.
    Other,
}

/// A device of this network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The kernel's number of the device.
    pub ifindex: u32,
    /// Its name.
    pub name: String,
    /// Its alternative names.
    pub altnames: Vec<String>,
    /// A text that somebody gave it for people, or for whoever looks for it (`ip link set DEVICE alias TEXT`).
    pub alias: Option<String>,
    /// What it is made of.
    pub kind: Kind,
    /// Largest layer-3 packet it sends.
    pub mtu: u32,
    /// Administratively up.
    pub up: bool,
    /// Somebody asked for all frames by the device's flag.
    pub promisc: bool,
    /// The device has a peer, and it is in another network namespace.
    pub peer_elsewhere: bool,
    /// Numbers of the XDP programs on the device.
    pub xdp: Vec<u32>,
    /// Changes when the device comes back after it was gone, even if its number is the same.
    pub incarnation: u64,
}

impl Device {
    /// Understands the kernel's description of a device.
    pub fn from_message(message: &LinkMessage) -> Self {
        let mut device = Self {
            ifindex: message.header.index,
            up: message.header.flags.contains(LinkFlags::Up),
            promisc: message.header.flags.contains(LinkFlags::Promisc),
            ..Self::default()
        };
        if message.header.link_layer_type != LinkLayerType::Ether {
            device.kind = Kind::Other;
        }
        for attribute in &message.attributes {
            device.take(attribute);
        }
        device
    }

    /// All by which it may be called: its name, its alternative names and its alias.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.name).chain(&self.altnames).chain(&self.alias)
    }

    fn take(&mut self, attribute: &LinkAttribute) {
        match attribute {
            LinkAttribute::IfName(name) => self.name.clone_from(name),
            LinkAttribute::IfAlias(alias) => {
                self.alias = Some(alias.clone()).filter(|alias| !alias.is_empty());
            }
            LinkAttribute::Mtu(mtu) => self.mtu = *mtu,
            LinkAttribute::LinkNetNsId(_) => self.peer_elsewhere = true,
            LinkAttribute::PropList(properties) => {
                self.altnames = properties.iter().filter_map(alternative_name).collect();
            }
            LinkAttribute::LinkInfo(infos) if self.kind == Kind::Ethernet => {
                self.kind = infos.iter().find_map(kind).unwrap_or_default();
            }
            LinkAttribute::Xdp(items) => self.xdp = items.iter().filter_map(program).collect(),
            _ => {}
        }
    }
}

fn alternative_name(property: &Prop) -> Option<String> {
    match property {
        Prop::AltIfName(name) => Some(name.clone()),
        _ => None,
    }
}

fn kind(info: &LinkInfo) -> Option<Kind> {
    match info {
        LinkInfo::Kind(InfoKind::Veth) => Some(Kind::Veth),
        LinkInfo::Kind(InfoKind::Tun) => Some(Kind::Tap),
        _ => None,
    }
}

/// A program's number; those of the single hooks are repeated in `ProgId` unless there are several.
fn program(item: &LinkXdp) -> Option<u32> {
    match item {
        LinkXdp::DrvProgId(id) | LinkXdp::SkbProgId(id) | LinkXdp::HwProgId(id) => Some(*id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attributes: Vec<LinkAttribute>) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.link_layer_type = LinkLayerType::Ether;
        message.header.flags = LinkFlags::Up;
        message.attributes = attributes;
        message
    }

    #[test]
    fn a_veth_with_a_peer_elsewhere_is_understood() {
        let device = Device::from_message(&message(vec![
            LinkAttribute::IfName("v1".into()),
            LinkAttribute::IfAlias("web1".into()),
            LinkAttribute::Mtu(9000),
            LinkAttribute::LinkNetNsId(0),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)]),
            LinkAttribute::PropList(vec![Prop::AltIfName("vm-blue-eth0".into())]),
        ]));
        assert_eq!(
            device,
            Device {
                ifindex: 7,
                name: "v1".into(),
                altnames: vec!["vm-blue-eth0".into()],
                alias: Some("web1".into()),
                kind: Kind::Veth,
                mtu: 9000,
                up: true,
                peer_elsewhere: true,
                ..Device::default()
            }
        );
    }

    #[test]
    fn a_tunnel_without_ethernet_frames_stays_other() {
        let mut tun = message(vec![LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Tun)])]);
        assert_eq!(Device::from_message(&tun).kind, Kind::Tap);
        tun.header.link_layer_type = LinkLayerType::None;
        assert_eq!(Device::from_message(&tun).kind, Kind::Other);
    }

    #[test]
    fn programs_of_all_hooks_are_listed_once() {
        let xdp = vec![LinkXdp::ProgId(4), LinkXdp::DrvProgId(4), LinkXdp::SkbProgId(5)];
        assert_eq!(Device::from_message(&message(vec![LinkAttribute::Xdp(xdp)])).xdp, [4, 5]);
    }
}
