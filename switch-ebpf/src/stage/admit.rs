//! Lets only sane frames of open ports in.

use switch_common::{
    table::{
        config::Config,
        port::{self, Port},
    },
    verdict::DropReason,
};

use super::Stop;
use crate::frame::Frame;

/// Refuses frames of a port that is down, from an impossible source, or to the bridge itself.
///
/// What an uplink gets for the link's own protocols (LLDP, LACP and others, IEEE 802.1Q-2018, table
/// 8-1) belongs to the host.
#[inline(always)]
pub fn frame(config: &Config, frame: &Frame, port: &Port) -> Result<(), Stop> {
    if !port.is(port::UP) {
        return Err(Stop::Sender(DropReason::PortDown));
    }
    if !frame.source.is_station() {
        return Err(Stop::Sender(DropReason::BadSource));
    }
    // Who sends as the router is an impostor, or the frame has come back through a loop. Other hosts' routers
    // are behind uplinks only.
    let own = frame.source.get() == config.gateway_mac || frame.source.get() == config.host_mac;
    if own || frame.source.is_router() && !port.is(port::UPLINK) {
        return Err(Stop::Sender(DropReason::SpoofedGateway));
    }
    if frame.destination.is_reserved_multicast() {
        return Err(if port.is(port::UPLINK) && !port.is(port::TUNNEL) {
            Stop::Pass
        } else {
            Stop::Sender(DropReason::ReservedMulticast)
        });
    }
    Ok(())
}
