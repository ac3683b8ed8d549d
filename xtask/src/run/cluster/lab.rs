//! Hosts, managers and etcd, in namespaces.
//!
//! ```text
//!     VMs            VMs            VMs
//!   +--||--+       +--||--+       +--||--+
//!   |  h1  |       |  h2  |       |  h3  |     eth1: uplink, tagged
//!   +-+--+-+       +-+--+-+       +-+--+-+     eth0: to the managers
//!     |  |           |  |           |  |
//!     |  +-----------|--+-----------|--+---- dvs-management: 10.99.0.0/24, managers at .1 and .2, etcd
//!     +--------------+--------------+------- dvs-underlay: a bridge that knows no VLANs
//! ```

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::super::namespace::Namespace;
use super::super::signals::Signals;
use super::etcd::Etcd;
use super::host::{Host, Surroundings};
use super::pki::Pki;
use super::process::{Process, background, forget};
use crate::{shell, workspace};

const HOSTS: usize = 3;
const MANAGERS: [(&str, &str); 2] = [("m1", "10.99.0.1"), ("m2", "10.99.0.2")];
/// Who asks.
const ADMIN: &str = "alice";

/// All that VMs need. Whatever it has started ends with it, in the order of the fields.
pub(super) struct Lab {
    hosts: Vec<Host>,
    managers: Vec<Process>,
    etcd: Etcd,
    pub(super) management: Namespace,
    _underlay: Namespace,
    pki: Pki,
    _directory: Directory,
}

impl Lab {
    /// Starts everything, in a directory of this example's own.
    pub(super) fn start(name: &str, signals: &mut Signals) -> Result<Self> {
        let directory = Directory::new(name)?;
        let [underlay, management] = ["underlay", "management"].map(bridge);
        let (underlay, management) = (underlay?, management?);
        for (_, address) in MANAGERS {
            management.ip(&format!("addr add {address}/24 dev br0"))?;
        }
        let pki = Pki::new(directory.0.join("pki"))?;
        pki.issue(ADMIN, &["--role", "admin"])?;
        let etcd = Etcd::start(&management, &directory.0)?;
        let managers = MANAGERS.map(|(name, address)| manager(name, address, &management, &pki));
        let managers = managers.into_iter().collect::<Result<_>>()?;
        let around =
            Surroundings { management: &management, underlay: &underlay, pki: &pki, managers: &urls() };
        let hosts = (1..=HOSTS).map(|number| Host::new(number, &around)).collect::<Result<_>>()?;
        let mut lab =
            Self { hosts, managers, etcd, management, _underlay: underlay, pki, _directory: directory };
        lab.is_ready(signals)?;
        Ok(lab)
    }

    fn is_ready(&mut self, signals: &mut Signals) -> Result<()> {
        for manager in &mut self.managers {
            manager.has_said("dvs manager is ready", signals)?;
        }
        self.hosts.iter_mut().try_for_each(Host::start)?;
        self.hosts.iter_mut().try_for_each(|host| host.is_ready(signals))?;
        for number in 1..=HOSTS {
            self.host_becomes(&format!("h{number}"), "alive", signals)?;
        }
        Ok(())
    }

    /// A host by its number.
    pub(super) fn host(&mut self, number: usize) -> Result<&mut Host> {
        self.hosts.get_mut(number - 1).with_context(|| format!("there is no host h{number}"))
    }

    /// Kills the manager of this number.
    pub(super) fn kill_manager(&mut self, number: usize) -> Result<()> {
        self.managers.get_mut(number - 1).map_or(Ok(()), Process::kill)
    }

    /// What tells `dvs` whom to ask, and who asks.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let mut variables = self.pki.environment(ADMIN);
        variables.push(("DVS_SERVER".into(), urls()));
        variables
    }

    /// A command for the managers.
    pub(super) fn dvs(&self, line: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.management.name()]).arg(workspace::dvs());
        forget(&mut command);
        command.args(line.split_whitespace()).envs(self.environment());
        command
    }

    /// Types a command, and shows what comes of it.
    pub(super) fn show(&self, line: &str) -> Result<()> {
        println!("$ dvs {line}");
        shell::shown(&mut self.dvs(line))
    }

    /// What `dvs port list` says of a port.
    pub(super) fn port(&self, port: &str) -> Result<Vec<String>> {
        let list = shell::quiet(&mut self.dvs("port list"))?;
        let mut rows =
            list.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        Ok(rows.find(|row| row.first().is_some_and(|name| name == port)).unwrap_or_default())
    }

    /// Kills the member of etcd that the others follow, which costs most; returns its name.
    pub(super) fn kill_leader(&mut self) -> Result<&'static str> {
        self.etcd.kill_leader(&self.management)
    }

    /// Waits until the managers take a host for alive or dead.
    pub(super) fn host_becomes(&self, host: &str, state: &str, signals: &mut Signals) -> Result<()> {
        signals.until(&format!("{host} becomes {state}"), || {
            let list = shell::quiet(&mut self.dvs("host list -o json"))?;
            let hosts: Vec<Value> = serde_json::from_str(&list)?;
            let found = hosts.iter().any(|entry| entry["name"] == host && entry["state"] == state);
            Ok(found.then_some(()))
        })
    }
}

/// A namespace whose devices meet at a bridge.
fn bridge(name: &str) -> Result<Namespace> {
    let namespace = Namespace::new(name)?;
    namespace.add_bridge("br0")?;
    Ok(namespace)
}

/// Where the managers are.
fn urls() -> String {
    MANAGERS.map(|(_, address)| format!("https://{address}")).join(",")
}

fn manager(name: &str, address: &str, place: &Namespace, pki: &Pki) -> Result<Process> {
    let options = pki.issue(name, &["--role", "manager", "--address", address])?;
    let mut command = background(Some(place), workspace::dvs());
    command.args(["manager", "--listen", address, "--etcd", &Etcd::endpoints()]).args(options);
    Process::start(&mut command, &pki.directory().with_file_name(format!("{name}.log")))
}

/// Where everything is kept; gone with its owner.
struct Directory(PathBuf);

impl Directory {
    /// An empty one, also if an earlier run was killed.
    fn new(name: &str) -> Result<Self> {
        let directory = Self(PathBuf::from("/var/lib").join(format!("dvs-{name}")));
        directory.remove();
        fs::create_dir_all(&directory.0)
            .with_context(|| format!("cannot create {}", directory.0.display()))?;
        Ok(directory)
    }

    fn remove(&self) {
        for number in 1..=HOSTS {
            // Mounted by agents of a run that was killed.
            nix::mount::umount(&self.0.join(format!("h{number}/bpf"))).ok();
        }
        if let Err(error) = fs::remove_dir_all(&self.0)
            && self.0.exists()
        {
            println!("note: {} is left behind: {error}", self.0.display());
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.remove();
    }
}
