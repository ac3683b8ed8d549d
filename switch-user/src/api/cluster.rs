//! Words between managers and hosts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    model::{Document, Kind},
    report::Applied,
};

/// Where a port is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The host that has the port.
    pub host: String,
    /// Its device there.
    pub device: String,
    /// Grows with each change of the binding; a copy of an older epoch is closed.
    pub epoch: u64,
    /// When it was claimed, in milliseconds since 1970.
    pub claimed_ms: u64,
    /// Where it is to go. It stays here until the other host claims it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// Where a port is to go: a planned move. The host prepares the port and keeps it closed until it claims it.
///
/// Fields that an agent does not know are none of its business, so what moves with a port may grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The host.
    pub host: String,
    /// The port's device there; the one that the port names, or that has its name, unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// It goes as soon as the host is ready, and does not wait for the VM to be seen there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub now: bool,
    /// When it was planned, in milliseconds since 1970.
    pub planned_ms: u64,
}

/// How far a host is with a port that is to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Standby {
    /// The port's device there, if it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Everything is in place, and only the claim is wanted.
    pub ready: bool,
    /// The device has sent a frame: the VM runs there.
    pub active: bool,
}

/// Names an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct ObjectName {
    /// What it is.
    pub kind: Kind,
    /// Its name among those of its kind.
    pub name: String,
}

/// A line of a host's view: what changed since the line before. An empty object only says that the
/// manager is alive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ViewEvent {
    /// Generation of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// Number of the last change of bindings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<u64>,
    /// Forget what was known before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
    /// Objects that are new or changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub put: Vec<Document>,
    /// Objects that the host needs no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<ObjectName>,
    /// Bindings of ports of the view that changed; null for none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, Binding>)]
    pub bindings: BTreeMap<String, Option<Binding>>,
}

/// What a host says of itself, again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostReport {
    /// Number of this installation, made when its state directory was: tells two hosts of one name apart.
    pub instance: String,
    /// Version of `dvs`.
    pub version: String,
    /// How far the configuration is applied.
    pub applied: Applied,
    /// Number of the last change of bindings that is applied.
    pub claims: u64,
    /// Devices that exist and that no port of this host has, by all their names and aliases. True: it appeared
    /// since the agent started; false: it was there before.
    pub devices: BTreeMap<String, bool>,
    /// Ports that the host has claimed with every manager down, with what it knew then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claimed: Vec<Claim>,
    /// Ports that are to come here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub standby: BTreeMap<String, Standby>,
    /// Ports of this host that are to go elsewhere, and whose device is gone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unplugged: BTreeSet<String>,
    /// Ports that were open here when another host had got them, and that are closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// Ports that have a device here.
    pub ports: u64,
    /// Resident memory of the agent in bytes.
    pub resident_bytes: u64,
}

/// The answer to a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostLease {
    /// The host is dead for others when it has not reported for this time.
    pub timeout_ms: u64,
    /// The host waits for some part of this time before it reports that it has applied something: all hosts of a large
    /// cluster apply a change at the same time.
    #[serde(default)]
    pub spread_ms: u64,
    /// What became of claims, and why some were refused, by port.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
}

/// A host wants a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claim {
    /// The port.
    pub port: String,
    /// Its device here.
    pub device: String,
    /// Epoch of the newest binding that the host knows; 0 for none. Refused if there is a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
}

/// How far those have come who were waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waited {
    /// The generation that is applied, as far as the errors allow.
    pub generation: u64,
    /// What could not be applied; tried again until it works.
    pub errors: Vec<String>,
    /// Hosts that are dead: they apply it when they return.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub dead: BTreeSet<String>,
}

impl From<Applied> for Waited {
    fn from(Applied { generation, errors }: Applied) -> Self {
        Self { generation, errors, dead: BTreeSet::new() }
    }
}

/// A host, as managers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostEntry {
    /// Name of the host.
    pub name: String,
    /// Whether it reports.
    pub state: HostState,
    /// Seconds for which it has been in this state, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Generations that concern the host and that it has not applied yet; `None` for a dead one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag: Option<u64>,
    /// Ports that are bound to it.
    pub bound: u64,
    /// What it said last, if it is alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<HostReport>,
}

/// Whether a host reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HostState {
    /// It does.
    Alive,
    /// Its time is over, or it has never reported; its bindings are lost.
    Dead,
}

/// A binding as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BindingEntry {
    /// The port.
    pub port: String,
    /// Where it is.
    #[serde(flatten)]
    pub binding: Binding,
    /// The host is dead.
    pub lost: bool,
    /// How far the host is that it is to go to, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<Standby>,
}

/// Ports that are to go to other hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MoveRequest {
    /// The ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    /// All ports of this host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The hosts that they go to, each to the one that has the fewest ports then; all others of the HA group that are
    /// alive unless said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// The port's device there, for a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Move each as soon as its host is ready, and do not wait for the VM to be seen there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub now: bool,
}

/// Moves that are planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoveList {
    /// Number of the change of bindings that planned them.
    pub claims: u64,
    /// Ports with the hosts that they are to go to.
    pub moves: BTreeMap<String, String>,
}

/// All bindings as of one number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BindingList {
    /// Number of the last change of bindings.
    pub claims: u64,
    /// The bindings, by port.
    pub bindings: Vec<BindingEntry>,
    /// Hosts that are alive.
    pub alive: BTreeSet<String>,
}

/// Tells a view from others: the same for the same documents, by kind and name, and the same bindings, by port.
pub fn view_digest<'a>(
    documents: impl IntoIterator<Item = &'a Document>,
    bindings: impl IntoIterator<Item = (&'a str, &'a Binding)>,
) -> String {
    let mut digest = Fnv::new();
    for document in documents {
        digest.add(document);
    }
    for binding in bindings {
        digest.add(&binding);
    }
    format!("{:016x}", digest.0)
}

/// FNV-1a with 64 bits: needs no secret, only to be the same in every version.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds the line that stands for a value.
    fn add(&mut self, value: &impl Serialize) {
        // What is written here has no form that JSON lacks.
        let line = serde_json::to_vec(value).unwrap_or_default();
        for octet in line.into_iter().chain([b'\n']) {
            self.0 = (self.0 ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
