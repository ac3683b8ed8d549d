//! The pipeline at TC, on socket buffers.

use core::{ffi::c_void, ptr};

use aya_ebpf::{
    bindings::{
        __sk_buff, BPF_F_DONT_FRAGMENT, BPF_F_TUNINFO_IPV6, BPF_F_ZERO_CSUM_TX,
        bpf_adj_room_mode::BPF_ADJ_ROOM_MAC, bpf_check_mtu_flags::BPF_MTU_CHK_SEGS, bpf_tunnel_key,
    },
    helpers::generated::{
        bpf_check_mtu, bpf_clone_redirect, bpf_csum_update, bpf_loop, bpf_redirect, bpf_redirect_peer,
        bpf_skb_adjust_room, bpf_skb_change_tail, bpf_skb_change_type, bpf_skb_get_tunnel_key,
        bpf_skb_load_bytes, bpf_skb_pull_data, bpf_skb_set_tunnel_key, bpf_skb_store_bytes, bpf_skb_vlan_pop,
        bpf_skb_vlan_push,
    },
};
use switch_common::{
    table::overlay,
    verdict::{DropReason, Packed, Path, Verdict},
};
use switch_ebpf::{
    frame::Audience,
    packet::{EditFailed, Packet, Repeated, Tag},
    pipeline::{self, Way},
    stage::guard::Subject,
    step::Step,
    tables::Tables,
    tunnel::Tunnel,
};

use super::{access, maps::Maps, steps, tunnel::tunnels};

/// Lets the next program of the hook, and then the host's stack, have the frame (`TCX_NEXT`, `TC_ACT_UNSPEC`).
const NEXT: i32 = -1;
/// Ends the frame (`TCX_DROP`, `TC_ACT_SHOT`).
pub(super) const SHOT: i32 = 2;
/// The outer UDP datagram has no checksum: the inner packet has its own (RFC 7348, 5; RFC 6935).
const ZERO_CHECKSUM: u32 = BPF_F_ZERO_CSUM_TX;
/// The outer IPv4 packet is not to be cut into fragments: what fits was measured.
const WHOLE: u32 = BPF_F_DONT_FRAGMENT;
/// `PACKET_HOST`: the frame is for the device that receives it.
const PACKET_HOST: u32 = 0;

/// The switch's program at ingress of every port and uplink.
#[unsafe(link_section = "classifier")]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_tc(skb: *mut __sk_buff) -> i32 {
    let mut packet = TcPacket(skb);
    // What was there is somebody else's.
    packet.come_by(packet.device());
    match pipeline::switch(&mut packet, &Maps).verdict() {
        Verdict::Forward { ifindex, path } => forward(skb, ifindex, path),
        Verdict::Flooded | Verdict::Taken | Verdict::Drop(_) => SHOT,
        Verdict::Pass | Verdict::Punt => NEXT,
    }
}

