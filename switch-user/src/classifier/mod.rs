//! From the rules of a policy to the rows that the datapath searches.
//!
//! Pure: what the rows mean is said in [`switch_common::table::rules`].

use switch_common::{
    table::rules::{Header, Row, Side},
    verdict::Direction,
};
use zerocopy::transmute;

use crate::model::ValidPolicy;

/// The rows of a policy, its header first.
pub fn compile(name: &str, policy: &ValidPolicy) -> Vec<Row> {
    let fingerprint = fnv([name, format!("{policy:?}").as_str()]);
    let towards = Side { fingerprint, ..Side::default() };
    let header = Header { rows: 1, sides: [towards, Side::default()], ..Header::default() };
    vec![transmute!(header)]
}

/// The number of a rule in the table of hits.
pub fn rule_id(policy: &str, rule: &str) -> u64 {
    fnv([policy, "/", rule])
}

/// The number of a policy's default in the table of hits. No rule has an empty name.
pub fn default_id(policy: &str, direction: Direction) -> u64 {
    let direction = match direction {
        Direction::In => "in",
        Direction::Out => "out",
    };
    fnv([policy, "//", direction])
}

/// FNV-1a with 64 bits, as in <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn fnv<'a>(texts: impl IntoIterator<Item = &'a str>) -> u64 {
    let octets = texts.into_iter().flat_map(str::bytes);
    octets.fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
