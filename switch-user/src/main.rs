//! The `dvs` command.

fn main() {}