/// Hands the frame to its device, or into the tunnel to its host; the helper's return value is the action.
#[inline(always)]
fn forward(skb: *mut __sk_buff, ifindex: u32, path: Path) -> i32 {
    if overlay::is_host(ifindex) {
        return steps::dvs_enter(skb, ifindex) as i32;
    }
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
pub(super) struct TcPacket(pub(super) *mut __sk_buff);

impl TcPacket {
    #[inline(always)]
    fn skb(&self) -> &__sk_buff {
        // SAFETY: the context lives as long as the program runs; the kernel translates its fields.
        unsafe { &*self.0 }
    }

    /// Interface index of the device that the frame came in at, whoever sent it there.
    #[inline(always)]
    fn device(&self) -> u32 {
        self.skb().ifindex
    }
}

impl Packet for TcPacket {
    /// Kept beside the frame, where all steps find it: a frame out of a tunnel has come in at its host.
    #[inline(always)]
    fn ifindex(&self) -> u32 {
        self.skb().cb[0]
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
        let ifindex = if overlay::is_host(ifindex) { tunnels() } else { ifindex };
        let mut length = 0;
        // SAFETY: the context is live, and the length is on the stack.
        unsafe { bpf_check_mtu(self.0.cast(), ifindex, &raw mut length, 0, BPF_MTU_CHK_SEGS.into()) == 0 }
    }

    #[inline(always)]
    fn is_at(&self, device: u64) -> bool {
        u64::from(self.device()) == device
    }

    #[inline(always)]
    fn tunnel(&self, family: u64, tunnel: &mut Tunnel) -> Result<(), EditFailed> {
        let flags = if family == 6 { BPF_F_TUNINFO_IPV6 } else { 0 };
        let key = ptr::from_mut(tunnel).cast();
        // SAFETY: the context is live, and the description has room for the kernel's.
        done(unsafe { bpf_skb_get_tunnel_key(self.0, key, size_of::<bpf_tunnel_key>() as u32, flags.into()) })
    }

    #[inline(always)]
    fn set_tunnel(&mut self, family: u64, tunnel: &Tunnel) -> Result<(), EditFailed> {
        let flags = if family == 6 { BPF_F_TUNINFO_IPV6 | ZERO_CHECKSUM } else { WHOLE | ZERO_CHECKSUM };
        let key = ptr::from_ref(tunnel).cast_mut().cast();
        // SAFETY: the context is live, and the kernel only reads the description.
        done(unsafe { bpf_skb_set_tunnel_key(self.0, key, size_of::<bpf_tunnel_key>() as u32, flags.into()) })
    }

    #[inline(always)]
    fn come_by(&mut self, ifindex: u32) {
        // SAFETY: the context is live, and the field is the program's.
        unsafe { (*self.0).cb[0] = ifindex };
    }

    #[inline(always)]
    fn copy_to(&mut self, ifindex: u32) -> bool {
        if overlay::is_host(ifindex) {
            return steps::dvs_copy_into(self.0, ifindex) == 1;
        }
        // SAFETY: the context is live.
        unsafe { bpf_clone_redirect(self.0, ifindex, 0) == 0 }
    }

    #[inline(always)]
    fn leave<T: Tables>(&mut self, _tables: &T) -> Packed {
        Packed(steps::dvs_leave(self.0))
    }

    #[inline(always)]
    fn known<T: Tables>(&mut self, _tables: &T) -> Packed {
        Packed(steps::dvs_known(self.0))
    }

    #[inline(always)]
    fn too_big<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(steps::dvs_too_big(self.0))
    }

    #[inline(always)]
    fn inspect<T: Tables>(&mut self, _tables: &T, subject: &Subject) -> Result<(), DropReason> {
        let port = u64::from(subject.ifindex) << 32 | u64::from(subject.flags);
        let kind = (subject.payload as u64) << 16 | u64::from(subject.ethertype);
        let number = steps::dvs_inspect(self.0, port, subject.source.get(), kind, subject.length.into());
        match DropReason::from_number(number as u16) {
            Some(reason) => Err(reason),
            None => Ok(()),
        }
    }

    #[inline(always)]
    fn walk<T: Tables>(&mut self, _tables: &T, way: Way) -> Step {
        Step(steps::dvs_walk(self.0, u32::from(way == Way::Bridge)))
    }

    #[inline(always)]
    fn flood<T: Tables>(&mut self, _tables: &T, sender: u32) -> bool {
        steps::dvs_flood(self.0, sender) == 1
    }

    #[inline(always)]
    fn judge<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(steps::dvs_judge(self.0))
    }

    #[inline(always)]
    fn back<T: Tables>(&mut self, _tables: &T) {
        steps::dvs_back(self.0);
    }

    #[inline(always)]
    fn seek<T: Tables>(&mut self, _tables: &T) {
        steps::dvs_seek(self.0);
    }

    #[inline(always)]
    fn serve<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(steps::dvs_serve(self.0))
    }

    #[inline(always)]
    fn deliver<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(steps::dvs_deliver(self.0))
    }

    #[inline(always)]
    fn note<T: Tables>(&mut self, _tables: &T) -> bool {
        steps::dvs_note() == 1
    }

    #[inline(always)]
    fn track<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(steps::dvs_track(self.0))
    }

    #[inline(always)]
    fn prepare<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(steps::dvs_prepare(self.0))
    }

    #[inline(always)]
    fn filter<T: Tables>(_tables: &T) -> Step {
        Step(steps::dvs_filter())
    }

    #[inline(always)]
    fn admit<T: Tables>(_tables: &T, ifindex: u32, way: u32) -> u64 {
        steps::dvs_admit(ifindex, way)
    }

    #[inline(always)]
    fn refused<T: Tables>(_tables: &T, what: u32, reason: DropReason) -> Step {
        Step(steps::dvs_refused(what, u32::from(reason as u16)))
    }

    #[inline(always)]
    fn search<T: Tables>(_tables: &T, policy: u32, way: u32) -> u64 {
        steps::dvs_search(policy, way)
    }

    #[inline(always)]
    fn screened<T: Tables>(&mut self, _tables: &T, sender: u32) -> bool {
        steps::dvs_screened(self.0, sender) == 1
    }

    #[inline(always)]
    fn remember<T: Tables>(&mut self, _tables: &T) {
        steps::dvs_remember();
    }

    #[inline(always)]
    fn copy<T: Tables>(&mut self, _tables: &T, ifindex: u32) {
        steps::dvs_copy(self.0, ifindex);
    }

    #[inline(always)]
    fn reset<T: Tables>(&mut self, _tables: &T) -> Result<(), EditFailed> {
        if steps::dvs_reset(self.0) == 0 { Ok(()) } else { Err(EditFailed) }
    }

    #[inline(always)]
    fn everywhere<T: Tables>(&mut self, _tables: &T) -> Packed {
        Packed(steps::dvs_everywhere(self.0))
    }

    #[inline(always)]
    fn respond<T: Tables>(&mut self, _tables: &T) -> Step {
        Step(steps::dvs_respond(self.0))
    }

    #[inline(always)]
    fn complain<T: Tables>(&mut self, _tables: &T) -> Result<(), EditFailed> {
        if steps::dvs_error(self.0) == 0 { Ok(()) } else { Err(EditFailed) }
    }

    #[inline(always)]
    fn request<T: Tables>(&mut self, _tables: &T, audience: Audience) -> bool {
        steps::dvs_request(self.0, (audience == Audience::Uplinks).into()) == 1
    }

    #[inline(always)]
    fn ask<T: Tables>(&mut self, _tables: &T) {
        steps::dvs_ask(self.0);
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

/// One turn of `bpf_loop`, which ends with a result of 1.
extern "C" fn turn<B: Repeated>(index: u32, body: &mut B) -> i64 {
    i64::from(body.turn(index).is_break())
}

/// The result of a helper that returns 0 or a negative error number.
#[inline(always)]
fn done(result: i64) -> Result<(), EditFailed> {
    if result == 0 { Ok(()) } else { Err(EditFailed) }
}
