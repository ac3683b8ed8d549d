//! From a change to all hosts that it concerns.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;
use switch_user::model::Kind;

use super::{
    fleet::Fleet,
    results::{Case, Results},
    world::{COMMON, RULES, peer_object, port, rule_object},
};

/// How often each is measured.
const PORTS: usize = 100;
const RULES_CHANGED: usize = 100;
const RULES_ADDED: usize = 100;
const PEERS: usize = 100;

/// Measures all of them.
pub(super) async fn measure(fleet: &Fleet, results: &mut Results) -> Result<()> {
    eprintln!("changes");
    ports(fleet, results).await?;
    fleet.rest().await;
    rules_changed(fleet, results).await?;
    fleet.rest().await;
    rules_added(fleet, results).await?;
    fleet.rest().await;
    peers(fleet, results).await?;
    fleet.rest().await;
    Ok(())
}

/// A field of a port, at a host that applies it.
async fn ports(fleet: &Fleet, results: &mut Results) -> Result<()> {
    let hosts: Vec<_> = fleet.whole().map(|(number, place, _)| (number, place.ports.clone())).collect();
    for round in 0..PORTS {
        let (host, ports) = hosts.get(round % hosts.len()).context("no host is whole")?;
        let name = port(ports.start + round / hosts.len() % ports.len());
        let begin = Instant::now();
        let set = fleet.patch(Kind::Port, &name, &json!({"learnLimit": 1 + round})).await?;
        let end = fleet.board.last(std::iter::once(*host), set.generation).await?;
        results.between(Case::PortChanged, begin, end);
    }
    Ok(())
}

async fn rules_changed(fleet: &Fleet, results: &mut Results) -> Result<()> {
    for round in 0..RULES_CHANGED {
        let name = format!("{COMMON}/r{}", 1 + round % (RULES - 1));
        let begin = Instant::now();
        let set = fleet.patch(Kind::Rule, &name, &json!({"priority": 200 + round})).await?;
        results.between(Case::RuleChanged, begin, fleet.all(&set).await?);
    }
    Ok(())
}

async fn rules_added(fleet: &Fleet, results: &mut Results) -> Result<()> {
    for round in 0..RULES_ADDED {
        let mut rule = rule_object(COMMON, 0, RULES + round);
        rule.as_object_mut().map(|fields| fields.remove("kind"));
        let begin = Instant::now();
        let set = fleet.create(Kind::Rule, &rule).await?;
        results.between(Case::RuleAdded, begin, fleet.all(&set).await?);
    }
    for round in 0..RULES_ADDED {
        let begin = Instant::now();
        let set = fleet.client.remove(Kind::Rule, &format!("{COMMON}/r{}", RULES + round)).await?;
        results.between(Case::RuleRemoved, begin, fleet.all(&set).await?);
    }
    Ok(())
}

async fn peers(fleet: &Fleet, results: &mut Results) -> Result<()> {
    for round in 0..PEERS {
        let mut object = peer_object(fleet.world.end() + round);
        object.as_object_mut().map(|fields| fields.remove("kind"));
        let begin = Instant::now();
        let set = fleet.create(Kind::Port, &object).await?;
        results.between(Case::PeerAdded, begin, fleet.all(&set).await?);
    }
    Ok(())
}
