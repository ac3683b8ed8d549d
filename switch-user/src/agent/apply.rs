//! One reconciliation: plan, compare, do the difference.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use switch_common::addr::Mac;

use super::{
    dataplane::{Dataplane, DataplaneError, Sizes},
    diff::{Op, diff},
    facts::Facts,
    failures::Failures,
    image::{Holder, Hook, Link, Observed, Setting},
    numbers,
    plan::{Inputs, Plan, Seat, Underlay, XDP_SETTINGS, firewall, plan_around, routes},
    slots,
};
use crate::model::Validated;

/// Rounds until everything that depends on what the kernel did is settled: XDP that was attached
/// (or refused) changes the rows of the port table.
const ROUNDS: usize = 3;

/// How a reconciliation ended.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Writes that were done.
    pub operations: usize,
    /// What could not be done.
    pub errors: Vec<String>,
    /// Routes of each family that the kernel holds.
    pub routes: [u64; 2],
    /// The last plan.
    pub plan: Plan,
    /// The configuration with the numbers that its overlay networks have here.
    pub desired: Option<Arc<Validated>>,
    /// Hooks that run the pipeline.
    pub attached: BTreeSet<Link>,
}

impl Outcome {
    /// Those of these ports that are open: their device is there and runs the pipeline.
    pub fn open_of(&self, mut ports: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let attached = self.devices();
        ports.retain(|port, _| self.runs(port, &attached, |seat| seat.up));
        ports
    }

    /// Those of these ports, with the numbers of their devices, that are to come and that only a claim has to open:
    /// the row is there, and nothing of the plan is left to be done.
    pub fn prepared_of(&self, mut ports: BTreeMap<String, u32>) -> BTreeMap<String, u32> {
        let attached = self.devices();
        let is_planned = |ifindex: &u32| self.plan.image.ports.contains_key(ifindex);
        ports.retain(|port, ifindex| {
            let is_own = |seat: &Seat| seat.device.as_ref().is_some_and(|device| device.ifindex == *ifindex);
            is_planned(ifindex) && self.runs(port, &attached, |seat| seat.standby && is_own(seat))
        });
        if self.errors.is_empty() { ports } else { BTreeMap::new() }
    }

    /// Devices that run the pipeline.
    fn devices(&self) -> BTreeSet<u32> {
        self.attached.iter().map(|link| link.ifindex).collect()
    }

    fn runs(&self, port: &str, attached: &BTreeSet<u32>, state: impl Fn(&Seat) -> bool) -> bool {
        let seat = self.plan.seats.get(&Holder::Port(port.to_owned())).filter(|seat| state(seat));
        seat.and_then(|seat| seat.device.as_ref()).is_some_and(|device| attached.contains(&device.ifindex))
    }
}

/// Brings a dataplane to where the configuration wants it, and remembers what it holds.
pub struct Reconciler<D> {
    dataplane: D,
    /// Address of this host's router towards its uplinks.
    host_mac: Mac,
    /// What the kernel holds, as far as it was read or written by us.
    known: Option<Observed>,
    /// Incarnations of the devices with links when these were last seen to be alive.
    incarnations: BTreeMap<u32, u64>,
    /// The facts of the last reconciliation.
    facts: Facts,
    /// The routes that were planned last.
    routes: routes::Cache,
    /// This host's side of the underlay, if it has one.
    underlay: Option<Underlay>,
    /// The numbers that overlay networks were given last.
    numbered: numbers::Cache,
    /// The policies that were compiled last.
    policies: firewall::Cache,
    /// Devices that refused native XDP, with their MTU at that time and the reason.
    refused: BTreeMap<u32, (u32, String)>,
}

impl<D: Dataplane> Reconciler<D> {
    /// A reconciler that knows nothing yet.
    pub fn new(dataplane: D, host_mac: Mac) -> Self {
        Self {
            dataplane,
            host_mac,
            known: None,
            incarnations: BTreeMap::new(),
            facts: Facts::default(),
            routes: routes::Cache::default(),
            underlay: None,
            numbered: numbers::Cache::default(),
            policies: firewall::Cache::default(),
            refused: BTreeMap::new(),
        }
    }

