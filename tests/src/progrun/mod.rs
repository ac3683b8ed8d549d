//! The programs in the kernel, by test runs (`BPF_PROG_TEST_RUN`).
//!
//! A test run hands a frame to a program as if it came in at a device, and gives back the frame and
//! the action. Copies of a flood really leave through devices; counters tell through which. What the
//! run cannot show is the tag that the kernel holds beside an skb: the same cases run over real
//! devices in ring 3 for that.

mod fill;
mod forget;

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use aya::{
    Ebpf, EbpfLoader, Pod,
    maps::{Array, HashMap, MapData, PerCpuArray, PerCpuValues},
    programs::{ProgramError, SchedClassifier, TestRun, TestRunOptions, TestRunResult, Xdp},
};
use nix::time::{ClockId, clock_gettime};
use switch_common::{
    table::{config, drops, epoch, fdb, flow, hits, neighbour, rules, stats},
    verdict::DropReason,
};
use switch_user::agent::image::TableImage;
use zerocopy::IntoBytes;

use self::{
    fill::{Row, Station, fill, named, row},
    forget::forget,
};
use crate::{frame::Frame, topology::Topology};

/// Rows for rules: enough for policies of several blocks.
const RULE_ROWS: u32 = 32_768;

/// Tables that are allocated ahead.
const LARGE: [&str; 7] =
    [fdb::NAME, flow::NAME4, flow::NAME6, flow::OPENING4, flow::OPENING6, neighbour::NAME, hits::NAME];

/// Octets by which a frame may grow: that of a short packet becomes an error that quotes it, or a request.
const ROOM: usize = 256;

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The program's return value.
    pub action: i32,
    /// The frame afterwards.
    pub frame: Frame,
    /// Ports that got a frame.
    pub received: Vec<String>,
    /// Drops that were counted.
    pub dropped: Vec<(String, DropReason)>,
}

/// A switch in the kernel that is attached to nothing.
pub struct Programs {
    ebpf: Ebpf,
    topology: Topology,
    config: config::Config,
    epoch: u64,
}

/// Switches that are not in use: to load one takes longer than to play a case.
static IDLE: Mutex<Vec<Programs>> = Mutex::new(Vec::new());

/// A switch for one case; the next one gets it with other tables.
pub struct Lease(Option<Programs>);

impl Deref for Lease {
    type Target = Programs;

    fn deref(&self) -> &Programs {
        let Some(programs) = &self.0 else { unreachable!("only the end takes it") };
        programs
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Programs {
        let Some(programs) = &mut self.0 else { unreachable!("only the end takes it") };
        programs
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        IDLE.lock().unwrap_or_else(PoisonError::into_inner).extend(self.0.take());
    }
}

impl Programs {
    /// A switch with the tables of a topology, in which nothing has happened yet.
    ///
    /// # Errors
    /// If the object is not there, or the kernel refuses it.
    pub fn lease(topology: &Topology) -> Result<Lease> {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let programs = match idle {
            Some(mut programs) => {
                programs.begin_again(topology)?;
                programs
            }
            None => Self::load(topology)?,
        };
        Ok(Lease(Some(programs)))
    }

    /// Forgets what the datapath has written, and takes up another configuration.
    fn begin_again(&mut self, topology: &Topology) -> Result<()> {
        forget(&mut self.ebpf, &self.topology.image)?;
        let before = TableImage {
            stations: BTreeMap::new(),
            neighbours: BTreeMap::new(),
            ..self.topology.image.clone()
        };
        fill(&mut self.ebpf, &topology.image, &before)?;
        self.topology = topology.clone();
        self.config = topology.image.config;
        self.move_epoch()
    }

