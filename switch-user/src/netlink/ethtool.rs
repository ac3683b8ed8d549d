//! Receive offloads of a device, by the ethtool ioctl.
//!
//! The kernel knows many by number, and the numbers change from version to version; the names do not.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, OwnedFd},
};

use nix::{
    net::if_::if_indextoname,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};

/// The device joins received packets before anybody sees them; a frame that is forwarded must stay as it is.
pub const LRO: &str = "rx-lro";
/// The device takes the VLAN tag out of received frames, so that XDP programs never see it.
pub const VLAN: &str = "rx-vlan-hw-parse";
/// The same for service tags (802.1ad).
pub const SERVICE_VLAN: &str = "rx-vlan-stag-hw-parse";

const SIOCETHTOOL: libc::c_ulong = 0x8946;
const ETHTOOL_GSTRINGS: u32 = 0x1b;
const ETHTOOL_GSSET_INFO: u32 = 0x37;
const ETHTOOL_GFEATURES: u32 = 0x3a;
const ETHTOOL_SFEATURES: u32 = 0x3b;
/// The set of names that belongs to the offloads.
const ETH_SS_FEATURES: u32 = 4;
/// Bytes of a name.
const NAME: usize = 32;
/// Words for 32 offloads in the answer to a query: available, requested, active, never changed.
const QUERY_WORDS: usize = 4;

/// True if the device has the offload and it is on.
///
/// # Errors
/// When the device is gone.
pub fn is_on(ifindex: u32, offload: &str) -> io::Result<bool> {
    let device = Device::open(ifindex)?;
    match device.number(offload)? {
        Some(number) => device.is_active(number),
        None => Ok(false),
    }
}

/// Switches an offload on or off and makes sure that it is so.
///
/// # Errors
/// When the device is gone, or its driver does not let the offload be changed.
pub fn switch(ifindex: u32, offload: &str, on: bool) -> io::Result<()> {
    let device = Device::open(ifindex)?;
    let number = device.number(offload)?;
    let number =
        number.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, "there is no such offload"))?;
    device.request(number, on)?;
    if device.is_active(number)? == on {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::Unsupported, "the driver does not let the offload be changed"))
}

/// Place of an offload in the bit sets of the kernel.
#[derive(Clone, Copy)]
struct Number {
    word: usize,
    bit: u32,
    /// Words that all offloads take.
    words: usize,
}

struct Device {
    socket: OwnedFd,
    name: Vec<u8>,
}

impl Device {
    fn open(ifindex: u32) -> io::Result<Self> {
        let name = if_indextoname(ifindex)?.into_bytes_with_nul();
        let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        Ok(Self { socket, name })
    }

    /// Asks the kernel. The first word of the buffer says what, and the buffer has room for the answer.
    fn call(&self, buffer: &mut [u32]) -> io::Result<()> {
        // SAFETY: all zeros is a valid `ifreq`.
        let mut request: libc::ifreq = unsafe { MaybeUninit::zeroed().assume_init() };
        for (to, from) in request.ifr_name.iter_mut().zip(&self.name) {
            *to = from.cast_signed();
        }
        request.ifr_ifru.ifru_data = buffer.as_mut_ptr().cast();
        // SAFETY: the request names a device and points to a buffer that outlives the call.
        let result = unsafe { libc::ioctl(self.socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn number(&self, offload: &str) -> io::Result<Option<Number>> {
        let names = self.names()?;
        let is_it = |name: &[u8]| name.split(|byte| *byte == 0).next() == Some(offload.as_bytes());
        let Some(index) = names.chunks_exact(NAME).position(is_it) else { return Ok(None) };
        let words = (names.len() / NAME).div_ceil(32);
        Ok(Some(Number { word: index / 32, bit: 1 << (index % 32), words }))
    }

    /// Names of all offloads that the kernel knows, one after the other.
    fn names(&self) -> io::Result<Vec<u8>> {
        // Command, reserved, the mask of sets in two words (the low one first or last), the length.
        let mut info = [ETHTOOL_GSSET_INFO, 0, 0, 0, 0];
        let mask = (1_u64 << ETH_SS_FEATURES).to_ne_bytes();
        let (low, high) = mask.split_at(4);
        info[2] = word(low);
        info[3] = word(high);
        self.call(&mut info)?;
        let count = info[4];
        // Command, set, count, names.
        let mut strings = vec![0; 3 + count as usize * NAME / 4];
        strings[..3].copy_from_slice(&[ETHTOOL_GSTRINGS, ETH_SS_FEATURES, count]);
        self.call(&mut strings)?;
        Ok(strings.iter().skip(3).flat_map(|word| word.to_ne_bytes()).collect())
    }

    fn is_active(&self, number: Number) -> io::Result<bool> {
        let mut query = vec![0; 2 + QUERY_WORDS * number.words];
        query[..2].copy_from_slice(&[ETHTOOL_GFEATURES, u32::try_from(number.words).unwrap_or_default()]);
        self.call(&mut query)?;
        let active = query.get(2 + QUERY_WORDS * number.word + 2);
        Ok(active.is_some_and(|word| word & number.bit != 0))
    }

    fn request(&self, number: Number, on: bool) -> io::Result<()> {
        // Command, count, and for each word what is to be changed and how.
        let mut change = vec![0; 2 + 2 * number.words];
        change[..2].copy_from_slice(&[ETHTOOL_SFEATURES, u32::try_from(number.words).unwrap_or_default()]);
        if let Some([valid, wanted]) =
            change.get_mut(2 + 2 * number.word..).and_then(<[u32]>::first_chunk_mut)
        {
            *valid = number.bit;
            *wanted = if on { number.bit } else { 0 };
        }
        self.call(&mut change)
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().copied().map_or(0, u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_device_answers() {
        // Every namespace has it as number 1, and it joins nothing.
        assert!(!is_on(1, LRO).unwrap());
        assert!(!is_on(1, "no-such-offload").unwrap());
        assert_eq!(switch(1, "no-such-offload", true).unwrap_err().kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn a_device_that_is_gone_is_an_error() {
        is_on(u32::MAX, LRO).unwrap_err();
    }
}
