//! The pipeline at TC, on socket buffers.

use core::{ffi::c_void, ptr};

use aya_ebpf::{
    bindings::{__sk_buff, bpf_adj_room_mode::BPF_ADJ_ROOM_MAC, bpf_check_mtu_flags::BPF_MTU_CHK_SEGS},
    helpers::generated::{
        bpf_check_mtu, bpf_clone_redirect, bpf_csum_update, bpf_loop, bpf_redirect, bpf_redirect_peer,
        bpf_skb_adjust_room, bpf_skb_change_tail, bpf_skb_change_type, bpf_skb_load_bytes, bpf_skb_pull_data,
        bpf_skb_store_bytes, bpf_skb_vlan_pop, bpf_skb_vlan_push,
    },
};
use switch_common::{
    addr::MacWord,
    verdict::{DropReason, Packed, Path, Verdict},
};
use switch_ebpf::{
    packet::{EditFailed, Packet, Repeated, Tag},
    pipeline::{self, Way},
    stage::{
        deliver, filter, flood,
        guard::{self, Subject},
        record, respond, route,
    },
    step::Step,
    tables::Tables,
};

use super::{access, maps::Maps};

/// Lets the next program of the hook, and then the host's stack, have the frame (`TCX_NEXT`, `TC_ACT_UNSPEC`).
const NEXT: i32 = -1;
/// Ends the frame (`TCX_DROP`, `TC_ACT_SHOT`).
const SHOT: i32 = 2;
/// `PACKET_HOST`: the frame is for the device that receives it.
const PACKET_HOST: u32 = 0;

/// The switch's program at ingress of every port and uplink.
#[unsafe(link_section = "classifier")]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_tc(skb: *mut __sk_buff) -> i32 {
    let mut packet = TcPacket(skb);
    match pipeline::switch(&mut packet, &Maps).verdict() {
        Verdict::Forward { ifindex, path } => forward(skb, ifindex, path),
        Verdict::Flooded | Verdict::Taken | Verdict::Drop(_) => SHOT,
        Verdict::Pass | Verdict::Punt => NEXT,
    }
}

/// Hands the frame to its device; the helper's return value is the action.
#[inline(always)]
fn forward(skb: *mut __sk_buff, ifindex: u32, path: Path) -> i32 {
    // SAFETY: the context is live; an interface that is gone makes the kernel drop the frame.
    let action = unsafe {
        match path {
            Path::Device => bpf_redirect(ifindex, 0),
            Path::Peer => {
                // The sending device marked it as somebody else's, and nobody looks again.
                bpf_skb_change_type(skb, PACKET_HOST);
                bpf_redirect_peer(ifindex, 0)
            }
        }
    };
    action as i32
}

/// A frame in a socket buffer.
struct TcPacket(*mut __sk_buff);

impl TcPacket {
    #[inline(always)]
    fn skb(&self) -> &__sk_buff {
        // SAFETY: the context lives as long as the program runs; the kernel translates its fields.
        unsafe { &*self.0 }
    }
}

impl Packet for TcPacket {
    #[inline(always)]
    fn ifindex(&self) -> u32 {
        self.skb().ifindex
    }

    #[inline(always)]
    fn octets(&self) -> u32 {
        self.skb().len
    }

