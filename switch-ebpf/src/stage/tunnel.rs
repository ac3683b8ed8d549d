//! Frames from and to other hosts: out of a tunnel, and into one (RFC 7348).

use switch_common::{
    table::{
        overlay::Key,
        port::{self, Port},
    },
    verdict::{DropReason, Packed, Verdict},
    wire::{eth, vlan},
};

use super::{NO_PORT, Stop, account, parse, route};
use crate::{
    packet::{EditFailed, Packet, Tag},
    step::Step,
    tables::Tables,
};

/// TTL of the outer packet, in its place in the description of a tunnel.
const TTL: u32 = 64 << 8;

/// Octets of a frame that hold all headers looked at here.
const HEADERS: u32 = 256;

/// Takes a frame out of the tunnel that it came by: it gets the tag of its network, and has come in at the host
/// that sent it. [`Packed::PUNT`] if it is one to go on with.
#[inline(always)]
pub fn leave<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Packed {
    let unknown = Verdict::Drop(DropReason::UnknownTunnel).pack();
    let (Some(config), Some(scratch)) = (tables.config(), tables.scratch()) else { return unknown };
    if packet.tunnel(config.underlay, &mut scratch.tunnel).is_err() {
        return account::drop(tables, NO_PORT, DropReason::UnknownTunnel);
    }
    scratch.overlay = Key::number_of(scratch.tunnel.remote);
    let host = tables.overlay(&scratch.overlay).map_or(0, |entry| entry.words[0]);
    let Some(port) = tables.port(host) else {
        return account::drop(tables, NO_PORT, DropReason::UnknownTunnel);
    };
    scratch.overlay = Key::network_of(scratch.tunnel.vni);
    let network = tables.overlay(&scratch.overlay).map_or(0, |entry| entry.words[0]);
    if network == 0 {
        return account::drop(tables, port.slot, DropReason::UnknownVni);
    }
    if packet.push(Tag { tpid: vlan::CUSTOMER, tci: network as u16 }).is_err() {
        return account::drop(tables, port.slot, DropReason::EditFailed);
    }
    packet.come_by(host);
    Packed::PUNT
}

/// Prepares a frame with the tag of its network for the tunnel to a host, and takes the tag away.
///
/// # Errors
/// When host or network are not known any more, or the kernel refuses.
#[inline(always)]
pub fn enter<P: Packet, T: Tables>(packet: &mut P, tables: &T, host: u32) -> Result<(), EditFailed> {
    let (Some(config), Some(scratch)) = (tables.config(), tables.scratch()) else { return Err(EditFailed) };
    let network = packet.tag_beside().tci & vlan::VID;
    scratch.overlay = Key::vni_of(network);
    let vni = tables.overlay(&scratch.overlay).map_or(0, |entry| entry.words[0]);
    scratch.overlay = Key::address_of(host);
    let Some(entry) = tables.overlay(&scratch.overlay) else { return Err(EditFailed) };
    if vni == 0 {
        return Err(EditFailed);
    }
    let tunnel = &mut scratch.tunnel;
    tunnel.vni = vni;
    tunnel.remote = entry.words;
    tunnel.local = config.address;
    tunnel.about = TTL;
    tunnel.label = 0;
    packet.set_tunnel(config.underlay, tunnel)?;
    packet.pop()
}

/// What becomes of a frame that could not be put into the tunnel to a host.
#[inline(always)]
pub fn failed<T: Tables>(tables: &T, host: u32) {
    if let Some(port) = tables.port(host) {
        account::dropped(tables, port.slot, DropReason::TunnelFailed);
    }
}

/// What becomes of a bridged frame that its receiver cannot take: of one that is too large for a tunnel the
/// sender is told, who cannot know that others of its network are behind one.
#[inline(always)]
pub fn refused<T: Tables>(tables: &T, receiver: &Port, stop: Stop) -> Result<Step, Stop> {
    if !receiver.is(port::TUNNEL) || stop != Stop::Receiver(receiver.slot, DropReason::MtuExceeded) {
        return Err(stop);
    }
    let Some(scratch) = tables.scratch() else { return Err(stop) };
    scratch.about = receiver.mtu.into();
    account::dropped(tables, receiver.slot, DropReason::MtuExceeded);
    Ok(Step::too_big())
}

/// Notes what the sender of such a frame is told; says what is left to do. It is counted already.
///
/// Starts from the frame alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn too_big<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Step {
    let silent = Step::done(Verdict::Drop(DropReason::MtuExceeded).pack());
    let (Some(port), Some(scratch)) = (tables.port(packet.ifindex()), tables.scratch()) else {
        return silent;
    };
    packet.pull(HEADERS);
    let octets = packet.octets();
    let Ok(frame) = parse::frame(packet, octets) else { return silent };
    if frame.ethertype != eth::IPV4 && frame.ethertype != eth::IPV6 {
        return silent;
    }
    route::too_big(packet, tables, port, &frame, scratch)
}
