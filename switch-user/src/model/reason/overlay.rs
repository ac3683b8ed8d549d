//! Why overlay networks are refused.

use std::borrow::Cow;

use crate::model::ObjectId;

/// Why an overlay network is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverlayReason {
    /// A network without a number.
    #[error("the network has neither a VLAN nor a VNI")]
    NeitherVlanNorVni,
    /// A network with both.
    #[error("the network has a VLAN as well")]
    VlanAndVni,
    /// Two networks with the same VNI.
    #[error("{0} has this VNI already")]
    VniTaken(ObjectId),
    /// No number is left that could stand for the network inside the switch.
    #[error(
        "every VLAN belongs to a network or is on a list, so none can stand for this one inside the switch"
    )]
    Crowded,
    /// An address on the underlay that leads to no host, or to one on the same link alone.
    #[error("no tunnel can lead to this address")]
    NoEnd,
    /// Two hosts with the same address.
    #[error("{0} has this address already")]
    AddressTaken(ObjectId),
}

impl OverlayReason {
    /// The word for programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NeitherVlanNorVni => "neither-vlan-nor-vni",
            Self::VlanAndVni => "vlan-and-vni",
            Self::VniTaken(_) => "vni-taken",
            Self::Crowded => "crowded",
            Self::NoEnd => "no-end",
            Self::AddressTaken(_) => "address-taken",
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::NeitherVlanNorVni => {
                "set vlan for a network of the uplinks, or vni for one that reaches other hosts through tunnels"
            }
            Self::VlanAndVni => "set either vlan or vni",
            Self::VniTaken(_) => "choose another VNI, or put the ports into that network",
            Self::Crowded => "take a VLAN off the lists of trunks and uplinks",
            Self::NoEnd => "give the unicast address that the host has on the underlay, and not a link-local one",
            Self::AddressTaken(_) => "give each host the address that it has on the underlay",
        }
        .into()
    }
}
