//! The BPF object: checked against what is pinned, loaded, and recognised in the kernel.

use std::collections::{BTreeMap, BTreeSet};

use aya::{
    Ebpf, EbpfLoader,
    maps::MapInfo,
    programs::{ProgramError, ProgramInfo, SchedClassifier, Xdp, loaded_programs},
};
use aya_obj::Object;

use super::{
    DataplaneError, Sizes,
    catalogue::{TABLES, sized},
    home::Home,
};
use crate::agent::image::{Hook, LinkState};

/// Name of the TC program.
pub(super) const TC: &str = "dvs_tc";
/// Name of the XDP program.
pub(super) const XDP: &str = "dvs_xdp";

/// The programs, loaded on the pinned tables.
pub(super) struct Programs {
    ebpf: Ebpf,
    tags: BTreeMap<&'static str, u64>,
    /// Tables that both sides share, by the kernel's number.
    tables: BTreeSet<u32>,
    /// What is known of programs in the kernel.
    judged: BTreeMap<u32, Option<LinkState>>,
}

impl Programs {
    /// Loads both programs on the tables at home, which are made if they are missing.
    pub(super) fn load(object: &[u8], home: &Home, sizes: Sizes) -> Result<Self, DataplaneError> {
        if object.is_empty() {
            return Err(DataplaneError::NoObject);
        }
        let layout = Layout::of(object)?;
        for name in TABLES {
            layout.check(name, &home.map(name), None)?;
        }
        for table in sized(sizes) {
            let pin = home.sized_as(table.name, table.size);
            layout.check(table.name, &pin, Some(table.capacity))?;
        }
        let mut loader = EbpfLoader::new();
        for name in TABLES {
            loader.map_pin_path(name, home.map(name));
        }
        for table in sized(sizes) {
            let pin = home.sized_as(table.name, table.size);
            loader.map_pin_path(table.name, pin).map_max_entries(table.name, table.capacity);
        }
        let ebpf = loader.load(object).map_err(|error| DataplaneError::Load(Box::new(error)))?;
        home.set_sizes(sizes);
        let mut programs =
            Self { ebpf, tags: BTreeMap::new(), tables: BTreeSet::new(), judged: BTreeMap::new() };
        programs.verify()?;
        programs.tables = pinned_tables(home)?;
        Ok(programs)
    }

    fn verify(&mut self) -> Result<(), DataplaneError> {
        let load = |error| DataplaneError::Load(Box::new(error));
        self.tc()?.load().map_err(refused)?;
        self.xdp()?.load().map_err(refused)?;
        let tc = self.tc()?.info().map_err(load)?.tag();
        let xdp = self.xdp()?.info().map_err(load)?.tag();
        self.tags = BTreeMap::from([(TC, tc), (XDP, xdp)]);
        Ok(())
    }

    /// The TC program.
    pub(super) fn tc(&mut self) -> Result<&mut SchedClassifier, DataplaneError> {
        let program = self.ebpf.program_mut(TC).and_then(|program| program.try_into().ok());
        program.ok_or_else(|| missing("program", TC))
    }

    /// The XDP program.
    pub(super) fn xdp(&mut self) -> Result<&mut Xdp, DataplaneError> {
        let program = self.ebpf.program_mut(XDP).and_then(|program| program.try_into().ok());
        program.ok_or_else(|| missing("program", XDP))
    }

    /// What a program in the kernel is to us: `None` for one that works on none of our tables.
    ///
    /// The tag alone says too little: the same instructions may work on tables of another agent, or
    /// on a table of another capacity.
    pub(super) fn judge(&mut self, program: u32, hook: Hook) -> Result<Option<LinkState>, DataplaneError> {
        if let Some(known) = self.judged.get(&program) {
            return Ok(*known);
        }
        let name = if hook.is_xdp() { XDP } else { TC };
        let found = loaded_programs().filter_map(Result::ok).find(|info| info.id() == program);
        let judgement = match found {
            Some(info) => self.compare(&info, name)?,
            None => None,
        };
        self.judged.insert(program, judgement);
        Ok(judgement)
    }

