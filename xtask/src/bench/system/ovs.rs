//! Open vSwitch's userspace datapath over XDP sockets, with daemons of its own.
//!
//! XDP sees frames before their checksums are complete, so the stations' transmit offloads are off
//! here, as Open vSwitch's documentation asks for.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::super::{
    lab::{Lab, PORTS},
    process::{Daemon, anywhere, inside, poll},
};
use crate::shell;

/// Where Debian's package has the layout of the database.
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// The two daemons.
pub(super) struct Ovs {
    pid: Pid,
    // Dropped in this order: the switch ends before its database.
    _switch: Daemon,
    _database: Daemon,
}

impl Ovs {
    /// Starts both and joins the host's devices by a bridge of the userspace datapath.
    pub(super) fn start(lab: &Lab) -> Result<Self> {
        for station in [&lab.client, &lab.server] {
            station.quick(&["ethtool", "-K", "eth0", "tx", "off"])?;
        }
        let place = Place { lab, directory: lab.directory() };
        let database = place.start_database()?;
        let switch = place.start_switch()?;
        place.configure()?;
        Ok(Self { pid: place.pid("vswitchd.pid")?, _switch: switch, _database: database })
    }

    /// Stops the threads that poll the devices even if nothing comes.
    pub(super) fn stop(&self) -> Result<()> {
        kill(self.pid, Signal::SIGSTOP).context("stopping ovs-vswitchd")
    }

    /// Lets them go on.
    pub(super) fn go_on(&self) -> Result<()> {
        kill(self.pid, Signal::SIGCONT).context("continuing ovs-vswitchd")
    }
}

impl Drop for Ovs {
    /// A stopped process does not hear that it is to end.
    fn drop(&mut self) {
        if let Err(error) = self.go_on() {
            eprintln!("warning: {error:#}");
        }
    }
}

/// Where the daemons work and what they are called with.
struct Place<'a> {
    lab: &'a Lab,
    directory: &'a Path,
}

impl Place<'_> {
    fn start_database(&self) -> Result<Daemon> {
        let file = self.file("conf.db");
        shell::quiet(Command::new("ovsdb-tool").args(["create", &file, SCHEMA]))?;
        let remote = format!("--remote=punix:{}", self.file("db.sock"));
        let daemon = self.daemon("ovsdb-server", &[&file, &remote], "ovsdb")?;
        self.wait_for("db.sock")?;
        self.vsctl(&["--no-wait", "init"])?;
        Ok(daemon)
    }

    fn start_switch(&self) -> Result<Daemon> {
        let socket = self.socket();
        let daemon = self.daemon("ovs-vswitchd", &[&socket, "--disable-system"], "vswitchd")?;
        self.wait_for("vswitchd.pid")?;
        Ok(daemon)
    }

    fn configure(&self) -> Result<()> {
        self.vsctl(&["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev"])?;
        for port in PORTS {
            self.vsctl(&["add-port", "br0", port, "--", "set", "interface", port, "type=afxdp"])?;
            let fault = self.vsctl(&["get", "interface", port, "error"])?;
            if fault.trim() != "[]" {
                bail!("Open vSwitch does not take {port} as an AF_XDP port: {}", fault.trim());
            }
        }
        Ok(())
    }

    /// A daemon in the host's namespace, in the foreground, with control socket and pid file here.
    fn daemon(&self, program: &str, arguments: &[&str], name: &str) -> Result<Daemon> {
        let pid = format!("--pidfile={}", self.file(&format!("{name}.pid")));
        let control = format!("--unixctl={}", self.file(&format!("{name}.ctl")));
        let words = [inside(&self.lab.host).as_slice(), &[program], arguments, &[&pid, &control]].concat();
        let mut command = anywhere(&words);
        for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
            command.env(variable, self.directory);
        }
        Daemon::start(&mut command, &self.directory.join(format!("{name}.log")))
    }

    fn vsctl(&self, words: &[&str]) -> Result<String> {
        let database = format!("--db={}", self.socket());
        shell::quiet(Command::new("ovs-vsctl").args(["--timeout=10", &database]).args(words))
    }

    fn wait_for(&self, name: &str) -> Result<()> {
        let file = self.directory.join(name);
        if !poll(Duration::from_secs(10), || Ok(file.exists()))? {
            bail!("Open vSwitch did not make {} within 10 s", file.display());
        }
        Ok(())
    }

    fn pid(&self, name: &str) -> Result<Pid> {
        let text = fs::read_to_string(self.directory.join(name))?;
        Ok(Pid::from_raw(text.trim().parse().context("a pid file without a number")?))
    }

    fn socket(&self) -> String {
        format!("unix:{}", self.file("db.sock"))
    }

    fn file(&self, name: &str) -> String {
        self.directory.join(name).to_string_lossy().into_owned()
    }
}
