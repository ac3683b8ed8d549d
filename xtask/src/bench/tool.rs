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
    headline("The benchmark's tool");
    let arguments = ["build", "--release", "--package", "dvs-tests", "--bin", "dvs-bench"];
    shell::shown(&mut workspace::cargo(arguments))
}

/// Where it is.
pub(crate) fn path() -> PathBuf {
    workspace::target_dir().join("release/dvs-bench")
}
