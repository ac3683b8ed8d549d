//! Finds the rule that decides about a packet in a compiled policy
//! ([`rules`](switch_common::table::rules)).

use core::ops::ControlFlow;

use switch_common::{
    addr::IpWords,
    shared::Shared,
    table::rules::{
        BLOCK, BLOCKS, CUTS, CUTS6, Class, Cuts, Cuts6, Header, MAX_DEPTH, MAX_STAGED, Records, Root, Row,
        STAGED, Side, WORDS, halves,
    },
};

use crate::{
    packet::{Packet, Repeated},
    tables::Tables,
};

/// In [`Found::what`]: no rule decides.
pub const NONE: u64 = u64::MAX;

/// Looks at blocks until a rule is found: each may be the wrong one, and each staged rule is passed by.
const TURNS: u32 = (BLOCKS + MAX_STAGED + 1) as u32;

/// What rules are asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// 4 or 6; 0 for what is no IP packet.
    pub family: u64,
    /// The other end's address.
    pub peer: IpWords,
    /// As [`service`](switch_common::table::rules::service) or
    /// [`ethertype`](switch_common::table::rules::ethertype) says.
    pub service: u64,
    /// Source port, or 0.
    pub source: u64,
}

/// The rule that decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Its number in the table of hits.
    pub id: u64,
    /// What it does, or [`NONE`].
    pub what: u64,
}

/// Takes note of staged rules that would have decided.
pub trait Seen {
    /// This one would have.
    fn staged<T: Tables>(&mut self, tables: &T, id: u64, what: u64);
}

/// How far a search has come: in the scratch memory, because it is too much for the stack.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows of the peer's, the service's and the source port's class.
    classes: [u64; 3],
    /// Rules before this one have been passed by.
    from: u64,
    /// Where in a block of rules one was found.
    position: Shared,
    /// What was found.
    found: Found,
}

/// The header of the policy whose first row is this one.
#[inline(always)]
pub fn header<T: Tables>(tables: &T, head: u32) -> Option<&Header> {
    Some(zerocopy::transmute_ref!(tables.rules(head)?))
}

/// Finds the rule of a side of the policy.
#[inline(always)]
pub fn search<P: Packet, T: Tables, S: Seen>(
    tables: &T,
    head: u32,
    side: &Side,
    subject: &Subject,
    seen: S,
) -> Found {
    let mut walk = Walk { tables, seen, head, records: side.records };
    let nothing = Found { id: 0, what: NONE };
    let Some(scratch) = tables.scratch() else { return nothing };
    let progress = &mut scratch.progress;
    progress.found = nothing;
    progress.from = 0;
    if side.count == 0 {
        return nothing;
    }
    progress.classes = [
        if subject.family == 6 {
            walk.class6(side.peer6, halves(subject.peer))
        } else {
            walk.class(side.peer4, u32::from_be(subject.peer[0] as u32))
        },
        walk.class(side.service, subject.service as u32),
        walk.class(side.source, subject.source as u32),
    ];
    P::repeat(TURNS, &mut walk);
    progress.found
}

/// The walk along the rules that a packet's three classes have in common.
struct Walk<'a, T, S> {
    tables: &'a T,
    seen: S,
    /// First row of the policy.
    head: u32,
    /// First row of the side's records.
    records: u32,
}

