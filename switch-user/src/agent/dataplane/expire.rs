//! The end of flows whose packets have stopped, and of those whose ports are gone.

use std::{collections::BTreeSet, io, sync::Arc, time::Duration};

use switch_common::table::{
    config::Config,
    flow::{Flow, Key4, Key6, age, timeout},
};

use super::{
    DataplaneError,
    home::Home,
    table::{
        count::{self, Tally},
        fdb::now,
        flows::{Key, Table},
        ports,
    },
    uncounted::Uncounted,
};
use crate::agent::worker::Worker;

/// Time between two looks at half-open flows.
const PERIOD: Duration = Duration::from_secs(1);
/// Established flows are looked at every so many times.
const SELDOM: u32 = 5;

/// Starts a thread that removes flows, for as long as it is not dropped.
///
/// # Errors
/// When the system has no thread to give.
pub fn start(home: Arc<Home>) -> io::Result<Worker> {
    let (mut round, mut settled) = (0, false);
    Worker::start("flows", move || {
        let result = half_open(&home, settled).and_then(|empty| {
            settled = empty;
            if round % SELDOM == 0 { established(&home) } else { Ok(()) }
        });
        if let Err(error) = result {
            tracing::warn!("cannot remove flows: {error}");
        }
        round = (round + 1) % SELDOM;
        PERIOD
    })
}

/// Removes half-open flows and settles their count; true if there was none, and the count says so.
fn half_open(home: &Home, settled: bool) -> Result<bool, DataplaneError> {
    let (mut v4, mut v6) = (Table::<Key4>::half_open(home)?, Table::<Key6>::half_open(home)?);
    let empty = v4.is_empty() && v6.is_empty();
    if empty && settled {
        return Ok(true);
    }
    let mut openings = count::Table::half_open(home)?;
    let before = openings.count()?;
    let mut search = Search::begin(home)?;
    search.sweep(&mut v4, Mirror::None)?;
    search.sweep(&mut v6, Mirror::None)?;
    openings.settle(&before, &search.tally)?;
    search.uncounted.settle(home)?;
    Ok(empty)
}

/// Removes established flows.
fn established(home: &Home) -> Result<(), DataplaneError> {
    let (mut v4, mut v6) = (Table::<Key4>::established(home)?, Table::<Key6>::established(home)?);
    if v4.is_empty() && v6.is_empty() {
        return Ok(());
    }
    let mut search = Search::begin(home)?;
    search.sweep(&mut v4, Mirror::Beside)?;
    search.sweep(&mut v6, Mirror::Beside)?;
    search.uncounted.settle(home)
}

/// Whether the other direction of a connection is in the same table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mirror {
    None,
    Beside,
}

/// One search through the tables.
struct Search {
    ports: ports::Table,
    /// The datapath's clock may be that much behind the one that we read.
    now: u64,
    tally: Tally,
    /// What rules let through and the datapath has not counted.
    uncounted: Uncounted,
}

impl Search {
    fn begin(home: &Home) -> Result<Self, DataplaneError> {
        let now = now()?.saturating_sub(Config::BEHIND_NS);
        Ok(Self {
            ports: ports::Table::open(home)?,
            now,
            tally: Tally::default(),
            uncounted: Uncounted::default(),
        })
    }

    fn sweep<K: Key>(&mut self, table: &mut Table<K>, mirror: Mirror) -> Result<(), DataplaneError> {
        let (mut ending, mut devices) = (Vec::new(), BTreeSet::new());
        table.visit(|key, flow| {
            devices.extend([flow.ingress, flow.egress]);
            *self.tally.kept.entry(flow.sender.into()).or_default() += 1;
            if is_over(key, &flow, self.now) {
                ending.push(key);
            }
        })?;
        // The connection of a flooded packet leads to no device.
        devices.remove(&0);
        let gone = self.gone(&devices)?;
        let stranded = |flow: &Flow| gone.contains(&flow.ingress) || gone.contains(&flow.egress);
        if !gone.is_empty() {
            table.visit(|key, flow| {
                if stranded(&flow) {
                    ending.push(key);
                }
            })?;
        }
        for key in ending {
            // A packet may have come meanwhile.
            let Some(flow) = table.get(&key)? else { continue };
            let back = match mirror {
                Mirror::Beside => table.get(&mirror_of(key, &flow))?,
                Mirror::None => None,
            };
            if stranded(&flow) || are_over(key, &flow, back.as_ref(), self.now) {
                table.remove(&key)?;
                self.count(flow.sender.into());
                self.uncounted.note(&flow, &gone, self.now);
            }
        }
        Ok(())
    }

