//! One request at a time over UDP by sockperf, from sending to receiving the answer.
//!
//! Client and server are on the same CPU. Waking another CPU takes longer than all the rest, twice
//! for each request, and varies by more than switches differ.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Metric, limit, seconds};
use crate::bench::{
    lab::Lab,
    process::{Daemon, client, server_beside_client},
};

const PORT: &str = "5203";

pub(super) fn serve(lab: &mut Lab) -> Result<()> {
    let address = lab.server_address();
    let words = ["sockperf", "server", "--ip", &address, "--port", PORT];
    let command = &mut server_beside_client(&lab.server, &words);
    lab.keep(Daemon::start(command, &lab.directory().join("sockperf.log"))?);
    lab.wait_for_listener('u', PORT)
}

pub(super) fn measure(lab: &Lab, time: Duration) -> Result<Vec<(Metric, f64)>> {
    let (server, duration) = (lab.server_address(), seconds(time));
    let words = ["sockperf", "ping-pong", "--ip", &server, "--port", PORT, "--time", &duration, "--full-rtt"];
    let output = client(&lab.client, limit(time), &[&words[..], &["--msg-size", "64"]].concat())?;
    Ok(vec![
        (Metric::LatencyMedian, percentile(&output, "50.000")?),
        (Metric::LatencyTail, percentile(&output, "99.000")?),
    ])
}

/// Microseconds in a line such as `sockperf: ---> percentile 50.000 =   33.842`.
fn percentile(output: &str, which: &str) -> Result<f64> {
    let line = output.lines().find(|line| line.contains(&format!("percentile {which} ")));
    let number = line.and_then(|line| line.split('=').nth(1)).map(str::trim);
    number
        .and_then(|text| text.parse().ok())
        .with_context(|| format!("sockperf reports no percentile {which}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_found_by_its_whole_name() {
        let output =
            "sockperf: ---> percentile 99.900 =   80.1\nsockperf: ---> percentile 99.000 =   47.250\n";
        assert!((percentile(output, "99.000").unwrap() - 47.25).abs() < 1e-9);
        assert!(percentile(output, "50.000").is_err());
    }
}
