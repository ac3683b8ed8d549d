//! Which switches there are.

use clap::ValueEnum;
use serde::Serialize;

use super::super::topology::Topology;

/// A way from one station to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A veth pair with nothing in between: the limit.
    Veth,
    /// The Linux bridge.
    Bridge,
    /// A bare redirect at tc: the least that a switch can do.
    Redirect,
    /// A bare redirect into the peer's receive path.
    RedirectPeer,
    /// Open vSwitch's userspace datapath with XDP sockets.
    Ovs,
    /// This switch.
    Dvs,
    /// The kernel's router between two Linux bridges.
    KernelRouted,
    /// This switch, as a router between two networks.
    DvsRouted,
    /// The kernel's router with nftables and 4 rules.
    #[value(name = "nft-4")]
    Nft4,
    /// The same with 1,000 rules.
    #[value(name = "nft-1k")]
    Nft1k,
    /// The same with 10,000 rules.
    #[value(name = "nft-10k")]
    Nft10k,
    /// This switch as a router, with a policy of 4 rules at the server's port.
    #[value(name = "dvs-4")]
    Dvs4,
    /// The same with 1,000 rules.
    #[value(name = "dvs-1k")]
    Dvs1k,
    /// The same with 10,000 rules.
    #[value(name = "dvs-10k")]
    Dvs10k,
}

impl Kind {
    /// All of them, in the order of tables.
    pub(crate) const ALL: [Self; 14] = [
        Self::Veth,
        Self::Bridge,
        Self::Redirect,
        Self::RedirectPeer,
        Self::Ovs,
        Self::Dvs,
        Self::KernelRouted,
        Self::DvsRouted,
        Self::Nft4,
        Self::Nft1k,
        Self::Nft10k,
        Self::Dvs4,
        Self::Dvs1k,
        Self::Dvs10k,
    ];

    /// As tables and plots call it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Veth => "veth pair",
            Self::Bridge => "Linux bridge",
            Self::Redirect => "redirect",
            Self::RedirectPeer => "redirect_peer",
            Self::Ovs => "OVS AF_XDP",
            Self::Dvs => "dvs",
            Self::KernelRouted => "kernel routed",
            Self::DvsRouted => "dvs routed",
            Self::Nft4 => "nftables 4",
            Self::Nft1k => "nftables 1 k",
            Self::Nft10k => "nftables 10 k",
            Self::Dvs4 => "dvs 4",
            Self::Dvs1k => "dvs 1 k",
            Self::Dvs10k => "dvs 10 k",
        }
    }

    /// What it does with packets.
    pub(crate) const fn topology(self) -> Topology {
        match self {
            Self::Veth | Self::Bridge | Self::Redirect | Self::RedirectPeer | Self::Ovs | Self::Dvs => {
                Topology::Bridged
            }
            Self::KernelRouted | Self::DvsRouted => Topology::Routed,
            Self::Nft4 | Self::Nft1k | Self::Nft10k | Self::Dvs4 | Self::Dvs1k | Self::Dvs10k => {
                Topology::Filtered
            }
        }
    }

    /// Rules of its firewall, if it has one.
    pub(crate) const fn rules(self) -> Option<u32> {
        match self {
            Self::Nft4 | Self::Dvs4 => Some(4),
            Self::Nft1k | Self::Dvs1k => Some(1_000),
            Self::Nft10k | Self::Dvs10k => Some(10_000),
            Self::Veth
            | Self::Bridge
            | Self::Redirect
            | Self::RedirectPeer
            | Self::Ovs
            | Self::Dvs
            | Self::KernelRouted
            | Self::DvsRouted => None,
        }
    }

    /// Whether it is this switch.
    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::Dvs | Self::DvsRouted | Self::Dvs4 | Self::Dvs1k | Self::Dvs10k)
    }

    /// A name that fits into the name of a namespace.
    pub(super) const fn short(self) -> &'static str {
        match self {
            Self::Veth => "veth",
            Self::Bridge => "bridge",
            Self::Redirect => "redirect",
            Self::RedirectPeer => "peer",
            Self::Ovs => "ovs",
            Self::Dvs => "dvs",
            Self::KernelRouted => "kernel-r",
            Self::DvsRouted => "dvs-r",
            Self::Nft4 => "nft-4",
            Self::Nft1k => "nft-1k",
            Self::Nft10k => "nft-10k",
            Self::Dvs4 => "dvs-4",
            Self::Dvs1k => "dvs-1k",
            Self::Dvs10k => "dvs-10k",
        }
    }
}
