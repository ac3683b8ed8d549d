//! Ctrl-C as an error, so that namespaces and daemons are removed on the way out.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Whether the user has had enough.
pub(crate) struct Interrupt {
    raised: Arc<AtomicBool>,
}

impl Interrupt {
    /// From here on the signals that end a process only raise a flag.
    pub(crate) fn catch() -> Result<Self> {
        let raised = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&raised))?;
        }
        Ok(Self { raised })
    }

    /// An error if the flag is up.
    pub(crate) fn check(&self) -> Result<()> {
        if self.raised.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }
}