    /// Loads the object and fills its tables.
    fn load(topology: &Topology) -> Result<Self> {
        let path = std::env::var_os("DVS_BPF_OBJECT").map(PathBuf::from);
        let path = path.context("DVS_BPF_OBJECT names no object; run by `cargo xtask test`")?;
        let mut loader = EbpfLoader::new();
        // Every case has tables of its own; those that are allocated ahead need not be large.
        for name in LARGE {
            loader.map_max_entries(name, 1024);
        }
        loader.map_max_entries(rules::NAME, RULE_ROWS);
        let mut ebpf = loader.load_file(&path)?;
        fill(&mut ebpf, &topology.image, &TableImage::default())?;
        let program: &mut SchedClassifier = ebpf.program_mut("dvs_tc").context("no dvs_tc")?.try_into()?;
        program.load()?;
        let program: &mut Xdp = ebpf.program_mut("dvs_xdp").context("no dvs_xdp")?.try_into()?;
        program.load()?;
        let (topology, config) = (topology.clone(), topology.image.config);
        let mut programs = Self { ebpf, topology, config, epoch: 0 };
        programs.move_epoch()?;
        Ok(programs)
    }

    /// Replaces the configuration and moves the epoch.
    ///
    /// # Errors
    /// If the kernel refuses a row.
    pub fn change(&mut self, topology: Topology) -> Result<()> {
        fill(&mut self.ebpf, &topology.image, &self.topology.image)?;
        self.topology = topology;
        self.set_config()?;
        self.move_epoch()
    }

    /// Lets the datapath believe that so much time has passed: it counts ticks, whose length changes.
    ///
    /// # Errors
    /// If the kernel refuses the row.
    pub fn wait(&mut self, time: Duration) -> Result<()> {
        let ticks = self.ticks()?;
        // Rounded away from zero, so at least that time passes.
        let wanted = i64::try_from(time.as_nanos())?;
        let longer = (wanted.unsigned_abs().div_ceil(ticks.unsigned_abs())).cast_signed() * ticks.signum();
        self.config.tick_ns =
            self.config.tick_ns.checked_add_signed(longer).context("time has no way to pass")?;
        self.set_config()
    }

    /// Ticks from the moment at which the kernel's counter wraps, five minutes after the start: the length
    /// of a tick changes the time by so many times. Close to that moment there are too few to do so.
    fn ticks(&self) -> Result<i64> {
        const WRAP: i64 = 300_000_000_000;
        const FEW: i64 = 20_000_000_000;
        loop {
            let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE)?);
            let since = i64::try_from(now.as_nanos())? - WRAP;
            if since.abs() > FEW {
                return Ok(since / i64::try_from(self.topology.image.config.tick_ns)?);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn set_config(&mut self) -> Result<()> {
        self.config = config::Config { tick_ns: self.config.tick_ns, ..self.topology.image.config };
        let mut table: Array<_, Row<config::Config>> = named(&mut self.ebpf, config::NAME)?.try_into()?;
        Ok(table.set(0, row(self.config), 0)?)
    }

    fn move_epoch(&mut self) -> Result<()> {
        self.epoch += 1;
        let mut table: Array<_, Row<[u64; 3]>> = named(&mut self.ebpf, epoch::NAME)?.try_into()?;
        let Row([_, moved, when]) = table.get(&0, 0)?;
        Ok(table.set(0, row([self.epoch, moved, when]), 0)?)
    }

    /// Runs the pipeline at TC.
    ///
    /// # Errors
    /// If the kernel refuses the run.
    pub fn tc(&self, ifindex: u32, frame: &Frame) -> Result<Run> {
        self.tc_segments(ifindex, frame, 0)
    }

    /// Runs the pipeline at TC on a frame that is still to be cut up into packets with so many octets
    /// of payload each; 0 for one that is a packet.
    ///
    /// # Errors
    /// If the kernel refuses the run.
    pub fn tc_segments(&self, ifindex: u32, frame: &Frame, segment: u32) -> Result<Run> {
        // `struct __sk_buff` with the only fields that are set: `ifindex` and `gso_size`.
        let mut context = [0; 192];
        context[40..44].copy_from_slice(&ifindex.to_ne_bytes());
        context[176..180].copy_from_slice(&segment.to_ne_bytes());
        let program: &SchedClassifier = self.ebpf.program("dvs_tc").context("no dvs_tc")?.try_into()?;
        self.run(frame, &context, |options| program.test_run(options))
    }

    /// Runs the cache at XDP.
    ///
    /// # Errors
    /// If the kernel refuses the run.
    pub fn xdp(&self, ifindex: u32, frame: &Frame) -> Result<Run> {
        // `struct xdp_md`: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex.
        let length = u32::try_from(frame.0.len())?;
        let context = [0, length, 0, ifindex, 0, 0];
        let program: &Xdp = self.ebpf.program("dvs_xdp").context("no dvs_xdp")?.try_into()?;
        self.run(frame, context.as_bytes(), |options| program.test_run(options))
    }

    /// When a station was last seen, by the datapath's clock.
    ///
    /// # Errors
    /// If it is not known.
    pub fn seen(&self, key: fdb::Key) -> Result<u64> {
        let map = self.ebpf.map(fdb::NAME).context("no fdb")?;
        let table: HashMap<_, Row<fdb::Key>, Station> = map.try_into()?;
        let Row([_, seen]) = table.get(&row(key), 0)?;
        Ok(seen)
    }

    /// Rules and defaults that have counted anything, each with a port.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub fn hits(&self) -> Result<Vec<hits::Key>> {
        let map = self.ebpf.map(hits::NAME).context("no hits")?;
        let table: HashMap<_, Row<hits::Key>, [u64; 3]> = map.try_into()?;
        table.keys().map(|key| Ok(key.map(|Row(key)| key)?)).collect()
    }

