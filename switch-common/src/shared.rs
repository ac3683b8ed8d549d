//! Cells in map memory that several CPUs write at once.

use core::cell::UnsafeCell;

use zerocopy::{FromBytes, IntoBytes, KnownLayout};

/// A `u64` in map memory that the kernel side changes in place while others read it.
///
/// `AtomicU64` cannot be used: LLVM's BPF back end selects neither `fetch_add` nor an atomic store.
/// On bpf the cell uses `lock *(u64 *)` and volatile accesses, which the kernel's JIT makes single
/// instructions; on the host (tests) it is an `AtomicU64` in disguise.
#[derive(FromBytes, IntoBytes, KnownLayout)]
#[repr(transparent)]
pub struct Shared(UnsafeCell<u64>);

// SAFETY: all accesses go through the atomic or volatile operations below.
unsafe impl Sync for Shared {}

impl Default for Shared {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Clone for Shared {
    fn clone(&self) -> Self {
        Self::new(self.get())
    }
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.get().fmt(out)
    }
}

impl Shared {
    /// A cell that holds `value`.
    pub const fn new(value: u64) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value at this moment.
    #[inline(always)]
    pub fn get(&self) -> u64 {
        // SAFETY: the cell is valid and aligned; a 64-bit load is single on every supported target.
        unsafe { core::ptr::read_volatile(self.0.get()) }
    }

    /// Replaces the value; the last writer wins.
    #[inline(always)]
    pub fn set(&self, value: u64) {
        // SAFETY: as in `get`; a store of 64 bits cannot tear.
        unsafe { core::ptr::write_volatile(self.0.get(), value) }
    }

    /// Adds `value` atomically, wrapping.
    #[inline(always)]
    pub fn add(&self, value: u64) {
        #[cfg(target_arch = "bpf")]
        // SAFETY: the pointer is valid map memory; the instruction is an atomic add.
        unsafe {
            core::arch::asm!("lock *(u64 *)({cell} + 0) += {value}", cell = in(reg) self.0.get(), value = in(reg) value);
        }
        #[cfg(not(target_arch = "bpf"))]
        // SAFETY: the cell is valid, aligned and only accessed atomically on the host.
        unsafe {
            core::sync::atomic::AtomicU64::from_ptr(self.0.get())
                .fetch_add(value, core::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Adds `value` without a lock: only for per-CPU memory, where no other CPU writes.
    #[inline(always)]
    pub fn add_local(&self, value: u64) {
        self.set(self.get().wrapping_add(value));
    }
}
