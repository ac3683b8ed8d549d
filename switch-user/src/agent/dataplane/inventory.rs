//! Which hooks hold programs of ours, and which those of others.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use aya::programs::loaded_programs;
use switch_common::table::port::{self, Port};

use super::{
    DataplaneError,
    foreign::works_on,
    home::{Home, file_error},
    hook::{self, HANDLE, PRIORITY},
    object::Programs,
    sys,
};
use crate::{
    agent::{
        facts::Facts,
        image::{Hook, Link, LinkState, Setting, SettingState},
        plan::XDP_SETTINGS,
    },
    netlink::{
        owned::{Owned, is_right},
        qdisc,
    },
};

/// All links of ours with their state.
pub(super) fn links(
    programs: &mut Programs,
    home: &Home,
    facts: &Facts,
    clsact: &BTreeSet<u32>,
) -> Result<BTreeMap<Link, LinkState>, DataplaneError> {
    let mut links = BTreeMap::new();
    for (link, pin) in home.pinned_links()? {
        let state = match sys::open(&pin).and_then(|fd| alive(&fd, link)) {
            // A link on programs of no table of ours is pinned here, so it is ours all the same.
            Ok(Some(program)) => programs.judge(program, link.hook)?.unwrap_or(LinkState::Outdated),
            Ok(None) => LinkState::Dead,
            Err(error) => return Err(file_error("read", &pin, error)),
        };
        links.insert(link, state);
    }
    for ifindex in clsact.iter().filter(|ifindex| facts.device(**ifindex).is_some()) {
        if let Some(state) = filter(programs, *ifindex)? {
            links.insert(Link { ifindex: *ifindex, hook: Hook::Clsact }, state);
        }
    }
    Ok(links)
}

/// Removes the links of devices that are gone; to be called in a network namespace where the numbers
/// of the others would mean other devices.
pub(super) fn release_dead_links(home: &Home) -> Result<(), DataplaneError> {
    for (_, pin) in home.pinned_links()? {
        let link = sys::open(&pin).map_err(|error| file_error("open", &pin, error))?;
        let device = sys::describe(&link, "ifindex").map_err(|error| file_error("read", &pin, error))?;
        if device.is_some_and(|ifindex| ifindex != 0) {
            return Err(DataplaneError::OtherNamespace);
        }
        hook::unpin(&pin)?;
    }
    Ok(())
}

/// The program of a link, if the link is still at its device.
fn alive(fd: &impl std::os::fd::AsRawFd, link: Link) -> io::Result<Option<u32>> {
    let ifindex = sys::describe(fd, "ifindex")?;
    Ok(sys::describe(fd, "prog_id")?.filter(|_| ifindex == Some(link.ifindex)))
}

fn filter(programs: &mut Programs, ifindex: u32) -> Result<Option<LinkState>, DataplaneError> {
    place(ifindex)?.map_or(Ok(None), |program| programs.judge(program, Hook::Clsact))
}

/// True if the filter in our place of the device works on any of these tables.
pub(super) fn has_our_filter(tables: &BTreeSet<u32>, ifindex: u32) -> Result<bool, DataplaneError> {
    let Some(program) = place(ifindex)? else { return Ok(false) };
    let info = loaded_programs().filter_map(Result::ok).find(|info| info.id() == program);
    Ok(info.is_some_and(|info| works_on(&info, tables)))
}

/// The program of the filter that has the numbers of ours.
fn place(ifindex: u32) -> Result<Option<u32>, DataplaneError> {
    let filters = match qdisc::ingress_filters(ifindex) {
        Ok(filters) => filters,
        // It was there a moment ago.
        Err(_) if nix::net::if_::if_indextoname(ifindex).is_err() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let ours = filters.iter().find(|filter| filter.priority == PRIORITY && filter.handle == HANDLE);
    Ok(ours.map(|filter| filter.program))
}

/// Settings that we changed, and those that uplinks need.
pub(super) fn settings(
    owned: &Owned,
    facts: &Facts,
    ports: &BTreeMap<u32, Port>,
    clsact: &BTreeSet<u32>,
) -> Result<BTreeMap<(u32, Setting), SettingState>, DataplaneError> {
    let ours: BTreeSet<(u32, Setting)> = owned.iter().collect();
    let uplinks = ports.iter().filter(|(_, row)| row.is(port::UPLINK)).map(|(ifindex, _)| *ifindex);
    let needed = |ifindex| XDP_SETTINGS.into_iter().chain([Setting::Promisc]).map(move |at| (ifindex, at));
    let looked_at = uplinks.flat_map(needed);
    let mut settings = BTreeMap::new();
    for at in looked_at.chain(ours.iter().copied().filter(|(_, setting)| *setting != Setting::Clsact)) {
        let Some(device) = facts.device(at.0) else { continue };
        let state = SettingState { right: is_right(device, at.1)?, ours: ours.contains(&at) };
        settings.insert(at, state);
    }
    for ifindex in clsact {
        let at = (*ifindex, Setting::Clsact);
        settings.insert(at, SettingState { right: true, ours: ours.contains(&at) });
    }
    Ok(settings)
}
