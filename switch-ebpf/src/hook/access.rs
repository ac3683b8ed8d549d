//! Bounds-checked access to the octets of a frame, in the shape that the verifier follows.

use core::{arch::asm, ptr};

/// Octets from the start of a frame that can be read: the bound that [`bound`] keeps.
const REACH: usize = 512;

/// The `N` octets at `offset` between the packet pointers in two fields of a context.
///
/// # Safety
/// `data` and `data_end` must be the fields of a live context that the kernel passed to the program.
#[inline(always)]
pub(super) unsafe fn octets<'a, const N: usize>(
    data: *const u32,
    data_end: *const u32,
    offset: usize,
) -> Option<&'a [u8; N]> {
    // SAFETY: the caller's fields; all N octets are within the frame, and octets have no alignment.
    unsafe { Some(&*place::<N>(data, data_end, offset)?) }
}

/// The same, to be overwritten.
///
/// # Safety
/// As for [`octets`]; and nothing else may refer to the octets.
#[inline(always)]
pub(super) unsafe fn octets_mut<'a, const N: usize>(
    data: *const u32,
    data_end: *const u32,
    offset: usize,
) -> Option<&'a mut [u8; N]> {
    // SAFETY: as above; and the frame is the program's to write.
    unsafe { Some(&mut *place::<N>(data, data_end, offset)?) }
}

/// Where these octets are.
///
/// Both pointers are read anew each time, because any helper that edits the frame moves it.
/// Volatile, so that LLVM keeps the comparison that the verifier needs.
///
/// # Safety
/// As for [`octets`].
#[inline(always)]
unsafe fn place<const N: usize>(
    data: *const u32,
    data_end: *const u32,
    offset: usize,
) -> Option<*mut [u8; N]> {
    if offset >= REACH {
        return None;
    }
    // SAFETY: both are readable fields of the context.
    let (start, end) = unsafe { (ptr::read_volatile(data) as usize, ptr::read_volatile(data_end) as usize) };
    let at = start + bound(offset);
    if at + N > end { None } else { Some(at as *mut [u8; N]) }
}

/// The number itself, which is 1 to `most`, a power of two, with that bound in the value.
#[inline(always)]
pub(super) fn at_most(number: u32, most: u32) -> u32 {
    let mut value = u64::from(number.wrapping_sub(1));
    // SAFETY: one arithmetic instruction on a register.
    unsafe {
        asm!("{value} &= {mask}", value = inout(reg) value, mask = in(reg) u64::from(most - 1), options(pure, nomem, nostack));
    };
    value as u32 + 1
}

/// The same number, of which the verifier knows nothing any more: it does not see that the second
/// exclusive or undoes the first.
#[inline(always)]
pub(super) fn opaque(number: usize, unknown: u32) -> usize {
    let mut value = number;
    // SAFETY: two arithmetic instructions on registers.
    unsafe {
        asm!("{value} ^= {unknown}", "{value} ^= {unknown}", value = inout(reg) value, unknown = in(reg) u64::from(unknown), options(pure, nomem, nostack));
    }
    value
}

/// The offset itself, which is below [`REACH`], with that bound in the value.
///
/// Opaque to LLVM, which would otherwise drop the mask after the comparison: Linux 6.1 forgets the
/// comparison when the offset is spilled to the stack and read again.
#[inline(always)]
fn bound(offset: usize) -> usize {
    let mut value = offset;
    // SAFETY: one arithmetic instruction on a register.
    unsafe { asm!("{value} &= 0x1ff", value = inout(reg) value, options(pure, nomem, nostack)) };
    value
}
