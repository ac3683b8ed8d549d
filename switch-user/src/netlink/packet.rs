//! Frames that the agent itself sends and receives, by packet sockets.

use std::{
    io,
    mem::{size_of, zeroed},
    os::fd::{AsRawFd, OwnedFd},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::NetlinkError;

/// Sends whole frames out of any device.
pub struct Sender(OwnedFd);

impl Sender {
    /// Opens a socket that receives nothing.
    ///
    /// # Errors
    /// When the kernel does not let us.
    pub fn open() -> Result<Self, NetlinkError> {
        open().map(Self)
    }

    /// Sends a frame, from its destination address on, out of a device.
    ///
    /// # Errors
    /// When the device is gone or down, or has no room.
    pub fn send(&self, ifindex: u32, frame: &[u8]) -> io::Result<()> {
        let address = address(ifindex, 0);
        // SAFETY: the frame and the address are there for the time of the call, and as long as is said.
        let sent = unsafe {
            libc::sendto(
                self.0.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                libc::MSG_DONTWAIT,
                (&raw const address).cast(),
                ADDRESS,
            )
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "twenty octets")]
const ADDRESS: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;

fn open() -> Result<OwnedFd, NetlinkError> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let made = socket(AddressFamily::Packet, SockType::Raw, flags, None);
    made.map_err(|error| NetlinkError::Packet { action: "open", source: error.into() })
}

/// The address of a device; `protocol` is the ethertype to receive, 0 for none.
fn address(ifindex: u32, protocol: u16) -> libc::sockaddr_ll {
    // SAFETY: all zeros is a valid address.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = ifindex.cast_signed();
    address
}
