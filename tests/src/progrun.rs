//! The programs in the kernel, by test runs (`BPF_PROG_TEST_RUN`).
//!
//! A test run hands a frame to a program as if it came in at a device, and gives back the frame and
//! the action. Copies of a flood really leave through devices; counters tell through which. What the
//! run cannot show is the tag that the kernel holds beside an skb: the same cases run over real
//! devices in ring 3 for that.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, bail};
use aya::{
    Ebpf, EbpfLoader, Pod,
    maps::{Array, HashMap, MapData, PerCpuArray, PerCpuValues},
    programs::{ProgramError, SchedClassifier, TestRun, TestRunOptions, TestRunResult, Xdp},
};
use switch_common::{
    table::{config, drops, fdb, flood, guard, port, stats},
    verdict::DropReason,
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{frame::Frame, sim, topology::Topology};

/// A row of a table, which the kernel takes octet by octet.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Row<T: Copy>(T);

// SAFETY: the rows are made of integers without padding (`IntoBytes` is required where they are
// built), so any octets are a value and none is uninitialised.
unsafe impl<T: Copy + 'static> Pod for Row<T> {}

fn row<T: Copy + FromBytes + IntoBytes + Immutable>(value: T) -> Row<T> {
    Row(value)
}

/// The octets of a forwarding entry, which is no `Copy` type because it has a shared cell.
type Station = Row<[u64; 2]>;

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
    slots: BTreeMap<String, u32>,
}

impl Programs {
    /// Loads the object and fills its tables.
    ///
    /// # Errors
    /// If the object is not there, or the kernel refuses it.
    pub fn load(topology: &Topology) -> Result<Self> {
        let path = std::env::var_os("DVS_BPF_OBJECT").map(PathBuf::from);
        let path = path.context("DVS_BPF_OBJECT names no object; run by `cargo xtask test`")?;
        let mut ebpf = EbpfLoader::new().map_max_entries(fdb::NAME, 1024).load_file(&path)?;
        fill(&mut ebpf, topology)?;
        let program: &mut SchedClassifier = ebpf.program_mut("dvs_tc").context("no dvs_tc")?.try_into()?;
        program.load()?;
        let program: &mut Xdp = ebpf.program_mut("dvs_xdp").context("no dvs_xdp")?.try_into()?;
        program.load()?;
        Ok(Self { ebpf, slots: topology.slots.clone() })
    }

    /// Runs the pipeline at TC.
    ///
    /// # Errors
    /// If the kernel refuses the run.
    pub fn tc(&self, ifindex: u32, frame: &Frame) -> Result<Run> {
        // `struct __sk_buff` up to `ifindex`, the only field that is set.
        let mut context = [0; 192];
        context[40..44].copy_from_slice(&ifindex.to_ne_bytes());
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

    fn run(
        &self,
        frame: &Frame,
        context: &[u8],
        run: impl FnOnce(TestRunOptions<'_>) -> Result<TestRunResult, ProgramError>,
    ) -> Result<Run> {
        let (received, dropped) = (self.received()?, self.dropped()?);
        let mut out = vec![0; frame.0.len() + 64];
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
        self.slots.iter().map(|(name, slot)| Ok((name.clone(), sum(&stats.get(slot, 0)?, 0)))).collect()
    }

    /// Frames that were dropped, by port and reason.
    fn dropped(&self) -> Result<BTreeMap<(String, DropReason), u64>> {
        let table = self.per_cpu::<[u64; drops::REASONS]>(drops::NAME)?;
        let nobody = (String::from("nobody"), 0);
        let slots = self.slots.iter().map(|(name, slot)| (name.clone(), *slot)).chain([nobody]);
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

/// Writes an image into the tables.
fn fill(ebpf: &mut Ebpf, topology: &Topology) -> Result<()> {
    let image = &topology.image;
    let mut table: Array<_, Row<config::Config>> = named(ebpf, config::NAME)?.try_into()?;
    table.set(0, row(image.config), 0)?;
    for (ifindex, port) in &image.ports {
        let [number, _] = port::rows(port.slot);
        let mut table: Array<_, Row<port::Port>> = named(ebpf, port::NAME)?.try_into()?;
        table.set(number, row(*port), 0)?;
        if *ifindex < port::INDEXED {
            let mut table: Array<_, u32> = named(ebpf, port::INDEX)?.try_into()?;
            table.set(*ifindex, number, 0)?;
        } else {
            let mut table: HashMap<_, u32, u32> = named(ebpf, port::FAR)?.try_into()?;
            table.insert(ifindex, number, 0)?;
        }
    }
    let mut table: HashMap<_, Row<fdb::Key>, Station> = named(ebpf, fdb::NAME)?.try_into()?;
    for (key, ifindex) in &image.stations {
        let entry = u64::from(*ifindex) | u64::from(fdb::STATIC) << 32;
        table.insert(row(*key), row([entry, 0]), 0)?;
    }
    let mut table: HashMap<_, Row<guard::Key>, u32> = named(ebpf, guard::NAME)?.try_into()?;
    for key in &image.guard {
        table.insert(row(*key), 1, 0)?;
    }
    let mut table: HashMap<_, Row<flood::Key>, Row<flood::Chunk>> = named(ebpf, flood::NAME)?.try_into()?;
    for (key, members) in &image.flood {
        table.insert(row(*key), row(sim::chunk(members)), 0)?;
    }
    Ok(())
}

fn named<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut aya::maps::Map> {
    match ebpf.map_mut(name) {
        Some(map) => Ok(map),
        None => bail!("the object has no map {name}"),
    }
}
