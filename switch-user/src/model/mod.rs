//! What users want of the switch: objects as they are written, and the form in which they are proven consistent.
//!
//! Pure: no I/O, no clock, no knowledge of who stores or applies anything. The way is always the
//! same: text or JSON is [`read`] into [`Object`]s, these make up a [`Desired`], and [`validate`]
//! turns it into a [`Validated`] or says everything that is wrong with it as [`Problem`]s.

mod change;
mod desired;
mod field;
mod group;
mod host;
mod labels;
mod members;
mod network;
mod object;
pub mod overlay;
mod packet;
mod policy;
mod port;
mod port_ranges;
mod problem;
pub mod read;
mod reason;
mod route;
mod router;
mod rule;
mod switch;
mod table;
mod uplink;
mod users;
mod validate;
pub mod validated;
mod vlan_list;
mod warn;

pub use change::{Action, Change, changes, fields};
pub use desired::{Desired, Few};
pub use field::{Field, Takes};
pub use group::Group;
pub use host::{DEFAULT_HA_GROUP, Host};
pub use labels::Labels;
pub use members::{Members, members};
pub use network::Network;
pub use object::{API_VERSION, ApiVersion, Document, Kind, Object, ObjectId};
pub use packet::{Ethertype, NotAWord, Peer, Protocol};
pub use policy::{DEFAULT_TIER, Policy};
pub use port::{Admin, DEFAULT_LEARN_LIMIT, Firewall, Port};
pub use port_ranges::{PortRanges, PortRangesError};
pub use problem::Problem;
pub(crate) use problem::sentence;
pub use reason::{FirewallReason, OverlayReason, Reason, RoutingReason};
pub use route::Route;
pub use router::{ReversePath, Router};
pub use rule::{Rule, RuleDirection};
pub use switch::{DEFAULT_AGEING, Switch};
pub use table::Table;
pub use uplink::Uplink;
pub use validate::{Scope, validate, validate_as, validate_changes, validate_part};
pub use validated::{
    Attachment, NextHop, RuleAction, Service, Subnet, ValidNetwork, ValidPolicy, ValidPort, ValidRoute,
    ValidRouter, ValidRule, ValidUplink, Validated, VlanSet, XdpChoice,
};
pub use vlan_list::{VlanList, VlanListError};
pub use warn::{Lockout, lockouts, warnings};

#[cfg(test)]
pub(crate) mod samples;
