//! Ring 1: the pipeline on the host, on the fixtures and against the oracles. One module a subject.

mod cache;
mod firewall;
mod fixtures;
mod flows;
mod overlay;
mod random;
mod routed;
mod rules;
mod stores;
mod tables;

/// Devices are numbered in the order of their letters.
fn number(device: &str) -> u32 {
    device.bytes().fold(100, |number, byte| number + u32::from(byte))
}
