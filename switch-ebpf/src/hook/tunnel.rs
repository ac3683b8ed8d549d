//! Frames into tunnels at TC: by the one device whose frames are in tunnels.

use aya_ebpf::helpers::generated::{bpf_clone_redirect, bpf_redirect};
use switch_ebpf::{packet::Packet, stage::tunnel, tables::Tables};

use super::{
    maps::Maps,
    tc::{SHOT, TcPacket},
};

impl TcPacket {
    /// Puts the frame into the tunnel to a host; returns the action.
    #[inline(always)]
    pub(super) fn enter(&mut self, host: u32) -> i32 {
        if tunnel::enter(self, &Maps, host).is_err() {
            tunnel::failed(&Maps, host);
            return SHOT;
        }
        // SAFETY: the helper has no preconditions.
        unsafe { bpf_redirect(tunnels(), 0) as i32 }
    }

    /// Puts a copy of the frame into the tunnel to a host.
    #[inline(always)]
    pub(super) fn copy_into(&mut self, host: u32) -> bool {
        let tag = self.tag_beside();
        if tunnel::enter(self, &Maps, host).is_err() {
            return false;
        }
        // SAFETY: the context is live.
        let copied = unsafe { bpf_clone_redirect(self.0, tunnels(), 0) == 0 };
        // The next copy is for somebody else; without its tag no host gets one.
        let whole = self.push(tag).is_ok();
        copied && whole
    }
}

/// Interface index of the device whose frames are in tunnels; 0, which is none, without one.
#[inline(always)]
pub(super) fn tunnels() -> u32 {
    match Maps.config() {
        Some(config) => config.tunnels as u32,
        None => 0,
    }
}
