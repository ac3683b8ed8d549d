//! Installing Debian packages without side effects on the machine.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::shell;

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Whether this machine has Debian's package manager.
pub(crate) fn is_available() -> bool {
    shell::find("apt-get").is_some()
}

/// Reads the package lists.
pub(crate) fn update() -> Result<()> {
    shell::quiet(apt_get().arg("update")).map(drop)
}

/// Installs packages; services that they bring along are not started.
pub(crate) fn install(names: &[&str]) -> Result<()> {
    let _quiet = NoServices::new();
    shell::quiet(apt_get().args(["install", "-y", "--no-install-recommends"]).args(names)).map(drop)
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-q");
    command
}

/// While this lives, Debian's maintainer scripts start no service; a policy of the machine's own is kept.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn new() -> Self {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        Self { ours: file.is_ok_and(|mut file| file.write_all(b"#!/bin/sh\nexit 101\n").is_ok()) }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours && fs::remove_file(Path::new(POLICY)).is_err() {
            eprintln!("warning: {POLICY} could not be removed; it keeps packages from starting services");
        }
    }
}
