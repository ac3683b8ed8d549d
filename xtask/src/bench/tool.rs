//! The benchmark's own tool, `dvs-bench` of the package dvs-tests, and its object.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    build::{self, Object},
    progress::headline,
    shell, workspace,
};

/// Builds both.
pub(crate) fn build() -> Result<()> {
    build::objects(&[Object::Bench])?;
    build_alone()
}

/// Builds the tool alone.
fn build_alone() -> Result<()> {
    headline("The benchmark's tool");
    let arguments = ["build", "--release", "--package", "dvs-tests", "--bin", "dvs-bench"];
    shell::shown(&mut workspace::cargo(arguments))
}

/// Builds the tool and the `dvs` command at once, for what needs no other object than that of the switch.
pub(crate) fn build_with_dvs() -> Result<()> {
    build::objects(&[Object::Switch])?;
    headline("dvs and the benchmark's tool");
    let packages = ["build", "--release", "--package", "switch-user", "--package", "dvs-tests"];
    shell::shown(workspace::cargo(packages).args(["--bin", "dvs", "--bin", "dvs-bench"]))
}

/// Where it is.
pub(crate) fn path() -> PathBuf {
    workspace::target_dir().join("release/dvs-bench")
}
