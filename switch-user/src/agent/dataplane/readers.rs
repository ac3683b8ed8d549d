//! Waits for programs that may still look at what has been replaced.

use std::{io, thread::sleep, time::Duration};

/// Where the kernel cannot say that they have ended: longer than any program runs.
const LONG: Duration = Duration::from_millis(100);

/// Returns when all programs have ended that ran when it was called.
///
/// Programs run in a read-side section of RCU, and this call of the kernel waits for the end of all
/// of these (kernel/sched/membarrier.c: `MEMBARRIER_CMD_GLOBAL` is `synchronize_rcu`, a few
/// milliseconds). It refuses where CPUs are without ticks (`nohz_full`).
pub(super) fn wait() {
    // SAFETY: the call has numbers as arguments and touches no memory.
    let result = unsafe { libc::syscall(libc::SYS_membarrier, libc::MEMBARRIER_CMD_GLOBAL, 0, 0) };
    if result != 0 {
        tracing::debug!("no membarrier: {}", io::Error::last_os_error());
        sleep(LONG);
    }
}
