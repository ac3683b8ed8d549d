//! Other programs, pinned to a CPU, in a namespace, and never longer alive than this one.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::netns::Namespace;
use crate::shell;

/// CPU of whoever sends first.
pub(crate) const CLIENT_CPU: &str = "0";
/// CPU of whoever answers.
pub(crate) const SERVER_CPU: &str = "1";

/// A server that outlives this is a bug.
const LIFETIME: &str = "7200";
/// How long a daemon may take to end when asked to.
const GRACE: Duration = Duration::from_secs(5);

/// Runs a client to its end, and gives what it wrote.
pub(crate) fn client(place: &Namespace, limit: Duration, words: &[&str]) -> Result<String> {
    let limit = limit.as_secs().to_string();
    let pin = ["taskset", "-c", CLIENT_CPU];
    shell::quiet(leashed(&limit).args(inside(place)).args(pin).args(words))
}

/// A command for a server on a CPU of its own.
pub(crate) fn server(place: &Namespace, words: &[&str]) -> Command {
    pinned(place, SERVER_CPU, words)
}

/// A command for a server on its client's CPU.
pub(crate) fn server_beside_client(place: &Namespace, words: &[&str]) -> Command {
    pinned(place, CLIENT_CPU, words)
}

fn pinned(place: &Namespace, cpu: &str, words: &[&str]) -> Command {
    let mut command = leashed(LIFETIME);
    command.args(inside(place)).args(["taskset", "-c", cpu]).args(words);
    command
}

/// A command for a daemon on any CPU; `words` see to the namespace themselves if they need one.
pub(crate) fn anywhere(words: &[&str]) -> Command {
    let mut command = leashed(LIFETIME);
    command.args(words);
    command
}

/// A command for a server in a namespace, on any CPU.
pub(crate) fn server_anywhere(place: &Namespace) -> Command {
    anywhere(&inside(place))
}

/// The words that put a command into a namespace.
pub(crate) fn inside(place: &Namespace) -> [&str; 4] {
    ["ip", "netns", "exec", place.name()]
}

/// A command that ends with this process or when its time is over, whichever comes first.
fn leashed(seconds: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "timeout", "--foreground", "--kill-after", "5", seconds]);
    command.stdin(Stdio::null());
    command
}

/// A program in the background; dropping it ends it.
pub(crate) struct Daemon {
    child: Child,
    what: String,
    /// Kept open also if nobody reads on, because a daemon that says more must not die of it.
    stdout: Option<BufReader<ChildStdout>>,
}

impl Daemon {
    /// Starts the command. What it says goes to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        Self::spawn(command.stdout(file.try_clone()?).stderr(file))
    }

    /// Starts the command and waits for the first line that it says on stdout. Complaints go to `log`.
    pub(crate) fn start_and_wait(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut daemon = Self::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file))?;
        let mut reader = BufReader::new(daemon.child.stdout.take().context("a daemon without stdout")?);
        if reader.read_line(&mut String::new())? == 0 {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            bail!("{} ended before it was ready:\n{said}", daemon.what);
        }
        daemon.stdout = Some(reader);
        Ok(daemon)
    }

    /// Runs a command to its end, for as long as `check` says nothing against it. What it says on stdout goes to a
    /// file first, and is the answer; what it says besides is for the user.
    pub(crate) fn attended(
        command: &mut Command,
        file: &Path,
        check: impl Fn() -> Result<()>,
    ) -> Result<String> {
        let stdout = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
        let mut daemon = Self::spawn(command.stdout(stdout))?;
        loop {
            check()?;
            match daemon.child.try_wait()? {
                Some(status) if status.success() => return Ok(std::fs::read_to_string(file)?),
                Some(status) => bail!("{} failed: {status}", daemon.what),
                None => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// Number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn spawn(command: &mut Command) -> Result<Self> {
        let what = shell::describe(command);
        let child = command.spawn().with_context(|| format!("cannot start {what}"))?;
        Ok(Self { child, what, stdout: None })
    }

    /// Waits for its end and gives what it wrote on stdout after its first line.
    pub(crate) fn output(mut self) -> Result<String> {
        let text = std::io::read_to_string(self.stdout.take().context("a daemon without stdout")?)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("{} failed: {status}", self.what);
        }
        Ok(text)
    }

    fn end(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        kill(Pid::from_raw(self.child.id().try_into()?), Signal::SIGTERM)?;
        if !poll(GRACE, || Ok(self.child.try_wait()?.is_some()))? {
            self.child.kill()?;
            self.child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("warning: {} may be left behind: {error:#}", self.what);
        }
    }
}

/// Asks again and again until the answer is yes or the time is over; says which.
pub(crate) fn poll(limit: Duration, mut answer: impl FnMut() -> Result<bool>) -> Result<bool> {
    let end = Instant::now() + limit;
    loop {
        if answer()? {
            return Ok(true);
        }
        if Instant::now() > end {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
