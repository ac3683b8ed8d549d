//! Whether a host has room for more ports, with all that these need.

use std::sync::Arc;

use super::{
    BindingChange, Views,
    closure::Closure,
    difference::Sight,
    graph::{Touched, ha_group},
    room::Room,
    ways::Root,
};
use crate::model::{Desired, Kind, ObjectId, Scope, validate_as};

impl Views {
    /// Says what would be too much for the host if it had these ports as well.
    pub(in crate::manager::cluster) fn excess(
        &mut self,
        host: &str,
        changes: &[BindingChange],
    ) -> Option<String> {
        let ports = self.ports_with(host, changes);
        let suffices = self.room(host, changes).is_some_and(|room| room.suffices(ports));
        if suffices { None } else { self.refusal(host, changes) }
    }

    /// What the host would hold at most; `None` if nothing is known of it.
    fn room(&self, host: &str, changes: &[BindingChange]) -> Option<Room> {
        let guest = self.hosts.get(host)?;
        let group = self.closures.get(&guest.group)?;
        let ports: Vec<ObjectId> = changes.iter().map(|(port, _)| ObjectId::new(Kind::Port, port)).collect();
        // A host knows with its HA group what it does not know alone.
        let own = self.content(&guest.own);
        let sight = Sight { group: group.besides(&self.graph, &ports), own };
        let more = sight.entries().filter(|entry| !group.content.has(&entry.id));
        Some(Room::of(&self.graph, group.content.entries.values().chain(more)))
    }

    /// How many ports the host would have: those that are there or to come, open or not, and these.
    fn ports_with(&self, host: &str, changes: &[BindingChange]) -> usize {
        let coming =
            self.planned().filter(|(_, binding, target)| target.host == host && binding.host != host);
        let has = |port: &str| {
            let binding = self.binding(port);
            binding.is_some_and(|binding| {
                binding.host == host || binding.target.as_ref().is_some_and(|target| target.host == host)
            })
        };
        let new = changes.iter().filter(|(port, _)| self.object(Kind::Port, port).is_some() && !has(port));
        self.bound(host).count() + coming.count() + new.count()
    }

    /// The same by the whole view that the host would have.
    fn refusal(&mut self, host: &str, changes: &[BindingChange]) -> Option<String> {
        let mut touched = Touched::default();
        let before = changes.iter().map(|(port, _)| {
            let binding = self.graph.binding(port).map(|binding| (**binding).clone());
            ((port.clone(), binding), self.graph.binding_number(port))
        });
        let before: Vec<(BindingChange, u64)> = before.collect();
        for change in changes {
            self.graph.bind(change.clone(), self.claims, &mut touched);
        }
        let group = ha_group(self.graph.get(&ObjectId::new(Kind::Host, host))).unwrap_or_default();
        let roots = [Root::Group(group), Root::Host(host.to_owned())];
        let [group, own] = roots.map(|root| Closure::new(&self.graph, &root).content);
        let scope = Scope::View { ports: self.ports_with(host, &[]) };
        for (change, number) in before {
            self.graph.bind(change, number, &mut touched);
        }
        let sight = Sight { group, own };
        let mut desired: Desired = sight.documents().map(|document| document.object.clone()).collect();
        // Elsewhere others have devices of these names.
        desired.ports.values_mut().for_each(|port| Arc::make_mut(port).device = None);
        let problems = validate_as(&desired, &[], scope).err()?;
        Some(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests;
