//! The host's network devices: what they are, their settings, and which of the settings are ours.
//!
//! The only place that speaks rtnetlink and ethtool. It knows nothing of ports and networks.

pub mod device;
pub mod ethtool;
pub mod links;
pub mod owned;
pub mod packet;
pub mod qdisc;
pub mod request;
pub mod tunnel;

pub use device::{Device, Kind};

/// A request to the kernel's network configuration failed.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The socket could not be made, written or read.
    #[error("cannot {action} a netlink socket: {source}")]
    Socket {
        /// What was tried.
        action: &'static str,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// A packet socket could not be made, written or read.
    #[error("cannot {action} a packet socket: {source}")]
    Packet {
        /// What was tried.
        action: &'static str,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// The kernel refused the request.
    #[error("cannot {action}: {source}")]
    Refused {
        /// What was tried.
        action: String,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// Somebody else has a device with the name of ours.
    #[error(
        "there is a device {0} that this switch has not made, and overlay networks need that name; rename the \
         device, or remove it with `ip link del {0}`"
    )]
    NotOurs(&'static str),
    /// An answer could not be understood.
    #[error("cannot read the kernel's answer: {0}")]
    Answer(#[from] netlink_packet_core::DecodeError),
    /// The record of what was changed could not be read or written.
    #[error("cannot {action} {path}: {source}")]
    Record {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// The reason.
        source: std::io::Error,
    },
}
