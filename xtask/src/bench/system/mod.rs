//! The switches that are compared: each one in a [`Lab`] of its own, all at the same time.

mod dvs;
mod kernel;
mod kind;
mod nft;
mod ovs;
mod redirect;
mod rules;

use std::{cell::Cell, path::Path, time::Duration};

use anyhow::{Context as _, Result};

use super::{lab::Lab, process::Daemon};
pub(crate) use dvs::Sharing;
pub(crate) use kind::Kind;

/// What moves the frames, as far as it must be looked after.
enum Switch {
    /// The kernel alone.
    Kernel,
    /// A program that waits.
    Process { _daemon: Daemon },
    /// Open vSwitch.
    Ovs(ovs::Ovs),
    /// The kernel with nftables.
    Nft(nft::Nft),
    /// This switch.
    Dvs(dvs::Dvs),
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
    /// Changes of rules so far.
    changes: Cell<u32>,
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
            Kind::Nft4 | Kind::Nft1k | Kind::Nft10k => {
                Switch::Nft(nft::Nft::start(&lab, kind.rules().unwrap_or_default())?)
            }
            Kind::Dvs | Kind::DvsRouted | Kind::Dvs4 | Kind::Dvs1k | Kind::Dvs10k => {
                Switch::Dvs(dvs::Dvs::start(&lab, kind.rules())?)
            }
        };
        lab.wait_for_traffic()?;
        if matches!(switch, Switch::Nft(_)) {
            nft::Nft::wait_for_tracking(&lab)?;
        }
        let system = Self { kind, switch, changes: Cell::new(0), lab };
        system.rest()?;
        Ok(system)
    }

    /// Gets ready to be measured.
    pub(crate) fn wake(&self) -> Result<()> {
        match &self.switch {
            Switch::Ovs(ovs) => ovs.go_on(),
            Switch::Kernel | Switch::Process { .. } | Switch::Nft(_) | Switch::Dvs(_) => Ok(()),
        }
    }

    /// Leaves the CPUs to the others.
    pub(crate) fn rest(&self) -> Result<()> {
        match &self.switch {
            Switch::Ovs(ovs) => ovs.stop(),
            Switch::Kernel | Switch::Process { .. } | Switch::Nft(_) | Switch::Dvs(_) => Ok(()),
        }
    }

    /// Changes a rule of the firewall; how long that takes, if there is one.
    pub(crate) fn change_rule(&self) -> Result<Option<Duration>> {
        let Some(count) = self.kind.rules() else { return Ok(None) };
        self.changes.set(self.changes.get() + 1);
        let port = rules::port(self.changes.get());
        match &self.switch {
            Switch::Nft(nft) => nft.change(&self.lab, &port).map(Some),
            Switch::Dvs(dvs) => dvs.change(rules::changed(count), &port).map(Some),
            Switch::Kernel | Switch::Process { .. } | Switch::Ovs(_) => Ok(None),
        }
    }

    /// What it takes if many ports have the same policy; of this switch with the most rules alone.
    pub(crate) fn share(&self) -> Result<Option<Sharing>> {
        match (&self.switch, self.kind) {
            (Switch::Dvs(dvs), Kind::Dvs10k) => dvs.share(&self.lab).map(Some),
            _ => Ok(None),
        }
    }
}
