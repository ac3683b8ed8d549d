//! A host with VMs around it, made from the objects of its switch.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::frames::{Frame, STRANGER};
use super::host::{Host, documents, values};
use super::outcome::{Counted, Outcome, PinnedThread};
use super::traffic::{Iperf, Ping};
use super::vm::{Stack, Vm};
use super::wait::{LIMIT, until};
use super::wire::Wire;
use crate::frame::eth;

/// What Ethernet has.
const MTU: u32 = 1500;
/// Ethertype of frames that mark the end of what the switch has sent (IEEE 802, local).
const END: u16 = 0x88b6;
/// Such a frame goes past the switch; on a machine with much to do the kernel has been seen to lose one.
const MARKED: Duration = Duration::from_secs(2);

/// A host and its VMs.
pub struct Lab {
    /// The VMs by the name of their port or uplink.
    vms: BTreeMap<String, Vm>,
    /// The host's side of their devices.
    inside: BTreeMap<String, Wire>,
    /// The host. The last field, so that devices go with their VMs first.
    pub host: Host,
}

impl Lab {
    /// VMs with addresses; see the module for how they are named.
    #[track_caller]
    pub fn new(objects: &str) -> Self {
        Self::with(Host::start(), objects, Stack::Speaking)
    }

    /// VMs that send nothing by themselves, so that every frame is one of the test's.
    #[track_caller]
    pub fn silent(objects: &str) -> Self {
        Self::with(Host::start(), objects, Stack::Silent)
    }

    /// VMs that the test, or a router, gives addresses.
    #[track_caller]
    pub fn bare(objects: &str) -> Self {
        Self::with(Host::start(), objects, Stack::Bare)
    }

    /// A host without objects and VMs.
    pub fn empty() -> Self {
        Self { vms: BTreeMap::new(), inside: BTreeMap::new(), host: Host::start() }
    }

    #[track_caller]
    fn with(host: Host, objects: &str, stack: Stack) -> Self {
        let mut objects = values(objects);
        let mut lab = Self { vms: BTreeMap::new(), inside: BTreeMap::new(), host };
        let mtus: BTreeMap<String, u32> = objects.iter().filter_map(mtu).collect();
        let has_device = |object: &&mut Value| object["kind"] == "Port" || object["kind"] == "Uplink";
        for object in objects.iter_mut().filter(has_device) {
            let name = object["name"].as_str().unwrap().to_owned();
            let mtu = object["network"].as_str().and_then(|network| mtus.get(network)).copied();
            if object["kind"] == "Port" {
                object["device"] = name.as_str().into();
            }
            lab.plug(&name, mtu.unwrap_or(MTU), stack);
        }
        lab.host.apply_documents(&documents(&objects));
        lab
    }

    /// Makes a VM and plugs it into the host's device of this name.
    pub fn plug(&mut self, name: &str, mtu: u32, stack: Stack) {
        let vm = Vm::new(&self.host.namespace, name, mtu, stack);
        self.inside.insert(name.to_owned(), Wire::open(&self.host.namespace, name));
        self.vms.insert(name.to_owned(), vm);
    }

    /// Unplugs a VM; it is gone with its devices.
    pub fn unplug(&mut self, name: &str) {
        self.inside.remove(name);
        let vm = self.vms.remove(name).unwrap_or_else(|| panic!("there is no {name}"));
        // With its namespace alone the device goes some time later.
        vm.namespace.ip("link del eth0");
    }

    /// A VM.
    #[track_caller]
    pub fn vm(&self, name: &str) -> &Vm {
        self.vms.get(name).unwrap_or_else(|| panic!("there is no {name}"))
    }

    /// The host's side of a VM's device.
    #[track_caller]
    pub fn inside(&self, name: &str) -> &Wire {
        &self.inside[name]
    }

    /// Sets the MTU of a VM's device and waits until the switch has noticed.
    #[track_caller]
    pub fn set_mtu(&self, name: &str, mtu: u32) {
        self.vm(name).namespace.ip(&format!("link set eth0 mtu {mtu}"));
        self.host.namespace.ip(&format!("link set {name} mtu {mtu}"));
        self.host.port_becomes(name, |port| port.mtu == Some(mtu));
    }

    /// Pings from one VM to the other, over IPv4 and IPv6; the sums of both.
    #[track_caller]
    pub fn ping(&self, from: &str, to: &str) -> Ping {
        let from = self.vm(from);
        self.vm(to).ips().iter().map(|ip| Ping::run(&from.namespace, *ip)).sum()
    }

    /// The same with packets of this many octets.
    #[track_caller]
    pub fn ping_of(&self, octets: u32, from: &str, to: &str) -> Ping {
        let from = self.vm(from);
        self.vm(to).ips().iter().map(|ip| Ping::of_packet(octets, &from.namespace, *ip)).sum()
    }

    /// Streams from one VM to the other over IPv4, then over IPv6; the octets that arrived.
    #[track_caller]
    pub fn stream(&self, from: &str, to: &str, iperf: Iperf) -> [u64; 2] {
        let (from, to) = (self.vm(from), self.vm(to));
        to.ips().map(|ip| iperf.run(&from.namespace, &to.namespace, ip))
    }

    /// What has come out of a VM's device on the host since its start, or since the last time.
    #[track_caller]
    pub fn heard(&self, name: &str) -> Vec<Frame> {
        static MARKS: AtomicU64 = AtomicU64::new(0);
        let number = MARKS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let end = eth(STRANGER, STRANGER).payload(END, &[&number[..], &[0; 38]].concat());
        let (wire, limit) = (&self.vm(name).wire, Instant::now() + LIMIT);
        let mut frames = Vec::new();
        self.inside[name].send(&end);
        loop {
            match wire.receive_within(MARKED) {
                Some(frame) if frame == end => return frames,
                // An earlier one that was sent again.
                Some(frame) if frame.0[12..14] == END.to_be_bytes() => {}
                Some(frame) => frames.push(frame),
                None => {
                    assert!(Instant::now() < limit, "{end:?} does not arrive at {name}, but {frames:?}");
                    println!("the end mark for {name} was lost and is sent again, after {frames:?}");
                    self.inside[name].send(&end);
                }
            }
        }
    }

    /// Sends a frame from a VM, and returns who got which frames and what was dropped. The VMs must be silent.
    #[track_caller]
    pub fn send(&self, from: &str, frame: &Frame) -> Outcome {
        // On one CPU frames keep their order, so nothing comes behind the end mark.
        let _pinned = PinnedThread::new();
        let before = Counted::read(&self.host);
        self.vm(from).wire.send(frame);
        let after = until("the switch decides about a frame", || {
            let after = Counted::read(&self.host);
            (after.frames() > before.frames()).then_some(after)
        });
        let mut delivered = BTreeMap::new();
        for name in self.vms.keys() {
            let frames = self.heard(name);
            if !frames.is_empty() {
                delivered.insert(name.clone(), frames);
            }
        }
        Outcome { sent: frame.clone(), delivered, drops: after.drops_since(&before) }
    }
}

/// Name and MTU of a network that has one.
fn mtu(object: &Value) -> Option<(String, u32)> {
    let mtu = object.get("mtu")?.as_u64()?.try_into().unwrap();
    Some((object["name"].as_str()?.to_owned(), mtu))
}
