//! Hosts around an underlay, whose switches are one.
//!
//! ```text
//!   VM p1 -- p1 [h1] u0 ---+             +--- u0 [h2] p2 -- VM p2
//!                          |             |
//!                      h1 [bridge br0 ] h2      namespace of the underlay
//! ```
//!
//! Each has the datapath and what reconciles it, without an agent: who has which port is the test's to say.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use switch_common::addr::VlanId;
use switch_user::agent::apply::Reconciler;
use switch_user::agent::dataplane::Sizes;
use switch_user::agent::dataplane::bpf::{Bpf, teardown};
use switch_user::agent::dataplane::home::Home;
use switch_user::agent::facts::Facts;
use switch_user::agent::host_mac::host_mac;
use switch_user::model::overlay::{Overlay, RemotePort};
use switch_user::model::{Attachment, ValidPort, Validated};
use switch_user::netlink::request;
use tempfile::TempDir;

use super::namespace::{Namespace, unique};
use super::traffic::Ping;
use super::vm::{Stack, Vm};
use super::wire::Wire;
use crate::topology;

/// What Ethernet has.
const MTU: u32 = 1500;

/// The hosts.
pub struct Sites {
    sites: Vec<Site>,
    /// Where they meet, at the ports of a bridge that have their names.
    pub underlay: Namespace,
}

/// A host.
pub struct Site {
    vms: BTreeMap<String, Vm>,
    reconciler: Option<Reconciler<Bpf>>,
    state: TempDir,
    home: Arc<Home>,
    /// What it was configured to be first.
    pub desired: Validated,
    /// Where its devices are. The last field, so that they go first.
    pub namespace: Namespace,
}

impl Sites {
    /// Hosts with these ports each, which have the names of their devices; all are objects of one switch. The
    /// addresses on the underlay are of IPv6 if that is true.
    #[track_caller]
    pub fn new(ipv6: bool, objects: &str, ports: &[&[&str]], stack: Stack) -> Self {
        let underlay = Namespace::new("underlay");
        underlay.ip("link add br0 type bridge\nlink set br0 up");
        let desired = topology::parse(objects);
        let names = (1..).map(|number| format!("h{number}"));
        let hosts: BTreeMap<String, IpAddr> =
            names.zip(1..).take(ports.len()).map(|(name, number)| (name, address(ipv6, number))).collect();
        let at = |port: &str| {
            ports.iter().position(|ports| ports.contains(&port)).map(|at| format!("h{}", at + 1))
        };
        let site = |((name, own), ports): ((&String, &IpAddr), &&[&str])| {
            let mut site = Site::new(&underlay, name, *own, desired.clone());
            for port in *ports {
                site.vms.insert((*port).to_owned(), Vm::new(&site.namespace, port, MTU, stack));
            }
            site.desired = local(&desired, name, *own, &hosts, at);
            let errors = site.reconcile(name, &site.desired.clone());
            assert!(errors.is_empty(), "{errors:?}");
            site
        };
        let sites = hosts.iter().zip(ports).map(site).collect();
        Self { sites, underlay }
    }

    /// The host of this number, from 1 on.
    pub fn host(&mut self, number: usize) -> &mut Site {
        &mut self.sites[number - 1]
    }

    /// A VM, wherever it is.
    #[track_caller]
    pub fn vm(&self, name: &str) -> &Vm {
        self.sites.iter().find_map(|site| site.vms.get(name)).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// What a host sends into the underlay from here on.
    pub fn capture(&self, host: &str) -> Wire {
        Wire::open(&self.underlay, host)
    }

    /// Pings from one VM to the other, over IPv4 and IPv6; the sums of both.
    #[track_caller]
    pub fn ping(&self, from: &str, to: &str) -> Ping {
        let from = self.vm(from);
        self.vm(to).ips().iter().map(|ip| Ping::run(&from.namespace, *ip)).sum()
    }
}

impl Site {
    fn new(underlay: &Namespace, name: &str, own: IpAddr, desired: Validated) -> Self {
        let namespace = Namespace::new(name);
        let bits = if own.is_ipv4() { 24 } else { 64 };
        let nodad = if own.is_ipv4() { "" } else { " nodad" };
        namespace.ip(&format!(
            "link add u0 mtu {MTU} type veth peer name {name} netns {}\naddr add {own}/{bits} dev u0{nodad}\nlink set u0 up",
            underlay.name()
        ));
        underlay.ip(&format!("link set {name} mtu {MTU} master br0 up"));
        // Its own stack says nothing on the devices of the switch.
        namespace.sysctl("ipv6/conf/default/disable_ipv6", "1");
        let state = tempfile::Builder::new().prefix(&unique()).tempdir().unwrap();
        let home = Arc::new(Home::new(state.path()));
        Self { vms: BTreeMap::new(), reconciler: None, state, home, desired, namespace }
    }

    /// Brings the host to a configuration; what cannot be done.
    pub fn reconcile(&mut self, name: &str, desired: &Validated) -> Vec<String> {
        let (state, home) = (self.state.path(), Arc::clone(&self.home));
        let reconciler = self.reconciler.take();
        let desired = Arc::new(desired.clone());
        let work = move || {
            let mut reconciler = reconciler.unwrap_or_else(|| {
                let bpf = Bpf::open(state, home, None, Sizes::of(&desired)).unwrap();
                Reconciler::new(bpf, host_mac(name))
            });
            let facts: Facts = request::devices().unwrap().into_iter().collect();
            let outcome = reconciler.reconcile(&desired, &facts);
            (reconciler, outcome.errors)
        };
        let (reconciler, errors) = self.namespace.enter(work);
        self.reconciler = Some(reconciler);
        errors
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.reconciler.take());
        let (state, home) = (self.state.path(), &self.home);
        self.namespace.enter(|| teardown(state, home)).unwrap();
    }
}

fn address(ipv6: bool, number: u8) -> IpAddr {
    if ipv6 { [0xfd99, 0, 0, 0, 0, 0, 0, number.into()].into() } else { [192, 0, 2, number].into() }
}

/// The configuration as one host has it.
fn local(
    desired: &Validated,
    name: &str,
    own: IpAddr,
    hosts: &BTreeMap<String, IpAddr>,
    at: impl Fn(&str) -> Option<String>,
) -> Validated {
    let mut local = desired.clone();
    let others = hosts.iter().filter(|(other, _)| *other != name);
    let mut overlay = Overlay { address: Some(own), ..Overlay::default() };
    overlay.hosts = others.map(|(other, address)| (other.clone(), *address)).collect();
    for (port, valid) in &desired.ports {
        let Some(host) = at(port).filter(|host| host != name) else { continue };
        local.ports.remove(port);
        overlay.ports.extend(remote(desired, host, valid).map(|remote| (port.clone(), remote)));
    }
    local.overlay = overlay;
    local
}

fn remote(desired: &Validated, host: String, port: &ValidPort) -> Option<RemotePort> {
    let Attachment::Access { vlan, .. } = &port.attachment else { return None };
    let network = name_of(desired, *vlan)?;
    Some(RemotePort { host, network, macs: port.macs.clone(), ips: port.ips.clone() })
}

fn name_of(desired: &Validated, number: VlanId) -> Option<String> {
    desired.networks.iter().find(|(_, network)| network.vlan == number).map(|(name, _)| name.clone())
}
