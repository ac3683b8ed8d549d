//! `cargo xtask run --example three-hosts`, as a newcomer runs it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use dvs_tests::netns::{Process, finish};

/// A story, on a machine that has much to do and where others play it too.
const PATIENCE: Duration = Duration::from_mins(5);

/// What is measured.
const MEASURED: [&str; 10] = [
    "three members of etcd, two managers and three hosts are up, after they were started",
    "first ping from p2 to p1, after the VMs were plugged in",
    "first ping from p3 to p1, by the router and IPv6, after it was sent",
    "h1 is dead, after it was cut off",
    "first reply of p1 at h3, after its device appeared there",
    "a write is done by m2, after m1 was killed",
    "a change of the firewall is in force at h2 and h3, after it was asked for",
    "h1 is alive, after it was connected and its agent started",
    "h1 is ready for p1, after the device of its copy appeared there",
    "pings of p1, 5 ms apart, that were lost, while it moved to h1",
];

#[test]
fn the_story_of_three_hosts_comes_to_its_end() {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["xtask", "run", "--example", "three-hosts", "--once"]);
    let played = Process::start(&mut command).finish(PATIENCE);
    assert_eq!(played.code, Some(0), "{}\n{}", played.output, played.errors);
    let (_, table) = played.output.split_once("==> Measured").unwrap();
    for what in MEASURED {
        assert!(table.lines().any(|line| line.ends_with(&format!("  {what}"))), "no {what:?} in\n{table}");
    }
    assert!(table.contains("export PATH=") && table.contains("DVS_SERVER=https://10.99.0.1,"), "{table}");
    assert!(!Path::new("/var/lib/dvs-three-hosts").exists());
    let left = finish(Command::new("ip").args(["netns", "list"])).output;
    assert!(!left.lines().any(|name| name.starts_with("dvs-p1-h3")), "{left}");
}
