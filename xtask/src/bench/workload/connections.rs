//! Connections with one HTTP request each, from wrk to nginx.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};

use super::{Metric, limit, seconds};
use crate::bench::{
    lab::Lab,
    process::{Daemon, client, server},
};

const PORT: &str = "8080";
/// Connections at a time.
const PARALLEL: &str = "8";

pub(super) fn serve(lab: &mut Lab) -> Result<()> {
    let directory = lab.directory().join("nginx");
    fs::create_dir_all(&directory)?;
    let file = directory.join("nginx.conf");
    fs::write(&file, configuration(&directory))?;
    let (prefix, file) = directory.to_str().zip(file.to_str()).context("the target directory is no UTF-8")?;
    let words = ["nginx", "-p", prefix, "-c", file, "-e", "stderr"];
    lab.keep(Daemon::start(&mut server(&lab.server, &words), &directory.join("log"))?);
    lab.wait_for_listener('t', PORT)
}

pub(super) fn measure(lab: &Lab, time: Duration) -> Result<Vec<(Metric, f64)>> {
    let (duration, url) = (format!("{}s", seconds(time)), format!("http://{}:{PORT}/", lab.server_address()));
    let words = ["wrk", "--threads", "1", "--connections", PARALLEL, "--duration", &duration];
    let output =
        client(&lab.client, limit(time), &[&words[..], &["--header", "Connection: close", &url]].concat())?;
    Ok(vec![(Metric::Connections, rate(&output)? / 1e3)])
}

/// One worker; everything that nginx writes stays in `directory`.
fn configuration(directory: &Path) -> String {
    let here = directory.display();
    let path = |kind| format!("{kind}_temp_path {here}/{kind};");
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(path).join("\n    ");
    format!(
        "daemon off;
worker_processes 1;
pid {here}/pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    {paths}
    access_log off;
    server {{
        listen {PORT} backlog=4096;
        location / {{ return 200 ok; }}
    }}
}}
"
    )
}

/// Requests a second, of which each had its own connection.
fn rate(output: &str) -> Result<f64> {
    let line = output.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    line.and_then(|text| text.trim().parse().ok()).context("wrk reports no rate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_wrks_report() {
        let output =
            "  45210 requests in 3.00s, 6.51MB read\nRequests/sec:  15070.12\nTransfer/sec:      2.17MB\n";
        assert!((rate(output).unwrap() - 15070.12).abs() < 1e-6);
        assert!(rate("unable to connect to 10.99.0.2:8080 Connection refused").is_err());
    }
}
