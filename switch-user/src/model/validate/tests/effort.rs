//! How much work something is, counted so that it is the same on every machine: the bytes that it asks for.

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};

use tikv_jemallocator::Jemalloc;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// The allocator, with a count of what each thread asks for.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(octets: usize) {
    // A thread that ends may have lost its count already.
    ASKED.try_with(|asked| asked.set(asked.get().wrapping_add(octets))).ok();
}

// SAFETY: all is left to the allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the rules.
        unsafe { Jemalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the rules, and all memory is its own.
        unsafe { Jemalloc.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as for the others.
        unsafe { Jemalloc.realloc(memory, layout, size) }
    }
}

/// Bytes that some work asks for on this thread.
pub(super) fn of(work: impl FnOnce()) -> usize {
    let before = ASKED.get();
    work();
    ASKED.get().wrapping_sub(before)
}
