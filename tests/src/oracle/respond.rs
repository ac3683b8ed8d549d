//! Who is answered in ARP and neighbour discovery, and what the router learns from it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use switch_common::{
    addr::Mac,
    verdict::DropReason,
    wire::{
        eth::{ARP, IPV6},
        ipv6, nd,
    },
};

use super::{
    router::{Job, Router},
    space::{Space, Way},
};
use crate::{
    fate::Fate,
    frame::{Packet, advertisement, eth},
};

impl Router {
    /// ARP: an answer, or note taken; `None` if the frame goes its way.
    pub(super) fn arp(&mut self, job: &Job<'_>) -> Option<Fate> {
        if !job.class.inner.is_empty() {
            return None;
        }
        let Some(arp) = job.parts.payload().first_chunk::<28>() else {
            return Some(Fate::drop(DropReason::Runt));
        };
        let (fixed, operation) = ([0, 1, 8, 0, 6, 4, 0], arp[7]);
        if arp[..7] != fixed || !(1..=2).contains(&operation) {
            return None;
        }
        let mac = Mac::new(std::array::from_fn(|at| arp[8 + at]));
        let ip = |at: usize| Ipv4Addr::from(std::array::from_fn::<u8, 4, _>(|index| arp[at + index]));
        let (sender, target) = (ip(14), ip(24));
        if self.is_stolen(job, sender.into()) {
            return Some(Fate::drop(DropReason::SpoofedGateway));
        }
        let to_router = self.is_for_router(job) || self.is_gateway(job, target.into());
        if !sender.is_unspecified() {
            self.note(job, sender.into(), mac, to_router);
        }
        if let Some(own) = self.answers(job, target.into()).filter(|_| operation == 1) {
            let reply = eth(Mac::default(), own).arp_reply((own, target), (mac, sender));
            let answer = [&reply.0[14..], &job.parts.payload()[28..]].concat();
            return Some(Fate::forward(job.from, job.answer(own, job.parts.source(), ARP, &answer)));
        }
        self.is_for_router(job).then_some(Fate::Taken)
    }

    /// The same in neighbour discovery.
    pub(super) fn discovery(&mut self, job: &Job<'_>) -> Option<Fate> {
        let packet = Packet(job.parts.payload().to_vec());
        let message = packet.0.get(ipv6::LEN..ipv6::LEN + nd::LEN)?;
        let plain = packet.0[0] >> 4 == 6 && packet.0[6] == ipv6::ICMPV6 && packet.hops() == 255;
        let asks = message[0] == nd::NEIGHBOUR_SOLICITATION;
        let known = asks || message[0] == nd::NEIGHBOUR_ADVERTISEMENT;
        if !job.class.inner.is_empty() || !plain || !known || message[1] != 0 {
            return None;
        }
        let target = Ipv6Addr::from(std::array::from_fn::<u8, 16, _>(|index| message[8 + index]));
        let source = packet.source();
        let owner = if asks { source } else { target.into() };
        if self.is_stolen(job, owner) {
            return Some(Fate::drop(DropReason::SpoofedGateway));
        }
        let to_router = if asks { self.is_gateway(job, target.into()) } else { self.is_for_router(job) };
        if !owner.is_unspecified() {
            self.note(job, owner, job.parts.source(), to_router);
        }
        if let Some(own) = self.answers(job, target.into()).filter(|_| asks) {
            let router = self.is_gateway(job, target.into());
            let asker = Some((job.parts.source(), source)).filter(|_| !source.is_unspecified());
            let answer = advertisement(own, target, asker, router);
            let destination = Mac::new(std::array::from_fn(|at| answer.0[at]));
            return Some(Fate::forward(job.from, job.answer(own, destination, IPV6, &answer.0[14..])));
        }
        self.is_for_router(job).then_some(Fate::Taken)
    }

    fn is_gateway(&self, job: &Job<'_>, address: IpAddr) -> bool {
        self.space(job).is_some_and(|space| space.is_gateway(address))
    }

    /// True if a port says that it has the gateway's address. At uplinks other hosts have it too.
    fn is_stolen(&self, job: &Job<'_>, address: IpAddr) -> bool {
        self.is_gateway(job, address) && !self.switch.is_uplink(job.from)
    }

    fn note(&mut self, job: &Job<'_>, address: IpAddr, mac: Mac, to_router: bool) {
        let belongs = |space: Space<'_>| {
            let local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
            local || space.way(address) == Some(Way::Connected(job.class.vid))
        };
        let new = to_router && self.space(job).is_some_and(belongs);
        self.neighbours.heard((job.class.vid, address), mac, new);
    }

    /// The MAC address with which the switch answers for an address, if it does.
    fn answers(&self, job: &Job<'_>, address: IpAddr) -> Option<Mac> {
        if self.is_gateway(job, address) {
            return Some(self.mac(job.from));
        }
        // Who is asked alone answers itself.
        let mac = self.neighbours.configured((job.class.vid, address))?;
        let asked = job.parts.destination().is_multicast();
        let elsewhere = self.switch.place(job.class.vid, mac).is_some_and(|port| port != job.from);
        (asked && elsewhere && !self.switch.is_uplink(job.from)).then_some(mac)
    }
}
