//! From a device that appears to its port, open with all that belongs to it.

use std::{ops::Range, time::Instant};

use anyhow::{Context as _, Result};

use super::{
    board::until,
    fleet::Fleet,
    results::{Case, Results},
    whole::Whole,
    world::{Place, device, port},
};

/// How often a claim of one port is measured, and one of many.
const ONE: usize = 100;
const MANY: usize = 5;
/// Ports that are claimed at once.
const HUNDRED: usize = 100;

/// Measures claims.
pub(super) async fn measure(fleet: &Fleet, results: &mut Results) -> Result<()> {
    eprintln!("claims");
    let (_, place, whole) = fleet.whole().next().context("no host is whole")?;
    let others: Vec<&Place> = fleet.members.iter().map(|member| &member.place).collect();
    let usual = others.get(..fleet.world.hosts).unwrap_or_default();
    let near = usual.iter().filter(|other| other.group == place.group && other.host != place.host);
    let far = usual.iter().rev().filter(|other| other.group != place.group);
    let near: Vec<&Place> = near.copied().collect();
    let far: Vec<&Place> = far.copied().collect();
    for round in 0..ONE {
        for (case, others) in [(Case::ClaimedWithin, &near), (Case::ClaimedAcross, &far)] {
            let other = others.get(round % others.len()).context("there is no other host")?;
            let first = other.ports.start + round / others.len();
            claim(whole, first..first + 1, case, results).await?;
        }
    }
    let untouched = far.iter().skip(ONE);
    for other in untouched.take(MANY) {
        let ports = other.ports.start..other.ports.end.min(other.ports.start + HUNDRED);
        claim(whole, ports, Case::ClaimedHundred, results).await?;
    }
    Ok(())
}

async fn claim(whole: &Whole, ports: Range<usize>, case: Case, results: &mut Results) -> Result<()> {
    let names: Vec<String> = ports.clone().map(device).collect();
    let begin = Instant::now();
    whole.plug(&names);
    let mut last = begin;
    for number in ports {
        let port = port(number);
        last = last.max(until(&format!("{port} is open"), || whole.open(&port)).await?);
    }
    results.between(case, begin, last);
    Ok(())
}
