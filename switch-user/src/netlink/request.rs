//! Requests to the kernel, answered before the call returns: for threads that may block.
#![expect(clippy::wildcard_enum_match_arm, reason = "answers have much that is of no interest here")]

use std::net::IpAddr;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::{
    RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
    link::{LinkAttribute, LinkExtentMask, LinkFlags, LinkMessage},
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::{Device, NetlinkError};

/// Lists all devices as they are at this moment.
///
/// # Errors
/// When the kernel does not answer.
pub fn devices() -> Result<Vec<Device>, NetlinkError> {
    let mut devices = Vec::new();
    links(|message| devices.push(Device::from_message(&message)))?;
    Ok(devices)
}

/// Visits the kernel's descriptions of all devices.
pub(super) fn links(mut visit: impl FnMut(LinkMessage)) -> Result<(), NetlinkError> {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    dump("list devices", RouteNetlinkMessage::GetLink(message), |answer| {
        if let RouteNetlinkMessage::NewLink(message) = answer {
            visit(message);
        }
    })
}

/// Number of the device that has an address.
///
/// # Errors
/// When the kernel does not answer.
pub fn device_of(address: IpAddr) -> Result<Option<u32>, NetlinkError> {
    let mut found = None;
    dump("list addresses", RouteNetlinkMessage::GetAddress(AddressMessage::default()), |answer| {
        if let RouteNetlinkMessage::NewAddress(message) = answer
            && message.attributes.iter().any(|attribute| is_own(attribute, address))
        {
            found = Some(message.header.index);
        }
    })?;
    Ok(found)
}

/// True for the device's own address; the other one that the kernel tells is that of its peer, if it has one.
fn is_own(attribute: &AddressAttribute, address: IpAddr) -> bool {
    match attribute {
        AddressAttribute::Local(own) => *own == address,
        AddressAttribute::Address(own) => own.is_ipv6() && *own == address,
        _ => false,
    }
}

/// Sets or clears the flag by which a device receives frames for all addresses.
///
/// # Errors
/// When the device is gone or the kernel refuses.
pub fn set_promisc(ifindex: u32, on: bool) -> Result<(), NetlinkError> {
    let mut message = LinkMessage::default();
    message.header.index = ifindex;
    message.header.change_mask = LinkFlags::Promisc;
    if on {
        message.header.flags = LinkFlags::Promisc;
    }
    let action = format!("switch promiscuous mode {} at device {ifindex}", if on { "on" } else { "off" });
    command(&action, RouteNetlinkMessage::SetLink(message))
}

/// Sends a command and waits for the kernel's word on it.
pub(super) fn command(action: &str, message: RouteNetlinkMessage) -> Result<(), NetlinkError> {
    exchange(action, message, NLM_F_REQUEST | NLM_F_ACK, drop)
}

/// Sends a command that makes something new, and fails if it exists.
pub(super) fn create(action: &str, message: RouteNetlinkMessage) -> Result<(), NetlinkError> {
    exchange(action, message, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, drop)
}

/// Asks for a list, and visits its members as they come.
pub(super) fn dump(
    action: &str,
    message: RouteNetlinkMessage,
    visit: impl FnMut(RouteNetlinkMessage),
) -> Result<(), NetlinkError> {
    exchange(action, message, NLM_F_REQUEST | NLM_F_DUMP, visit)
}

fn exchange(
    action: &str,
    message: RouteNetlinkMessage,
    flags: u16,
    mut visit: impl FnMut(RouteNetlinkMessage),
) -> Result<(), NetlinkError> {
    let mut socket =
        Socket::new(NETLINK_ROUTE).map_err(|source| NetlinkError::Socket { action: "open", source })?;
    socket.bind_auto().map_err(|source| NetlinkError::Socket { action: "bind", source })?;
    send(&socket, message, flags)?;
    loop {
        let (datagram, _) =
            socket.recv_from_full().map_err(|source| NetlinkError::Socket { action: "read", source })?;
        if take(action, &datagram, &mut visit)? {
            return Ok(());
        }
    }
}

fn send(socket: &Socket, message: RouteNetlinkMessage, flags: u16) -> Result<(), NetlinkError> {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    header.sequence_number = 1;
    let mut packet = NetlinkMessage::new(header, NetlinkPayload::from(message));
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    let kernel = SocketAddr::new(0, 0);
    match socket.send_to(&bytes, &kernel, 0) {
        Ok(_) => Ok(()),
        Err(source) => Err(NetlinkError::Socket { action: "write", source }),
    }
}

/// Reads the messages of one datagram; true if it was the last one of the answer.
fn take(
    action: &str,
    mut datagram: &[u8],
    visit: &mut impl FnMut(RouteNetlinkMessage),
) -> Result<bool, NetlinkError> {
    while !datagram.is_empty() {
        let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(datagram)?;
        match message.payload {
            NetlinkPayload::InnerMessage(inner) => visit(inner),
            NetlinkPayload::Error(error) if error.code.is_some() => {
                return Err(NetlinkError::Refused { action: action.into(), source: error.to_io() });
            }
            NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => return Ok(true),
            _ => {}
        }
        let length = usize::try_from(message.header.length).unwrap_or(usize::MAX).next_multiple_of(4);
        datagram = datagram.get(length..).unwrap_or_default();
    }
    Ok(false)
}
