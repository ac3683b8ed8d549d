//! Drops by port and reason, per CPU. An array, so that counting a drop can never fail.

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

use crate::{shared::Shared, verdict::DropReason};

/// Name of the map: a per-CPU array of [`Drops`] by slot.
pub const NAME: &str = "drops";

/// Room for reasons in a row: numbers 0 to 63.
pub const REASONS: usize = 64;

/// One port's drops on one CPU, by the number of the [`DropReason`].
///
/// The reason's direction says whether the port sent the frame or was to get it.
#[derive(Debug, FromBytes, IntoBytes, KnownLayout)]
#[repr(C)]
pub struct Drops {
    /// Frames by reason.
    pub frames: [Shared; REASONS],
}

const _: () = assert!(size_of::<Drops>() == 8 * REASONS);
const _: () = assert!(DropReason::ALL.len() < REASONS);

impl Default for Drops {
    fn default() -> Self {
        Self { frames: [const { Shared::new(0) }; REASONS] }
    }
}

impl Drops {
    /// The cell of a reason.
    #[inline(always)]
    pub fn of(&self, reason: DropReason) -> Option<&Shared> {
        #[cfg_attr(not(target_arch = "bpf"), expect(unused_mut, reason = "only BPF bounds it"))]
        let mut number = reason as usize;
        // LLVM knows that reasons are few and drops any comparison; the verifier does not know it.
        #[cfg(target_arch = "bpf")]
        // SAFETY: one arithmetic instruction on a register.
        unsafe {
            core::arch::asm!("{number} &= 63", number = inout(reg) number, options(pure, nomem, nostack));
        }
        self.frames.get(number)
    }
}
