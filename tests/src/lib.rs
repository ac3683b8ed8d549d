//! The test harness: what the cases of all rings share.
//!
//! A [`fixture`] says what a switch is configured to be and what becomes of frames. [`sim`] runs it
//! through the pipeline on the host, [`progrun`] through the programs in the kernel; [`oracle`] is a
//! switch so naive that it is obviously right, for frames nobody thought of.

pub mod actors;
pub mod fixture;
pub mod frame;
pub mod oracle;
pub mod progrun;
pub mod sim;
pub mod topology;
