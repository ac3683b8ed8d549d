//! Ring 3: real traffic between network namespaces through `dvs run`. One module a subject.
//!
//! `cargo xtask test --ring 3` builds what is needed and runs these; they need root.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions that several tests share fail them"
)]

mod admin;
mod cli;
mod devices;
mod dhcp;
mod firewall;
mod flood;
mod foreign;
mod guard;
mod learning;
mod lifecycle;
mod manager;
mod mtu;
mod overlay;
mod refusals;
mod restarts;
mod router;
mod scale;
mod tags;
mod uplink;
mod vlans;
mod xdp;
