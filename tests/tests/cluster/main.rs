//! Ring 4: several hosts behind managers, and what these share, over real etcd, with faults. One module a subject.
//!
//! `cargo xtask test --ring 4` builds what is needed and runs these; they need root.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "functions that several tests share fail them"
)]

mod clocks;
mod copies;
mod disks;
mod example;
mod faults;
mod hosts;
mod kills;
mod leases;
mod managers;
mod moves;
mod names;
mod overlay;
mod proxy;
mod readme;
mod store;
mod versions;
mod writers;

use dvs_tests::etcd::Cluster;
use switch_user::store::{EtcdOptions, EtcdStore};
use tokio::runtime::Runtime;

/// Managers that share a cluster.
struct Managers {
    runtime: Runtime,
}

impl Managers {
    fn new() -> Self {
        Self { runtime: Runtime::new().unwrap() }
    }

    /// A store of this cluster that remembers a few writes.
    fn store(&self, cluster: &Cluster) -> EtcdStore {
        self.store_at(&cluster.options(), "/dvs/config", 32)
    }

    /// A store that asks the members in another order.
    fn other_store(&self, cluster: &Cluster) -> EtcdStore {
        let mut options = cluster.options();
        options.endpoints.reverse();
        self.store_at(&options, "/dvs/config", 32)
    }

    fn store_at(&self, options: &EtcdOptions, prefix: &str, keep: u64) -> EtcdStore {
        self.runtime.block_on(EtcdStore::open(options, prefix, keep)).unwrap()
    }
}
