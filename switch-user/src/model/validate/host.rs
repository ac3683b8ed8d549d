//! Hosts, each alone.

use super::Check;
use crate::model::{Kind, ObjectId};

impl Check<'_> {
    /// Notes what is wrong with hosts.
    pub(super) fn hosts(&mut self) {
        for host in self.desired.hosts.values() {
            let id = ObjectId::new(Kind::Host, &host.name);
            self.name(&id);
            self.word_in(&id, "haGroup", &host.ha_group);
            self.labels(&id, &host.label);
        }
    }
}
