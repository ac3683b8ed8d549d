//! Waiting for the switch or for the user, whoever ends first.

use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};

/// How long something may take that takes seconds on a machine that has much to do.
const LIMIT: Duration = Duration::from_mins(1);
/// How often it is asked for.
const PAUSE: Duration = Duration::from_millis(10);

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

    /// Waits until the user has had enough.
    pub(crate) fn interruption(&mut self) {
        self.0.forever().find(|signal| *signal != SIGCHLD);
    }

    /// An error if there has been an interruption.
    pub(crate) fn check(&mut self) -> Result<()> {
        if self.0.pending().any(|signal| signal != SIGCHLD) {
            bail!("interrupted");
        }
        Ok(())
    }

    /// Asks until there is an answer; not for longer than the user likes, and not for ever.
    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        mut answer: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            self.check()?;
            if let Some(found) = answer()? {
                return Ok(found);
            }
            thread::sleep(PAUSE);
        }
        bail!("{what}: not within {} s", LIMIT.as_secs())
    }
}

/// Asks a child to end in an orderly way.
pub(crate) fn stop(child: &Child) -> Result<()> {
    let pid = Pid::from_raw(child.id().try_into()?);
    Ok(kill(pid, Signal::SIGTERM)?)
}
