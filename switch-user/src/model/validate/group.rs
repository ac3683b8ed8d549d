//! Groups.

use super::{Check, PROPOSED, name::is_label};
use crate::model::{FirewallReason, Group, Kind, ObjectId, Reason, members::Order};

impl Check<'_> {
    /// Notes what is wrong with groups.
    pub(super) fn groups(&mut self) {
        for group in self.desired.groups.values() {
            let id = ObjectId::new(Kind::Group, &group.name);
            self.name(&id);
            self.selector(&id, group);
            for prefix in &group.prefixes {
                self.host_bits(&id, "prefixes", *prefix);
            }
            for port in group.ports.iter().filter(|port| !self.desired.ports.contains_key(*port)) {
                let known = self.desired.ports.keys().take(PROPOSED).cloned().collect();
                self.refuse(id.clone(), "ports", port.as_str(), FirewallReason::UnknownPort { known });
            }
            for inner in &group.groups {
                self.group_reference(&id, "groups", (inner, inner));
            }
        }
        for cycle in Order::of(&self.desired.groups).cycles {
            self.cycle(&cycle);
        }
    }

    /// Notes a group that does not exist: its name, and the value that has it.
    pub(super) fn group_reference(&mut self, id: &ObjectId, field: &str, (name, value): (&str, &str)) {
        let groups = &self.desired.groups;
        if !groups.contains_key(name) {
            let known = groups.keys().take(PROPOSED).cloned().collect();
            self.refuse(id.clone(), field, value, FirewallReason::UnknownGroup { known });
        }
    }

    /// Notes labels that no port can have.
    fn selector(&mut self, id: &ObjectId, group: &Group) {
        for (key, value) in group.selector.iter().filter(|(key, value)| !is_label(key, value)) {
            self.refuse(id.clone(), &format!("selector.{key}"), value.as_str(), Reason::BadLabel);
        }
    }

    /// Notes a way from a group back to itself; of the groups on it one that changed is to blame.
    fn cycle(&mut self, way: &[&str]) {
        let blamed = way.iter().position(|name| self.is_blamed(&ObjectId::new(Kind::Group, *name)));
        let mut names: Vec<String> = way.iter().map(ToString::to_string).collect();
        names.rotate_left(blamed.unwrap_or_default());
        names.extend(names.first().cloned());
        let [first, second, ..] = names.as_slice() else { return };
        let (id, inner) = (ObjectId::new(Kind::Group, first), second.clone());
        self.refuse(id, "groups", inner, FirewallReason::GroupCycle(names));
    }
}
