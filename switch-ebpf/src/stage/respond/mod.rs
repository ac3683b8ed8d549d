//! Answers for the router's addresses, and for stations whose port is known, and takes note of who
//! says which address it has: ARP and neighbour discovery.

mod arp;
mod nd;

use switch_common::{
    addr::{IpWords, MacWord, is_same},
    table::{
        config::Config,
        gateway::Gateway,
        port::{self, Port},
        route,
    },
    verdict::{DropReason, Verdict},
    wire::{
        eth,
        ipv6::{self, Ipv6},
    },
};

use super::{Stop, account, classify, emit, parse, route as router};
use crate::{
    frame::{Frame, Place},
    packet::Packet,
    step::Step,
    tables::Tables,
};

/// Octets of a frame that hold all headers looked at here.
const HEADERS: u32 = 128;

/// True for a frame that may be a question or an announcement, or whose header is still to be pulled.
#[inline(always)]
pub fn concerns<P: Packet>(packet: &P, frame: &Frame) -> bool {
    match frame.ethertype {
        eth::ARP => true,
        eth::IPV6 => {
            let header = packet.at::<{ ipv6::LEN }>(frame.payload);
            header.is_none_or(|header| Ipv6(header).next_header() == ipv6::ICMPV6)
        }
        _ => false,
    }
}

/// A question or announcement, and where it came from.
struct Job<'a> {
    ifindex: u32,
    port: &'a Port,
    frame: &'a Frame,
    place: &'a Place,
    config: &'a Config,
    gateway: Option<&'a Gateway>,
    octets: u32,
}

/// Answers a frame, or takes it; [`Step::BRIDGE`] for one that goes its way.
///
/// Starts from the frame alone, because a hook may have the verifier look at this by itself.
#[inline(always)]
pub fn frame<P: Packet, T: Tables>(packet: &mut P, tables: &T) -> Step {
    let ifindex = packet.ifindex();
    let Some(port) = tables.port(ifindex) else { return Step::BRIDGE };
    let step = walk(packet, tables, ifindex, port);
    step.unwrap_or_else(|stop| account::stopped(tables, port.slot, stop, Step::BRIDGE))
}

#[inline(always)]
fn walk<P: Packet, T: Tables>(packet: &mut P, tables: &T, ifindex: u32, port: &Port) -> Result<Step, Stop> {
    packet.pull(HEADERS);
    let octets = packet.octets();
    let frame = parse::frame(packet, octets)?;
    let place = classify::frame(&frame, port)?;
    if place.tagged_inside {
        return Err(Stop::Pass);
    }
    let config = tables.config().ok_or(Stop::Pass)?;
    let gateway = tables.gateway(place.network.into());
    let job = Job { ifindex, port, frame: &frame, place: &place, config, gateway, octets };
    match frame.ethertype {
        eth::ARP => arp::frame(packet, tables, &job),
        eth::IPV6 => nd::frame(packet, tables, &job),
        _ => Err(Stop::Pass),
    }
}

impl Job<'_> {
    /// True if the address is one of the router's in this network.
    #[inline(always)]
    fn is_gateway<T: Tables>(&self, tables: &T, family: u64, address: IpWords) -> bool {
        let Some(gateway) = self.gateway else { return false };
        if family == 6 && is_same(address, router::link_local(self.config)) {
            return true;
        }
        router::target(tables, gateway.vrf, family, address).is_some_and(|target| {
            target.kind == route::LOCAL && target.hops[0].network == u64::from(self.place.network)
        })
    }

    /// The MAC address with which the switch answers for an address, 0 if it does not: the router's
    /// own, or that of a station whose port was configured with it. The station itself answers what
    /// was sent to it alone, which asks whether it is still there, and what comes from an uplink,
    /// because other hosts know it too; and nobody is told of itself, as in duplicate address
    /// detection.
    #[inline(always)]
    fn answer_for<T: Tables>(&self, tables: &T, family: u64, address: IpWords) -> u64 {
        if self.is_gateway(tables, family, address) {
            return router::mac(self.config, self.port).get();
        }
        if self.port.is(port::UPLINK) || !self.frame.destination.is_multicast() {
            return 0;
        }
        let key = router::key(self.place.network.into(), family, address);
        let Some(neighbour) = tables.neighbour(&key).filter(|neighbour| neighbour.is_static()) else {
            return 0;
        };
        let mac = neighbour.mac.get();
        let station =
            switch_common::table::fdb::Key::of(self.place.network, MacWord::from_octets(mac.to_le_bytes()));
        match tables.station(&station) {
            Some(entry) if entry.ifindex != self.ifindex => mac,
            _ => 0,
        }
    }

    /// Stops a port that says it has one of the router's addresses. Behind an uplink the routers of other
    /// hosts have them too.
    #[inline(always)]
    fn refuse_gateway<T: Tables>(&self, tables: &T, family: u64, address: IpWords) -> Result<(), Stop> {
        if !self.port.is(port::UPLINK) && self.is_gateway(tables, family, address) {
            return Err(Stop::Sender(DropReason::SpoofedGateway));
        }
        Ok(())
    }

    /// True if the frame was sent to the router alone.
    #[inline(always)]
    fn is_for_router(&self) -> bool {
        self.gateway.is_some() && router::is_for(self.config, self.port, self.frame)
    }

    /// The frame was for the switch, which says nothing to it.
    #[inline(always)]
    fn taken<T: Tables>(&self, tables: &T) -> Step {
        account::answered(tables, self.port.slot, self.octets);
        Step::done(Verdict::Taken.pack())
    }

    /// The frame has become its answer.
    #[inline(always)]
    fn back<T: Tables>(&self, tables: &T, octets: u32) -> Step {
        account::answered(tables, self.port.slot, self.octets);
        account::received(tables, self.port.slot, octets);
        Step::done(Verdict::Forward { ifindex: self.ifindex, path: emit::path(self.port) }.pack())
    }
}
