//! Gives events their names, and those that come too early for that another chance.

use std::{mem::take, sync::Arc};

use switch_common::event::Event;
use tokio::sync::watch;

use super::{Journal, tell};
use crate::agent::{rule_names::Cache, scene::Scene};

/// Events that are kept for the next plan at most.
const KEPT: usize = 1000;

/// An event, and when it was.
pub(super) type Timed = (Event, String);

/// Hands events to the journal.
pub(super) struct Teller {
    scene: watch::Receiver<Option<Arc<Scene>>>,
    journal: Arc<Journal>,
    rules: Cache,
    /// Events of what the last plan does not know. The kernel has rules and ports before their plan is known
    /// here, so the next one may know them.
    early: Vec<Timed>,
}

impl Teller {
    pub(super) fn new(scene: watch::Receiver<Option<Arc<Scene>>>, journal: Arc<Journal>) -> Self {
        Self { scene, journal, rules: Cache::default(), early: Vec::new() }
    }

    /// True before the first plan: nobody can say what events are of.
    pub(super) fn knows_nothing(&self) -> bool {
        self.scene.borrow().is_none()
    }

    /// Tells these events, and of the former ones those that a new plan knows.
    pub(super) fn tell(&mut self, events: Vec<Timed>) {
        let is_new = self.scene.has_changed().unwrap_or_default();
        let Some(scene) = self.scene.borrow_and_update().clone() else { return };
        let rules = self.rules.names(&scene.desired.policies);
        let told = |(event, time): &Timed| {
            let event = tell::event(event, &scene, rules, time.clone());
            event.map(|event| self.journal.tell(event)).is_some()
        };
        // What a new plan does not know is gone.
        let former = if is_new { take(&mut self.early) } else { Vec::new() };
        for event in &former {
            told(event);
        }
        let room = KEPT - self.early.len();
        let early: Vec<Timed> = events.into_iter().filter(|event| !told(event)).take(room).collect();
        self.early.extend(early);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        agent::log::tell::tests::{raw, scene, scene_of},
        model::{Object, Policy, Rule},
    };

    fn with_rule() -> Scene {
        let policy: Policy = serde_json::from_value(json!({"name": "web"})).unwrap();
        let rule =
            json!({"policy": "web", "name": "https", "priority": 1, "direction": "in", "action": "allow"});
        let rule: Rule = serde_json::from_value(rule).unwrap();
        scene_of([Object::Policy(policy), Object::Rule(rule)])
    }

    fn setup() -> (watch::Sender<Option<Arc<Scene>>>, Arc<Journal>, Teller) {
        let (plans, scene) = watch::channel(None);
        let journal = Arc::<Journal>::default();
        let teller = Teller::new(scene, Arc::clone(&journal));
        (plans, journal, teller)
    }

    #[test]
    fn an_event_waits_for_the_plan_that_has_its_rule() {
        let (plans, journal, mut teller) = setup();
        let told = || journal.read().0.into_iter().map(|event| event.time).collect::<Vec<_>>();
        let event = |time: &str| vec![(raw(), time.to_owned())];
        assert!(teller.knows_nothing());
        plans.send_replace(Some(Arc::new(scene())));
        assert!(!teller.knows_nothing());
        teller.tell(event("early"));
        assert!(told().is_empty());
        plans.send_replace(Some(Arc::new(with_rule())));
        teller.tell(Vec::new());
        assert_eq!(told(), ["early"]);
        teller.tell(event("in time"));
        assert_eq!(told(), ["early", "in time"]);
    }

    #[test]
    fn an_event_of_nothing_is_forgotten_with_the_next_plan() {
        let (plans, journal, mut teller) = setup();
        plans.send_replace(Some(Arc::new(scene())));
        for _ in 0..=KEPT {
            teller.tell(vec![(raw(), String::new())]);
        }
        assert_eq!(teller.early.len(), KEPT);
        plans.send_replace(Some(Arc::new(scene())));
        teller.tell(Vec::new());
        plans.send_replace(Some(Arc::new(with_rule())));
        teller.tell(Vec::new());
        assert!(journal.read().0.is_empty() && teller.early.is_empty());
    }
}
