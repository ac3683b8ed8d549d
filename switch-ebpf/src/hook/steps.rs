//! The pipeline's steps at TC, each a function that the verifier judges by itself. They may take nothing but
//! the context and numbers.

use aya_ebpf::bindings::__sk_buff;
use switch_common::{addr::MacWord, verdict::DropReason};
use switch_ebpf::{
    frame::Audience,
    packet::EditFailed,
    pipeline::{self, Way},
    stage::{
        deliver, filter, flood,
        guard::{self, Subject},
        record, respond, route, tunnel,
    },
};

use super::{maps::Maps, tc::TcPacket};

/// The guard's look behind the Ethernet header. Returns the number of a drop reason, or 0.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_inspect(
    skb: *mut __sk_buff,
    port: u64,
    source: u64,
    kind: u64,
    length: u64,
) -> u32 {
    let subject = Subject {
        ifindex: (port >> 32) as u32,
        flags: port as u16,
        source: MacWord::from_octets(source.to_le_bytes()),
        ethertype: kind as u16,
        payload: (kind >> 16) as usize,
        length: length as u32,
    };
    match guard::inspect(&mut TcPacket(skb), &Maps, &subject) {
        Ok(()) => 0,
        Err(reason) => reason as u32,
    }
}

/// The stages of the pipeline. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_walk(skb: *mut __sk_buff, bridge: u32) -> u64 {
    let way = if bridge == 0 { Way::Whole } else { Way::Bridge };
    pipeline::walk(&mut TcPacket(skb), &Maps, way).0
}

/// Frames out of tunnels. Returns a packed verdict.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_leave(skb: *mut __sk_buff) -> u64 {
    tunnel::leave(&mut TcPacket(skb), &Maps).0
}

/// Frames into tunnels. Returns the action.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_enter(skb: *mut __sk_buff, host: u32) -> u32 {
    TcPacket(skb).enter(host) as u32
}

/// Copies into tunnels. Returns 1, or 0 if there is none.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_copy_into(skb: *mut __sk_buff, host: u32) -> u32 {
    TcPacket(skb).copy_into(host).into()
}

/// Frames of known flows. Returns a packed verdict.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_known(skb: *mut __sk_buff) -> u64 {
    pipeline::known(&mut TcPacket(skb), &Maps).0
}

/// What a sender is told whose frame is too large for a tunnel. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_too_big(skb: *mut __sk_buff) -> u64 {
    tunnel::too_big(&mut TcPacket(skb), &Maps).0
}

/// Copies for a network. Returns 1, or 0 if nobody is to get one.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_flood(skb: *mut __sk_buff, sender: u32) -> u32 {
    flood::copies(&mut TcPacket(skb), &Maps, sender).into()
}

/// Copies of a routed packet. Returns a packed verdict.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_everywhere(skb: *mut __sk_buff) -> u64 {
    route::everywhere(&mut TcPacket(skb), &Maps).0
}

/// Judgement by the route. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_judge(skb: *mut __sk_buff) -> u64 {
    route::judge(&mut TcPacket(skb), &Maps).0
}

/// The door of answers.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_back(skb: *mut __sk_buff) -> u32 {
    record::back(&TcPacket(skb), &Maps);
    0
}

/// Connections of flooded packets.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_seek(skb: *mut __sk_buff) -> u32 {
    record::seek(&mut TcPacket(skb), &Maps);
    0
}

/// Services of the router. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_serve(skb: *mut __sk_buff) -> u64 {
    route::serve(&mut TcPacket(skb), &Maps).0
}

/// Descriptions of bridged frames. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_track(skb: *mut __sk_buff) -> u64 {
    filter::track(&mut TcPacket(skb), &Maps).0
}

/// What the firewall is asked about. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_prepare(skb: *mut __sk_buff) -> u64 {
    filter::prepare(&mut TcPacket(skb), &Maps).0
}

/// The firewall. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_filter() -> u64 {
    filter::packet::<TcPacket, _>(&Maps).0
}

/// The policies of one port. Returns what they do.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_admit(ifindex: u32, way: u32) -> u64 {
    filter::admit::<TcPacket, _>(&Maps, ifindex, way)
}

/// The end of a refused packet. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_refused(what: u32, reason: u32) -> u64 {
    let reason = DropReason::from_number(reason as u16).unwrap_or(DropReason::PolicyIn);
    filter::refused(&Maps, what, reason).0
}

/// One policy. Returns what it does.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_search(policy: u32, way: u32) -> u64 {
    filter::search::<TcPacket, _>(&Maps, policy, way)
}

/// Copies for ports with a firewall. Returns 1 if the connection is to be remembered.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_screened(skb: *mut __sk_buff, sender: u32) -> u32 {
    flood::screened(&mut TcPacket(skb), &Maps, sender).into()
}

/// Connections of flooded packets that firewalls have let pass.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_remember() -> u32 {
    record::remember(&Maps);
    0
}

/// A copy for a port with a firewall.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_copy(skb: *mut __sk_buff, ifindex: u32) -> u32 {
    flood::copy(&mut TcPacket(skb), &Maps, ifindex);
    0
}

/// Resets. Returns 0, or 1 if there was no memory.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_reset(skb: *mut __sk_buff) -> u32 {
    match filter::reset(&mut TcPacket(skb), &Maps) {
        Ok(()) => 0,
        Err(EditFailed) => 1,
    }
}

/// Final forms. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_deliver(skb: *mut __sk_buff) -> u64 {
    deliver::frame(&mut TcPacket(skb), &Maps).0
}

/// Notes of flows. Returns 1, or 0 for one that must
/// not begin.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_note() -> u32 {
    record::note(&Maps).into()
}

/// Answers to ARP and neighbour discovery. Returns
/// a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_respond(skb: *mut __sk_buff) -> u64 {
    respond::frame(&mut TcPacket(skb), &Maps).0
}

/// Errors. Returns 0, or 1 if there was no memory.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_error(skb: *mut __sk_buff) -> u32 {
    match route::error(&mut TcPacket(skb), &Maps) {
        Ok(()) => 0,
        Err(EditFailed) => 1,
    }
}

/// Requests for a station, to ports or to uplinks. Returns 1, or 0 if the frame has no room for one.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_request(skb: *mut __sk_buff, uplinks: u32) -> u32 {
    let audience = if uplinks == 0 { Audience::Ports } else { Audience::Uplinks };
    route::request(&mut TcPacket(skb), &Maps, audience).into()
}

/// Questions for a station.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_ask(skb: *mut __sk_buff) -> u32 {
    route::ask(&mut TcPacket(skb), &Maps);
    0
}
