//! One TCP stream by iperf3, counted where it arrives.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Metric, limit, seconds};
use crate::bench::{
    lab::Lab,
    process::{Daemon, client, server},
};

const PORT: &str = "5201";

pub(super) fn serve(lab: &mut Lab) -> Result<()> {
    let command = &mut server(&lab.server, &["iperf3", "--server", "--port", PORT]);
    lab.keep(Daemon::start(command, &lab.directory().join("iperf3.log"))?);
    lab.wait_for_listener('t', PORT)
}

pub(super) fn measure(lab: &Lab, time: Duration) -> Result<Vec<(Metric, f64)>> {
    let (server, duration) = (lab.server_address(), seconds(time));
    let words = ["iperf3", "--client", &server, "--port", PORT, "--json", "--time", &duration];
    let output = client(&lab.client, limit(time), &words)?;
    Ok(vec![(Metric::Tcp, rate(&output)? / 1e9)])
}

fn rate(output: &str) -> Result<f64> {
    let report: Value = serde_json::from_str(output).context("iperf3 wrote no JSON")?;
    report["end"]["sum_received"]["bits_per_second"].as_f64().context("iperf3 reports no rate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receivers_rate_is_taken() {
        let output =
            r#"{"end": {"sum_sent": {"bits_per_second": 3e9}, "sum_received": {"bits_per_second": 2e9}}}"#;
        assert!((rate(output).unwrap() - 2e9).abs() < 1.0);
        assert!(rate(r#"{"error": "unable to connect"}"#).is_err());
    }
}