    /// The dataplane.
    pub const fn dataplane(&self) -> &D {
        &self.dataplane
    }

    #[cfg(test)]
    pub(super) const fn dataplane_mut(&mut self) -> &mut D {
        &mut self.dataplane
    }

    /// Makes the next reconciliation read everything again.
    pub fn distrust(&mut self) {
        self.known = None;
    }

    /// Brings the dataplane to the configuration, as far as the kernel lets it.
    pub fn reconcile(&mut self, desired: &Arc<Validated>, facts: &Facts) -> Outcome {
        let mut outcome = Outcome::default();
        let known = match self.learn(desired, facts) {
            Ok(known) => known,
            Err(error) => {
                outcome.errors.push(error.to_string());
                self.plan(desired, facts, &Observed::default(), &mut outcome);
                return outcome;
            }
        };
        let trouble = self.find_underlay(desired).err();
        let known = self.rounds(desired, facts, known, &mut outcome);
        outcome.attached = known.alive().collect();
        outcome.routes = [known.routes.v4.len(), known.routes.v6.len()].map(|count| count as u64);
        if outcome.errors.is_empty() {
            let settled = self.dataplane.settle().and_then(|()| self.leave_underlay(desired));
            outcome.errors.extend(settled.err().map(|error| error.to_string()));
            self.incarnations = incarnations(&known, facts);
            self.known = Some(known);
        }
        self.facts = facts.clone();
        outcome.errors.extend_from_slice(&outcome.plan.problems);
        outcome.errors.extend(trouble.map(|error| error.to_string()));
        outcome
    }

    /// Gets ready for tunnels, if there are overlay networks and other hosts may have them too.
    fn find_underlay(&mut self, desired: &Validated) -> Result<(), DataplaneError> {
        self.underlay = None;
        let Some(address) = own_address(desired) else { return Ok(()) };
        self.underlay = Some(self.dataplane.underlay(address)?);
        Ok(())
    }

    /// Removes what was there for tunnels when there are none.
    fn leave_underlay(&mut self, desired: &Validated) -> Result<(), DataplaneError> {
        if own_address(desired).is_some() { Ok(()) } else { self.dataplane.no_underlay() }
    }

    /// What the kernel holds: remembered, unless there is reason to doubt it.
    fn learn(&mut self, desired: &Arc<Validated>, facts: &Facts) -> Result<Observed, DataplaneError> {
        let changed = self.dataplane.prepare(Sizes::of(desired))?;
        let trusted = self.known.take().filter(|_| !changed);
        let trusted = trusted.filter(|known| self.same_devices(known, facts));
        let Some(mut known) = trusted else { return self.dataplane.observe(facts, self.routes.last()) };
        self.follow_promisc(&mut known, facts);
        Ok(known)
    }

    /// Anybody may switch promiscuous mode off, and the kernel announces it. What was not announced
    /// since the last time is not news, and may be older than our own change.
    fn follow_promisc(&self, known: &mut Observed, facts: &Facts) {
        for ((ifindex, setting), state) in &mut known.settings {
            let (Setting::Promisc, Some(device)) = (setting, facts.device(*ifindex)) else { continue };
            if self.facts.device(*ifindex) != Some(device) {
                state.right = device.promisc;
            }
        }
    }

    /// True if no device with a link was away since the link was seen. A link does not come back with its device.
    fn same_devices(&self, known: &Observed, facts: &Facts) -> bool {
        incarnations(known, facts)
            .iter()
            .all(|(ifindex, number)| self.incarnations.get(ifindex) == Some(number))
    }

    fn rounds(
        &mut self,
        desired: &Arc<Validated>,
        facts: &Facts,
        mut known: Observed,
        outcome: &mut Outcome,
    ) -> Observed {
        self.refused
            .retain(|ifindex, (mtu, _)| facts.device(*ifindex).is_some_and(|device| device.mtu == *mtu));
        for _ in 0..ROUNDS {
            self.plan(desired, facts, &known, outcome);
            let ops = diff(&known, &outcome.plan.image);
            if ops.is_empty() {
                // They are the same. So is their memory from now on.
                known.routes = outcome.plan.image.routes.clone();
                break;
            }
            self.execute(&ops, facts, &mut known, outcome);
            if !outcome.errors.is_empty() {
                break;
            }
        }
        known
    }

