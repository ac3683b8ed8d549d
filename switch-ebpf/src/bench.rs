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
    maps::{Array, ProgramArray},
    programs::{TcContext, XdpContext},
};

/// Interface index to which the frames of a device go, by the interface index of the device.
#[map(name = "bench_targets")]
static TARGETS: Array<u32> = Array::with_max_entries(64, 0);

/// Row 0: how many destination addresses `bench_walk_tc` chooses from.
#[map(name = "bench_stations")]
static STATIONS: Array<u32> = Array::with_max_entries(1, 0);

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