    /// Devices that are no ports.
    fn gone(&self, devices: &BTreeSet<u32>) -> Result<BTreeSet<u32>, DataplaneError> {
        let mut gone = BTreeSet::new();
        for device in devices {
            if !self.ports.has(*device)? {
                gone.insert(*device);
            }
        }
        Ok(gone)
    }

    /// A flow of this sender was removed.
    fn count(&mut self, sender: u32) {
        if let Some(kept) = self.tally.kept.get_mut(&sender) {
            *kept = kept.saturating_sub(1);
        }
        *self.tally.removed.entry(sender).or_default() += 1;
    }
}

fn mirror_of<K: Key>(key: K, flow: &Flow) -> K {
    key.mirror(flow.back)
}

/// True if a connection is over, of which the other direction may be known too: both end together.
fn are_over<K: Key>(key: K, flow: &Flow, back: Option<&Flow>, now: u64) -> bool {
    is_over(key, flow, now) && back.is_none_or(|back| is_over(key, back, now))
}

/// True if no packet has come for as long as the flow's protocol and state allow.
fn is_over<K: Key>(key: K, flow: &Flow, now: u64) -> bool {
    let patience = timeout(key.protocol(), flow.state.get()) * 1_000_000_000;
    age(flow.stamp.get(), now) >= patience
}

#[cfg(test)]
mod tests {
    use switch_common::{
        shared::Shared,
        table::flow::{ANSWERED, FIN, FIN_BACK, RESET, about, stamp},
    };

    use super::*;

    const NOW: u64 = 100_000_000_000_000;
    const TCP: u8 = 6;
    const UDP: u8 = 17;

    fn key(protocol: u8) -> Key4 {
        Key4 { addresses: 0x2222_2222_1111_1111, about: about(0x5000_3412, 10, protocol) }
    }

    fn flow(idle: u64, state: u64) -> Flow {
        let seen = NOW - idle * 1_000_000_000;
        Flow { stamp: Shared::new(stamp(1, seen)), state: Shared::new(state), back: 20, ..Flow::default() }
    }

    #[test]
    fn a_flow_ends_when_its_protocol_and_state_say_so() {
        let cases = [
            (UDP, 0, 30),
            (UDP, ANSWERED, 180),
            (TCP, 0, 30),
            (TCP, ANSWERED, 7440),
            (TCP, ANSWERED | FIN, 240),
            (TCP, ANSWERED | FIN | FIN_BACK, 60),
            (TCP, ANSWERED | RESET, 10),
        ];
        for (protocol, state, seconds) in cases {
            let over = |idle| are_over(key(protocol), &flow(idle, state), None, NOW);
            assert_eq!((over(seconds - 1), over(seconds + 1)), (false, true), "{protocol} {state:b}");
        }
    }

    #[test]
    fn both_directions_of_a_connection_end_together() {
        let over = |idle, back| are_over(key(UDP), &flow(idle, ANSWERED), Some(&flow(back, ANSWERED)), NOW);
        assert!(!over(900, 20), "the other side still speaks");
        assert!(over(900, 181));
        assert!(!over(20, 900));
    }

    #[test]
    fn answers_come_from_the_network_that_a_flow_leaves_through() {
        let back = mirror_of(key(TCP), &flow(0, 0));
        assert_eq!(back, Key4 { addresses: 0x1111_1111_2222_2222, about: about(0x3412_5000, 20, TCP) });
        assert_eq!(back.protocol(), TCP);
    }

    #[test]
    fn a_time_stamp_from_the_future_is_a_fresh_one() {
        let early = Flow { stamp: Shared::new(stamp(1, NOW + 5_000_000)), ..flow(0, 0) };
        assert!(!is_over(key(UDP), &early, NOW));
    }
}
