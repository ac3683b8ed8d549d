//! All that a host knows of its ports: what managers said, what it has, and what it has claimed by itself. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    claims,
    coming::coming,
    record::Record,
    seen::Seen,
    view::{Coming, View},
};
use crate::{
    agent::supply::Bound,
    api::{Binding, Claim, Standby, ViewEvent},
    netlink::links::Devices,
};

/// What a host knows.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Name of the host.
    pub(super) host: String,
    /// What managers said last, if they have said anything.
    pub(super) view: Option<View>,
    /// The devices of the host.
    pub(super) seen: Seen,
    /// Ports that were claimed with every manager down, and of which no manager knows yet.
    own: BTreeMap<String, Binding>,
    /// Epochs of the ports that were open here at last.
    held: BTreeMap<String, u64>,
    /// A manager has been heard since the agent's start.
    confirmed: bool,
    /// No manager can be reached.
    alone: bool,
    /// Ports that are to come and whose device has sent a frame.
    active: BTreeSet<String>,
    /// Ports that were open when another host had got them, with the number of the bindings that told so.
    gone: BTreeMap<String, u64>,
    /// Claims that managers refused at last, and why.
    pub(super) refused: BTreeMap<String, String>,
}

impl State {
    /// Goes on where the agent before has stopped.
    pub(super) fn resume(host: String, record: Option<Record>) -> Self {
        let Some(Record { view, own, held }) = record else { return Self { host, ..Self::default() } };
        Self { host, view: Some(view), own, held, ..Self::default() }
    }

    /// Takes over the devices that are there at the start.
    pub(super) fn begin(&mut self, devices: Devices) {
        self.seen = Seen::start(devices);
    }

    /// What outlives the agent.
    pub(super) fn record(&self) -> Option<Record> {
        let (own, held) = (self.own.clone(), self.held.clone());
        Some(Record { view: self.view.clone()?, own, held })
    }

    /// The ports that are to be open here. Before a manager has been heard these are the ones that were open before:
    /// anything else may be older than what others know.
    pub(super) fn here(&self) -> BTreeMap<&str, &Binding> {
        let bound = self.view.iter().flat_map(|view| &view.bindings);
        let stands = |(port, binding): &(&String, &Binding)| {
            binding.host == self.host && (self.confirmed || self.held.get(*port) == Some(&binding.epoch))
        };
        bound.filter(stands).chain(&self.own).map(|(port, binding)| (port.as_str(), binding)).collect()
    }

    /// These ports with their devices.
    pub(super) fn devices(&self) -> BTreeMap<String, String> {
        let device = |(port, binding): (&str, &Binding)| (port.to_owned(), binding.device.clone());
        self.here().into_iter().map(device).collect()
    }

    /// The ports that are to come here and have not been claimed, each with its device here if there is one.
    pub(super) fn coming(&self) -> Coming {
        let Some(view) = &self.view else { return Coming::new() };
        coming(&self.host, view, &self.here(), &self.seen)
    }

    /// How far the ports are that are to come, of which some are prepared with devices of these numbers.
    pub(super) fn standby(&self, prepared: &BTreeMap<String, u32>) -> BTreeMap<String, Standby> {
        let standby = |(port, device): (String, Option<String>)| {
            let number =
                device.as_deref().and_then(|name| self.seen.named(name)).map(|device| device.ifindex);
            let ready = number.is_some_and(|number| prepared.get(&port) == Some(&number));
            let active = self.active.contains(&port);
            (port, Standby { device, ready, active })
        };
        self.coming().into_iter().map(standby).collect()
    }

    /// The ports that are to go elsewhere and whose device is gone.
    pub(super) fn unplugged(&self) -> BTreeSet<String> {
        let here = self.here().into_iter();
        let left = here
            .filter(|(_, binding)| binding.target.is_some() && self.seen.named(&binding.device).is_none());
        left.map(|(port, _)| port.to_owned()).collect()
    }

    /// Notes which of the ports that are to come have sent a frame; true if one is claimed because of that.
    pub(super) fn spoke(&mut self, active: BTreeSet<String>, now_ms: u64) -> bool {
        self.active = active;
        self.claim_alone(now_ms)
    }

