//! Ring 4: several hosts behind managers. One module a subject.
//!
//! `cargo xtask test --ring 4` builds what is needed and runs these; they need root.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions that several tests share fail them"
)]

mod hosts;
