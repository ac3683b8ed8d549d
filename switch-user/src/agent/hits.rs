//! Removes hits that nobody asks for any more: of rules that are gone, and of slots that are free.

use std::{collections::BTreeSet, io, sync::Arc, time::Duration};

use switch_common::table::hits::Key;
use tokio::sync::watch;

use super::{
    dataplane::{DataplaneError, home::Home},
    rule_names::Cache,
    scene::Scene,
    worker::Worker,
};

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(30);

/// Starts a thread that removes hits, for as long as it is not dropped.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(home: Arc<Home>, scene: watch::Receiver<Option<Arc<Scene>>>) -> io::Result<Worker> {
    let mut sweeper = Sweeper::default();
    Worker::start("hits", move || {
        let scene = scene.borrow().clone();
        // Before the first plan nobody can say which rules there are.
        if let Some(scene) = scene
            && let Err(error) = sweeper.round(&home, &scene)
        {
            tracing::warn!("cannot remove hits: {error}");
        }
        PERIOD
    })
}

#[derive(Default)]
struct Sweeper {
    rules: Cache,
    /// What was found to be of nobody the last time.
    doomed: BTreeSet<Key>,
}

impl Sweeper {
    fn round(&mut self, home: &Home, scene: &Scene) -> Result<(), DataplaneError> {
        let mut tables = home.tables()?;
        let holders = tables.names.read()?;
        let rules = self.rules.names(&scene.desired.policies);
        let found =
            tables.hits.keys(|key| rules.get(key.rule).is_none() || !holders.contains_key(&key.slot))?;
        let over = self.decide(found);
        tables.hits.remove(&over)
    }

    /// What is to be removed of what is of nobody: what was so the last time too. A rule may count before
    /// the plan that has it is known here.
    fn decide(&mut self, found: BTreeSet<Key>) -> BTreeSet<Key> {
        let over: BTreeSet<Key> = found.intersection(&self.doomed).copied().collect();
        self.doomed = found;
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_removed_when_they_are_of_nobody_twice() {
        let key = |rule| Key { rule, ..Key::default() };
        let mut sweeper = Sweeper::default();
        assert_eq!(sweeper.decide([key(1), key(2)].into()), BTreeSet::new());
        assert_eq!(sweeper.decide([key(2), key(3)].into()), [key(2)].into());
        assert_eq!(sweeper.decide(BTreeSet::new()), BTreeSet::new());
        assert_eq!(sweeper.decide([key(3)].into()), BTreeSet::new());
    }
}
