//! The memory of this process.

use std::{fs, io};

/// Most arenas of the C library. It makes one a thread, and each keeps what was once used.
#[cfg(target_env = "gnu")]
const ARENAS: libc::c_int = 2;

/// Lets all threads share a few arenas. To be called before there are threads.
pub fn share() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number that the allocator reads.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS)
    };
}

/// Gives memory that is not in use back to the system. To be called after what needs much and is
/// done seldom: the C library keeps it otherwise.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: touches only memory that is free.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Bytes of memory that this process has.
pub fn resident() -> io::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    // SAFETY: asks for a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Ok(pages * u64::try_from(page).unwrap_or(4096))
}
