//! Sizes of all tables, and how full they are.

use switch_common::{
    event,
    table::{flow, fragment, limit},
};

use super::{
    DataplaneError,
    home::Home,
    table::{self, flows},
};
use crate::report::TableStatus;

/// Sizes of all tables, of which those of the routes are known: only the agent writes them, and to
/// count a million would take a second.
///
/// # Errors
/// When one cannot be read.
pub fn sizes(home: &Home, routes: [u64; 2]) -> Result<Vec<TableStatus>, DataplaneError> {
    let tables = home.tables()?;
    let mut sizes = vec![tables.fdb.status()?];
    sizes.extend(tables.ports.status()?);
    sizes.extend([
        tables.guard.status()?,
        tables.flood.status()?,
        tables.config.status()?,
        tables.names.status()?,
        tables.stats.status()?,
        tables.drops.status()?,
    ]);
    sizes.extend(tables.learn.status()?);
    sizes.extend([tables.epoch.status()?, tables.gateways.status()?]);
    sizes.extend(tables.routes.status(routes)?);
    sizes.extend([tables.neighbours.status()?, tables.overlay.status()?]);
    sizes.extend([
        flows::Table::<flow::Key4>::established(home)?.status()?,
        flows::Table::<flow::Key6>::established(home)?.status()?,
        flows::Table::<flow::Key4>::half_open(home)?.status()?,
        flows::Table::<flow::Key6>::half_open(home)?.status()?,
    ]);
    sizes.extend(tables.openings.status()?);
    sizes.extend(tables.rules.status()?);
    sizes.push(tables.hits.status()?);
    for name in [fragment::NAME, limit::NAME, event::NAME] {
        sizes.push(table::size(name, &home.map(name))?);
    }
    Ok(sizes)
}
