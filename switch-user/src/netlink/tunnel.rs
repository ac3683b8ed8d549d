//! The device whose frames come out of tunnels, and go into them: one for all networks and hosts. Which ones is
//! beside each frame.
#![expect(clippy::wildcard_enum_match_arm, reason = "the kernel has more attributes than a switch needs")]

use std::{
    io,
    net::{IpAddr, UdpSocket},
};

use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{InfoData, InfoKind, InfoVxlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
};

use super::{Device, NetlinkError, request};

/// Name of the device.
pub const NAME: &str = "dvs-vxlan";
/// Port of the tunnels (RFC 7348, 5).
pub const PORT: u16 = 4789;

/// The tunnel to another host, for frames that no device sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tunnel {
    /// Address of this host.
    pub own: IpAddr,
    /// Address of the other one.
    pub remote: IpAddr,
    /// VXLAN network identifier.
    pub vni: u32,
}

impl Tunnel {
    /// Sends a frame.
    ///
    /// # Errors
    /// When there is no way to the other host.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        let socket = UdpSocket::bind((self.own, 0))?;
        socket.send_to(&self.packet(frame), (self.remote, PORT)).map(drop)
    }

    /// The frame behind a header that says whose it is (RFC 7348, 5).
    fn packet(&self, frame: &[u8]) -> Vec<u8> {
        const VALID: [u8; 4] = [8, 0, 0, 0];
        [&VALID, &(self.vni << 8).to_be_bytes(), frame].concat()
    }
}

/// The device with the name, and whether it is one for tunnels of all kinds.
///
/// # Errors
/// When the kernel does not answer.
pub(super) fn find() -> Result<Option<(Device, bool)>, NetlinkError> {
    let mut found = None;
    request::links(|message| {
        let device = Device::from_message(&message);
        if device.name == NAME {
            found = Some((device, message.attributes.iter().any(is_for_tunnels)));
        }
    })?;
    Ok(found)
}

/// Makes the device.
///
/// # Errors
/// When there is one already, or the kernel refuses.
pub(super) fn create(mtu: u32) -> Result<(), NetlinkError> {
    let data = vec![
        InfoVxlan::CollectMetadata(true),
        InfoVxlan::Learning(false),
        InfoVxlan::Port(PORT),
        // The inner packet has its own sum (RFC 6935).
        InfoVxlan::UDPZeroCsumTX(true),
        InfoVxlan::UDPZeroCsumRX(true),
    ];
    let info = vec![LinkInfo::Kind(InfoKind::Vxlan), LinkInfo::Data(InfoData::Vxlan(data))];
    let mut message = LinkMessage::default();
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message.attributes =
        vec![LinkAttribute::IfName(NAME.into()), LinkAttribute::Mtu(mtu), LinkAttribute::LinkInfo(info)];
    request::create(&format!("make device {NAME} for UDP port {PORT}"), RouteNetlinkMessage::NewLink(message))
}

/// Lets the device be up and carry packets of this size.
///
/// # Errors
/// When the device is gone or the kernel refuses.
pub(super) fn prepare(ifindex: u32, mtu: u32) -> Result<(), NetlinkError> {
    let mut message = LinkMessage::default();
    message.header.index = ifindex;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message.attributes = vec![LinkAttribute::Mtu(mtu)];
    request::command(&format!("set up device {NAME} with MTU {mtu}"), RouteNetlinkMessage::SetLink(message))
}

/// Removes the device.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn remove(ifindex: u32) -> Result<(), NetlinkError> {
    let mut message = LinkMessage::default();
    message.header.index = ifindex;
    request::command(&format!("remove device {NAME}"), RouteNetlinkMessage::DelLink(message))
}

fn is_for_tunnels(attribute: &LinkAttribute) -> bool {
    let LinkAttribute::LinkInfo(infos) = attribute else { return false };
    infos.iter().any(|info| match info {
        LinkInfo::Data(InfoData::Vxlan(data)) => data.contains(&InfoVxlan::CollectMetadata(true)),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_gets_the_header_of_its_network() {
        let tunnel = Tunnel { own: [192, 0, 2, 1].into(), remote: [192, 0, 2, 2].into(), vni: 0x12_3456 };
        assert_eq!(tunnel.packet(&[0xff; 2]), [8, 0, 0, 0, 0x12, 0x34, 0x56, 0, 0xff, 0xff]);
    }
}
