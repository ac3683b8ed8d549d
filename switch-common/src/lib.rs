//! The contract between the kernel and user space.
//!
//! Everything that crosses the border lives here and nowhere else: addresses, header views, the
//! layout of every BPF table, verdicts and drop reasons. The crate is `no_std`, depends on no other
//! package of the workspace, and knows neither how a table is looked up nor who fills it.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![expect(
    clippy::cast_possible_truncation,
    reason = "words are taken apart into the fields that were put into them; a checked conversion would be a panic path, which the verifier refuses"
)]

pub mod addr;
pub mod event;
pub mod shared;
pub mod table;
pub mod verdict;
pub mod wire;

/// Version of the whole contract: table layouts, program names, meaning of the fields.
///
/// It is part of every pin path, so that two versions never share a map by accident. Any change of
/// a type in [`table`] moves it.
pub const ABI_VERSION: u32 = 4;

/// Slots of a switch: the size of every table that is indexed by slot. The first belongs to no
/// port; frames of devices without one are counted there.
pub const MAX_PORTS: u32 = 4096;
