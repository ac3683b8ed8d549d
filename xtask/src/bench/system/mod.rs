//! The switches that are compared: each one in a [`Lab`] of its own, all at the same time.

mod dvs;
mod kernel;
mod ovs;
mod redirect;

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::Serialize;

use super::{lab::Lab, process::Daemon, topology::Topology};

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
}

impl Kind {
    /// All of them, in the order of tables.
    pub(crate) const ALL: [Self; 8] = [
        Self::Veth,
        Self::Bridge,
        Self::Redirect,
        Self::RedirectPeer,
        Self::Ovs,
        Self::Dvs,
        Self::KernelRouted,
        Self::DvsRouted,
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
        }
    }

    /// What it does with packets.
    pub(crate) const fn topology(self) -> Topology {
        match self {
            Self::Veth | Self::Bridge | Self::Redirect | Self::RedirectPeer | Self::Ovs | Self::Dvs => {
                Topology::Bridged
            }
            Self::KernelRouted | Self::DvsRouted => Topology::Routed,
        }
    }

    /// Whether it is this switch.
    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::Dvs | Self::DvsRouted)
    }

    /// A name that fits into the name of a namespace.
    const fn short(self) -> &'static str {
        match self {
            Self::Veth => "veth",
            Self::Bridge => "bridge",
            Self::Redirect => "redirect",
            Self::RedirectPeer => "peer",
            Self::Ovs => "ovs",
            Self::Dvs => "dvs",
            Self::KernelRouted => "kernel-r",
            Self::DvsRouted => "dvs-r",
        }
    }
}

/// What moves the frames, as far as it must be looked after.
enum Switch {
    /// The kernel alone.
    Kernel,
    /// A program that waits.
    Process { _daemon: Daemon },
    /// Open vSwitch.
    Ovs(ovs::Ovs),
    /// This switch.
    Dvs { _dvs: dvs::Dvs },
}

/// Releases what a run that was killed still holds in its directory.
pub(crate) fn sweep(directory: &Path) -> Result<()> {
    let ours = Kind::ALL.into_iter().filter(|kind| kind.is_ours());
    ours.map(|kind| directory.join(kind.short())).try_for_each(|directory| dvs::sweep(&directory))
}

/// A switch with its two stations. Dropping it removes all of it, the switch first.
pub(crate) struct System {
    /// Which one.
    pub(crate) kind: Kind,
    switch: Switch,
    /// Where it is.
    pub(crate) lab: Lab,
}

impl System {
    /// Sets it up in namespaces of its own, and sees that traffic gets through.
    pub(crate) fn new(kind: Kind, directory: &Path) -> Result<Self> {
        Self::build(kind, directory).with_context(|| {
            format!("cannot set up {}; leave it out with --systems if it is not wanted", kind.label())
        })
    }

    fn build(kind: Kind, directory: &Path) -> Result<Self> {
        let lab = Lab::new(kind.short(), kind.topology(), directory)?;
        if kind == Kind::Veth {
            lab.wire_directly()?;
        } else {
            lab.wire_to_host()?;
        }
        let switch = match kind {
            Kind::Veth => Switch::Kernel,
            Kind::Bridge => kernel::bridge(&lab).map(|()| Switch::Kernel)?,
            Kind::KernelRouted => kernel::route(&lab).map(|()| Switch::Kernel)?,
            Kind::Redirect => Switch::Process { _daemon: redirect::start(&lab, "bench_redirect_tc")? },
            Kind::RedirectPeer => {
                Switch::Process { _daemon: redirect::start(&lab, "bench_redirect_peer_tc")? }
            }
            Kind::Ovs => Switch::Ovs(ovs::Ovs::start(&lab)?),
            Kind::Dvs | Kind::DvsRouted => Switch::Dvs { _dvs: dvs::Dvs::start(&lab)? },
        };
        lab.wait_for_traffic()?;
        let system = Self { kind, switch, lab };
        system.rest()?;
        Ok(system)
    }

    /// Gets ready to be measured.
    pub(crate) fn wake(&self) -> Result<()> {
        match &self.switch {
            Switch::Ovs(ovs) => ovs.go_on(),
            Switch::Kernel | Switch::Process { .. } | Switch::Dvs { .. } => Ok(()),
        }
    }

    /// Leaves the CPUs to the others.
    pub(crate) fn rest(&self) -> Result<()> {
        match &self.switch {
            Switch::Ovs(ovs) => ovs.stop(),
            Switch::Kernel | Switch::Process { .. } | Switch::Dvs { .. } => Ok(()),
        }
    }
}
