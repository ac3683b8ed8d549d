//! A firewall for the receiver: the rules as the product compiles them, in the tables where it puts them.

use anyhow::{Context as _, Result};
use switch_common::table::{
    policy,
    rules::{DEFAULT_CAPACITY, Row},
};
use switch_user::{
    classifier,
    model::{Desired, read, validate},
};

use crate::rules::{POLICY, objects};

/// Slot of the policy.
pub(super) const SLOT: u16 = 3;
/// The policy's first row; row 0 is not used.
pub(super) const HEAD: u64 = 1;
/// The first of 65,536 addresses of strangers, from whom first packets come.
pub(super) const STRANGERS: u32 = 0x0a40_0000;

/// The rows of so many rules.
pub(super) fn compiled(count: u32) -> Result<Vec<Row>> {
    let source = read::Source::read(&objects(count)).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let desired: Desired = source.objects.into_iter().collect();
    let valid = validate(&desired).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let policy = valid.policies.get(POLICY).context("no policy came of the rules")?;
    let rows = classifier::compile(POLICY, policy);
    anyhow::ensure!(u32::try_from(rows.len())? < DEFAULT_CAPACITY, "the rules do not fit into their table");
    Ok(rows)
}

/// The policies of the port that has the firewall.
pub(super) const fn chain() -> [u16; policy::CHAIN] {
    let mut chain = [0; policy::CHAIN];
    chain[0] = SLOT;
    chain
}
