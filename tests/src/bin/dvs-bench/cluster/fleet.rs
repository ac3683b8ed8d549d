//! All hosts of the world: most of them thin, a few whole.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use switch_user::{
    api::ChangeSet,
    client::{ApplyOptions, Client},
    model::Kind,
    tls::Role,
};
use tokio::{task::JoinHandle, time::sleep};

use super::{
    access::{Access, devices},
    board::Board,
    thin::Thin,
    whole::Whole,
    world::{Place, World, device},
};

/// One host of so many is a whole one.
const WHOLE_EVERY: usize = 250;
/// All hosts come within this time.
const COME: Duration = Duration::from_secs(10);
/// After this time everybody has reported, and has on disk, what changed before.
const REST: Duration = Duration::from_secs(2);
/// They have their ports within this time.
const FILL: Duration = Duration::from_mins(5);

/// A host.
pub(super) struct Member {
    pub(super) place: Place,
    pub(super) run: Run,
}

/// What there is of it.
pub(super) enum Run {
    /// What answers the manager.
    Thin(JoinHandle<()>),
    /// All of it.
    Whole(Whole),
}

/// The hosts, and whoever changes what they are to do.
pub(super) struct Fleet {
    pub(super) access: Access,
    pub(super) world: World,
    pub(super) board: Arc<Board>,
    pub(super) members: Vec<Member>,
    /// An administrator.
    pub(super) client: Client,
}

impl Fleet {
    /// Writes the configuration, and starts all hosts.
    pub(super) async fn start(access: Access, world: World, state: &Path) -> Result<Self> {
        let client = access.client("admin", Role::Admin)?.within(FILL).sure();
        eprintln!("writing the configuration");
        let options = ApplyOptions { allow_missing: true, ..ApplyOptions::default() };
        client.apply(world.objects()?, options).await?;
        let places = world.places();
        let board = Arc::new(Board::new(places.len()));
        let mut fleet = Self { access, world, board, members: Vec::new(), client };
        eprintln!("starting {} hosts", places.len());
        let pause = COME / u32::try_from(places.len())?;
        for place in places {
            let run = fleet.host(&place, state)?;
            fleet.members.push(Member { place, run });
            sleep(pause).await;
        }
        fleet.filled().await?;
        Ok(fleet)
    }

    fn host(&self, place: &Place, state: &Path) -> Result<Run> {
        let (name, number) = (place.host.clone(), self.members.len());
        let client = self.access.client(&name, Role::Host)?;
        let names = place.ports.clone().map(device);
        let board = Arc::clone(&self.board);
        if number % WHOLE_EVERY != 0 || number >= self.world.hosts {
            let thin = Thin { name, number, client, board, devices: names.collect() };
            return Ok(Run::Thin(tokio::spawn(thin.run())));
        }
        let directory = state.join(&name);
        std::fs::create_dir_all(&directory)?;
        let heard = Box::new(move |generation| board.note(number, generation));
        let manager = (self.access.name(), client);
        Ok(Run::Whole(Whole::start(&name, manager, &directory, devices(names), heard)?))
    }

    /// Waits until all hosts have all their ports.
    async fn filled(&self) -> Result<()> {
        let (begun, wanted) = (Instant::now(), self.world.lone().ports.start);
        loop {
            let bound = self.client.cluster_bindings().await?.bindings.len();
            eprintln!("{bound} of {wanted} ports are bound");
            if bound == wanted {
                return Ok(());
            }
            if begun.elapsed() > FILL {
                bail!("the hosts do not get their ports");
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Lets the hosts come to rest, so that what is measured next does not wait for what was measured before.
    pub(super) async fn rest(&self) {
        sleep(REST).await;
    }

    /// The whole hosts, with their numbers.
    pub(super) fn whole(&self) -> impl Iterator<Item = (usize, &Place, &Whole)> {
        self.members.iter().enumerate().filter_map(|(number, member)| match &member.run {
            Run::Whole(whole) => Some((number, &member.place, whole)),
            Run::Thin(_) => None,
        })
    }

    /// Writes an object.
    pub(super) async fn create(&self, kind: Kind, fields: &serde_json::Value) -> Result<ChangeSet> {
        Ok(self.client.create(kind, fields, true).await?)
    }

    /// Changes fields of an object.
    pub(super) async fn patch(
        &self,
        kind: Kind,
        name: &str,
        fields: &serde_json::Value,
    ) -> Result<ChangeSet> {
        Ok(self.client.patch(kind, name, fields, true).await?)
    }

    /// When the last of all hosts came to the generation.
    pub(super) async fn all(&self, set: &ChangeSet) -> Result<Instant> {
        self.board.last(0..self.members.len(), set.generation).await
    }
}
