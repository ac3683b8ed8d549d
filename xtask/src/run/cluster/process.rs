//! Programs in the background.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::super::namespace::Namespace;
use super::super::signals::{self, Signals};
use crate::shell;

/// How long a program may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// A command that is killed with this program and gets no Ctrl-C of the terminal, in a namespace or in this one.
pub(super) fn background(place: Option<&Namespace>, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).process_group(0);
    if let Some(place) = place {
        command.args(["ip", "netns", "exec", place.name()]);
    }
    command.arg(program);
    forget(&mut command);
    command
}

/// Takes away what the user's environment says to `dvs`.
pub(super) fn forget(command: &mut Command) {
    let variables = std::env::vars_os().map(|(name, _)| name);
    for name in variables.filter(|name| name.as_encoded_bytes().starts_with(b"DVS_")) {
        command.env_remove(name);
    }
}

/// A program in the background; dropping it ends it.
pub(super) struct Process {
    child: Child,
    what: String,
    log: PathBuf,
}

impl Process {
    /// Starts the command. What it says goes to a file.
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let what = shell::describe(command);
        let child = command.spawn().with_context(|| format!("cannot start {what}"))?;
        Ok(Self { child, what, log: log.to_owned() })
    }

    /// Waits until it has said this.
    pub(super) fn has_said(&mut self, words: &str, signals: &mut Signals) -> Result<()> {
        let what = format!("{} says {words:?}", self.what);
        signals.until(&what, || {
            let said = fs::read_to_string(&self.log)?;
            if self.child.try_wait()?.is_some() {
                bail!("{} ended before it was ready:\n{said}", self.what);
            }
            Ok(said.contains(words).then_some(()))
        })
    }

    /// Ends it as a power failure would.
    pub(super) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        signals::stop(&self.child)?;
        let end = Instant::now() + GRACE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > end {
                return self.kill();
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            println!("note: {} may be left behind: {error:#}", self.what);
        }
    }
}
