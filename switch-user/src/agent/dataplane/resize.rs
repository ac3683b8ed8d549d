//! What was learned in tables of a former size is taken over by those that take their place. Policies
//! are not: they are written anew before the programs that read them take over.

use std::path::PathBuf;

use switch_common::table::{
    fdb,
    flow::{Key4, Key6},
    hits, policy, rules,
};

use super::{
    DataplaneError,
    home::{Home, Tables},
    table::flows::{self, Key},
};

/// Takes over what is in tables of other sizes; says where they are pinned.
pub(super) fn absorb(home: &Home, tables: &mut Tables) -> Result<Vec<PathBuf>, DataplaneError> {
    let mut all = home.others(fdb::NAME)?;
    for pin in &all {
        if !tables.fdb.absorb(&super::table::fdb::Table::open(pin)?)? {
            tracing::warn!("the smaller forwarding database is full; the rest is learned again");
        }
    }
    all.extend(flows::<Key4>(home)?);
    all.extend(flows::<Key6>(home)?);
    all.extend(hits(home, &mut tables.hits)?);
    all.extend(home.others(policy::NAME)?);
    all.extend(home.others(rules::NAME)?);
    Ok(all)
}

fn hits(home: &Home, table: &mut super::table::hits::Table) -> Result<Vec<PathBuf>, DataplaneError> {
    let others = home.others(hits::NAME)?;
    for pin in &others {
        if !table.absorb(pin)? {
            tracing::warn!("the smaller table of hits is full; some counts of rules begin anew or are lost");
        }
    }
    Ok(others)
}

fn flows<K: Key>(home: &Home) -> Result<Vec<PathBuf>, DataplaneError> {
    let [name, _] = K::NAMES;
    let others = home.others(name)?;
    if !others.is_empty() && !flows::Table::<K>::established(home)?.absorb(&others)? {
        tracing::warn!("the smaller table of flows is full; the rest is judged again");
    }
    Ok(others)
}
