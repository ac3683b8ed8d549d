//! An example from its namespaces to their removal.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::signals::{self, Signals};
use super::topology::{Topology, Try};
use super::vm::Vm;
use crate::progress::headline;
use crate::{shell, workspace};

/// How `dvs run` says that it has taken up its work.
const READY: &str = "dvs is ready";

/// Makes the playground, runs the switch in it until it is interrupted, or for once, and removes everything.
pub(crate) fn run(name: &str, topology: &Topology, once: bool, arguments: &[String]) -> Result<()> {
    headline(&format!("Example {name}"));
    let mut signals = Signals::hold()?;
    let switch = Switch::new(name)?;
    let vms = topology.places.iter().map(Vm::here).collect::<Result<Vec<_>>>()?;
    let mut dvs = switch.start(arguments)?;
    let introduced = introduce(&switch, topology, &mut dvs);
    if once || introduced.is_err() {
        signals::stop(&dvs)?;
    }
    let finished = finish(&mut dvs, &mut signals);
    drop(vms);
    println!("The namespaces of {name} are removed.");
    introduced.and(finished)
}

/// Applies the example and shows what to try.
fn introduce(switch: &Switch, topology: &Topology, dvs: &mut Child) -> Result<()> {
    wait_until_ready(dvs)?;
    switch.apply(&topology.objects)?;
    switch.introduce(&topology.tries);
    Ok(())
}

/// Ends with the switch.
fn finish(dvs: &mut Child, signals: &mut Signals) -> Result<()> {
    let status = signals.wait(dvs)?;
    ensure!(status.success(), "dvs run failed: {status}");
    Ok(())
}

/// Passes on what dvs prints; from its first word of readiness on a thread does so.
fn wait_until_ready(dvs: &mut Child) -> Result<()> {
    let mut lines =
        BufReader::new(dvs.stdout.take().context("dvs has no output")?).lines().map_while(Result::ok);
    let ready = lines.by_ref().inspect(|line| println!("{line}")).any(|line| line.starts_with(READY));
    if !ready {
        bail!("dvs ended before it was ready");
    }
    std::thread::spawn(move || lines.for_each(|line| println!("{line}")));
    Ok(())
}

/// The example's own switch; what it leaves in the kernel is removed when this is dropped.
struct Switch {
    dir: PathBuf,
}

impl Switch {
    /// A switch with nothing in it, also if an earlier one was killed.
    fn new(name: &str) -> Result<Self> {
        let switch = Self { dir: Path::new("/run").join(format!("dvs-{name}")) };
        switch.remove();
        fs::create_dir_all(&switch.dir).with_context(|| format!("cannot create {}", switch.dir.display()))?;
        Ok(switch)
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("dvs.sock")
    }

    fn command(&self) -> Command {
        let mut dvs = Command::new(workspace::dvs());
        dvs.env("DVS_STATE_DIR", &self.dir).env("DVS_SOCKET", self.socket());
        dvs
    }

    fn start(&self, arguments: &[String]) -> Result<Child> {
        let mut dvs = self.command();
        dvs.arg("run").args(arguments).stdout(Stdio::piped());
        dvs.spawn().with_context(|| format!("cannot start {}", shell::describe(&dvs)))
    }

    fn apply(&self, objects: &Path) -> Result<()> {
        shell::shown(self.command().args(["apply", "--wait", "-f"]).arg(objects))
    }

    fn introduce(&self, tries: &[Try]) {
        let dvs = workspace::dvs();
        let bin = dvs.parent().unwrap_or(Path::new("."));
        println!("\nThe switch is running. In another terminal, as root:\n");
        println!("  export PATH={}:$PATH DVS_SOCKET={}", bin.display(), self.socket().display());
        for Try { why, command } in tries {
            println!("\n  # {why}\n  {command}");
        }
        println!("\nCtrl-C ends the switch and removes the namespaces.\n");
    }

    fn remove(&self) {
        if self.dir.exists() {
            shell::succeeds(self.command().args(["run", "--teardown"]));
            // Nothing is mounted there if the switch did not get that far.
            nix::mount::umount(&self.dir.join("bpf")).ok();
            if let Err(error) = fs::remove_dir_all(&self.dir) {
                println!("note: {} is left behind: {error}", self.dir.display());
            }
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.remove();
    }
}
