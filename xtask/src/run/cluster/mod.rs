//! An example of several hosts: a cluster in which things happen.

mod clock;
mod etcd;
mod host;
mod lab;
mod ping;
mod pki;
mod process;
mod story;

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::signals::Signals;
use super::topology::{Topology, Try};
use crate::progress::headline;
use crate::workspace;
use lab::Lab;
use story::Story;

/// Starts the cluster, plays its story, waits until it is interrupted unless this is for once, and removes everything.
pub(crate) fn run(name: &str, topology: &Topology, once: bool) -> Result<()> {
    let _alone = alone(name)?;
    headline(&format!("Example {name}"));
    let mut signals = Signals::hold()?;
    let result = play(name, topology, once, &mut signals);
    println!("The hosts, managers and VMs of {name} are removed.");
    // What an interruption ended on the way has complained about that.
    signals.check().and(result)
}

fn play(name: &str, topology: &Topology, once: bool, signals: &mut Signals) -> Result<()> {
    let mut story = Story::begin(name, topology, signals)?;
    story.play(signals)?;
    introduce(&story.lab, &topology.tries);
    if !once {
        signals.interruption();
    }
    Ok(())
}

/// Waits until no other run has the names of this example.
fn alone(name: &str) -> Result<UnixListener> {
    let address = SocketAddr::from_abstract_name(format!("dvs-{name}"))?;
    let mut told = false;
    loop {
        match UnixListener::bind_addr(&address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if !told {
                    println!("{name} runs already. This one begins when that one ends; Ctrl-C gives up.");
                }
                told = true;
                thread::sleep(Duration::from_millis(200));
            }
            result => return result.context("cannot tell other runs of this one"),
        }
    }
}

fn introduce(lab: &Lab, tries: &[Try]) {
    println!("\nThe cluster is running. In another terminal, as root:\n");
    println!("  ip netns exec {} bash", lab.management.name());
    let dvs = workspace::dvs();
    let bin = dvs.parent().unwrap_or(&dvs);
    print!("  export PATH={}:$PATH", bin.display());
    for (name, value) in lab.environment() {
        print!(" {name}={value}");
    }
    println!();
    for Try { why, command } in tries {
        println!("\n  # {why}\n  {command}");
    }
    println!("\nCtrl-C ends all of it.\n");
}
