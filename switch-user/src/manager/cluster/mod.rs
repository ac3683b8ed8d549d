//! Many hosts: what each is to know, who is alive, and who has which port.
//!
//! All of it follows from the configuration, the bindings and the leases, so any manager serves any host. What
//! lies below `/v1/cluster/hosts/{host}/` is for that host; the rest is for people.

mod alive;
mod bind;
mod claims;
mod error;
mod follow;
mod host;
mod list;
mod moves;
mod switch_over;
mod views;
mod wait;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, watch};
use utoipa_axum::router::OpenApiRouter;

use self::{alive::Liveness, views::Views};
use super::{ApiError, Manager};
use crate::{
    api::HostState,
    store::{Leases, Store},
};

pub(super) use self::follow::follow;
pub use self::{claims::Refusal, error::ClusterError};

/// Time without a report after which a host is dead, unless set otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

/// Most reports that take a thread at a time. They wait for each other in any case, and a thread for each of a thousand hosts
/// is half a gigabyte.
const TURNS: usize = 16;

/// What a manager of many hosts has besides the configuration.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    bindings: Arc<dyn Store>,
    leases: Arc<dyn Leases>,
    timeout: Duration,
    liveness: Liveness,
    views: Mutex<Views>,
    /// One at a time brings the views up to date.
    following: Mutex<()>,
    /// Hosts that have reported and have no object.
    newcomers: Mutex<BTreeSet<String>>,
    /// One at a time makes such objects.
    introducing: Mutex<()>,
    /// One of this manager's claims at a time, so that they do not conflict with each other.
    claiming: Mutex<()>,
    /// Reports that take a thread at a time.
    turns: Semaphore,
    /// Generation of the views.
    generation: watch::Sender<u64>,
}

impl Cluster {
    /// A cluster with its bindings in one place and who is alive in another. A host is dead when it has not
    /// reported for `timeout`.
    pub fn new(bindings: Arc<dyn Store>, leases: Arc<dyn Leases>, timeout: Duration) -> Self {
        Self(Arc::new(Inner {
            bindings,
            leases,
            timeout,
            liveness: Liveness::new(timeout),
            views: Mutex::default(),
            following: Mutex::default(),
            newcomers: Mutex::default(),
            introducing: Mutex::default(),
            claiming: Mutex::default(),
            turns: Semaphore::new(TURNS),
            generation: watch::Sender::default(),
        }))
    }

    fn views(&self) -> MutexGuard<'_, Views> {
        self.0.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a host is alive.
    fn state(&self, host: &str) -> HostState {
        self.0.liveness.state(host, &self.0.leases.watch().borrow())
    }
}

impl Manager {
    /// The cluster, if there is one.
    fn many(&self) -> Result<Cluster, ApiError> {
        self.cluster.clone().ok_or_else(|| ClusterError::NoCluster.into())
    }
}

/// Routes of hosts and bindings.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    list::routes().merge(host::routes()).merge(moves::routes()).merge(views::routes())
}