    fn compare(&self, info: &ProgramInfo, name: &str) -> Result<Option<LinkState>, DataplaneError> {
        let maps = info.map_ids().map_err(|error| DataplaneError::Load(Box::new(error)))?;
        let maps: BTreeSet<u32> = maps.unwrap_or_default().into_iter().collect();
        let same = self.tags.get(name) == Some(&info.tag()) && self.used_tables(name)?.is_subset(&maps);
        let ours = !maps.is_disjoint(&self.tables);
        Ok(match (same, ours) {
            (true, _) => Some(LinkState::Current),
            (false, true) => Some(LinkState::Outdated),
            (false, false) => None,
        })
    }

    /// Shared tables that one of our programs works on.
    fn used_tables(&self, name: &str) -> Result<BTreeSet<u32>, DataplaneError> {
        let error = |error| DataplaneError::Load(Box::new(error));
        let info = match self.ebpf.program(name) {
            Some(aya::programs::Program::SchedClassifier(program)) => program.info().map_err(error)?,
            Some(aya::programs::Program::Xdp(program)) => program.info().map_err(error)?,
            _ => return Err(missing("program", name)),
        };
        let maps = info.map_ids().map_err(error)?.unwrap_or_default();
        Ok(maps.into_iter().filter(|map| self.tables.contains(map)).collect())
    }
}

/// Numbers of all tables that are pinned at home, of former versions too.
pub(super) fn pinned_tables(home: &Home) -> Result<BTreeSet<u32>, DataplaneError> {
    let mut numbers = BTreeSet::new();
    for pin in home.all_tables()? {
        let info = MapInfo::from_pin(&pin).map_err(|error| DataplaneError::Load(Box::new(error)))?;
        numbers.insert(info.id());
    }
    Ok(numbers)
}

/// The verifier's reasons are thousands of lines, for a log that was asked for.
fn refused(error: ProgramError) -> DataplaneError {
    let ProgramError::LoadError { io_error, verifier_log } = error else {
        return DataplaneError::Load(Box::new(error));
    };
    tracing::debug!("{verifier_log}");
    let reason = verifier_log.to_string();
    let numbers = ["verification time", "stack depth", "processed"];
    let is_reason = |line: &&str| !line.is_empty() && !numbers.iter().any(|word| line.starts_with(word));
    let last = reason.lines().rfind(is_reason);
    DataplaneError::Verifier { source: io_error, last: last.unwrap_or_default().to_owned() }
}

fn missing(what: &'static str, name: &str) -> DataplaneError {
    DataplaneError::Missing { what, name: name.to_owned() }
}

/// The tables as the object defines them. A pinned table is used as it is, so it must be the same.
struct Layout(Object);

impl Layout {
    fn of(object: &[u8]) -> Result<Self, DataplaneError> {
        Object::parse(object).map(Self).map_err(|error| DataplaneError::Load(Box::new(error)))
    }

    fn check(&self, name: &str, pin: &std::path::Path, capacity: Option<u32>) -> Result<(), DataplaneError> {
        let expected = self.0.maps.get(name).ok_or_else(|| missing("table", name))?;
        if !pin.exists() {
            return Ok(());
        }
        let found = MapInfo::from_pin(pin).map_err(|error| DataplaneError::Load(Box::new(error)))?;
        let kind = found.map_type().map_or(0, |kind| kind as u32);
        let properties = [
            ("type", kind, expected.map_type()),
            ("key size", found.key_size(), expected.key_size()),
            ("value size", found.value_size(), expected.value_size()),
            ("capacity", found.max_entries(), capacity.unwrap_or_else(|| expected.max_entries())),
            ("set of flags", found.map_flags(), expected.map_flags()),
        ];
        for (property, found, expected) in properties {
            if found != expected {
                return Err(DataplaneError::Incompatible {
                    table: name.to_owned(),
                    property,
                    found,
                    expected,
                });
            }
        }
        Ok(())
    }
}
