//! Datagrams of 64 bytes as fast as the client's CPU sends them, counted where they arrive.
//!
//! The source and the sink are the benchmark's own: iperf3 spends more time on a datagram than a
//! switch does, and would hide the difference.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Metric, limit};
use crate::bench::{
    lab::Lab,
    process::{Daemon, client, server},
    tool,
};

const PORT: &str = "5202";
/// The sink begins to count some time after the first datagram; the source goes on for longer.
const MARGIN: Duration = Duration::from_millis(600);

pub(super) fn measure(lab: &Lab, time: Duration) -> Result<Vec<(Metric, f64)>> {
    let tool = tool::path();
    let tool = tool.to_str().context("the target directory is no UTF-8")?;
    let address = format!("{}:{PORT}", lab.server_address());
    let counted = time.as_secs_f64().to_string();
    let sink = &mut server(&lab.server, &[tool, "receive", &address, "--seconds", &counted]);
    let sink = Daemon::start_and_wait(sink, &lab.directory().join("sink.log"))?;
    let sent = (time + MARGIN).as_secs_f64().to_string();
    client(&lab.client, limit(time), &[tool, "send", &address, "--seconds", &sent])?;
    Ok(vec![(Metric::Udp, rate(&sink.output()?)? / 1e3)])
}

fn rate(output: &str) -> Result<f64> {
    let report: Value = serde_json::from_str(output).context("the sink wrote no JSON")?;
    let number = |name: &str| report[name].as_f64().with_context(|| format!("the sink reports no {name}"));
    Ok(number("received")? / number("seconds")?)
}
