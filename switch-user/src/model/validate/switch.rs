//! Settings of the switch.

use std::time::Duration;

use super::Check;
use crate::model::{Kind, ObjectId, Takes};

impl Check<'_> {
    /// Ageing time and capacity of the forwarding database.
    pub(super) fn switch(&mut self) -> (Option<Duration>, u32) {
        let switch = self.desired.switch.clone().unwrap_or_default();
        let id = ObjectId::new(Kind::Switch, "");
        self.range(&id, "ageing", switch.ageing, Takes::Ageing);
        self.range(&id, "fdbCapacity", switch.fdb_capacity, Takes::FdbCapacity);
        let ageing = (switch.ageing != 0).then(|| Duration::from_secs(switch.ageing.into()));
        (ageing, switch.fdb_capacity)
    }
}
