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
    topology::{Station, Topology},
};

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
    /// How the stations are addressed.
    pub(crate) topology: Topology,
    directory: PathBuf,
}

impl Lab {
    /// Namespaces without any device.
    pub(crate) fn new(name: &str, topology: Topology, directory: &Path) -> Result<Self> {
        let directory = directory.join(name);
        fs::create_dir_all(&directory)?;
        Ok(Self {
            servers: Vec::new(),
            client: Namespace::new(&format!("{name}-a"))?,
            server: Namespace::new(&format!("{name}-b"))?,
            host: Namespace::new(&format!("{name}-h"))?,
            topology,
            directory,
        })
    }

    /// For files of the switch and of the servers.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The stations, each with its port of the host.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (&'static str, Station)> + use<> {
        PORTS.into_iter().zip(self.topology.stations())
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

    /// Gives the stations their addresses, and a gateway if the other one is elsewhere.
    fn address(&self) -> Result<()> {
        for (namespace, station) in [&self.client, &self.server].into_iter().zip(self.topology.stations()) {
            namespace.ip(&format!("link set eth0 address {} up", station.mac()))?;
            let [v4, v6] = station.addresses_with_length();
            namespace.ip(&format!("address add {v4} dev eth0"))?;
            namespace.ip(&format!("address add {v6} dev eth0 nodad"))?;
            if self.topology != Topology::Bridged {
                for gateway in station.subnet.gateways() {
                    namespace.ip(&format!("route add default via {gateway} dev eth0"))?;
                }
            }
        }
        // Thousands of connections a second must not run out of ports within a run.
        let ports = "net.ipv4.ip_local_port_range=1024 65535";
        self.client.quick(&["sysctl", "-q", "net.ipv4.tcp_tw_reuse=1", ports]).map(drop)
    }

    fn server_station(&self) -> Station {
        let [_, server] = self.topology.stations();
        server
    }

    /// The server's IPv4 address, which the workloads go to.
    pub(crate) fn server_address(&self) -> String {
        let [v4, _] = self.server_station().addresses();
        v4
    }

    /// Keeps a server until the end.
    pub(crate) fn keep(&mut self, server: Daemon) {
        self.servers.push(server);
    }

    /// Waits until both kinds of IP get through.
    pub(crate) fn wait_for_traffic(&self) -> Result<()> {
        for address in self.server_station().addresses() {
            let ping = ["ping", "-c", "1", "-W", "1", &address];
            if !poll(Duration::from_secs(10), || Ok(self.client.quick(&ping).is_ok()))? {
                bail!("nothing gets from {} to {address}", self.client.name());
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
