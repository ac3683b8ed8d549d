//! The cases of all rings.

use dvs_tests::{
    fixture::{self, Case, Step},
    frame::verify,
    sim::Sim,
    topology::Topology,
};

use super::number;

fn check(case: &Case) {
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
                let fate = sim.fate(sent.from, &sent.frame, sent.segment);
                assert_eq!(fate, sent.fate, "{}, step {index}: {:?}", case.name, sent.frame);
                if verify(&sent.frame).is_ok() && sent.segment == 0 {
                    let wrong = fate.sent().values().find_map(|frame| verify(frame).err());
                    assert_eq!(wrong, None, "{}, step {index}: {fate:?}", case.name);
                }
            }
        }
    }
}

#[test]
fn fixtures() {
    fixture::all().iter().for_each(check);
}
