//! Objects of any kind, as they stand in files, in the store and in the API.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    Group, Host, Network, Policy, Port, Route, Router, Rule, Switch, Uplink, field::Field, group, host,
    network, policy, port, read, route, router, rule, switch, uplink,
};

/// The version of the objects that this program reads and writes.
pub const API_VERSION: &str = "dvs/v1";

/// What an object is. The order is the one in which objects are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Kind {
    /// Settings of the whole switch.
    Switch,
    /// A router between networks.
    Router,
    /// A broadcast domain.
    Network,
    /// A host of a cluster.
    Host,
    /// A device that leads out of the host.
    Uplink,
    /// A port of a VM or container.
    Port,
    /// A static route of a router.
    Route,
    /// Ports and addresses that policies and rules mean.
    Group,
    /// A rule set of the firewall.
    Policy,
    /// A rule of a policy.
    Rule,
}

impl Kind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::Switch,
        Self::Router,
        Self::Network,
        Self::Host,
        Self::Uplink,
        Self::Port,
        Self::Route,
        Self::Group,
        Self::Policy,
        Self::Rule,
    ];

    /// The word in the field `kind`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Switch => "Switch",
            Self::Router => "Router",
            Self::Network => "Network",
            Self::Host => "Host",
            Self::Uplink => "Uplink",
            Self::Port => "Port",
            Self::Route => "Route",
            Self::Group => "Group",
            Self::Policy => "Policy",
            Self::Rule => "Rule",
        }
    }

    /// The fields of this kind besides `apiVersion` and `kind`.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Switch => switch::FIELDS,
            Self::Router => router::FIELDS,
            Self::Network => network::FIELDS,
            Self::Host => host::FIELDS,
            Self::Uplink => uplink::FIELDS,
            Self::Port => port::FIELDS,
            Self::Route => route::FIELDS,
            Self::Group => group::FIELDS,
            Self::Policy => policy::FIELDS,
            Self::Rule => rule::FIELDS,
        }
    }

    /// The fields without which there is no object.
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Switch => &[],
            Self::Rule => &["policy", "name", "priority", "direction", "action"],
            Self::Router
            | Self::Network
            | Self::Host
            | Self::Uplink
            | Self::Port
            | Self::Route
            | Self::Group
            | Self::Policy => self.key(),
        }
    }

    /// The fields that make up an object's name, which never change.
    pub const fn key(self) -> &'static [&'static str] {
        match self {
            Self::Switch => &[],
            Self::Router
            | Self::Network
            | Self::Host
            | Self::Uplink
            | Self::Port
            | Self::Group
            | Self::Policy => &["name"],
            Self::Route => &["router", "prefix"],
            Self::Rule => &["policy", "name"],
        }
    }

    /// The field of this name.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Names one object: its kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// What it is.
    pub kind: Kind,
    /// Its name among those of its kind; empty for the switch, of which there is one.
    pub name: String,
}

impl ObjectId {
    /// The object of this kind and name.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// The object that these fields describe; without a name if they do not tell it.
    pub fn of_fields(kind: Kind, fields: &Map<String, Value>) -> Self {
        let texts: Option<Vec<&str>> = kind.key().iter().map(|field| fields.get(*field)?.as_str()).collect();
        Self { kind, name: texts.unwrap_or_default().join("/") }
    }

    /// The fields that make up the name, with their values.
    pub fn key(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let fields = self.kind.key();
        fields.iter().copied().zip(self.name.splitn(fields.len(), '/'))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => write!(out, "{}", self.kind),
            name => write!(out, "{} {name}", self.kind),
        }
    }
}

/// An object of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind")]
#[schema(as = AnyObject)]
pub enum Object {
    /// Settings of the whole switch.
    Switch(Switch),
    /// A router between networks.
    Router(Router),
    /// A broadcast domain.
    Network(Network),
    /// A host of a cluster.
    Host(Host),
    /// A device that leads out of the host.
    Uplink(Uplink),
    // There may be very many, and each is kept in several places.
    /// A port of a VM or container.
    Port(Arc<Port>),
    /// A static route of a router.
    Route(Route),
    /// Ports and addresses that policies and rules mean.
    Group(Group),
    /// A rule set of the firewall.
    Policy(Policy),
    /// A rule of a policy.
    Rule(Rule),
}

impl Object {
    /// Kind and name.
    pub fn id(&self) -> ObjectId {
        match self {
            Self::Switch(_) => ObjectId::new(Kind::Switch, ""),
            Self::Router(router) => ObjectId::new(Kind::Router, &router.name),
            Self::Network(network) => ObjectId::new(Kind::Network, &network.name),
            Self::Host(host) => ObjectId::new(Kind::Host, &host.name),
            Self::Uplink(uplink) => ObjectId::new(Kind::Uplink, &uplink.name),
            Self::Port(port) => ObjectId::new(Kind::Port, &port.name),
            Self::Route(route) => route.id(),
            Self::Group(group) => ObjectId::new(Kind::Group, &group.name),
            Self::Policy(policy) => ObjectId::new(Kind::Policy, &policy.name),
            Self::Rule(rule) => rule.id(),
        }
    }

    /// The object as it is written down.
    pub fn document(self) -> Document {
        Document { api_version: ApiVersion::V1, object: self }
    }
}

/// [`Object`] for the description of the API: a type that is called `Object` means any JSON object there.
type AnyObject = Object;

/// The version of an object's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub enum ApiVersion {
    /// `dvs/v1`, see [`API_VERSION`].
    #[serde(rename = "dvs/v1")]
    V1,
}

/// An object as it is written down: with version and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Always `dvs/v1`.
    api_version: ApiVersion,
    /// The object, its kind in the field `kind`.
    #[serde(flatten)]
    #[schema(value_type = AnyObject)]
    pub object: Object,
}

impl Document {
    /// The document as a JSON value.
    pub fn to_value(&self) -> Value {
        // Maps with text as keys, numbers and text: nothing that JSON lacks.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        let problems = match read::object(&value, "object") {
            Ok(object) => return Ok(object.document()),
            Err(problems) => problems,
        };
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Err(de::Error::custom(texts.join("\n")))
    }
}
