//! The BPF tables: one file each with name, key, value and size.
//!
//! Rows are padding-free by construction (`zerocopy` refuses to derive otherwise) and in host byte
//! order unless a field says it is a piece of a frame. A row is either replaced whole, which hash
//! maps do atomically, or changed in place only through [`crate::shared::Shared`] cells.

/// Declares the key of a table: plain words that compare and sort, as both sides need them.
macro_rules! key {
    (
        $(#[$about:meta])*
        pub struct $name:ident { $($(#[$field_about:meta])* pub $field:ident: $kind:ty,)+ }
    ) => {
        $(#[$about])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable, zerocopy::KnownLayout,
        )]
        #[repr(C)]
        pub struct $name { $($(#[$field_about])* pub $field: $kind,)+ }
    };
}
use key;

pub mod config;
pub mod drops;
pub mod epoch;
pub mod fdb;
pub mod flood;
pub mod flow;
pub mod fragment;
pub mod gateway;
pub mod guard;
pub mod hits;
pub mod learn;
pub mod limit;
pub mod names;
pub mod neighbour;
pub mod overlay;
pub mod policy;
pub mod port;
pub mod route;
pub mod rules;
pub mod stats;
