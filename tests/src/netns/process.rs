//! Processes that end with their owner and within bounds.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::wait::{LIMIT, within};

/// A running process. It is killed when this is dropped, or when the tests die.
pub struct Process {
    child: Child,
    what: String,
    output: File,
    errors: File,
}

/// What a process left behind.
#[derive(Debug)]
pub struct Finished {
    /// How it ended; `None` if it was killed because its time was up.
    pub code: Option<i32>,
    /// What it wrote to its standard output.
    pub output: String,
    /// What it wrote to its standard error.
    pub errors: String,
}

impl Process {
    /// Starts a command; it has no input, and what it writes is kept.
    pub fn start(command: &mut Command) -> Self {
        let what = format!("{command:?}");
        let [output, errors] = [(); 2].map(|()| tempfile::tempfile().unwrap());
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(errors.try_clone().unwrap());
        // SAFETY: prctl is a system call and nothing else.
        unsafe { command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGKILL)?)) };
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {what}: {error}"));
        Self { child, what, output, errors }
    }

    /// Number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far to its standard output.
    pub fn output(&self) -> String {
        content(&self.output)
    }

    /// What it has written so far to its standard error.
    pub fn errors(&self) -> String {
        content(&self.errors)
    }

    /// True until it has ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id().try_into().unwrap()), signal).unwrap();
    }

    /// Kills it; it has no chance to clean up.
    pub fn kill(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().unwrap();
    }

    /// Waits for its end; after the limit it is killed.
    pub fn finish(mut self, limit: Duration) -> Finished {
        let status: Option<ExitStatus> = within(limit, || self.child.try_wait().unwrap());
        if status.is_none() {
            self.kill();
        }
        Finished {
            code: status.and_then(|status| status.code()),
            output: self.output(),
            errors: self.errors(),
        }
    }

    /// Waits for its end and returns its output.
    ///
    /// # Panics
    /// When it does not succeed within the limit.
    #[track_caller]
    pub fn succeed(self, limit: Duration) -> String {
        let what = self.what.clone();
        let finished = self.finish(limit);
        assert_eq!(finished.code, Some(0), "{what}: {}\n{}", finished.errors, finished.output);
        finished.output
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a command to its end, which must be a success, and returns its output.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    Process::start(command).succeed(LIMIT)
}

/// Runs a command to its end, whatever comes of it.
pub fn finish(command: &mut Command) -> Finished {
    Process::start(command).finish(LIMIT)
}

/// All of a file, without moving the position at which the process writes.
fn content(file: &File) -> String {
    let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
