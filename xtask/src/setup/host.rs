//! What a machine must bring along that cannot be installed.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail};

use super::Part;

/// The oldest kernel that the switch runs on.
const OLDEST_KERNEL: (u32, u32) = (6, 1);

/// Checks the machine for these parts; the error names everything that is missing and how to get it.
pub(crate) fn check(parts: &[Part]) -> Result<()> {
    if !parts.iter().any(|part| part.loads_programs()) {
        return Ok(());
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let has_types = Path::new("/sys/kernel/btf/vmlinux").exists();
    let missing = missing(is_root(), release.trim(), has_types);
    if missing.is_empty() {
        return Ok(());
    }
    let mut text = String::from("this machine cannot run the switch yet:");
    for remedy in missing {
        write!(text, "\n  - {remedy}")?;
    }
    bail!(text)
}

/// Whether the caller may install packages and load programs.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn missing(root: bool, release: &str, has_types: bool) -> Vec<String> {
    let mut missing = Vec::new();
    if !root {
        missing.push(
            "root is missing: loading programs into the kernel and making network namespaces needs \
                      it; run the same command under sudo (sudo -E env PATH=\"$PATH\" cargo xtask ...)"
                .into(),
        );
    }
    if kernel_version(release).is_none_or(|version| version < OLDEST_KERNEL) {
        let (major, minor) = OLDEST_KERNEL;
        missing.push(format!(
            "the kernel is {release}, and {major}.{minor} is the oldest that works; on Debian 11 take \
             linux-image-amd64 from bullseye-backports, or upgrade to Debian 12"
        ));
    }
    if !has_types {
        missing.push(
            "/sys/kernel/btf/vmlinux is missing: the kernel must be built with \
                      CONFIG_DEBUG_INFO_BTF=y, as Debian's linux-image-amd64 is"
                .into(),
        );
    }
    missing
}

fn kernel_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_to_its_second_number() {
        assert_eq!(kernel_version("6.1.0-56-cloud-amd64"), Some((6, 1)));
        assert_eq!(kernel_version("6.12.117+deb12-amd64"), Some((6, 12)));
        assert_eq!(kernel_version("linux"), None);
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        assert_eq!(missing(true, "6.1.0", true), Vec::<String>::new());
        let all = missing(false, "5.10.0-30-amd64", false);
        assert_eq!(all.len(), 3);
        assert!(all[1].contains("5.10.0-30-amd64"), "{all:?}");
    }
}
