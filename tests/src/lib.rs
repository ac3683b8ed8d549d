//! The test harness: what the cases of all rings share.
//!
//! A [`fixture`] says what a switch is configured to be and what becomes of frames. [`sim`] runs it
//! through the pipeline on the host, [`progrun`] through the programs in the kernel; [`oracle`] is a
//! switch so naive that it is obviously right, for frames nobody thought of. [`netns`] has real traffic.
//! [`conformance`] says what every store must do; [`etcd`] has clusters for one of them. [`readme`] types
//! what the README says.

pub mod actors;
#[expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a harness that cannot go on fails the test that uses it"
)]
pub mod conformance;
#[expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a harness that cannot go on fails the test that uses it"
)]
pub mod etcd;
pub mod fate;
pub mod fixture;
pub mod frame;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a harness that cannot go on fails the test that uses it"
)]
pub mod netns;
#[expect(clippy::panic, reason = "a wrong case fails its test")]
pub mod oracle;
pub mod progrun;
pub mod random;
#[expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a harness that cannot go on fails the test that uses it"
)]
pub mod readme;
pub mod sim;
#[expect(clippy::panic, reason = "a wrong case fails its test")]
pub mod topology;
