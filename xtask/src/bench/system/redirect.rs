//! The bare redirects, held by the benchmark's own tool.

use anyhow::{Context as _, Result};

use super::super::{
    lab::{Lab, PORTS},
    process::{Daemon, anywhere, inside},
    tool,
};
use crate::build::Object;

/// Joins the host's devices by a program until the daemon is dropped.
pub(super) fn start(lab: &Lab, program: &str) -> Result<Daemon> {
    let tool = tool::path();
    let object = Object::Bench.path();
    let (tool, object) = tool.to_str().zip(object.to_str()).context("the target directory is no UTF-8")?;
    let [one, other] = PORTS;
    let words = [tool, "attach", "--object", object, "--program", program, one, other];
    let command = [inside(&lab.host).as_slice(), &words].concat();
    Daemon::start_and_wait(&mut anywhere(&command), &lab.directory().join("attach.log"))
}
