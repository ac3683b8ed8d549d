//! Two stations and the host between them: what every switch is measured in.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, bail};

use super::{
    netns::Namespace,
    process::{Daemon, poll},
};

/// The client's address.
const CLIENT: &str = "10.99.0.1";
/// The server's address.
pub(crate) const SERVER: &str = "10.99.0.2";
/// The server's IPv6 address.
const SERVER_V6: &str = "fd99::2";

/// Names of the host's sides of the two veth pairs.
pub(crate) const PORTS: [&str; 2] = ["v1", "v2"];

/// Network namespaces for one switch. Dropping it ends the servers, then removes the namespaces.
pub(crate) struct Lab {
    servers: Vec<Daemon>,
    /// The station that asks.
    pub(crate) client: Namespace,
    /// The station that answers.
    pub(crate) server: Namespace,
    /// Where the switch is; nothing of it is seen from outside.
    pub(crate) host: Namespace,
    directory: PathBuf,
}

impl Lab {
    /// Namespaces without any device.
    pub(crate) fn new(name: &str, directory: &Path) -> Result<Self> {
        let directory = directory.join(name);
        fs::create_dir_all(&directory)?;
        Ok(Self {
            servers: Vec::new(),
            client: Namespace::new(&format!("{name}-a"))?,
            server: Namespace::new(&format!("{name}-b"))?,
            host: Namespace::new(&format!("{name}-h"))?,
            directory,
        })
    }

    /// For files of the switch and of the servers.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Connects each station with the host by a veth pair.
    pub(crate) fn wire_to_host(&self) -> Result<()> {
        for (station, port) in [&self.client, &self.server].into_iter().zip(PORTS) {
            let peer = station.name();
            self.host.ip(&format!("link add {port} type veth peer name eth0 netns {peer}"))?;
            self.host.ip(&format!("link set {port} up"))?;
        }
        self.address()
    }

    /// Connects the stations with each other.
    pub(crate) fn wire_directly(&self) -> Result<()> {
        let peer = self.server.name();
        self.client.ip(&format!("link add eth0 type veth peer name eth0 netns {peer}"))?;
        self.address()
    }

    /// A fixed address makes a static entry possible and every run alike.
    fn address(&self) -> Result<()> {
        for (station, number) in [(&self.client, 1), (&self.server, 2)] {
            station.ip(&format!("link set eth0 address {} up", mac(number)))?;
            station.ip(&format!("address add 10.99.0.{number}/24 dev eth0"))?;
            station.ip(&format!("address add fd99::{number}/64 dev eth0 nodad"))?;
        }
        // Thousands of connections a second must not run out of ports within a run.
        let ports = "net.ipv4.ip_local_port_range=1024 65535";
        self.client.quick(&["sysctl", "-q", "net.ipv4.tcp_tw_reuse=1", ports]).map(drop)
    }

    /// Keeps a server until the end.
    pub(crate) fn keep(&mut self, server: Daemon) {
        self.servers.push(server);
    }

    /// Waits until both kinds of IP get through.
    pub(crate) fn wait_for_traffic(&self) -> Result<()> {
        for (address, remedy) in [(SERVER, "IPv4"), (SERVER_V6, "IPv6")] {
            let ping = ["ping", "-c", "1", "-W", "1", address];
            if !poll(Duration::from_secs(10), || Ok(self.client.quick(&ping).is_ok()))? {
                bail!("no {remedy} gets from {CLIENT} to {address} in {}", self.client.name());
            }
        }
        Ok(())
    }

    /// Waits until a server listens. `kind` is `t` for TCP and `u` for UDP.
    pub(crate) fn wait_for_listener(&self, kind: char, port: &str) -> Result<()> {
        let (kind, port) = (format!("-Hln{kind}"), format!(":{port}"));
        let list = ["ss", &kind, "sport", "=", &port];
        if !poll(Duration::from_secs(10), || Ok(!self.server.quick(&list)?.is_empty()))? {
            bail!("no server came to listen at {port} in {}", self.server.name());
        }
        Ok(())
    }
}

/// MAC address of a station.
pub(crate) fn mac(number: u8) -> String {
    format!("02:00:00:00:00:{number:02x}")
}
