//! Routes: where a router sends packets that are for none of its networks.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Kind, ObjectId,
    field::{Field, Takes},
};

/// A static route of a router. Router and prefix together are its name: `r1/10.0.0.0/8`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Router that has the route.
    #[schema(example = "r1")]
    pub router: String,
    /// Destinations that the route is for.
    #[schema(value_type = String, example = "10.0.0.0/8")]
    pub prefix: IpNet,
    /// Next hops, among which flows are spread: stations in networks of the router.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, max_items = 16, example = json!(["10.0.10.254"]))]
    pub via: Vec<IpAddr>,
    /// Packets are dropped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blackhole: bool,
    /// Packets are dropped, and their senders told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreachable: bool,
}

impl Route {
    /// Kind and name.
    pub fn id(&self) -> ObjectId {
        ObjectId::new(Kind::Route, format!("{}/{}", self.router, self.prefix))
    }
}

/// The fields of a [`Route`].
pub(super) const FIELDS: &[Field] = &[
    Field { name: "router", takes: Takes::Name },
    Field { name: "prefix", takes: Takes::Prefix },
    Field { name: "via", takes: Takes::Ips },
    Field { name: "blackhole", takes: Takes::Flag },
    Field { name: "unreachable", takes: Takes::Flag },
];
