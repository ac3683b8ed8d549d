//! What users want of the switch: objects as they are written, and the form in which they are proven consistent.
//!
//! Pure: no I/O, no clock, no knowledge of who stores or applies anything. The way is always the
//! same: text or JSON is [`read`] into [`Object`]s, these make up a [`Desired`], and [`validate`]
//! turns it into a [`Validated`] or says everything that is wrong with it as [`Problem`]s.

mod change;
mod desired;
mod field;
mod network;
mod object;
mod port;
mod problem;
pub mod read;
mod reason;
mod route;
mod router;
mod switch;
mod uplink;
mod validate;
pub mod validated;
mod vlan_list;

pub use change::{Action, Change, changes, fields};
pub use desired::Desired;
pub use field::{Field, Takes};
pub use network::Network;
pub use object::{API_VERSION, ApiVersion, Document, Kind, Object, ObjectId};
pub use port::{Admin, DEFAULT_LEARN_LIMIT, Port};
pub use problem::Problem;
pub(crate) use problem::sentence;
pub use reason::{Reason, RoutingReason};
pub use route::Route;
pub use router::{ReversePath, Router};
pub use switch::{DEFAULT_AGEING, Switch};
pub use uplink::Uplink;
pub use validate::{validate, validate_changes};
pub use validated::{
    Attachment, NextHop, RuleAction, Service, Subnet, ValidNetwork, ValidPolicy, ValidPort, ValidRoute,
    ValidRouter, ValidRule, ValidUplink, Validated, VlanSet, XdpChoice,
};
pub use vlan_list::{VlanList, VlanListError};

#[cfg(test)]
pub(crate) mod samples;
