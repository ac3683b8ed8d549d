//! Why a configuration is refused: a closed list, with a word for programs, a sentence and a remedy for people.

mod firewall;
mod overlay;
mod routing;

use std::borrow::Cow;

use switch_common::{MAX_PORTS, addr::VlanId};

pub use firewall::FirewallReason;
pub use overlay::OverlayReason;
pub use routing::RoutingReason;

use super::{Kind, ObjectId, field::Takes, object::API_VERSION, vlan_list::VlanListError};

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Not YAML or JSON at all.
    #[error("cannot be read: {0}")]
    Syntax(String),
    /// A file without anything in it.
    #[error("there is no object in it")]
    Empty,
    /// A text, number or list where an object should be.
    #[error("is not an object with fields")]
    NotAnObject,
    /// A request without a list of objects, or with something beside it.
    #[error("the request has the wrong form")]
    NoObjects,
    /// A version of the format that is not known here.
    #[error("this version of objects is not known")]
    UnknownVersion,
    /// A kind that does not exist, or another one than the place asks for.
    #[error("expected {}", names(.expected))]
    WrongKind {
        /// Kinds that would do.
        expected: Vec<Kind>,
    },
    /// A name that differs from the one in the address of the request.
    #[error("this is {expected:?} here and cannot be changed")]
    WrongName {
        /// The name in the address.
        expected: String,
    },
    /// A field without which the object means nothing.
    #[error("the field is missing")]
    MissingField(Takes),
    /// A field that this kind does not have.
    #[error("{} has no such field", .0)]
    UnknownField(Kind),
    /// Another type than the field takes.
    #[error("this has the wrong type or form")]
    WrongType(Takes),
    /// The same object a second time.
    #[error("the object is in the list already")]
    ObjectTwice,
    /// Not a name.
    #[error("this is not a name")]
    BadName,
    /// Not the name of a device.
    #[error("no device can have this name")]
    BadDevice,
    /// Not a MAC address.
    #[error("this is not a MAC address")]
    BadMac,
    /// A group address or all zeros.
    #[error("no station can have this address")]
    NotAStation,
    /// Not an IP address.
    #[error("this is not an IP address")]
    BadIp,
    /// Not an IPv6 address.
    #[error("this is not an IPv6 address")]
    BadIpv6,
    /// Not an address with a prefix length.
    #[error("this is not a prefix")]
    BadPrefix,
    /// Multicast, broadcast, loopback, unspecified, reserved, or IPv4 in the clothes of IPv6.
    #[error("this is not the unicast address of a station")]
    NotUnicast,
    /// Not a list of VLANs.
    #[error(transparent)]
    VlanList(VlanListError),
    /// A number past the limits of the field.
    #[error("the number is out of range")]
    OutOfRange(Takes),
    /// A label with characters that selectors could not name.
    #[error("this cannot be a label")]
    BadLabel,
    /// Two networks with the same VLAN.
    #[error("{0} has this VLAN already")]
    VlanTaken(ObjectId),
    /// A network that does not exist.
    #[error("there is no such network")]
    UnknownNetwork {
        /// Some of those that exist.
        known: Vec<String>,
    },
    /// A network that is to be removed and has ports, or next hops of routes.
    #[error("{} still {} it", list(.0), if .0.len() == 1 { "uses" } else { "use" })]
    NetworkInUse(Vec<ObjectId>),
    /// A host that does not exist.
    #[error("there is no such host")]
    UnknownHost {
        /// Some of those that exist.
        known: Vec<String>,
    },
    /// A host that is to be removed and that uplinks name.
    #[error("{} still {} it", list(.0), if .0.len() == 1 { "names" } else { "name" })]
    HostInUse(Vec<ObjectId>),
    /// An access port and a trunk at once.
    #[error("the port is in a network and a trunk as well")]
    NetworkAndTrunk,
    /// Neither an access port nor a trunk.
    #[error("the port is neither in a network nor a trunk")]
    NeitherNetworkNorTrunk,
    /// A native VLAN at an access port.
    #[error("only a trunk has a native VLAN")]
    NativeWithoutTrunk,
    /// `QinQ` at a trunk.
    #[error("a trunk carries service tags as they are")]
    QinqOnTrunk,
    /// Access ports of one network of which some are `QinQ`.
    #[error("{0} is in the same network with another setting")]
    QinqDisagrees(ObjectId),
    /// A MAC address twice in a broadcast domain.
    #[error("{owner} has this address already in VLAN {vlan}")]
    MacTaken {
        /// Who has it.
        owner: ObjectId,
        /// A VLAN that both are in.
        vlan: VlanId,
    },
    /// An IP address twice in a broadcast domain.
    #[error("{owner} has this address already in VLAN {vlan}")]
    IpTaken {
        /// Who has it.
        owner: ObjectId,
        /// A VLAN that both are in.
        vlan: VlanId,
    },
    /// A device twice.
    #[error("{0} uses this device already")]
    DeviceTaken(ObjectId),
    /// A port that has the name of an uplink.
    #[error("{0} has this name already, and reports name both kinds alike")]
    NameTaken(ObjectId),
    /// Two ways out of the host for one VLAN: a loop.
    #[error("{other} carries VLAN {vlan} too, which makes a loop")]
    UplinksOverlap {
        /// The other uplink.
        other: ObjectId,
        /// First VLAN that both carry.
        vlan: VlanId,
    },
    /// More ports, uplinks, routers, policies, overlay networks and other hosts than the tables have slots.
    #[error(
        "that makes {0} ports, uplinks, routers, policies, overlay networks and other hosts, more than the switch \
         has room for"
    )]
    TooManyPorts(usize),
    /// A device that the host does not have.
    #[error("this host has no such device")]
    NoSuchDevice,
    /// A subnet, router or route that does not fit.
    #[error(transparent)]
    Routing(#[from] RoutingReason),
    /// An overlay network that does not fit.
    #[error(transparent)]
    Overlay(#[from] OverlayReason),
    /// A group, policy or rule that does not fit.
    #[error(transparent)]
    Firewall(#[from] FirewallReason),
}

impl Reason {
    /// The word for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "syntax",
            Self::Empty => "empty",
            Self::NotAnObject => "not-an-object",
            Self::NoObjects => "no-objects",
            Self::UnknownVersion => "unknown-version",
            Self::WrongKind { .. } => "wrong-kind",
            Self::WrongName { .. } => "wrong-name",
            Self::MissingField(_) => "missing-field",
            Self::UnknownField(_) => "unknown-field",
            Self::WrongType(_) => "wrong-type",
            Self::ObjectTwice => "object-twice",
            Self::BadName => "bad-name",
            Self::BadDevice => "bad-device",
            Self::BadMac => "bad-mac",
            Self::NotAStation => "not-a-station",
            Self::BadIp => "bad-ip",
            Self::BadIpv6 => "bad-ipv6",
            Self::BadPrefix => "bad-prefix",
            Self::NotUnicast => "not-unicast",
            Self::VlanList(_) => "bad-vlan-list",
            Self::OutOfRange(_) => "out-of-range",
            Self::BadLabel => "bad-label",
            Self::VlanTaken(_) => "vlan-taken",
            Self::UnknownNetwork { .. } => "unknown-network",
            Self::NetworkInUse(_) => "network-in-use",
            Self::UnknownHost { .. } => "unknown-host",
            Self::HostInUse(_) => "host-in-use",
            Self::NetworkAndTrunk => "network-and-trunk",
            Self::NeitherNetworkNorTrunk => "neither-network-nor-trunk",
            Self::NativeWithoutTrunk => "native-without-trunk",
            Self::QinqOnTrunk => "qinq-on-trunk",
            Self::QinqDisagrees(_) => "qinq-disagrees",
            Self::MacTaken { .. } => "mac-taken",
            Self::IpTaken { .. } => "ip-taken",
            Self::DeviceTaken(_) => "device-taken",
            Self::NameTaken(_) => "name-taken",
            Self::UplinksOverlap { .. } => "uplinks-overlap",
            Self::TooManyPorts(_) => "too-many-ports",
            Self::NoSuchDevice => "no-such-device",
            Self::Routing(reason) => reason.name(),
            Self::Overlay(reason) => reason.name(),
            Self::Firewall(reason) => reason.name(),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::Syntax(_) => "write a list of objects in YAML or JSON".into(),
            Self::Empty => "write at least one object, or [] to mean none".into(),
            Self::NotAnObject => {
                "write an object such as {apiVersion: dvs/v1, kind: Network, name: blue, vlan: 10}".into()
            }
            Self::NoObjects => "send {\"objects\": [...]} and nothing else".into(),
            Self::UnknownVersion => format!("write {API_VERSION}").into(),
            Self::WrongKind { expected } => format!("write kind: {}", names(expected)).into(),
            Self::WrongName { .. } => "leave the name out, or add another object and remove this one".into(),
            Self::MissingField(takes) | Self::WrongType(takes) | Self::OutOfRange(takes) => {
                format!("give {takes}").into()
            }
            Self::UnknownField(kind) => format!("the fields are {}", fields(*kind)).into(),
            Self::ObjectTwice => "remove one of the two".into(),
            Self::BadName => format!("give {}", Takes::Name).into(),
            Self::BadDevice => format!("give {}", Takes::Device).into(),
            Self::BadMac => "write six octets such as 02:00:00:00:00:01".into(),
            Self::NotAStation => "give a unicast MAC address: not all zeros, the second digit even".into(),
            Self::BadIp => "write an address such as 10.0.10.1 or fd00::1, without a prefix length".into(),
            Self::BadIpv6 => "write an address such as fd00::1, without a prefix length".into(),
            Self::BadPrefix => "write an address and a prefix length, such as 10.0.0.0/8 or fd00::/64".into(),
            Self::NotUnicast => {
                "give an address that a station sends from: no multicast, broadcast, loopback, \
                                 unspecified or IPv4-mapped one"
                    .into()
            }
            Self::VlanList(_) => format!("give {}, each VLAN once", Takes::VlanList).into(),
            Self::BadLabel => "use 1 to 63 of A-Z a-z 0-9 . _ / - in a key, up to 63 in a value".into(),
            Self::VlanTaken(_) => "choose another VLAN, or put the ports into that network".into(),
            Self::UnknownNetwork { known: names } => {
                known(names, "dvs network add NAME --vlan N, or --vni N")
            }
            Self::NetworkInUse(_) => "remove its ports first, and the routes through it".into(),
            Self::UnknownHost { known: names } => known(names, "dvs host add NAME"),
            Self::HostInUse(_) => "take it out of their hosts first, or remove them".into(),
            Self::NetworkAndTrunk => "set either network or trunk".into(),
            Self::NeitherNetworkNorTrunk => {
                "set network to a network's name, or trunk to a list of VLANs".into()
            }
            Self::NativeWithoutTrunk => "leave native out, or set trunk instead of network".into(),
            Self::QinqOnTrunk => "leave qinq out".into(),
            Self::QinqDisagrees(_) => "set qinq alike at all access ports of the network".into(),
            Self::MacTaken { .. } | Self::IpTaken { .. } => {
                "give each station of a network an address of its own, or remove it there".into()
            }
            Self::DeviceTaken(_) => "choose another device, or detach it there first".into(),
            Self::NameTaken(_) => "choose another name for the port".into(),
            Self::UplinksOverlap { .. } => "give each VLAN to one uplink only".into(),
            Self::TooManyPorts(_) => format!("keep to {} on one host", MAX_PORTS - 1).into(),
            Self::NoSuchDevice => {
                "check the name with `ip link`, or allow it to be missing (--allow-missing)".into()
            }
            Self::Routing(reason) => reason.remedy(),
            Self::Overlay(reason) => reason.remedy(),
            Self::Firewall(reason) => reason.remedy(),
        }
    }
}

fn fields(kind: Kind) -> String {
    let names: Vec<&str> = kind.fields().iter().map(|field| field.name).collect();
    names.join(", ")
}

/// What to do about a reference to nothing: one of these is meant, or it is to be created so.
fn known(names: &[String], command: &str) -> Cow<'static, str> {
    if names.is_empty() {
        return format!("create it first: {command}").into();
    }
    format!("create it, or name one of: {}", names.join(", ")).into()
}

fn names(kinds: &[Kind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    names.join(" or ")
}

fn list(ids: &[ObjectId]) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = ids.iter().take(SHOWN).map(ToString::to_string).collect();
    if ids.len() > SHOWN {
        names.push(format!("{} others", ids.len() - SHOWN));
    }
    names.join(", ")
}
