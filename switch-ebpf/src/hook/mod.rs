//! Where the kernel calls: the only place that knows contexts, helpers, maps and action codes.

mod access;
mod maps;
mod steps;
mod tc;
mod tunnel;
mod xdp;
