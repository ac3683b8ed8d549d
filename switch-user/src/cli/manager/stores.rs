//! Where a manager keeps what it knows: in files of its own, or in etcd, which it shares with others.

use std::{path::PathBuf, sync::Arc};

use crate::store::{EtcdLeases, EtcdOptions, EtcdStore, Leases, MemoryLeases, RedbStore, Store};

/// Writes of the configuration that etcd remembers.
const HISTORY: u64 = 1000;
/// Changes of bindings that etcd remembers: enough for managers to follow by.
const CLAIMS: u64 = 1000;

/// How etcd is reached, if it is used.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Shared {
    /// Members of an etcd cluster that several managers share, instead of --state-dir.
    #[arg(long = "etcd", value_name = "URL", value_delimiter = ',', conflicts_with = "state_dir")]
    members: Vec<String>,

    /// Certificates of the authorities that vouch for etcd.
    #[arg(long = "etcd-ca", value_name = "FILE", requires = "members")]
    ca: Option<PathBuf>,

    /// Certificate for etcd, if it wants one.
    #[arg(long = "etcd-cert", value_name = "FILE", requires_all = ["members", "key"])]
    certificate: Option<PathBuf>,

    /// Key of this certificate.
    #[arg(long = "etcd-key", value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

/// What a manager works on.
pub(super) struct Stores {
    pub(super) configuration: Arc<dyn Store>,
    pub(super) bindings: Arc<dyn Store>,
    pub(super) leases: Arc<dyn Leases>,
}

impl Shared {
    /// True if everything is in etcd.
    pub(super) const fn is_shared(&self) -> bool {
        !self.members.is_empty()
    }

    /// Opens the stores. As long as etcd cannot be reached this waits.
    pub(super) async fn open(&self, state: &std::path::Path) -> anyhow::Result<Stores> {
        if !self.is_shared() {
            return Ok(Stores {
                configuration: Arc::new(RedbStore::open(&state.join("store.redb"))?),
                bindings: Arc::new(RedbStore::open(&state.join("claims.redb"))?),
                leases: MemoryLeases::start(),
            });
        }
        let etcd = EtcdOptions {
            endpoints: self.members.clone(),
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        };
        Ok(Stores {
            configuration: Arc::new(EtcdStore::open(&etcd, "/dvs/config", HISTORY).await?),
            bindings: Arc::new(EtcdStore::open(&etcd, "/dvs/claims", CLAIMS).await?),
            leases: Arc::new(EtcdLeases::open(&etcd, "/dvs/alive").await?),
        })
    }
}
