//! The test binaries: compiled in one go, so that all rings share one set of dependencies, and run one by one.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::environment;
use super::tally::Tally;
use crate::{shell, workspace};

/// A compiled test target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binary {
    /// The target's name: the package's for unit tests, the file's for integration tests.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The package's directory; tests are run there.
    pub(crate) package: PathBuf,
    /// Whether it is a file of the package's `tests` directory.
    pub(crate) is_integration: bool,
}

/// What cargo says about something that it has compiled.
#[derive(Deserialize)]
struct Message {
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Compiles all tests of the workspace.
pub(crate) fn compile() -> Result<Vec<Binary>> {
    let arguments = ["test", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"];
    let output =
        workspace::cargo(arguments).stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "the tests do not compile");
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(read).collect())
}

/// The binary that a message of cargo's is about, if it is one with tests.
fn read(message: &str) -> Option<Binary> {
    let message: Message = serde_json::from_str(message).ok()?;
    let path = message.executable.filter(|_| message.profile.test)?;
    let package = message.manifest_path.parent()?.to_owned();
    let is_integration = message.target.kind.iter().any(|kind| kind == "test");
    Some(Binary { name: message.target.name, path, package, is_integration })
}

impl Binary {
    /// Runs the tests; their output is shown as it comes.
    pub(crate) fn run(&self, arguments: &[String]) -> Result<Tally> {
        println!("\n{} ({})", self.name, self.path.display());
        counted(Command::new(&self.path).current_dir(&self.package).args(arguments))
    }
}

/// Runs a command that reports as test binaries do, and counts.
pub(crate) fn counted(command: &mut Command) -> Result<Tally> {
    let mut child = command
        .envs(environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", shell::describe(command)))?;
    let mut tally = Tally::default();
    for line in BufReader::new(child.stdout.take().context("no output")?).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        tally.read(&line);
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        println!("{} failed: {status}", shell::describe(command));
        tally += Tally::failure();
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &str, test: bool, executable: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","manifest_path":"/w/tests/Cargo.toml","executable":{executable},
                "target":{{"name":"progrun","kind":["{kind}"]}},"profile":{{"test":{test},"debuginfo":2}}}}"#
        )
    }

    #[test]
    fn test_binaries_are_found_among_cargos_messages() {
        let binary = read(&message("test", true, r#""/t/progrun-1""#));
        let expected = Binary {
            name: "progrun".into(),
            path: "/t/progrun-1".into(),
            package: "/w/tests".into(),
            is_integration: true,
        };
        assert_eq!(binary, Some(expected));
        assert_eq!(read(&message("bin", true, r#""/t/x""#)).map(|binary| binary.is_integration), Some(false));
    }

    #[test]
    fn other_messages_are_passed_over() {
        assert_eq!(read(&message("bin", false, r#""/t/dvs""#)), None);
        assert_eq!(read(&message("lib", true, "null")), None);
        assert_eq!(read(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn a_crash_counts_as_a_failure() -> Result<()> {
        assert_eq!(counted(Command::new("sh").args(["-c", "exit 3"]))?, Tally::failure());
        let reported = counted(Command::new("echo").arg("test result: ok. 2 passed; 0 failed; 0 ignored"))?;
        assert_eq!(reported, Tally { passed: 2, failed: 0, ignored: 0 });
        Ok(())
    }
}
