//! Programs of others on our devices. They are reported and never touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aya::programs::{ProgramInfo, SchedClassifier, TcAttachType, loaded_programs};

use super::{DataplaneError, home::Home, object::pinned_tables};
use crate::{
    netlink::{Device, qdisc, request},
    report::ForeignProgram,
};

/// All programs at the hooks of these devices that do not work on our tables.
///
/// # Errors
/// When the kernel does not answer.
pub fn foreign(home: &Home, devices: &[Arc<Device>]) -> Result<Vec<ForeignProgram>, DataplaneError> {
    let lookup = Lookup {
        tables: pinned_tables(home)?,
        programs: loaded_programs().filter_map(Result::ok).map(|info| (info.id(), info)).collect(),
    };
    let clsact = qdisc::clsact_devices()?;
    let current: BTreeMap<u32, Device> =
        request::devices()?.into_iter().map(|device| (device.ifindex, device)).collect();
    let mut found = Vec::new();
    for device in devices.iter().filter_map(|device| current.get(&device.ifindex)) {
        lookup.report(device, "tcx", tcx(device), &mut found);
        lookup.report(device, "xdp", device.xdp.iter().copied(), &mut found);
        if clsact.contains(&device.ifindex) {
            let filters = qdisc::ingress_filters(device.ifindex).unwrap_or_default();
            lookup.report(device, "clsact", filters.iter().map(|filter| filter.program), &mut found);
        }
    }
    Ok(found)
}

/// Programs at the tcx hook; none on kernels without it.
fn tcx(device: &Device) -> Vec<u32> {
    let programs = SchedClassifier::query_tcx(&device.name, TcAttachType::Ingress);
    programs.map_or_else(|_| Vec::new(), |(_, infos)| infos.iter().map(ProgramInfo::id).collect())
}

struct Lookup {
    tables: BTreeSet<u32>,
    programs: BTreeMap<u32, ProgramInfo>,
}

impl Lookup {
    fn report(
        &self,
        device: &Device,
        hook: &str,
        programs: impl IntoIterator<Item = u32>,
        found: &mut Vec<ForeignProgram>,
    ) {
        for id in programs {
            let info = self.programs.get(&id);
            if info.is_some_and(|info| works_on(info, &self.tables)) {
                continue;
            }
            let name = info.and_then(ProgramInfo::name_as_str).unwrap_or_default();
            let (device, hook, name) = (device.name.clone(), hook.to_owned(), name.to_owned());
            found.push(ForeignProgram { device, hook, id, name });
        }
    }
}

/// True if a program uses any of these tables.
pub(super) fn works_on(info: &ProgramInfo, tables: &BTreeSet<u32>) -> bool {
    let maps = info.map_ids().ok().flatten().unwrap_or_default();
    maps.iter().any(|map| tables.contains(map))
}
