//! Which connections a change would cut.

use super::Manager;
use crate::{
    api::Cut,
    classifier::{
        ask::{Carried, Connection},
        impact::Impact,
    },
    model::{Desired, Protocol, Validated, validate_as},
    report::{FlowEntry, FlowFilter, FlowState, ReportError},
};

/// Connections that are listed at most.
const LISTED: usize = 100;

/// Connections that a change would cut.
#[derive(Default)]
pub(super) struct Cuts {
    /// Some of them.
    pub(super) listed: Vec<Cut>,
    /// How many there are.
    pub(super) total: usize,
}

impl Manager {
    /// The connections that pass with the configuration `before` and would not with the one `after`.
    pub(super) fn cuts(&self, before: &Desired, after: &Validated) -> Result<Cuts, ReportError> {
        let mut cuts = Cuts::default();
        // What is stored is valid.
        let Ok(before) = validate_as(before, &[], self.scope()) else { return Ok(cuts) };
        let mut impact = Impact::new(&before, after);
        if impact.ports().is_empty() {
            return Ok(cuts);
        }
        let ports = impact.ports().iter().map(|port| (*port).to_owned()).collect();
        let filter = FlowFilter { ports, original: true, ..FlowFilter::default() };
        for flow in self.host.flows(&filter)?.iter().filter(|flow| is_live(flow)) {
            let Some(cut) = cut(&mut impact, flow) else { continue };
            cuts.total += 1;
            if cuts.listed.len() < LISTED {
                cuts.listed.push(cut);
            }
        }
        Ok(cuts)
    }
}

/// True for a connection that somebody would miss.
const fn is_live(flow: &FlowEntry) -> bool {
    matches!(flow.state, FlowState::Established | FlowState::Closing | FlowState::OneWay)
}

fn cut(impact: &mut Impact<'_>, flow: &FlowEntry) -> Option<Cut> {
    let Protocol(protocol) = flow.protocol.parse().ok()?;
    let ports = [flow.source_port, flow.destination_port].map(Option::unwrap_or_default);
    let connection = Connection {
        from: Some(&flow.port),
        to: Some(&flow.to_port),
        source: flow.source,
        destination: flow.destination,
        service: Carried::new(protocol, ports),
    };
    let (port, decision) = impact.cut(&connection, flow.state != FlowState::OneWay)?;
    Some(Cut {
        from: flow.port.clone(),
        to: flow.to_port.clone(),
        protocol: flow.protocol.clone(),
        source: flow.source,
        source_port: flow.source_port,
        destination: flow.destination,
        destination_port: flow.destination_port,
        port: port.to_owned(),
        policy: decision.policy.to_owned(),
        rule: decision.rule.map(str::to_owned),
    })
}
