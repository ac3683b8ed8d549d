//! The configuration after validation: every reference resolved, every value legal.
//!
//! Only `validate` makes a [`Validated`] out of what users wrote, so whoever reads one needs no
//! defensive checks.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use switch_common::addr::{Mac, VlanId};

/// A set of VLANs, in ascending order.
pub type VlanSet = std::collections::BTreeSet<VlanId>;

/// The whole configuration of one switch, proven consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// How long a learned address is believed after its last frame; `None` for ever.
    pub ageing: Option<Duration>,
    /// Most entries of the forwarding database.
    pub fdb_capacity: u32,
    /// Networks by name, with their VLAN.
    pub networks: BTreeMap<String, VlanId>,
    /// Ports by name.
    pub ports: BTreeMap<String, ValidPort>,
    /// Uplinks by the name of their device.
    pub uplinks: BTreeMap<String, ValidUplink>,
}

/// A port of a VM or container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidPort {
    /// Host-side device, if the port is attached.
    pub device: Option<String>,
    /// The VLANs it takes part in.
    pub attachment: Attachment,
    /// Stations that are known to be here. Not empty: only these may send, nothing is learned.
    pub macs: Vec<Mac>,
    /// Not empty: only these addresses, and the link-local ones of `macs`, may send.
    pub ips: Vec<IpAddr>,
    /// Administratively up.
    pub up: bool,
    /// Most addresses that may be learned here.
    pub learn_limit: u32,
}

/// How a port takes part in VLANs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// One VLAN, frames untagged.
    Access {
        /// The VLAN of the port's network.
        vlan: VlanId,
        /// The VLAN is an 802.1ad service VLAN and the port's own tags are payload.
        qinq: bool,
    },
    /// Several VLANs, frames tagged.
    Trunk {
        /// VLANs that are carried, the native one among them.
        vlans: VlanSet,
        /// VLAN of untagged frames.
        native: Option<VlanId>,
    },
}

/// A device that connects the switch with the world outside the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidUplink {
    /// VLANs that are carried, the native one among them. All others belong to the host.
    pub vlans: VlanSet,
    /// VLAN of untagged frames; without one they belong to the host.
    pub native: Option<VlanId>,
    /// What the user wants of XDP.
    pub xdp: XdpChoice,
}

/// Whether an uplink has an XDP program, and in which mode.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum XdpChoice {
    /// Native if the driver can, none otherwise.
    #[default]
    Auto,
    /// Native or an error.
    Native,
    /// In the kernel's generic hook, for any driver; slower than none for most traffic.
    Generic,
    /// None.
    Off,
}
