//! Settings of the switch.

use super::Check;
use crate::model::{Kind, ObjectId, Reason, Switch, Takes};

impl Check<'_> {
    /// The settings, or the defaults.
    pub(super) fn switch(&mut self) -> Switch {
        let switch = self.desired.switch.clone().unwrap_or_default();
        let id = ObjectId::new(Kind::Switch, "");
        self.range(&id, "ageing", switch.ageing, Takes::Ageing);
        self.range(&id, "fdbCapacity", switch.fdb_capacity, Takes::FdbCapacity);
        self.range(&id, "flowCapacity", switch.flow_capacity, Takes::FlowCapacity);
        self.range(&id, "ruleCapacity", switch.rule_capacity, Takes::RuleCapacity);
        self.range(&id, "hitCapacity", switch.hit_capacity, Takes::HitCapacity);
        if !switch.gateway_mac.is_station() {
            self.refuse(id, "gatewayMac", switch.gateway_mac.to_string(), Reason::NotAStation);
        }
        switch
    }
}
