//! The datapath: the way of one frame through the switch, written once.
//!
//! [`pipeline`] names the stages in their order, [`stage`] holds them, one file each. They see the
//! frame through [`packet::Packet`] and the tables through [`tables::Tables`], so the same lines run
//! in the kernel at TC, at XDP, and in tests on the host. Only the binary's `hook` knows the kernel.
#![cfg_attr(not(test), no_std)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "words are unpacked into the fields that were packed into them; a checked conversion would be a panic path, which the verifier refuses"
)]

pub mod chain;
pub mod classify;
pub mod edit;
pub mod epoch;
pub mod frame;
pub mod ip;
pub mod packet;
pub mod pipeline;
pub mod stage;
pub mod step;
pub mod tables;
pub mod tunnel;
