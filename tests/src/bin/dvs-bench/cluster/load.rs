//! The manager while nothing changes, and while as much changes as it takes.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::json;
use switch_user::model::Kind;
use tokio::time::sleep;

use super::{
    fleet::Fleet,
    process::Watched,
    results::{Fact, Results},
    world::{COMMON, RULES, port},
};

/// How long each lasts.
const TIME: Duration = Duration::from_secs(10);
/// Who writes at the same time.
const WRITERS: usize = 4;

/// The manager with hosts that only report.
pub(super) async fn idle(manager: Watched, results: &mut Results) -> Result<()> {
    eprintln!("nothing changes");
    let before = manager.spent()?;
    sleep(TIME).await;
    results.set(Fact::IdleCpu, manager.percent(&before)?);
    results.set(Fact::IdleMemory, manager.resident()?);
    Ok(())
}

/// The manager with writes that follow each other without a pause.
pub(super) async fn busy(fleet: &Fleet, manager: Watched, results: &mut Results) -> Result<()> {
    eprintln!("much changes");
    let (before, begun) = (manager.spent()?, Instant::now());
    let writer = |number| ports(fleet, number, begun);
    let (one, two, three, four) = tokio::try_join!(writer(0), writer(1), writer(2), writer(3))?;
    let written = [one, two, three, four];
    results.set(Fact::Writes, rate(written.into_iter().sum(), begun));
    results.set(Fact::WritesCpu, manager.percent(&before)?);
    let (before, begun, events) = (manager.spent()?, Instant::now(), fleet.board.events());
    rules(fleet, begun).await?;
    results.set(Fact::Events, rate(fleet.board.events() - events, begun));
    results.set(Fact::EventsCpu, manager.percent(&before)?);
    results.set(Fact::PeakMemory, manager.peak()?);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn rate(count: u64, begun: Instant) -> f64 {
    count as f64 / begun.elapsed().as_secs_f64()
}

/// Changes ports of different hosts.
async fn ports(fleet: &Fleet, writer: usize, begun: Instant) -> Result<u64> {
    let mut written = 0;
    while begun.elapsed() < TIME {
        let host = (usize::try_from(written)? * WRITERS + writer) * 7 % fleet.world.hosts;
        let place = &fleet.members.get(host).context("no such host")?.place;
        let name = port(place.ports.start + writer);
        fleet.patch(Kind::Port, &name, &json!({"learnLimit": 2000 + written})).await?;
        written += 1;
    }
    Ok(written)
}

/// Changes rules that all hosts have.
async fn rules(fleet: &Fleet, begun: Instant) -> Result<()> {
    for round in 0.. {
        if begun.elapsed() > TIME {
            break;
        }
        let name = format!("{COMMON}/r{}", 1 + round % (RULES - 1));
        let set = fleet.patch(Kind::Rule, &name, &json!({"priority": 1000 + round})).await?;
        fleet.all(&set).await?;
    }
    Ok(())
}
