//! What stands around an example: its ports' namespaces, read from the example's two files.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace;

/// `examples/NAME.topology.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    namespaces: Vec<Inside>,
    r#try: Vec<Try>,
}

/// The namespace's end of a port.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inside {
    port: String,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    gateways: Vec<String>,
    #[serde(default)]
    vlans: Vec<Vlan>,
    #[serde(default)]
    serve: Vec<u16>,
}

/// A tagged device in a namespace.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vlan {
    /// Its VLAN.
    pub(crate) vlan: u16,
    /// Its addresses with prefix lengths.
    pub(crate) addresses: Vec<String>,
}

/// A command for a newcomer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Try {
    /// What it shows.
    pub(crate) why: String,
    /// What to type.
    pub(crate) command: String,
}

/// The namespace behind one port.
#[derive(Debug)]
pub(crate) struct Place {
    /// The port's name.
    pub(crate) port: String,
    /// The host that it is plugged in at, in examples of several hosts.
    pub(crate) host: Option<String>,
    /// The host's end of the veth pair.
    pub(crate) device: String,
    /// The MAC address of the namespace's end, if the port names one.
    pub(crate) mac: Option<String>,
    /// Addresses of the namespace's end.
    pub(crate) addresses: Vec<String>,
    /// Where its default routes lead.
    pub(crate) gateways: Vec<String>,
    /// Tagged devices on it.
    pub(crate) vlans: Vec<Vlan>,
    /// TCP ports at which a web server listens.
    pub(crate) serve: Vec<u16>,
}

/// An example, complete.
#[derive(Debug)]
pub(crate) struct Topology {
    /// The file for `dvs apply`.
    pub(crate) objects: PathBuf,
    /// The namespaces.
    pub(crate) places: Vec<Place>,
    /// What to try.
    pub(crate) tries: Vec<Try>,
}

impl Topology {
    /// Whether ports are at several hosts, behind managers.
    pub(crate) fn is_cluster(&self) -> bool {
        self.places.iter().any(|place| place.host.is_some())
    }

    /// Reads `examples/NAME.yaml` and `examples/NAME.topology.yaml`.
    pub(crate) fn read(name: &str) -> Result<Self> {
        let dir = workspace::root().join("examples");
        let objects = dir.join(format!("{name}.yaml"));
        if !objects.exists() {
            bail!("there is no example {name}; there are: {}", names(&dir)?.join(", "));
        }
        let text = |path: &PathBuf| {
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let ports = ports(&text(&objects)?).with_context(|| format!("in {}", objects.display()))?;
        let topology = dir.join(format!("{name}.topology.yaml"));
        let file = text(&topology)?;
        let file: File =
            serde_yaml_ng::from_str(&file).with_context(|| format!("in {}", topology.display()))?;
        let places = file.namespaces.into_iter().map(|inside| place(inside, &ports)).collect::<Result<_>>();
        Ok(Self { objects, places: places?, tries: file.r#try })
    }
}

fn names(dir: &PathBuf) -> Result<Vec<String>> {
    let files = fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
    let names = files.iter().filter_map(|file| file.file_name().into_string().ok());
    Ok(names.filter_map(|name| Some(name.strip_suffix(".topology.yaml")?.to_owned())).collect())
}

/// The fields of a port that matter to its surroundings; the rest is the switch's business.
#[derive(Debug, Deserialize)]
struct Port {
    device: Option<String>,
    #[serde(default)]
    mac: Vec<String>,
}

fn ports(objects: &str) -> Result<BTreeMap<String, Port>> {
    let objects: Vec<serde_yaml_ng::Value> = serde_yaml_ng::from_str(objects)?;
    let ports = objects.into_iter().filter(|object| object["kind"] == "Port");
    ports
        .map(|object| {
            let name = object["name"].as_str().context("a port has no name")?.to_owned();
            Ok((name, serde_yaml_ng::from_value(object)?))
        })
        .collect()
}

fn place(inside: Inside, ports: &BTreeMap<String, Port>) -> Result<Place> {
    let Inside { port, host, addresses, gateways, vlans, serve } = inside;
    let found = ports.get(&port).with_context(|| format!("the example has no port {port}"))?;
    // In a cluster a port finds its device by its own name.
    let device = found.device.clone().or_else(|| host.is_some().then(|| port.clone()));
    let device = device.with_context(|| format!("port {port} has no device"))?;
    Ok(Place { port, host, device, mac: found.mac.first().cloned(), addresses, gateways, vlans, serve })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_in_the_readme_is_complete() -> Result<()> {
        let topology = Topology::read("two-vlans")?;
        let devices: Vec<_> = topology.places.iter().map(|place| place.device.as_str()).collect();
        assert_eq!(devices, ["v1", "v2", "v3", "v4"]);
        assert_eq!(topology.places[0].mac.as_deref(), Some("02:00:00:00:00:01"));
        assert!(!topology.tries.is_empty());
        Ok(())
    }

    #[test]
    fn every_example_can_be_read() -> Result<()> {
        for name in names(&workspace::root().join("examples"))? {
            let topology = Topology::read(&name)?;
            assert!(!topology.places.is_empty() && !topology.tries.is_empty(), "{name}");
        }
        let routed = Topology::read("two-networks")?;
        assert_eq!(routed.places[0].gateways, ["10.0.10.1", "fd00:10::1"]);
        assert!(!routed.is_cluster());
        let cluster = Topology::read("three-hosts")?;
        let homes = cluster.places.iter().map(|place| (place.device.as_str(), place.host.as_deref()));
        let homes: Vec<_> = homes.collect();
        assert_eq!(homes, [("p1", Some("h1")), ("p2", Some("h2")), ("p3", Some("h3"))]);
        Ok(())
    }

    #[test]
    fn an_unknown_example_is_answered_with_the_known_ones() {
        let error = Topology::read("none").map(drop).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("two-vlans")));
    }
}