impl<T: Tables, S: Seen> Walk<'_, T, S> {
    #[inline(always)]
    fn row(&self, row: u32) -> Option<&Row> {
        self.tables.rules(self.head.wrapping_add(row))
    }

    /// The class of a number.
    #[inline(always)]
    fn class(&self, root: Root, number: u32) -> u64 {
        let (mut row, mut left) = (root as u32, (root >> 32) as u32);
        let mut level = 0;
        while level < MAX_DEPTH && left != 0 {
            let Some(cuts) = self.row(row) else { return 0 };
            row = next(zerocopy::transmute_ref!(cuts), number);
            left -= 1;
            level += 1;
        }
        row.into()
    }

    /// The class of an IPv6 address.
    #[inline(always)]
    fn class6(&self, root: Root, address: [u64; 2]) -> u64 {
        let (mut row, mut left) = (root as u32, (root >> 32) as u32);
        let mut level = 0;
        while level < MAX_DEPTH && left != 0 {
            let Some(cuts) = self.row(row) else { return 0 };
            row = next6(zerocopy::transmute_ref!(cuts), address);
            left -= 1;
            level += 1;
        }
        row.into()
    }

    /// Takes the next rule; breaks when one decides or none is left.
    #[inline(always)]
    fn step(&mut self) -> Option<ControlFlow<()>> {
        let progress = &mut self.tables.scratch()?.progress;
        let peer: &Class = zerocopy::transmute_ref!(self.row(progress.classes[0] as u32)?);
        let service: &Class = zerocopy::transmute_ref!(self.row(progress.classes[1] as u32)?);
        let source: &Class = zerocopy::transmute_ref!(self.row(progress.classes[2] as u32)?);
        let first = (progress.from / BLOCK as u64) & 63;
        let common = peer.summary & service.summary & source.summary & (u64::MAX << first);
        if common == 0 {
            return None;
        }
        let block = u64::from(common.trailing_zeros());
        let start = if block == first { progress.from % BLOCK as u64 } else { 0 };
        let position = first_common(
            self.row(row_of(peer, block))?,
            self.row(row_of(service, block))?,
            self.row(row_of(source, block))?,
            start,
        );
        // Through memory of which the verifier knows nothing: each place in a block is a way of its own to it.
        progress.position.set(position);
        let position = progress.position.get();
        let rule = block * BLOCK as u64 + position;
        progress.from = rule + 1;
        if position == BLOCK as u64 {
            progress.from = rule;
            return Some(ControlFlow::Continue(()));
        }
        let records: &Records =
            zerocopy::transmute_ref!(self.row(self.records.wrapping_add((rule / 8) as u32))?);
        let record = records.0.get(rule as usize % 8)?;
        if record.what & STAGED != 0 {
            self.seen.staged(self.tables, record.id, record.what);
            return Some(ControlFlow::Continue(()));
        }
        progress.found = Found { id: record.id, what: record.what };
        None
    }
}

impl<T: Tables, S: Seen> Repeated for Walk<'_, T, S> {
    #[inline(always)]
    fn turn(&mut self, _: u32) -> ControlFlow<()> {
        self.step().unwrap_or(ControlFlow::Break(()))
    }
}

/// The row for the last cut that is not above the number.
#[inline(always)]
fn next(row: &Cuts, number: u32) -> u32 {
    let mut at = 0;
    let mut half = CUTS / 2;
    while half != 0 {
        if row.cuts.get(at + half).is_some_and(|cut| *cut <= number) {
            at += half;
        }
        half /= 2;
    }
    row.next.get(at).copied().unwrap_or_default()
}

/// The row for the last cut that is not above the address.
#[inline(always)]
fn next6(row: &Cuts6, address: [u64; 2]) -> u32 {
    let mut next = row.next[0];
    let mut at = 1;
    while at < CUTS6 {
        let (high, low) = (row.high[at], row.low[at]);
        if high > address[0] || high == address[0] && low > address[1] {
            break;
        }
        next = row.next[at];
        at += 1;
    }
    next
}

/// The row of a class's block. The blocks follow a summary of two such numbers.
#[inline(always)]
fn row_of(class: &Class, block: u64) -> u32 {
    let words: &[u32; 2 + BLOCKS] = zerocopy::transmute_ref!(class);
    words.get((block as usize + 2) % words.len()).copied().unwrap_or_default()
}

/// The first bit from `start` on that all three have; [`BLOCK`] if there is none.
#[inline(always)]
fn first_common(one: &Row, two: &Row, three: &Row, start: u64) -> u64 {
    let mut word = 0;
    while word < WORDS {
        let bits = one.0[word] & two.0[word] & three.0[word];
        if bits != 0 {
            let bits = bits & from(start, 64 * word as u64);
            if bits != 0 {
                return 64 * word as u64 + u64::from(bits.trailing_zeros());
            }
        }
        word += 1;
    }
    BLOCK as u64
}

/// The bits of the word at a position that are not before `start`.
#[inline(always)]
const fn from(start: u64, word: u64) -> u64 {
    if start <= word {
        u64::MAX
    } else if start >= word + 64 {
        0
    } else {
        u64::MAX << (start % 64)
    }
}
