//! What a connection has come to.

use switch_common::{
    table::flow::{self, Flow},
    wire::{ipv4, tcp},
};

use crate::ip::Ip;

/// What the flow's state becomes with this packet; a twin is told.
#[inline(always)]
pub(super) fn state(ip: &Ip, mut state: u64, twin: Option<&Flow>) -> u64 {
    if ip.protocol != u64::from(ipv4::TCP) {
        return state;
    }
    let flags = ip.kind as u8;
    if flags & tcp::SYN != 0 {
        // A new connection with the same ports.
        state &= !(flow::FIN | flow::FIN_BACK | flow::RESET);
    }
    let opens = flags & (tcp::SYN | tcp::ACK) == tcp::SYN;
    if opens {
        state |= flow::ORIGINAL;
    }
    if flags & tcp::FIN != 0 {
        state |= flow::FIN;
    }
    if flags & tcp::RST != 0 {
        state |= flow::RESET;
    }
    if let Some(twin) = twin {
        let mut told = twin.state.get() & !(flow::FIN_BACK | flow::RESET);
        if opens {
            told &= !flow::ORIGINAL;
        }
        let back = if state & flow::FIN != 0 { flow::FIN_BACK } else { 0 };
        twin.state.set(told | back | state & flow::RESET);
    }
    state
}
