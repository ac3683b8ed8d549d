//! How long the agent needs to load many routes, and how much memory they and many connections take.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use switch_common::{addr::GATEWAY_MAC, table::route};
use switch_user::{
    agent::{
        apply::Reconciler,
        dataplane::{
            Sizes,
            bpf::{self, Bpf},
            home::Home,
            sizes,
        },
        facts::Facts,
        host_mac::host_mac,
    },
    memory,
    model::{Desired, NextHop, ValidRoute, ValidRouter, Validated, read, validate},
};

use super::routed::BASE;

/// Routes that are loaded.
const ROUTES: u32 = 1_000_000;

/// What came out.
#[derive(Serialize)]
pub(crate) struct Load {
    table: &'static str,
    rows: u32,
    /// Of routes from the proven configuration to the last one in the kernel.
    seconds: f64,
    /// Of the kernel's tables, and of what the agent has for them.
    megabytes: f64,
}

/// Connections as the benchmark has put them into a table of flows.
#[expect(clippy::cast_precision_loss, reason = "a number for people")]
pub(crate) fn connections(rows: u32, time: Duration, bytes: u64) -> Load {
    Load { table: "connections", rows, seconds: time.as_secs_f64(), megabytes: bytes as f64 / 1e6 }
}

/// Loads them as the agent does, into tables of its own.
pub(crate) fn routes() -> Result<Load> {
    let state = tempfile::tempdir()?;
    let home = Arc::new(Home::new(state.path()));
    let loaded = load(&home, state.path());
    bpf::teardown(state.path(), &home)?;
    loaded
}

fn load(home: &Arc<Home>, state: &std::path::Path) -> Result<Load> {
    let before = memory::resident()?;
    let desired = Arc::new(desired()?);
    let mut reconciler =
        Reconciler::new(Bpf::open(state, Arc::clone(home), None, Sizes::DEFAULT)?, host_mac("bench"));
    let start = Instant::now();
    let outcome = reconciler.reconcile(&desired, &Facts::default());
    let time: Duration = start.elapsed();
    ensure!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    // Read back from the kernel, nothing is left to do.
    reconciler.distrust();
    ensure!(reconciler.reconcile(&desired, &Facts::default()).operations == 0, "routes are missing");
    let tables = sizes::sizes(home, [ROUTES.into(), 0])?;
    let table = tables.iter().find(|table| table.name == route::NAME4).context("no table of routes")?;
    let bytes = table.bytes + memory::resident()?.saturating_sub(before);
    let seconds = time.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a number for people")]
    Ok(Load { table: "routes", rows: ROUTES, seconds, megabytes: bytes as f64 / 1e6 })
}

/// Two networks, and the routes by way of one station in the second.
fn desired() -> Result<Validated> {
    const OBJECTS: &str = "
- {apiVersion: dvs/v1, kind: Router, name: r1}
- {apiVersion: dvs/v1, kind: Network, name: green, vlan: 20, subnet: [10.0.20.0/24], gateway: [10.0.20.254], router: r1}
";
    let source = read::Source::read(OBJECTS).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let objects: Desired = source.objects.into_iter().collect();
    let mut desired = validate(&objects).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    ensure!(desired.gateway_mac == GATEWAY_MAC);
    let hop = NextHop { address: Ipv4Addr::new(10, 0, 20, 2).into(), network: "green".into() };
    let prefixes = (0..ROUTES).map(|number| Ipv4Addr::from(BASE + number * 16));
    let routes: Result<BTreeMap<_, _>> = prefixes
        .map(|prefix| Ok((format!("{prefix}/28").parse()?, ValidRoute::Via(vec![hop.clone()]))))
        .collect();
    desired.routers.insert("r1".into(), ValidRouter { reverse_path: true, routes: routes? });
    Ok(desired)
}