    fn plan(&mut self, desired: &Arc<Validated>, facts: &Facts, known: &Observed, outcome: &mut Outcome) {
        let numbers = numbers::assign(&known.names, desired);
        let desired = self.numbered.numbered(desired, &numbers, self.underlay.as_ref());
        let hosts = desired.overlay.hosts.keys().filter(|_| self.underlay.is_some());
        let uplinks = desired.uplinks.keys().cloned().map(Holder::Uplink);
        let routers = desired.routers.keys().cloned().map(Holder::Router);
        let wanted = uplinks.chain(desired.ports.keys().cloned().map(Holder::Port)).chain(routers);
        let wanted = wanted.chain(hosts.cloned().map(Holder::Host));
        let wanted = wanted.chain(slots::policies(&desired)).collect();
        let refused = self.refused.iter().map(|(ifindex, (_, why))| (*ifindex, why.clone())).collect();
        let slots = slots::assign(&known.names, &wanted, &numbers);
        let inputs = Inputs {
            desired: &desired,
            facts,
            slots: &slots,
            underlay: self.underlay,
            tc: self.dataplane.tc(),
            tick_ns: self.dataplane.tick_ns(),
            host_mac: self.host_mac,
            native: &known.native(),
            refused: &refused,
        };
        outcome.plan = plan_around(&inputs, self.routes.routes(&desired, &slots), &mut self.policies);
        outcome.desired = Some(desired);
    }

    /// Does the operations in their order, but for those that rely on one that failed.
    fn execute(&mut self, ops: &[Op], facts: &Facts, known: &mut Observed, outcome: &mut Outcome) {
        let mut failures = Failures::default();
        for op in ops {
            let Some(op) = failures.rest_of(op, known) else { continue };
            match self.dataplane.apply(&op, facts) {
                Ok(()) => {
                    outcome.operations += 1;
                    known.record(&op);
                }
                Err(error) => {
                    failures.note(&op);
                    self.note(&op, facts, &error, outcome);
                }
            }
        }
    }

    /// A refusal of XDP where it is optional is a fact to plan with; all else is an error.
    fn note(&mut self, op: &Op, facts: &Facts, error: &DataplaneError, outcome: &mut Outcome) {
        let device = op.device().filter(|_| is_for_xdp(op));
        if let Some(ifindex) = device.filter(|ifindex| outcome.plan.xdp_optional.contains(ifindex)) {
            let mtu = facts.device(ifindex).map_or(0, |device| device.mtu);
            self.refused.insert(ifindex, (mtu, error.to_string()));
            return;
        }
        let holder = holder_of(&outcome.plan, op);
        outcome.errors.push(match holder {
            Some(holder) => format!("{holder}: {error}"),
            None => error.to_string(),
        });
    }
}

/// The address of this host on the underlay, if it has overlay networks.
fn own_address(desired: &Validated) -> Option<IpAddr> {
    desired.overlay.address.filter(|_| desired.overlays().next().is_some())
}

fn is_for_xdp(op: &Op) -> bool {
    let attaches = matches!(op, Op::Attach(link) if link.hook == Hook::XdpNative);
    let prepares = matches!(op, Op::Set(_, setting) if XDP_SETTINGS.contains(setting));
    attaches || prepares
}

fn holder_of<'a>(plan: &'a Plan, op: &Op) -> Option<&'a Holder> {
    if let Op::Policy(slot, _) = op {
        return plan.image.names.get(slot);
    }
    let ifindex = op.device()?;
    let sits = |device: &crate::netlink::Device| device.ifindex == ifindex;
    plan.seats.iter().find(|(_, seat)| seat.device.as_deref().is_some_and(sits)).map(|(holder, _)| holder)
}

fn incarnations(known: &Observed, facts: &Facts) -> BTreeMap<u32, u64> {
    let incarnation = |link: &Link| Some((link.ifindex, facts.device(link.ifindex)?.incarnation));
    known.links.keys().filter_map(incarnation).collect()
}
