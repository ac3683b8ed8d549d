//! The clsact qdisc and the BPF filters in it, for kernels without tcx and for what others attached.
#![expect(clippy::wildcard_enum_match_arm, reason = "answers have much that is of no interest here")]

use std::collections::BTreeSet;

use netlink_packet_route::{
    RouteNetlinkMessage,
    tc::{TcAttribute, TcFilterBpfOption, TcHandle, TcMessage, TcOption},
};

use super::{NetlinkError, request};

/// Parent of the filters for frames that a device receives.
const INGRESS: TcHandle = TcHandle { major: 0xffff, minor: 0xfff2 };
/// Parent of the filters for frames that a device sends.
const EGRESS: TcHandle = TcHandle { major: 0xffff, minor: 0xfff3 };
/// Handle and parent of the qdisc itself.
const QDISC: TcHandle = TcHandle { major: 0xffff, minor: 0 };
const QDISC_PARENT: TcHandle = TcHandle { major: 0xffff, minor: 0xfff1 };

/// A BPF filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Smaller numbers are asked first.
    pub priority: u16,
    /// Number among the filters of one priority.
    pub handle: u32,
    /// The kernel's number of the program.
    pub program: u32,
    /// Name that was given to the filter.
    pub name: String,
}

/// Devices that have a clsact or ingress qdisc.
///
/// # Errors
/// When the kernel does not answer.
pub fn clsact_devices() -> Result<BTreeSet<u32>, NetlinkError> {
    let qdiscs = list("list qdiscs", RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default()))?;
    Ok(qdiscs
        .iter()
        .filter(|message| matches!(kind(message), Some("clsact" | "ingress")))
        .filter_map(|message| u32::try_from(message.header.index).ok())
        .collect())
}

/// BPF filters at the device's ingress.
///
/// # Errors
/// When the device is gone or the kernel does not answer.
pub fn ingress_filters(ifindex: u32) -> Result<Vec<Filter>, NetlinkError> {
    let all = filters(ifindex, INGRESS)?;
    Ok(all.iter().filter_map(bpf_filter).collect())
}

/// Gives the device a clsact qdisc.
///
/// # Errors
/// When it has one already, or the kernel refuses.
pub fn add_clsact(ifindex: u32) -> Result<(), NetlinkError> {
    let mut message = clsact(ifindex);
    message.attributes.push(TcAttribute::Kind("clsact".into()));
    let action = format!("add a clsact qdisc to device {ifindex}");
    request::create(&action, RouteNetlinkMessage::NewQueueDiscipline(message))
}

/// Removes the device's clsact qdisc if no filter is left in it; true if it is gone.
///
/// # Errors
/// When the kernel refuses.
pub fn remove_empty_clsact(ifindex: u32) -> Result<bool, NetlinkError> {
    if !filters(ifindex, INGRESS)?.is_empty() || !filters(ifindex, EGRESS)?.is_empty() {
        return Ok(false);
    }
    let action = format!("remove the clsact qdisc of device {ifindex}");
    request::command(&action, RouteNetlinkMessage::DelQueueDiscipline(clsact(ifindex)))?;
    Ok(true)
}

fn clsact(ifindex: u32) -> TcMessage {
    let mut message = TcMessage::with_index(signed(ifindex));
    message.header.handle = QDISC;
    message.header.parent = QDISC_PARENT;
    message
}

/// Filters of any kind. Each is announced twice, as itself and as the head of its priority, which has no handle.
fn filters(ifindex: u32, parent: TcHandle) -> Result<Vec<TcMessage>, NetlinkError> {
    let mut message = TcMessage::with_index(signed(ifindex));
    message.header.parent = parent;
    let action = format!("list the filters of device {ifindex}");
    let mut filters = list(&action, RouteNetlinkMessage::GetTrafficFilter(message))?;
    filters.retain(|message| u32::from(message.header.handle) != 0);
    Ok(filters)
}

fn list(action: &str, request: RouteNetlinkMessage) -> Result<Vec<TcMessage>, NetlinkError> {
    let mut found = Vec::new();
    request::dump(action, request, |answer| match answer {
        RouteNetlinkMessage::NewQueueDiscipline(message) | RouteNetlinkMessage::NewTrafficFilter(message) => {
            found.push(message);
        }
        _ => {}
    })?;
    Ok(found)
}

fn kind(message: &TcMessage) -> Option<&str> {
    message.attributes.iter().find_map(|attribute| match attribute {
        TcAttribute::Kind(kind) => Some(kind.as_str()),
        _ => None,
    })
}

fn bpf_filter(message: &TcMessage) -> Option<Filter> {
    let mut filter = Filter {
        priority: u16::try_from(message.header.info >> 16).ok()?,
        handle: message.header.handle.into(),
        program: 0,
        name: String::new(),
    };
    for option in message.attributes.iter().flat_map(options) {
        match option {
            TcOption::Bpf(TcFilterBpfOption::ProgId(id)) => filter.program = *id,
            TcOption::Bpf(TcFilterBpfOption::ProgName(name)) => filter.name.clone_from(name),
            _ => {}
        }
    }
    (filter.program != 0).then_some(filter)
}

fn options(attribute: &TcAttribute) -> &[TcOption] {
    match attribute {
        TcAttribute::Options(options) => options,
        _ => &[],
    }
}

/// The kernel's numbers fit into both types.
fn signed(ifindex: u32) -> i32 {
    ifindex.cast_signed()
}