    fn run(
        &self,
        frame: &Frame,
        context: &[u8],
        run: impl FnOnce(TestRunOptions<'_>) -> Result<TestRunResult, ProgramError>,
    ) -> Result<Run> {
        let (received, dropped) = (self.received()?, self.dropped()?);
        let mut out = vec![0; frame.0.len() + ROOM];
        let result = run(TestRunOptions {
            data_in: Some(&frame.0),
            data_out: Some(&mut out),
            ctx_in: Some(context),
            ..TestRunOptions::default()
        })?;
        out.truncate(usize::try_from(result.data_size_out)?);
        Ok(Run {
            action: result.return_value.cast_signed(),
            frame: Frame(out),
            received: grown(&received, self.received()?),
            dropped: grown(&dropped, self.dropped()?),
        })
    }

    /// Frames that each port got.
    fn received(&self) -> Result<BTreeMap<String, u64>> {
        let stats = self.per_cpu::<[u64; size_of::<stats::Stats>() / 8]>(stats::NAME)?;
        self.topology
            .slots
            .iter()
            .map(|(name, slot)| Ok((name.clone(), sum(&stats.get(slot, 0)?, 0))))
            .collect()
    }

    /// Frames that were dropped, by port and reason.
    fn dropped(&self) -> Result<BTreeMap<(String, DropReason), u64>> {
        let table = self.per_cpu::<[u64; drops::REASONS]>(drops::NAME)?;
        let nobody = (String::from("nobody"), 0);
        let slots = self.topology.slots.iter().map(|(name, slot)| (name.clone(), *slot)).chain([nobody]);
        let mut counts = BTreeMap::new();
        for (name, slot) in slots {
            let row = table.get(&slot, 0)?;
            for reason in DropReason::ALL {
                counts.insert((name.clone(), *reason), sum(&row, *reason as usize));
            }
        }
        Ok(counts)
    }

    fn per_cpu<T: Pod>(&self, name: &str) -> Result<PerCpuArray<&MapData, T>> {
        Ok(PerCpuArray::try_from(self.ebpf.map(name).with_context(|| format!("no map {name}"))?)?)
    }
}

fn sum<const N: usize>(row: &PerCpuValues<[u64; N]>, field: usize) -> u64 {
    row.iter().map(|cpu| cpu[field]).sum()
}

/// Keys whose count has grown.
fn grown<K: Ord>(before: &BTreeMap<K, u64>, after: BTreeMap<K, u64>) -> Vec<K> {
    after.into_iter().filter(|(key, count)| before.get(key) != Some(count)).map(|(key, _)| key).collect()
}
