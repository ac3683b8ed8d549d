//! The rings: what each one runs.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};

use super::environment;
use super::tally::Tally;
use crate::kernels::{Job, Kernel};
use crate::{shell, workspace};

/// An emulated machine takes about a minute; one that takes longer than this hangs.
const VM_LIMIT: Duration = Duration::from_mins(10);

/// A set of tests that need the same surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Ring {
    /// Unit and property tests.
    #[value(name = "1")]
    Host,
    /// Program test runs.
    #[value(name = "2")]
    Programs,
    /// Network namespaces.
    #[value(name = "3")]
    Namespaces,
    /// Other kernels in VMs.
    #[value(name = "5")]
    Kernels,
}

impl Ring {
    /// All rings in their order.
    pub(crate) const ALL: [Self; 4] = [Self::Host, Self::Programs, Self::Namespaces, Self::Kernels];

    /// The headline.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Host => "Ring 1: host",
            Self::Programs => "Ring 2: programs in this kernel",
            Self::Namespaces => "Ring 3: traffic between namespaces",
            Self::Kernels => "Ring 5: Debian's kernels 6.1 and 6.12",
        }
    }

    /// Runs the ring's tests; their output is shown as it comes.
    pub(crate) fn run(self, arguments: &[String]) -> Result<Tally> {
        match self {
            Self::Host => host(arguments),
            Self::Programs => cargo_test(&["--package", "dvs-tests", "--test", "progrun"], arguments),
            Self::Namespaces => cargo_test(&["--package", "dvs-tests", "--test", "netns"], arguments),
            Self::Kernels => kernels(arguments),
        }
    }
}

fn host(arguments: &[String]) -> Result<Tally> {
    let mut tally = cargo_test(&["--workspace", "--exclude", "dvs-tests"], arguments)?;
    tally += cargo_test(&["--package", "dvs-tests", "--lib"], arguments)?;
    Ok(tally)
}

fn cargo_test(what: &[&str], arguments: &[String]) -> Result<Tally> {
    let mut command = workspace::cargo(["test", "--no-fail-fast"]);
    command.args(what).arg("--").args(arguments).envs(environment());
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let mut tally = Tally::default();
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        let line = line?;
        println!("{line}");
        tally.read(&line);
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        println!("{} failed: {status}", shell::describe(&command));
        tally += Tally::failure();
    }
    Ok(tally)
}

fn kernels(arguments: &[String]) -> Result<Tally> {
    let job = Job {
        script: script(&binaries()?, arguments),
        environment: environment().to_vec(),
        limit: VM_LIMIT,
        shown: true,
    };
    let mut total = Tally::default();
    for kernel in Kernel::ALL {
        println!("\nLinux {}:", kernel.name());
        let outcome = kernel.run(&job)?;
        let mut tally = Tally::default();
        outcome.lines.iter().for_each(|line| tally.read(line));
        if outcome.code != Some(0) && tally.failed == 0 {
            println!("the VM's script did not succeed: exit code {:?}", outcome.code);
            tally += Tally::failure();
        }
        println!("Linux {}: {tally}", kernel.name());
        total += tally;
    }
    Ok(total)
}

/// Runs every binary, whatever becomes of the one before.
fn script(binaries: &[PathBuf], arguments: &[String]) -> String {
    let quoted = |word: &dyn std::fmt::Display| format!("'{word}'");
    let arguments = arguments.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let lines = binaries.iter().map(|path| format!("{} {arguments} || failed=1", quoted(&path.display())));
    let tests = workspace::root().join("tests");
    format!(
        "cd {}\nfailed=0\n{}\nexit $failed",
        quoted(&tests.display()),
        lines.collect::<Vec<_>>().join("\n")
    )
}

/// Compiles the tests for VMs and asks cargo where they are.
fn binaries() -> Result<Vec<PathBuf>> {
    let mut command = workspace::cargo(["test", "--no-run", "--message-format", "json-render-diagnostics"]);
    command.args(["--package", "dvs-tests", "--test", "progrun", "--test", "kernels_smoke"]);
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    anyhow::ensure!(output.status.success(), "the tests for VMs do not compile");
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(executable).collect())
}

/// The path in a message of cargo's, if it is about a test binary.
fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let is_test = message.pointer("/profile/test")?.as_bool()?;
    let path = message.get("executable")?.as_str()?;
    is_test.then(|| path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_binary_is_found_among_cargos_messages() {
        let test = r#"{"reason":"compiler-artifact","profile":{"test":true},"executable":"/t/progrun-1"}"#;
        let binary = r#"{"reason":"compiler-artifact","profile":{"test":false},"executable":"/t/dvs"}"#;
        let library = r#"{"reason":"compiler-artifact","profile":{"test":true},"executable":null}"#;
        assert_eq!(executable(test), Some("/t/progrun-1".into()));
        assert_eq!((executable(binary), executable(library)), (None, None));
    }

    #[test]
    fn a_script_goes_on_after_a_failure() {
        let script = script(&["/a".into(), "/b".into()], &["x".to_owned()]);
        assert!(script.ends_with("'/a' 'x' || failed=1\n'/b' 'x' || failed=1\nexit $failed"), "{script}");
    }
}