    #[inline(always)]
    fn at<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
        // SAFETY: both are fields of the live context.
        unsafe { access::octets(&raw const (*self.0).data, &raw const (*self.0).data_end, offset) }
    }

    #[inline(always)]
    fn at_mut<const N: usize>(&mut self, offset: usize) -> Option<&mut [u8; N]> {
        // SAFETY: both are fields of the live context, which nobody else has.
        unsafe { access::octets_mut(&raw const (*self.0).data, &raw const (*self.0).data_end, offset) }
    }

    #[inline(always)]
    fn copy_out<const N: usize>(&self, offset: usize, to: &mut [u64; N]) -> u32 {
        let there = self.octets().wrapping_sub(offset as u32);
        let most = (N * 8) as u32;
        let octets = access::at_most(if there < most { there } else { most }, most);
        // SAFETY: the context is live, and `to` has room for `octets`.
        let result =
            unsafe { bpf_skb_load_bytes(self.0.cast(), offset as u32, to.as_mut_ptr().cast(), octets) };
        if result == 0 { octets } else { 0 }
    }

    #[inline(always)]
    fn copy_in<const N: usize>(
        &mut self,
        offset: usize,
        octets: u32,
        from: &[u64; N],
    ) -> Result<(), EditFailed> {
        let octets = access::at_most(octets, (N * 8) as u32);
        // SAFETY: the context is live, and `from` has `octets`.
        done(unsafe { bpf_skb_store_bytes(self.0, offset as u32, from.as_ptr().cast(), octets, 0) })
    }

    #[inline(always)]
    fn resize(&mut self, octets: u32) -> Result<(), EditFailed> {
        // SAFETY: the context is live.
        done(unsafe { bpf_skb_change_tail(self.0, octets, 0) })
    }

    #[inline(always)]
    fn insert(&mut self, octets: u32) -> Result<(), EditFailed> {
        // SAFETY: the context is live.
        done(unsafe { bpf_skb_adjust_room(self.0, octets as i32, BPF_ADJ_ROOM_MAC, 0) })
    }

    #[inline(always)]
    fn segment(&self) -> u32 {
        self.skb().gso_size
    }

    #[inline(always)]
    fn resum(&mut self, difference: u32) {
        // SAFETY: the context is live. Frames without a sum of the device's are left alone.
        unsafe { bpf_csum_update(self.0, difference) };
    }

    #[inline(always)]
    fn pull(&mut self, octets: u32) {
        let linear = self.skb().data_end.wrapping_sub(self.skb().data);
        let wanted = octets.min(self.octets());
        if linear < wanted {
            // SAFETY: the context is live. A failure shows when the octets are not there to read.
            unsafe { bpf_skb_pull_data(self.0, wanted) };
        }
    }

    #[inline(always)]
    fn tag_beside(&self) -> Tag {
        let skb = self.skb();
        if skb.vlan_present == 0 {
            return Tag::NONE;
        }
        Tag { tpid: (skb.vlan_proto as u16).swap_bytes(), tci: skb.vlan_tci as u16 }
    }

    #[inline(always)]
    fn push(&mut self, tag: Tag) -> Result<(), EditFailed> {
        // SAFETY: the context is live.
        done(unsafe { bpf_skb_vlan_push(self.0, tag.tpid.swap_bytes(), tag.tci) })
    }

    #[inline(always)]
    fn pop(&mut self) -> Result<(), EditFailed> {
        // SAFETY: the context is live.
        done(unsafe { bpf_skb_vlan_pop(self.0) })
    }

    /// The kernel judges the segments of a GSO frame; their size is no field that a program could
    /// compare by itself, because the headers in front of each are not in it.
    #[inline(always)]
    fn fits(&self, ifindex: u32, mtu: u32, payload: u32) -> bool {
        if payload <= mtu {
            return true;
        }
        if self.skb().gso_size == 0 {
            return false;
        }
        let mut length = 0;
        // SAFETY: the context is live, and the length is on the stack.
        unsafe { bpf_check_mtu(self.0.cast(), ifindex, &raw mut length, 0, BPF_MTU_CHK_SEGS.into()) == 0 }
    }

    #[inline(always)]
    fn copy_to(&mut self, ifindex: u32) -> bool {
        // SAFETY: the context is live.
        unsafe { bpf_clone_redirect(self.0, ifindex, 0) == 0 }
    }

    #[inline(always)]
    fn inspect<T: Tables>(&mut self, _tables: &T, subject: &Subject) -> Result<(), DropReason> {
        let port = u64::from(subject.ifindex) << 32 | u64::from(subject.flags);
        let kind = (subject.payload as u64) << 16 | u64::from(subject.ethertype);
        let number = dvs_inspect(self.0, port, subject.source.get(), kind, subject.length.into());
        match DropReason::from_number(number as u16) {
            Some(reason) => Err(reason),
            None => Ok(()),
        }
    }

    #[inline(always)]
    fn walk<T: Tables>(&mut self, _tables: &T, way: Way) -> Step {
        Step(dvs_walk(self.0, u32::from(way == Way::Bridge)))
    }

    #[inline(always)]
    fn flood<T: Tables>(&mut self, _tables: &T, sender: u32) -> bool {
        dvs_flood(self.0, sender) == 1
    }

    #[inline(always)]
    fn judge<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(dvs_judge(self.0))
    }

    #[inline(always)]
    fn serve<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(dvs_serve(self.0))
    }

    #[inline(always)]
    fn deliver<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(dvs_deliver(self.0))
    }

    #[inline(always)]
    fn note<T: Tables>(&mut self, _tables: &T) -> bool {
        dvs_note() == 1
    }

    #[inline(always)]
    fn track<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(dvs_track(self.0))
    }

    #[inline(always)]
    fn filter<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(dvs_filter(self.0))
    }

    #[inline(always)]
    fn admit<T: Tables>(&mut self, _tables: &T, ifindex: u32, way: u32) -> u64 {
        dvs_admit(ifindex, way)
    }

    #[inline(always)]
    fn refused<T: Tables>(&mut self, _tables: &T, what: u32, reason: DropReason) -> Step {
        Step(dvs_refused(what, u32::from(reason as u16)))
    }

    #[inline(always)]
    fn search<T: Tables>(_tables: &T, policy: u32, way: u32) -> u64 {
        dvs_search(policy, way)
    }

    #[inline(always)]
    fn screened<T: Tables>(&mut self, _tables: &T, sender: u32) {
        dvs_screened(self.0, sender);
    }

    #[inline(always)]
    fn copy<T: Tables>(&mut self, _tables: &T, ifindex: u32) {
        dvs_copy(self.0, ifindex);
    }

    #[inline(always)]
    fn reset<T: Tables>(&mut self, _tables: &T) -> Result<(), EditFailed> {
        if dvs_reset(self.0) == 0 { Ok(()) } else { Err(EditFailed) }
    }

    #[inline(always)]
    fn everywhere<T: Tables>(&mut self, _tables: &T) -> Packed {
        Packed(dvs_everywhere(self.0))
    }

    #[inline(always)]
    fn respond<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(dvs_respond(self.0))
    }

    #[inline(always)]
    fn complain<T: Tables>(&mut self, _tables: &T) -> Result<(), EditFailed> {
        if dvs_error(self.0) == 0 { Ok(()) } else { Err(EditFailed) }
    }

    #[inline(always)]
    fn ask<T: Tables>(&mut self, _tables: &T) {
        dvs_ask(self.0);
    }

    #[inline(always)]
    fn opaque(&self, number: usize) -> usize {
        access::opaque(number, self.skb().hash)
    }

    #[inline(always)]
    fn repeat<B: Repeated>(count: u32, body: &mut B) {
        let callback: extern "C" fn(u32, &mut B) -> i64 = turn;
        // SAFETY: the callback gets the body, which outlives the call, as its second argument.
        unsafe { bpf_loop(count, callback as *mut c_void, ptr::from_mut(body).cast(), 0) };
    }
}

