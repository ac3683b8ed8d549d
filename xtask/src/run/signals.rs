//! Waiting for the switch or for the user, whoever ends first.

use std::process::{Child, ExitStatus};

use anyhow::Result;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

/// Signals that are taken by [`Signals::wait`] instead of ending this process.
pub(crate) struct Signals {
    set: SigSet,
}

impl Signals {
    /// From here on an interruption waits until it is asked for; children are not affected.
    pub(crate) fn hold() -> Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD] {
            set.add(signal);
        }
        set.thread_block()?;
        Ok(Self { set })
    }

    /// Waits for the child's end, and hands an interruption on to it.
    pub(crate) fn wait(&self, child: &mut Child) -> Result<ExitStatus> {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if self.set.wait()? != Signal::SIGCHLD {
                stop(child)?;
            }
        }
    }
}

/// Asks a child to end in an orderly way.
pub(crate) fn stop(child: &Child) -> Result<()> {
    let pid = Pid::from_raw(child.id().try_into()?);
    Ok(kill(pid, Signal::SIGTERM)?)
}
