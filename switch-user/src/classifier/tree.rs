//! Search trees from cuts to classes.

use switch_common::{
    addr::ipv6_words,
    table::rules::{CUTS, CUTS6, Cuts, Cuts6, Root, Row, halves, root},
};
use zerocopy::transmute;

use super::pool::Pool;

/// A tree of numbers below 2^32. What is cut off at the end of them is no class.
pub(super) fn narrow(mut classes: Vec<(u128, u32)>, pool: &mut Pool) -> Root {
    classes.retain(|(number, _)| u32::try_from(*number).is_ok());
    grow::<CUTS>(classes, pool, |cuts| {
        let cut = cuts.map(|(number, _)| u32::try_from(number).unwrap_or(u32::MAX));
        transmute!(Cuts { cuts: cut, next: cuts.map(|(_, next)| next) })
    })
}

/// A tree of IPv6 addresses.
pub(super) fn wide(classes: Vec<(u128, u32)>, pool: &mut Pool) -> Root {
    grow::<CUTS6>(classes, pool, |cuts| {
        let words = cuts.map(|(number, _)| halves(ipv6_words(number.to_be_bytes())));
        let (high, low) = (words.map(|[high, _]| high), words.map(|[_, low]| low));
        transmute!(Cuts6 { high, low, next: cuts.map(|(_, next)| next), reserved: 0 })
    })
}

/// Adds levels until one row is left.
fn grow<const N: usize>(
    mut level: Vec<(u128, u32)>,
    pool: &mut Pool,
    row: impl Fn([(u128, u32); N]) -> Row,
) -> Root {
    let mut depth = 0;
    while level.len() > 1 {
        let parents = level.chunks(N).map(|children| {
            let place = |index| children[children.len().min(index + 1) - 1];
            (children[0].0, pool.put(row(std::array::from_fn(place))))
        });
        level = parents.collect();
        depth += 1;
    }
    level.first().map_or(0, |(_, row)| root(*row, depth))
}