/// The guard's look behind the Ethernet header, as a function that the verifier judges by itself: it
/// may take nothing but the context and numbers. Returns the number of a drop reason, or 0.
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

/// The stages of the pipeline, as a function that the verifier judges by itself too. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_walk(skb: *mut __sk_buff, bridge: u32) -> u64 {
    let way = if bridge == 0 { Way::Whole } else { Way::Bridge };
    pipeline::walk(&mut TcPacket(skb), &Maps, way).0
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

/// Judgement by the route, as a function that the verifier judges by itself. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_judge(skb: *mut __sk_buff) -> u64 {
    route::judge(&mut TcPacket(skb), &Maps).0
}

/// Services of the router, as a function that the verifier judges by itself. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_serve(skb: *mut __sk_buff) -> u64 {
    route::serve(&mut TcPacket(skb), &Maps).0
}

/// Descriptions of bridged frames, as a function that the verifier judges by itself. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_track(skb: *mut __sk_buff) -> u64 {
    filter::track(&mut TcPacket(skb), &Maps).0
}

/// The firewall, as a function that the verifier judges by itself. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_filter(skb: *mut __sk_buff) -> u64 {
    filter::packet(&mut TcPacket(skb), &Maps).0
}

/// The policies of one port, as a function that the verifier judges by itself. Returns what they do.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_admit(ifindex: u32, way: u32) -> u64 {
    filter::admit::<TcPacket, _>(&Maps, ifindex, way)
}

