//! What users want of the switch: objects as they are written, and the form in which they are proven consistent.
//!
//! Pure: no I/O, no clock, no knowledge of who stores or applies anything.

pub mod validated;

pub use validated::{Attachment, ValidPort, ValidUplink, Validated, VlanSet, XdpChoice};
