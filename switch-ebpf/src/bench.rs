//! The programs that the benchmark measures the switch against, and those that let one test frame
//! be used again and again. None of them is part of the switch.
//!
//! `bench_redirect_tc` and `bench_redirect_peer_tc` are the least that can carry a frame from one
//! port to another: one array row says where the frames of a device go.
//!
//! A repeated test run works on one frame, so a program that pushes a tag would find its own tag the
//! next time. The programs from `bench_jump_tc` on bring the frame into the wanted state and then
//! jump to the program under test.
#![no_std]
#![no_main]
#![expect(clippy::needless_pass_by_value, reason = "the macros pass the context so")]
#![expect(clippy::cast_possible_truncation, reason = "helpers return actions in wider numbers")]

use aya_ebpf::{
    bindings::{TC_ACT_OK, TC_ACT_SHOT, xdp_action},
    helpers::generated::{
        bpf_get_prandom_u32, bpf_redirect, bpf_redirect_peer, bpf_skb_change_type, bpf_skb_store_bytes,
        bpf_skb_vlan_pop, bpf_skb_vlan_push,
    },
    macros::{classifier, map, xdp},
    maps::{Array, HashMap, ProgramArray},
    programs::{TcContext, XdpContext},
};

/// Interface index to which the frames of a device go, by the interface index of the device.
#[map(name = "bench_targets")]
static TARGETS: Array<u32> = Array::with_max_entries(64, 0);

/// Row 0: how many destination addresses `bench_walk_tc` chooses from.
#[map(name = "bench_stations")]
static STATIONS: Array<u32> = Array::with_max_entries(1, 0);

/// Row 0: what `bench_route_tc` and `bench_route6_tc` make of a frame.
#[map(name = "bench_packet")]
static PACKET: Array<Packet> = Array::with_max_entries(1, 0);

/// The flows of `bench_limit_tc`.
#[map(name = "bench_flows")]
static FLOWS: HashMap<[u64; 2], Flow> = HashMap::with_max_entries(1 << 20, 0);

/// Row 0: the program under test.
#[map(name = "bench_next")]
static NEXT: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// `PACKET_HOST` of `linux/if_packet.h`: the frame is for the device that it is at.
const PACKET_HOST: u32 = 0;
/// Protocol of an 802.1Q tag, as a host order number with the octets of the wire.
const ETH_P_8021Q: u16 = 0x8100_u16.to_be();
/// The tag that `bench_tag_tc` pushes.
const TAG: u16 = 10;

/// Does nothing: what it costs to call a program.
#[classifier]
fn bench_empty_tc(_ctx: TcContext) -> i32 {
    TC_ACT_OK
}

/// Does nothing, at XDP.
#[xdp]
fn bench_empty_xdp(_ctx: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}

/// Sends every frame out of the device in the row of its own device.
#[classifier]
fn bench_redirect_tc(ctx: TcContext) -> i32 {
    match target(&ctx) {
        // SAFETY: the helper takes no pointer.
        Some(ifindex) => unsafe { bpf_redirect(ifindex, 0) as i32 },
        None => TC_ACT_SHOT,
    }
}

/// The same, but straight into the receive path of that device's peer.
#[classifier]
fn bench_redirect_peer_tc(ctx: TcContext) -> i32 {
    match target(&ctx) {
        Some(ifindex) => into_peer(&ctx, ifindex),
        None => TC_ACT_SHOT,
    }
}

/// Jumps: the cost of what all of the following have in common.
#[classifier]
fn bench_jump_tc(ctx: TcContext) -> i32 {
    jump(&ctx)
}

/// Jumps with an untagged frame: a tag that the last turn pushed is popped.
#[classifier]
fn bench_untag_tc(ctx: TcContext) -> i32 {
    untag(&ctx);
    jump(&ctx)
}

/// Jumps with a tagged frame: a tag that the last turn popped is pushed.
#[classifier]
fn bench_tag_tc(ctx: TcContext) -> i32 {
    tag(&ctx);
    jump(&ctx)
}

/// Pushes and pops a tag, and jumps: the cost of one edit and its undoing.
#[classifier]
fn bench_tag_untag_tc(ctx: TcContext) -> i32 {
    tag(&ctx);
    untag(&ctx);
    jump(&ctx)
}

