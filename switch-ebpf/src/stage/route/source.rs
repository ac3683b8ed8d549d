//! Whether a packet's addresses are such that it can be routed at all.

use switch_common::{
    addr::{IpWords, ip_octets, is_same},
    table::{
        gateway::{self, Gateway},
        route::{self, HOPS, Target},
    },
    verdict::DropReason,
    wire::ipv6,
};

use super::lookup;
use crate::{ip::Ip, tables::Tables};

/// Stops a packet from a source, or to a destination, that no station has.
///
/// `own` is true for a packet to the gateway itself, the only one that a link-local address may talk to.
#[inline(always)]
pub(super) fn check<T: Tables>(
    tables: &T,
    gateway: &Gateway,
    network: u16,
    ip: &Ip,
    own: bool,
    link_local: IpWords,
) -> Result<(), DropReason> {
    let local = ip.family == 6 && ipv6::is_link_local(ip.source);
    if is_impossible(ip.family, ip.source) || is_same(ip.source, link_local) || local && !own {
        return Err(DropReason::MartianSource);
    }
    if !own && is_unroutable(ip.family, ip.destination) {
        return Err(DropReason::MartianDestination);
    }
    if local {
        return Ok(());
    }
    let target = lookup::target(tables, gateway.vrf, ip.family, ip.source);
    if target.is_some_and(|target| target.kind == route::LOCAL) {
        return Err(DropReason::MartianSource);
    }
    if gateway.flags & gateway::REVERSE_PATH == 0 || target.is_some_and(|target| leads_to(target, network)) {
        Ok(())
    } else {
        Err(DropReason::MartianSource)
    }
}

/// True if packets to a target leave through a network.
#[inline(always)]
fn leads_to(target: &Target, network: u16) -> bool {
    let mut index = 0;
    while index < HOPS {
        if target.hops[index].network == u64::from(network) {
            return true;
        }
        index += 1;
    }
    false
}

/// Addresses that nobody sends from: "this network", loopback, groups and what is reserved
/// (RFC 6890); unspecified, loopback and groups of IPv6.
#[inline(always)]
fn is_impossible(family: u64, address: IpWords) -> bool {
    let first = ip_octets(address)[0];
    if family == 4 { matches!(first, 0 | 127 | 224..) } else { first == 0xff || is_low(address) }
}

/// The same, and those that no router sends on: link-local.
#[inline(always)]
fn is_unroutable(family: u64, address: IpWords) -> bool {
    let [a, b, ..] = ip_octets(address);
    let local = if family == 4 { a == 169 && b == 254 } else { ipv6::is_link_local(address) };
    local || is_impossible(family, address)
}

/// `::` or `::1`.
#[inline(always)]
fn is_low(address: IpWords) -> bool {
    address[0] == 0 && u64::from_be(address[1]) <= 1
}
