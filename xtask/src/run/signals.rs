//! Waiting for the switch or for the user, whoever ends first.

use std::process::{Child, ExitStatus};

use anyhow::{Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};

/// Signals that are taken by [`Signals::wait`] instead of ending this process.
pub(crate) struct Signals(signal_hook::iterator::Signals);

impl Signals {
    /// From here on an interruption waits until it is asked for; children are not affected.
    pub(crate) fn hold() -> Result<Self> {
        Ok(Self(signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGCHLD])?))
    }

    /// Waits for the child's end, and hands an interruption on to it.
    pub(crate) fn wait(&mut self, child: &mut Child) -> Result<ExitStatus> {
        for signal in self.0.forever() {
            if signal != SIGCHLD {
                stop(child)?;
            } else if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
        }
        bail!("no more signals arrive")
    }
}

/// Asks a child to end in an orderly way.
pub(crate) fn stop(child: &Child) -> Result<()> {
    let pid = Pid::from_raw(child.id().try_into()?);
    Ok(kill(pid, Signal::SIGTERM)?)
}