/// Jumps with a frame for a station chosen at random, so that successive look-ups share no cache line.
#[classifier]
fn bench_walk_tc(ctx: TcContext) -> i32 {
    let Some(stations) = STATIONS.get(0) else { return TC_ACT_SHOT };
    // SAFETY: the helper takes no pointer.
    let random = unsafe { bpf_get_prandom_u32() };
    let station = ((u64::from(random) * u64::from(*stations)) >> 32) as u32;
    let low = station.to_be_bytes();
    // SAFETY: four octets on the stack are written to octets 2 to 5 of the frame, the low end of its
    // destination; the helper checks the frame's length.
    unsafe { bpf_skb_store_bytes(ctx.skb.skb, 2, low.as_ptr().cast(), 4, 0) };
    jump(&ctx)
}

/// A routed packet as it comes in.
#[repr(C)]
struct Packet {
    /// The twelve octets of both MAC addresses, and four zeros.
    addresses: [u64; 2],
    /// How many flows there are to choose from: their number becomes the ports.
    flows: u32,
    /// How many routes there are to choose from, each 16 addresses further; 0 to leave the destination alone.
    routes: u32,
    /// The first of these destinations, in host order; for `bench_stranger_tc` the first source.
    base: u32,
    /// Sum of the IPv4 header without that address and the checksum, in host order.
    sum: u32,
}

/// What becomes of a packet in `bench_limit_tc`.
#[repr(C)]
struct Flow {
    /// As in [`Packet`].
    addresses: [u64; 2],
    /// Interface index of the device that it leaves through.
    ifindex: u32,
    /// Always 0.
    reserved: u32,
}

/// Jumps with an IPv4 packet as it came in before the last turn routed it: of a flow and to a
/// destination that are chosen at random.
#[classifier]
fn bench_route_tc(mut ctx: TcContext) -> i32 {
    let Some(packet) = PACKET.get(0) else { return TC_ACT_SHOT };
    let Some(frame) = octets::<38>(&mut ctx) else { return TC_ACT_SHOT };
    let flow = choose(packet.flows);
    let to = if packet.routes == 0 {
        u32::from_be_bytes([frame[30], frame[31], frame[32], frame[33]])
    } else {
        packet.base + choose(packet.routes) * 16 + 1
    };
    set(frame, 0, packet.addresses[0].to_ne_bytes());
    set(frame, 8, (packet.addresses[1] as u32).to_ne_bytes());
    set(frame, 22, [64]);
    set(frame, 24, checksum(packet, to).to_be_bytes());
    set(frame, 30, to.to_be_bytes());
    set(frame, 34, flow.to_be_bytes());
    jump(&ctx)
}

/// Jumps with an IPv4 packet to the same destination and port all the time, from an address and a port that
/// are chosen at random: one that rules are asked about, always with the same answer.
#[classifier]
fn bench_stranger_tc(mut ctx: TcContext) -> i32 {
    let Some(packet) = PACKET.get(0) else { return TC_ACT_SHOT };
    let Some(frame) = octets::<38>(&mut ctx) else { return TC_ACT_SHOT };
    // SAFETY: the helper takes no pointer.
    let random = unsafe { bpf_get_prandom_u32() };
    let from = packet.base + (random >> 16);
    set(frame, 0, packet.addresses[0].to_ne_bytes());
    set(frame, 8, (packet.addresses[1] as u32).to_ne_bytes());
    set(frame, 22, [64]);
    set(frame, 24, checksum(packet, from).to_be_bytes());
    set(frame, 26, from.to_be_bytes());
    set(frame, 34, (random as u16).to_be_bytes());
    jump(&ctx)
}

/// The same for IPv6, always to the same destination.
#[classifier]
fn bench_route6_tc(mut ctx: TcContext) -> i32 {
    let Some(packet) = PACKET.get(0) else { return TC_ACT_SHOT };
    let Some(frame) = octets::<58>(&mut ctx) else { return TC_ACT_SHOT };
    set(frame, 0, packet.addresses[0].to_ne_bytes());
    set(frame, 8, (packet.addresses[1] as u32).to_ne_bytes());
    set(frame, 21, [64]);
    set(frame, 54, choose(packet.flows).to_be_bytes());
    jump(&ctx)
}

