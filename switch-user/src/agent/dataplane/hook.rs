//! Attaching, replacing and detaching the programs.
//!
//! A tcx or XDP link is pinned, so that it stays when the agent ends. A clsact filter stays by
//! itself; aya's handle would remove it when dropped, and is forgotten instead.

use std::{io, path::Path};

use aya::programs::{
    Link as _, LinkOrder, ProgramError, TcAttachType, XdpMode,
    links::{FdLink, PinnedLink},
    tc::{NlOptions, SchedClassifierLink, TcAttachOptions, TcHandle},
    xdp::XdpLink,
};
use nix::net::if_::if_indextoname;

use super::{
    DataplaneError,
    home::{self, Home},
    object::Programs,
    sys,
};
use crate::agent::image::{Hook, Link};

/// Priority of our filter among those of the clsact qdisc.
pub(super) const PRIORITY: u16 = 10;
/// Its number at that priority.
pub(super) const HANDLE: u32 = 1;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Attaches the program that belongs to the hook.
pub(super) fn attach(programs: &mut Programs, home: &Home, link: Link) -> Result<(), DataplaneError> {
    let pin = home.link(link);
    let done = match link.hook {
        Hook::Tcx => attach_tcx(programs, link, &pin),
        Hook::Clsact => attach_clsact(programs, link),
        Hook::XdpNative => attach_xdp(programs, link, XdpMode::Driver, &pin),
        Hook::XdpGeneric => attach_xdp(programs, link, XdpMode::Skb, &pin),
    };
    explain("attach to", link, done)
}

/// Replaces the program of a link, without a moment between the old and the new one.
pub(super) fn replace(programs: &mut Programs, home: &Home, link: Link) -> Result<(), DataplaneError> {
    let pin = home.link(link);
    let done = match link.hook {
        Hook::Tcx => replace_tcx(programs, &pin),
        Hook::Clsact => replace_clsact(programs, link),
        Hook::XdpNative | Hook::XdpGeneric => replace_xdp(programs, &pin),
    };
    explain("replace the program of", link, done)
}

/// Detaches a link, which need not exist.
pub(super) fn detach(home: &Home, link: Link) -> Result<(), DataplaneError> {
    match link.hook {
        Hook::Clsact => detach_filter(link.ifindex),
        Hook::Tcx | Hook::XdpNative | Hook::XdpGeneric => unpin(&home.link(link)),
    }
}

/// Removes our filter from a device.
pub(super) fn detach_filter(ifindex: u32) -> Result<(), DataplaneError> {
    let link = Link { ifindex, hook: Hook::Clsact };
    explain("detach from", link, detach_clsact(link))
}

/// Detaches a pinned link at once and removes its pin.
pub(super) fn unpin(pin: &Path) -> Result<(), DataplaneError> {
    match sys::open(pin) {
        // A link whose device is gone is detached already, and says so by an error.
        Ok(link) => drop(sys::detach(&link)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(home::file_error("open", pin, error)),
    }
    home::remove(pin)
}

fn attach_tcx(programs: &mut Programs, link: Link, pin: &Path) -> Result<(), Failure> {
    let program = programs.tc()?;
    let options = TcAttachOptions::TcxOrder(LinkOrder::default());
    let id = program.attach_with_options(&device_name(link)?, TcAttachType::Ingress, options)?;
    FdLink::try_from(program.take_link(id)?)?.pin(pin)?;
    Ok(())
}

fn replace_tcx(programs: &mut Programs, pin: &Path) -> Result<(), Failure> {
    let program = programs.tc()?;
    let link = SchedClassifierLink::try_from(FdLink::from(PinnedLink::from_pin(pin)?))?;
    let id = program.attach_to_link(link)?;
    // The pin holds the link; only our descriptor goes.
    drop(program.take_link(id)?);
    Ok(())
}

fn attach_clsact(programs: &mut Programs, link: Link) -> Result<(), Failure> {
    let program = programs.tc()?;
    let handle = TcHandle::from(HANDLE);
    let options = TcAttachOptions::Netlink(NlOptions { priority: PRIORITY, handle, classid: None });
    let id = program.attach_with_options(&device_name(link)?, TcAttachType::Ingress, options)?;
    std::mem::forget(program.take_link(id)?);
    Ok(())
}

fn replace_clsact(programs: &mut Programs, link: Link) -> Result<(), Failure> {
    let program = programs.tc()?;
    let id = program.attach_to_link(filter(link)?)?;
    std::mem::forget(program.take_link(id)?);
    Ok(())
}

fn detach_clsact(link: Link) -> Result<(), Failure> {
    match if_indextoname(link.ifindex) {
        Ok(_) => Ok(filter(link)?.detach()?),
        Err(_) => Ok(()),
    }
}

/// Our filter at a device, by the numbers that it always has.
fn filter(link: Link) -> Result<SchedClassifierLink, Failure> {
    let (name, handle) = (device_name(link)?, TcHandle::from(HANDLE));
    Ok(SchedClassifierLink::attached(&name, TcAttachType::Ingress, PRIORITY, handle, None)?)
}

fn attach_xdp(programs: &mut Programs, link: Link, mode: XdpMode, pin: &Path) -> Result<(), Failure> {
    let program = programs.xdp()?;
    let id = program.attach_to_if_index(link.ifindex, mode)?;
    FdLink::try_from(program.take_link(id)?)?.pin(pin)?;
    Ok(())
}

fn replace_xdp(programs: &mut Programs, pin: &Path) -> Result<(), Failure> {
    let program = programs.xdp()?;
    let link = XdpLink::try_from(FdLink::from(PinnedLink::from_pin(pin)?))?;
    let id = program.attach_to_link(link)?;
    drop(program.take_link(id)?);
    Ok(())
}

fn device_name(link: Link) -> Result<String, Failure> {
    Ok(if_indextoname(link.ifindex)?.into_string()?)
}

/// Says what was tried at which device; aya says which call failed, but the kernel's reason is one source deeper.
fn explain(action: &'static str, link: Link, done: Result<(), Failure>) -> Result<(), DataplaneError> {
    let device = device_name(link).unwrap_or_else(|_| link.ifindex.to_string());
    done.map_err(|source| DataplaneError::Link { action, device, hook: link.hook, source: reason(source) })
}

fn reason(failure: Failure) -> Failure {
    match failure.downcast_ref::<ProgramError>() {
        Some(ProgramError::SyscallError(error)) => error.io_error.to_string().into(),
        _ => failure,
    }
}
