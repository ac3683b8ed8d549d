//! The rings: what each one runs.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::binary::{Binary, counted};
use super::environment;
use super::tally::Tally;
use crate::kernels::{Job, Kernel};
use crate::workspace;

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
    /// Clusters.
    #[value(name = "4")]
    Clusters,
    /// Other kernels in VMs.
    #[value(name = "5")]
    Kernels,
}

impl Ring {
    /// All rings in their order.
    pub(crate) const ALL: [Self; 5] =
        [Self::Host, Self::Programs, Self::Namespaces, Self::Clusters, Self::Kernels];

    /// The headline.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Host => "Ring 1: host",
            Self::Programs => "Ring 2: programs in this kernel",
            Self::Namespaces => "Ring 3: traffic between namespaces",
            Self::Clusters => "Ring 4: clusters",
            Self::Kernels => "Ring 5: Debian's kernels 6.1 and 6.12",
        }
    }

    /// Whether a binary's tests belong to this ring. Of the tests' package, only files with these names need
    /// a kernel or a cluster; what has another name is for the host.
    fn has(self, binary: &Binary) -> bool {
        let needs_kernel = binary.is_integration && binary.package.ends_with("tests");
        let name = if needs_kernel { binary.name.as_str() } else { "" };
        match self {
            Self::Host => !matches!(name, "progrun" | "netns" | "cluster" | "kernels_smoke"),
            Self::Programs => name == "progrun",
            Self::Namespaces => name == "netns",
            Self::Clusters => name == "cluster",
            Self::Kernels => matches!(name, "progrun" | "kernels_smoke"),
        }
    }

    /// Runs the ring's tests; their output is shown as it comes.
    pub(crate) fn run(self, binaries: &[Binary], arguments: &[String]) -> Result<Tally> {
        let binaries: Vec<_> = binaries.iter().filter(|binary| self.has(binary)).collect();
        ensure!(!binaries.is_empty(), "there is no test binary for this ring");
        if self == Self::Kernels {
            return kernels(&binaries, arguments);
        }
        let mut tally = Tally::default();
        for binary in binaries {
            tally += binary.run(arguments)?;
        }
        if self == Self::Host {
            tally += counted(workspace::cargo(["test", "--workspace", "--doc", "--"]).args(arguments))?;
        }
        Ok(tally)
    }
}

fn kernels(binaries: &[&Binary], arguments: &[String]) -> Result<Tally> {
    let job = Job {
        script: script(binaries, arguments),
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
fn script(binaries: &[&Binary], arguments: &[String]) -> String {
    let quoted = |word: &dyn std::fmt::Display| format!("'{word}'");
    let arguments = arguments.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let runs = binaries.iter().map(|binary| {
        let (package, path) = (quoted(&binary.package.display()), quoted(&binary.path.display()));
        format!("cd {package} && {path} {arguments} || failed=1")
    });
    format!("failed=0\n{}\nexit $failed", runs.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(name: &str, package: &str, is_integration: bool) -> Binary {
        Binary {
            name: name.into(),
            path: format!("/t/{name}").into(),
            package: package.into(),
            is_integration,
        }
    }

    #[test]
    fn a_binary_is_in_the_rings_that_its_name_says() {
        let rings = |binary| Ring::ALL.into_iter().filter(|ring| ring.has(&binary)).collect::<Vec<_>>();
        assert_eq!(rings(binary("progrun", "/w/tests", true)), [Ring::Programs, Ring::Kernels]);
        assert_eq!(rings(binary("netns", "/w/tests", true)), [Ring::Namespaces]);
        assert_eq!(rings(binary("cluster", "/w/tests", true)), [Ring::Clusters]);
        assert_eq!(rings(binary("kernels_smoke", "/w/tests", true)), [Ring::Kernels]);
        assert_eq!(rings(binary("dvs_tests", "/w/tests", false)), [Ring::Host]);
        assert_eq!(rings(binary("netns", "/w/switch-user", true)), [Ring::Host]);
    }

    #[test]
    fn a_script_goes_on_after_a_failure() {
        let (a, b) = (binary("a", "/w/tests", true), binary("b", "/w/tests", true));
        let script = script(&[&a, &b], &["x".to_owned()]);
        let runs = ["a", "b"].map(|name| format!("cd '/w/tests' && '/t/{name}' 'x' || failed=1\n"));
        assert_eq!(script, format!("failed=0\n{}exit $failed", runs.concat()));
    }
}
