//! Receive offloads of a device, by the ethtool ioctl.

use std::{io, mem::MaybeUninit, os::fd::AsRawFd};

use nix::{
    net::if_::if_indextoname,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};

/// The device joins received packets before anybody sees them; a frame that is forwarded must stay as it is.
pub const LRO: u32 = 1 << 15;
/// The device takes the VLAN tag out of received frames, so that XDP programs never see it.
pub const RX_VLAN: u32 = 1 << 8;

const SIOCETHTOOL: libc::c_ulong = 0x8946;
const ETHTOOL_GFLAGS: u32 = 0x25;
const ETHTOOL_SFLAGS: u32 = 0x26;

/// `struct ethtool_value` of the kernel.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// Offloads of the device that are on: any of [`LRO`], [`RX_VLAN`] and others.
///
/// # Errors
/// When the device is gone.
pub fn offloads(ifindex: u32) -> io::Result<u32> {
    call(ifindex, ETHTOOL_GFLAGS, 0)
}

/// Switches one offload on or off and makes sure that it is so.
///
/// # Errors
/// When the device is gone, or its driver does not let the offload be changed.
pub fn set_offload(ifindex: u32, flag: u32, on: bool) -> io::Result<()> {
    let now = offloads(ifindex)?;
    let wanted = if on { now | flag } else { now & !flag };
    if wanted == now {
        return Ok(());
    }
    call(ifindex, ETHTOOL_SFLAGS, wanted)?;
    if (offloads(ifindex)? & flag != 0) == on {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::Unsupported, "the driver does not let the offload be changed"))
    }
}

fn call(ifindex: u32, command: u32, data: u32) -> io::Result<u32> {
    let name = if_indextoname(ifindex)?;
    let name = name.to_bytes_with_nul();
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let mut value = Value { command, data };
    // SAFETY: all zeros is a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { MaybeUninit::zeroed().assume_init() };
    for (to, from) in request.ifr_name.iter_mut().zip(name) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the request names a device and points to a value that lives until the call has returned.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(value.data) }
}