/// The end of a refused packet, as a function that the verifier judges by itself. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_refused(what: u32, reason: u32) -> u64 {
    let reason = DropReason::from_number(reason as u16).unwrap_or(DropReason::PolicyIn);
    filter::refused(&Maps, what, reason).0
}

/// One policy, as a function that the verifier judges by itself. Returns what it does.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_search(policy: u32, way: u32) -> u64 {
    filter::search::<TcPacket, _>(&Maps, policy, way)
}

/// Copies for ports with a firewall, as a function that the verifier judges by itself.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_screened(skb: *mut __sk_buff, sender: u32) -> u32 {
    flood::screened(&mut TcPacket(skb), &Maps, sender);
    0
}

/// A copy for a port with a firewall, as a function that the verifier judges by itself.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_copy(skb: *mut __sk_buff, ifindex: u32) -> u32 {
    flood::copy(&mut TcPacket(skb), &Maps, ifindex);
    0
}

/// Resets, as a function that the verifier judges by itself. Returns 0, or 1 if there was no memory.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_reset(skb: *mut __sk_buff) -> u32 {
    match filter::reset(&mut TcPacket(skb), &Maps) {
        Ok(()) => 0,
        Err(EditFailed) => 1,
    }
}

/// Final forms, as a function that the verifier judges by itself. Returns a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_deliver(skb: *mut __sk_buff) -> u64 {
    deliver::frame(&mut TcPacket(skb), &Maps).0
}

/// Notes of flows, as a function that the verifier judges by itself. Returns 1, or 0 for one that must
/// not begin.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_note() -> u32 {
    record::note(&Maps).into()
}

/// Answers to ARP and neighbour discovery, as a function that the verifier judges by itself. Returns
/// a packed step.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_respond(skb: *mut __sk_buff) -> u64 {
    respond::frame(&mut TcPacket(skb), &Maps).0
}

/// Errors, as a function that the verifier judges by itself. Returns 0, or 1 if there was no memory.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_error(skb: *mut __sk_buff) -> u32 {
    match route::error(&mut TcPacket(skb), &Maps) {
        Ok(()) => 0,
        Err(EditFailed) => 1,
    }
}

/// Questions for a station, as a function that the verifier judges by itself.
#[inline(never)]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_ask(skb: *mut __sk_buff) -> u32 {
    route::ask(&mut TcPacket(skb), &Maps);
    0
}

/// One turn of `bpf_loop`, which ends with a result of 1.
extern "C" fn turn<B: Repeated>(index: u32, body: &mut B) -> i64 {
    i64::from(body.turn(index).is_break())
}

/// The result of a helper that returns 0 or a negative error number.
#[inline(always)]
fn done(result: i64) -> Result<(), EditFailed> {
    if result == 0 { Ok(()) } else { Err(EditFailed) }
}
