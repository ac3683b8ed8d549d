//! The cases of all rings.

use dvs_tests::{
    fixture::{self, Case, Sent, Step},
    frame::verify,
    sim::Sim,
    topology::Topology,
};

use super::number;

/// Runs a case up to the first step that is not as it should be, and says which.
fn check(case: &Case) -> Result<(), String> {
    let mut topology = Topology::new(case.objects, number);
    let mut sim = Sim::new(&topology);
    for (index, step) in case.steps.iter().enumerate() {
        match step {
            Step::Change(objects) => {
                topology = topology.changed(objects, number);
                sim.change(&topology);
            }
            Step::Wait(milliseconds) => sim.wait(*milliseconds),
            Step::Send(sent) => {
                check_sent(&sim, sent).map_err(|wrong| format!("{}, step {index}: {wrong}", case.name))?;
            }
        }
    }
    Ok(())
}

pub(super) fn check_sent(sim: &Sim, sent: &Sent) -> Result<(), String> {
    let Sent { from, frame, segment, fate: wanted } = sent;
    let fate = sim.fate(from, frame, *segment);
    if fate != *wanted {
        return Err(format!("{frame:?}\n  became {fate:?}\n  not    {wanted:?}"));
    }
    // Frames of a case that are wrong on purpose stay so.
    if verify(frame).is_ok() && *segment == 0 {
        fate.sent().values().try_for_each(verify)?;
    }
    Ok(())
}

#[test]
fn fixtures() {
    let cases = [fixture::all(), fixture::errors::limits()].concat();
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
