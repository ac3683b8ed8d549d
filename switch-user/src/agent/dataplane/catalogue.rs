//! The tables that both sides share, and how they are sized.

use switch_common::{
    MAX_PORTS, event,
    table::{
        config, drops, epoch, fdb, flood, flow, fragment, gateway, guard, hits, learn, limit, names,
        neighbour, overlay, policy, port, route, rules, stats,
    },
};

use super::Sizes;

/// Tables that user space and the datapath share, but for those that the configuration sizes.
pub(super) const TABLES: [&str; 25] = [
    config::NAME,
    names::NAME,
    port::NAME,
    port::INDEX,
    port::FAR,
    guard::NAME,
    flood::NAME,
    stats::NAME,
    drops::NAME,
    learn::NAME,
    learn::FORGOTTEN,
    epoch::NAME,
    gateway::NAME,
    route::NAME4,
    route::NAME6,
    route::TARGETS,
    neighbour::NAME,
    overlay::NAME,
    flow::OPENING4,
    flow::OPENING6,
    flow::OPENINGS,
    flow::EXPIRED,
    fragment::NAME,
    limit::NAME,
    event::NAME,
];

/// A table that the configuration sizes.
pub(super) struct Sized {
    pub(super) name: &'static str,
    /// The size that was configured. Pins have it in their names, because a table of another size is
    /// another table.
    pub(super) size: u32,
    /// Most entries.
    pub(super) capacity: u32,
}

/// Tables that the configuration sizes. That of the policies has always the same room, but what is in
/// it belongs to one table of rules: programs with the old one need the old policies.
pub(super) const fn sized(sizes: Sizes) -> [Sized; 6] {
    const fn table(name: &'static str, size: u32) -> Sized {
        Sized { name, size, capacity: size }
    }
    [
        table(fdb::NAME, sizes.stations),
        table(flow::NAME4, sizes.flows),
        table(flow::NAME6, sizes.flows),
        table(rules::NAME, sizes.rules),
        table(hits::NAME, sizes.hits),
        Sized { capacity: MAX_PORTS, ..table(policy::NAME, sizes.rules) },
    ]
}
