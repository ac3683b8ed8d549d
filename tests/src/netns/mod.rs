//! The harness of ring 3: real traffic between network namespaces through `dvs run`.
//!
//! ```text
//!   namespace of VM p1          namespace of the host             namespace of VM p2
//!  +------------------+      +-------------------------+      +------------------+
//!  | eth0 02:..:01    |------| p1     dvs run       p2 |------| eth0 02:..:02    |
//!  | 10.0.0.1 fd00::1 | veth |  (in this namespace)    | veth | 10.0.0.2 fd00::2 |
//!  +------------------+      +-------------------------+      +------------------+
//! ```
//!
//! A [`Lab`] is made from the objects of the switch: every port and uplink that they name gets a VM whose
//! device on the host has the same name. All VMs are in the same subnets, whatever their VLAN, so it is
//! the VLAN and not the subnet that keeps them apart. Everything has names of its own and is removed with
//! its owner, also when a test fails; several labs live side by side.

mod clock;
mod cluster;
pub mod foreign;
pub mod frames;
mod host;
mod lab;
mod namespace;
mod outcome;
mod process;
mod raw;
pub mod sites;
pub mod socket;
mod tap;
mod traffic;
mod vm;
mod wait;
mod wire;

pub use clock::Clock;
pub use cluster::{Cluster, Managers};
pub use host::{Host, dvs};
pub use lab::Lab;
pub use namespace::Namespace;
pub use outcome::{Outcome, PinnedThread};
pub use process::{Finished, Process, finish, run};
pub use raw::Raw;
pub use tap::Tap;
pub use traffic::{Iperf, Ping};
pub use vm::{Stack, Vm};
pub use wait::{LIMIT, until, within};
pub use wire::Wire;
