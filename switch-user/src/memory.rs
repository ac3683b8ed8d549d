//! The memory of this process.

use std::{fs, io};

/// A manager makes and drops millions of small pieces from many threads, and keeps some of them for long. The C library's
/// allocator holds on to what was once used and searches long lists of holes; this one does neither. The unit tests have
/// it with a count of what is asked for.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The allocator's settings, which it looks for by this name: few arenas, because each keeps pieces of its own; what is
/// free goes back to the system after a second, by a thread for that.
// SAFETY: the allocator reads a C string from there, whose type and end these are; nobody else has such a symbol.
#[unsafe(export_name = "_rjem_malloc_conf")]
static SETTINGS: &std::ffi::c_char = {
    let text =
        c"narenas:4,background_thread:true,max_background_threads:1,dirty_decay_ms:1000,muzzy_decay_ms:0";
    // SAFETY: a C string has at least the octet at its end.
    unsafe { &*text.as_ptr() }
};

/// Bytes of memory that this process has.
///
/// # Errors
/// When there is no `/proc`.
pub fn resident() -> io::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    // SAFETY: asks for a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Ok(pages * u64::try_from(page).unwrap_or(4096))
}

#[cfg(test)]
mod tests {
    use std::{hint::black_box, time::Duration};

    use super::*;

    /// Octets, and how long it may take until they are given back: by the settings it is a second.
    const MANY: u64 = 256 << 20;
    const LOOKS: u32 = 600;

    #[test]
    fn what_is_free_is_given_back() {
        let pieces: Vec<Vec<u8>> = (0..MANY / 4096).map(|_| black_box(vec![1; 4096])).collect();
        let most = resident().unwrap();
        drop(pieces);
        let is_back = || resident().unwrap() + MANY / 2 < most;
        let look = |_: u32| {
            is_back() || {
                std::thread::sleep(Duration::from_millis(50));
                false
            }
        };
        assert!((0..LOOKS).any(look), "{} of {most} octets are still there", resident().unwrap());
    }
}