    /// The other hosts that these ports are at.
    pub(super) fn places<'a>(&self, ports: impl Iterator<Item = &'a String>) -> BTreeMap<String, String> {
        let Some(view) = &self.view else { return BTreeMap::new() };
        let place = |port: &'a String| {
            let binding = view.bindings.get(port).filter(|binding| binding.host != self.host)?;
            Some((port.clone(), binding.host.clone()))
        };
        ports.filter_map(place).collect()
    }

    /// What there is to say of bindings once they are applied.
    pub(super) fn bound(&self) -> Bound {
        let fresh =
            self.here().into_iter().filter(|(port, binding)| self.held.get(*port) != Some(&binding.epoch));
        let fresh = fresh.map(|(port, binding)| (port.to_owned(), binding.epoch)).collect();
        let claims = self.view.as_ref().map_or(0, |view| view.claims);
        let coming = self.coming().into_iter();
        let prepared = coming.filter_map(|(port, device)| Some((port, self.seen.named(&device?)?.ifindex)));
        Bound { claims, fresh, prepared: prepared.collect() }
    }

    /// Follows what a manager says; false if that is nothing new.
    pub(super) fn take(&mut self, event: ViewEvent) -> bool {
        let news = self.view.get_or_insert_default().take(event);
        let first = !std::mem::replace(&mut self.confirmed, true);
        let bindings = self.view.iter().flat_map(|view| &view.bindings);
        for (port, binding) in bindings {
            if self.own.get(port).is_some_and(|own| own.epoch <= binding.epoch) {
                self.own.remove(port);
            }
        }
        self.note_gone();
        self.settle();
        news || first
    }

    /// Notes ports that are still open here and have gone to another host.
    fn note_gone(&mut self) {
        let Some(view) = &self.view else { return };
        let elsewhere = |port: &str| view.bindings.get(port).is_some_and(|binding| binding.host != self.host);
        let gone = self.held.keys().filter(|port| !self.own.contains_key(*port) && elsewhere(port));
        let gone: Vec<String> = gone.filter(|port| !self.gone.contains_key(*port)).cloned().collect();
        self.gone.extend(gone.into_iter().map(|port| (port, view.claims)));
    }

    /// Those of them that are closed, when the bindings of this number are applied.
    pub(super) fn left(&self, applied: u64) -> Vec<String> {
        self.gone.iter().filter(|(_, claims)| **claims <= applied).map(|(port, _)| port.clone()).collect()
    }

    /// Notes that a manager knows these.
    pub(super) fn told(&mut self, left: &[String]) {
        self.gone.retain(|port, _| !left.contains(port));
    }

    /// Notes what a manager refuses: what was claimed alone is given up.
    pub(super) fn refuse(&mut self, refused: BTreeMap<String, String>) -> bool {
        let before = self.own.len();
        self.own.retain(|port, _| !refused.contains_key(port));
        self.refused = refused;
        self.note_gone();
        before != self.own.len()
    }

    /// Notes which ports have been opened; false if none of them is new.
    pub(super) fn opened(&mut self, bound: &Bound) -> bool {
        let before = self.held.clone();
        let here: BTreeMap<String, u64> =
            self.here().into_iter().map(|(port, binding)| (port.to_owned(), binding.epoch)).collect();
        self.held.retain(|port, epoch| here.get(port) == Some(epoch));
        let opened = bound.fresh.iter().filter(|(port, epoch)| here.get(*port) == Some(epoch));
        self.held.extend(opened.map(|(port, epoch)| (port.clone(), *epoch)));
        before != self.held
    }

    /// Follows the devices; true if ports were claimed because of them, or ports that are to come have other ones.
    pub(super) fn sense(&mut self, devices: Devices, now_ms: u64) -> bool {
        let coming = self.coming();
        self.seen.follow(devices);
        let claimed = self.claim_alone(now_ms);
        self.settle();
        claimed || coming != self.coming()
    }

    /// Notes whether a manager can be reached; true if ports were claimed because of that.
    pub(super) fn reach(&mut self, reached: bool, now_ms: u64) -> bool {
        self.alone = !reached;
        self.claim_alone(now_ms)
    }

    /// True if no manager can be reached.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    /// What was claimed alone, for managers.
    pub(super) fn claimed(&self) -> Vec<Claim> {
        let claim = |(port, binding): (&String, &Binding)| {
            let (port, device) = (port.clone(), binding.device.clone());
            Claim { port, device, seen: Some(binding.epoch.saturating_sub(1)) }
        };
        self.own.iter().map(claim).collect()
    }

    /// Claims a port with every manager down, because somebody wants it here.
    ///
    /// False if nothing is known of this port, so that nobody can say what it is.
    pub(super) fn claim(&mut self, port: &str, device: &str, now_ms: u64) -> bool {
        let Some(view) = &self.view else { return false };
        if view.ports().all(|(known, _)| known != port) || view.is_foreign(&self.host, port) {
            return false;
        }
        let epoch = view.bindings.get(port).map_or(0, |binding| binding.epoch) + 1;
        let (host, device) = (self.host.clone(), device.to_owned());
        // Another device for it is no other claim to those who do not know it.
        self.held.remove(port);
        self.own.insert(port.to_owned(), Binding { host, device, epoch, claimed_ms: now_ms, target: None });
        self.settle();
        true
    }

    fn claim_alone(&mut self, now_ms: u64) -> bool {
        let (true, Some(view)) = (self.alone, &self.view) else { return false };
        let (here, coming) = (self.here(), self.coming());
        let mut wanted = claims::alone(&self.host, view, &here, &coming, &self.seen);
        let active = coming.into_iter().filter(|(port, _)| self.active.contains(port));
        wanted.extend(active.filter_map(|(port, device)| Some((port, device?))));
        for (port, device) in &wanted {
            tracing::warn!("no manager can be reached: claimed port {port} with device {device} alone");
            self.claim(port, device, now_ms);
        }
        !wanted.is_empty()
    }

    /// Devices of ports have done what they appeared for.
    fn settle(&mut self) {
        let (devices, coming) = (self.devices(), self.coming());
        self.seen.settle(devices.values().chain(coming.values().flatten()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Target;
    use crate::member::{
        seen::tests::devices,
        view::tests::{binding, event, view},
    };

    /// A host that was told everything, and had p1 open.
    fn host(name: &str, list: &[(u32, &str)]) -> State {
        let held = [("p1".to_owned(), 1)].into();
        let record = Record { view: view(), own: BTreeMap::new(), held };
        let mut state = State::resume(name.into(), Some(record));
        state.begin(devices(list));
        state
    }

    fn ports(state: &State) -> Vec<(&str, u64)> {
        state.here().into_iter().map(|(port, binding)| (port, binding.epoch)).collect()
    }

    fn rebound(port: &str, to: Binding) -> ViewEvent {
        ViewEvent { claims: Some(9), bindings: [(port.to_owned(), Some(to))].into(), ..ViewEvent::default() }
    }

    #[test]
    fn what_was_open_stays_open_over_a_restart_and_is_not_announced() {
        let state = host("h1", &[(2, "v1")]);
        assert_eq!(ports(&state), [("p1", 1)]);
        assert_eq!(state.bound(), Bound { claims: 2, ..Bound::default() });
    }

    #[test]
    fn what_was_not_open_waits_for_a_manager() {
        let mut state = host("h2", &[(2, "v1")]);
        assert_eq!(ports(&state), []);
        assert!(state.take(ViewEvent::default()), "the manager has nothing new, and that is news");
        assert_eq!(ports(&state), [("p2", 1)]);
        assert_eq!(state.bound().fresh, [("p2".to_owned(), 1)].into());
        assert!(!state.take(ViewEvent::default()));
    }

    #[test]
    fn a_port_that_another_host_has_claimed_closes_and_its_device_is_no_claim() {
        let mut state = host("h1", &[]);
        state.take(ViewEvent::default());
        state.sense(devices(&[(3, "v1")]), 5);
        assert!(state.take(rebound("p1", binding("h3", "v1", 2))));
        assert_eq!(ports(&state), []);
        let free = crate::member::seen::names(state.seen.free([]));
        assert_eq!(free, [("v1".to_owned(), false)].into());
        assert!(!state.reach(false, 5), "nor is it when nobody answers");
    }

    #[test]
    fn what_goes_to_another_host_is_told_once_it_is_closed() {
        let mut state = host("h1", &[(2, "v1")]);
        state.take(rebound("p1", binding("h3", "v1", 2)));
        assert_eq!((state.left(8), state.left(9)), (vec![], vec!["p1".to_owned()]));
        state.opened(&state.bound());
        assert_eq!(state.left(9), ["p1"]);
        state.told(&["p1".to_owned()]);
        state.take(rebound("p1", binding("h3", "v1", 3)));
        assert_eq!(state.left(9), [""; 0]);
    }

    #[test]
    fn what_was_opened_is_announced_once() {
        let mut state = host("h1", &[(2, "v1")]);
        state.take(rebound("p1", binding("h1", "v1", 4)));
        let fresh = state.bound();
        assert_eq!(fresh.fresh, [("p1".to_owned(), 4)].into());
        assert!(state.opened(&fresh));
        assert!(state.bound().fresh.is_empty());
        assert!(!state.opened(&state.bound()));
    }

    #[test]
    fn a_vm_that_starts_while_no_manager_answers_gets_its_port_in_the_next_epoch() {
        let mut state = host("h3", &[]);
        assert!(!state.sense(devices(&[(2, "p1")]), 5), "a manager may answer yet");
        assert!(state.reach(false, 5));
        assert_eq!(ports(&state), [("p1", 2)]);
        let claim = Claim { port: "p1".into(), device: "p1".into(), seen: Some(1) };
        assert_eq!(state.claimed(), [claim]);
        let again = State::resume("h3".into(), state.record());
        assert_eq!(ports(&again), [("p1", 2)], "it outlives the agent");
    }

    #[test]
    fn a_claim_made_alone_ends_when_a_manager_knows_it_or_a_better_one() {
        for (answer, expected) in [
            (rebound("p1", binding("h3", "p1", 2)), vec![("p1", 2)]),
            (rebound("p1", binding("h2", "v1", 2)), vec![]),
            (event(), vec![("p1", 2)]),
        ] {
            let mut state = host("h3", &[]);
            state.reach(false, 5);
            state.sense(devices(&[(2, "p1")]), 5);
            let news = format!("{answer:?}");
            state.take(answer);
            assert_eq!(ports(&state), expected, "{news}");
        }
    }

    /// p1 of h1, which is to go to h3.
    fn planned() -> ViewEvent {
        let target = Target { host: "h3".into(), device: None, now: false, planned_ms: 1 };
        rebound("p1", Binding { target: Some(target), ..binding("h1", "v1", 1) })
    }

    #[test]
    fn a_port_that_is_to_come_takes_its_device_when_that_comes() {
        let mut state = host("h3", &[]);
        state.take(planned());
        assert_eq!((state.coming(), ports(&state)), ([("p1".to_owned(), None)].into(), vec![]));
        assert!(state.sense(devices(&[(4, "v1")]), 5), "the agent has something to do");
        assert_eq!(state.coming(), [("p1".to_owned(), Some("v1".to_owned()))].into());
        assert!(!state.sense(devices(&[(4, "v1"), (5, "v5")]), 5));
        let prepared = [("p1".to_owned(), 4)].into();
        assert_eq!(
            state.standby(&prepared)["p1"],
            Standby { device: Some("v1".into()), ready: true, active: false }
        );
        assert!(!state.spoke(["p1".to_owned()].into(), 5), "a manager is asked");
        assert!(state.standby(&prepared)["p1"].active);
        assert!(state.sense(devices(&[]), 5));
        assert!(!state.standby(&prepared)["p1"].ready, "without its device");
    }

    #[test]
    fn a_port_that_is_to_go_is_told_when_its_device_is_gone() {
        let mut state = host("h1", &[(2, "v1")]);
        state.take(planned());
        assert_eq!((state.unplugged(), ports(&state)), (BTreeSet::new(), vec![("p1", 1)]));
        state.sense(devices(&[]), 5);
        assert_eq!(state.unplugged(), ["p1".to_owned()].into());
    }

    #[test]
    fn a_device_of_a_port_that_is_to_come_is_no_claim_when_the_plan_is_withdrawn() {
        let mut state = host("h3", &[]);
        state.take(planned());
        state.sense(devices(&[(4, "v1")]), 5);
        state.take(rebound("p1", binding("h1", "v1", 1)));
        assert_eq!(state.coming(), Coming::new());
        assert_eq!(crate::member::seen::names(state.seen.free([])), [("v1".to_owned(), false)].into());
    }

    #[test]
    fn a_claim_made_alone_that_is_refused_is_given_up() {
        let mut state = host("h3", &[]);
        state.reach(false, 5);
        assert!(state.claim("p3", "v1", 5));
        assert!(!state.claim("p9", "v1", 5), "nobody knows what p9 is");
        assert!(state.refuse([("p3".to_owned(), "h2 was faster".to_owned())].into()));
        assert_eq!((ports(&state), state.claimed().len()), (vec![], 0));
    }
}
