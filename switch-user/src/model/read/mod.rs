//! From text to objects, with errors that say where and what.
//!
//! serde alone stops at the first error and, for tagged enums, forgets where it was. So a text
//! becomes a tree first; [`object`] picks the kind itself and reads field by field. It is also what
//! refuses unknown fields, by the tables of fields.

mod locate;
mod object;
mod source;

pub use locate::Position;
pub use object::{fields, object, object_of};
pub use source::{PLACED, Placed, Source};

#[cfg(test)]
mod tests;