/// The least that can route: one look-up by the five-tuple, new MAC addresses, one from the TTL, out.
#[classifier]
fn bench_limit_tc(mut ctx: TcContext) -> i32 {
    let Some(frame) = octets::<38>(&mut ctx) else { return TC_ACT_SHOT };
    let addresses = get(frame, 26);
    let ports = u64::from(u32::from_ne_bytes([frame[34], frame[35], frame[36], frame[37]]));
    // SAFETY: rows are written before the program runs, and never while it does.
    let Some(flow) = (unsafe { FLOWS.get([addresses, ports | u64::from(frame[23]) << 32]) }) else {
        return TC_ACT_SHOT;
    };
    set(frame, 0, flow.addresses[0].to_ne_bytes());
    set(frame, 8, (flow.addresses[1] as u32).to_ne_bytes());
    set(frame, 22, [frame[22] - 1]);
    let sum = u32::from(u16::from_be_bytes([frame[24], frame[25]])) + 0x100;
    set(frame, 24, ((sum + (sum >> 16)) as u16).to_be_bytes());
    // SAFETY: the helper takes no pointer.
    unsafe { bpf_redirect(flow.ifindex, 0) as i32 }
}

/// Checksum of the IPv4 header that has this address where the packet's sum has none.
#[inline(always)]
fn checksum(packet: &Packet, address: u32) -> u16 {
    let sum = packet.sum + (address >> 16) + (address & 0xffff);
    let sum = (sum & 0xffff) + (sum >> 16);
    !((sum & 0xffff) + (sum >> 16)) as u16
}

/// The first octets of the frame, to be written.
#[inline(always)]
fn octets<const N: usize>(ctx: &mut TcContext) -> Option<&mut [u8; N]> {
    let (start, end) = (ctx.data(), ctx.data_end());
    if start + N > end {
        return None;
    }
    // SAFETY: the comparison keeps all N octets within the frame, which is this program's to write.
    Some(unsafe { &mut *(start as *mut [u8; N]) })
}

/// Writes octets at a place that the frame has; which place is known when this is compiled.
#[inline(always)]
fn set<const L: usize, const N: usize>(frame: &mut [u8; N], at: usize, octets: [u8; L]) {
    if at + L <= N {
        // SAFETY: the comparison keeps the octets within the frame, and they have no alignment.
        unsafe { frame.as_mut_ptr().add(at).cast::<[u8; L]>().write(octets) };
    }
}

/// Eight octets as they stand in memory.
#[inline(always)]
fn get<const N: usize>(frame: &[u8; N], at: usize) -> u64 {
    if at + 8 > N {
        return 0;
    }
    // SAFETY: the comparison keeps the octets within the frame, and they have no alignment.
    u64::from_ne_bytes(unsafe { frame.as_ptr().add(at).cast::<[u8; 8]>().read() })
}

/// A random number below `count`, 0 for one.
#[inline(always)]
fn choose(count: u32) -> u32 {
    if count <= 1 {
        return 0;
    }
    // SAFETY: the helper takes no pointer.
    let random = unsafe { bpf_get_prandom_u32() };
    ((u64::from(random) * u64::from(count)) >> 32) as u32
}

#[inline(always)]
fn target(ctx: &TcContext) -> Option<u32> {
    // SAFETY: the kernel hands over a valid context.
    let ifindex = unsafe { (*ctx.skb.skb).ifindex };
    TARGETS.get(ifindex).copied()
}

/// The peer's stack drops what the host side's driver marked as somebody else's. The driver compared
/// with the host side's own address, so the mark says nothing about the peer.
#[inline(always)]
fn into_peer(ctx: &TcContext, ifindex: u32) -> i32 {
    // SAFETY: the context is valid, and the helpers take no other pointer.
    unsafe {
        let skb = ctx.skb.skb;
        if (*skb).pkt_type != PACKET_HOST {
            bpf_skb_change_type(skb, PACKET_HOST);
        }
        bpf_redirect_peer(ifindex, 0) as i32
    }
}

#[inline(always)]
fn tag(ctx: &TcContext) {
    // SAFETY: the context is valid, and the helper takes no other pointer.
    unsafe {
        if (*ctx.skb.skb).vlan_present == 0 {
            bpf_skb_vlan_push(ctx.skb.skb, ETH_P_8021Q, TAG);
        }
    }
}

#[inline(always)]
fn untag(ctx: &TcContext) {
    // SAFETY: the context is valid, and the helper takes no other pointer.
    unsafe {
        if (*ctx.skb.skb).vlan_present != 0 {
            bpf_skb_vlan_pop(ctx.skb.skb);
        }
    }
}

/// Runs the program under test in place of this one; without one the frame is dropped, which the
/// caller of the test run sees.
#[inline(always)]
fn jump(ctx: &TcContext) -> i32 {
    // SAFETY: the program under test is a classifier as this one is.
    unsafe { NEXT.tail_call(ctx, 0) };
    TC_ACT_SHOT
}

/// The verifier lets no path end in a panic, so this is never run; the compiler asks for it.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The redirect helpers of the kernel are open to GPL-compatible programs only.
#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
