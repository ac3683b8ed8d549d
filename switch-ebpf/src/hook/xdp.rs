//! The cache of the pipeline at XDP, on the buffers of a driver.

use core::ptr;

use aya_ebpf::{
    bindings::{xdp_action, xdp_md},
    helpers::generated::{bpf_redirect, bpf_xdp_adjust_head, bpf_xdp_get_buff_len},
};
use switch_common::{
    verdict::Verdict,
    wire::{eth, vlan},
};
use switch_ebpf::{
    packet::{EditFailed, Packet, Repeated, Tag},
    pipeline,
    tunnel::Tunnel,
};

use super::{access, maps::Maps};

/// The switch's program in the driver of an uplink.
///
/// In a section of its own kind: it takes frames that lie in several buffers (jumbo MTU).
#[unsafe(link_section = "xdp.frags")]
#[unsafe(no_mangle)]
pub(super) extern "C" fn dvs_xdp(context: *mut xdp_md) -> u32 {
    let mut packet = XdpPacket(context);
    match pipeline::cache(&mut packet, &Maps).verdict() {
        // SAFETY: the helper has no preconditions; its return value is the action.
        Verdict::Forward { ifindex, .. } => unsafe { bpf_redirect(ifindex, 0) as u32 },
        Verdict::Drop(_) | Verdict::Flooded | Verdict::Taken | Verdict::Pass | Verdict::Punt => {
            xdp_action::XDP_PASS
        }
    }
}

/// A frame in a driver's buffer.
struct XdpPacket(*mut xdp_md);

/// The two addresses of an Ethernet header.
const ADDRESSES: usize = eth::LEN - 2;

impl XdpPacket {
    #[inline(always)]
    fn context(&self) -> &xdp_md {
        // SAFETY: the context lives as long as the program runs; the kernel translates its fields.
        unsafe { &*self.0 }
    }

    /// Moves the start of the frame by `delta` octets.
    #[inline(always)]
    fn adjust_head(&mut self, delta: i32) -> Result<(), EditFailed> {
        // SAFETY: the context is live.
        if unsafe { bpf_xdp_adjust_head(self.0, delta) } == 0 { Ok(()) } else { Err(EditFailed) }
    }

    /// Overwrites octets at the start of the frame.
    #[inline(always)]
    fn write_start<const N: usize>(&mut self, octets: [u8; N]) -> Result<(), EditFailed> {
        let at = self.at::<N>(0).ok_or(EditFailed)?;
        // SAFETY: `at` checked that the frame has these octets, and nothing else refers to them.
        unsafe { ptr::from_ref(at).cast_mut().write(octets) };
        Ok(())
    }
}

impl Packet for XdpPacket {
    #[inline(always)]
    fn ifindex(&self) -> u32 {
        self.context().ingress_ifindex
    }

    #[inline(always)]
    fn octets(&self) -> u32 {
        // SAFETY: the context is live. Buffers behind the first one count too.
        unsafe { bpf_xdp_get_buff_len(self.0) as u32 }
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

    /// What needs it is left to TC, as is all that follows here but for `segment`.
    #[inline(always)]
    fn copy_out<const N: usize>(&self, _offset: usize, _to: &mut [u64; N]) -> u32 {
        0
    }

    #[inline(always)]
    fn copy_in<const N: usize>(
        &mut self,
        _offset: usize,
        _octets: u32,
        _from: &[u64; N],
    ) -> Result<(), EditFailed> {
        Err(EditFailed)
    }

    #[inline(always)]
    fn resize(&mut self, _octets: u32) -> Result<(), EditFailed> {
        Err(EditFailed)
    }

    #[inline(always)]
    fn insert(&mut self, _octets: u32) -> Result<(), EditFailed> {
        Err(EditFailed)
    }

    /// There is no GSO at XDP: one frame is one packet.
    #[inline(always)]
    fn segment(&self) -> u32 {
        0
    }

    /// A driver's sum of the frame does not survive a redirect.
    #[inline(always)]
    fn resum(&mut self, _difference: u32) {}

    /// Headers that are not in the first buffer are left to TC.
    #[inline(always)]
    fn pull(&mut self, _octets: u32) {}

    /// Drivers that take tags out of frames are told not to while they have the program.
    #[inline(always)]
    fn tag_beside(&self) -> Tag {
        Tag::NONE
    }

    #[inline(always)]
    fn push(&mut self, tag: Tag) -> Result<(), EditFailed> {
        let addresses = *self.at::<ADDRESSES>(0).ok_or(EditFailed)?;
        self.adjust_head(-(vlan::LEN as i32))?;
        let (tpid, tci) = (tag.tpid.to_be_bytes(), tag.tci.to_be_bytes());
        let mut header = [0; ADDRESSES + vlan::LEN];
        header[..ADDRESSES].copy_from_slice(&addresses);
        header[ADDRESSES..].copy_from_slice(&[tpid[0], tpid[1], tci[0], tci[1]]);
        self.write_start(header)
    }

    #[inline(always)]
    fn pop(&mut self) -> Result<(), EditFailed> {
        let addresses = *self.at::<ADDRESSES>(0).ok_or(EditFailed)?;
        self.adjust_head(vlan::LEN as i32)?;
        self.write_start(addresses)
    }

    /// There is no GSO at XDP: one frame is one packet.
    #[inline(always)]
    fn fits(&self, _ifindex: u32, mtu: u32, payload: u32) -> bool {
        payload <= mtu
    }

    /// The kernel takes frames out of tunnels, and puts them in, behind XDP.
    #[inline(always)]
    fn is_at(&self, _device: u64) -> bool {
        false
    }

    #[inline(always)]
    fn tunnel(&self, _family: u64, _tunnel: &mut Tunnel) -> Result<(), EditFailed> {
        Err(EditFailed)
    }

    #[inline(always)]
    fn set_tunnel(&mut self, _family: u64, _tunnel: &Tunnel) -> Result<(), EditFailed> {
        Err(EditFailed)
    }

    #[inline(always)]
    fn come_by(&mut self, _ifindex: u32) {}

    /// XDP cannot copy; the cache never floods.
    #[inline(always)]
    fn copy_to(&mut self, _ifindex: u32) -> bool {
        false
    }

    #[inline(always)]
    fn repeat<B: Repeated>(count: u32, body: &mut B) {
        let mut index = 0;
        while index < count && body.turn(index).is_continue() {
            index += 1;
        }
    }
}
