//! Frames as they are on a device, with their tags: packet sockets.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::ptr;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use super::frames::{EXPERIMENTAL, Frame};
use super::namespace::Namespace;
use super::wait::LIMIT;

const TAG: usize = 4;
/// Where the tag of a frame is: behind the two addresses.
const TAG_AT: usize = 12;
const LONGEST: usize = 65_536 + 64;
/// Frames of any protocol (`ETH_P_ALL`).
const ALL: u16 = 3;
/// Addresses of packet sockets (`AF_PACKET`).
const FAMILY: libc::sa_family_t = 17;

/// A packet socket on one device. It does not see what it sends itself.
pub struct Wire {
    socket: OwnedFd,
}

impl Wire {
    /// Opens a socket on a device of a namespace. From here on it collects what the device receives,
    /// before the hooks of TC and after those of XDP.
    pub fn open(namespace: &Namespace, device: &str) -> Self {
        Self::of_protocol(namespace, device, ALL)
    }

    /// Opens a socket for what the network stack gets: frames of [`data`](super::frames::data) that neither
    /// XDP nor TC has taken away. The kernel has taken the outermost tag off them.
    pub fn behind_tc(namespace: &Namespace, device: &str) -> Self {
        Self::of_protocol(namespace, device, EXPERIMENTAL)
    }

    fn of_protocol(namespace: &Namespace, device: &str, protocol: u16) -> Self {
        let open = || Self::open_here(device, protocol);
        namespace.enter(open).unwrap_or_else(|error| panic!("{device}: {error}"))
    }

    /// Opens a socket on a device of this thread's namespace, for all that it receives.
    ///
    /// # Errors
    /// If there is no such device, or the kernel refuses the socket.
    pub fn here(device: &str) -> io::Result<Self> {
        Self::open_here(device, ALL)
    }

    fn open_here(device: &str, protocol: u16) -> io::Result<Self> {
        // Without a protocol nothing arrives before the socket is bound to its device.
        // SAFETY: no memory is involved, and the descriptor is new and ours.
        let socket = unsafe {
            let fd = check(libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0))?;
            OwnedFd::from_raw_fd(fd)
        };
        let wire = Self { socket };
        wire.set(libc::SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
        wire.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)?;
        wire.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, 8 << 20)?;
        let address = address(nix::net::if_::if_nametoindex(device)?, protocol.to_be());
        let length = length_of(&address);
        // SAFETY: the address is of the type that the family takes, and outlives the call.
        check(unsafe { libc::bind(wire.socket.as_raw_fd(), (&raw const address).cast(), length) })?;
        Ok(wire)
    }

    fn set(&self, level: i32, name: i32, value: i32) -> io::Result<i32> {
        let length = length_of(&value);
        // SAFETY: the value outlives the call.
        check(unsafe {
            libc::setsockopt(self.socket.as_raw_fd(), level, name, (&raw const value).cast(), length)
        })
    }

    /// Sends exactly these octets.
    #[track_caller]
    pub fn send(&self, frame: &Frame) {
        let octets = &frame.0;
        // SAFETY: the octets outlive the call.
        let sent = unsafe { libc::send(self.socket.as_raw_fd(), octets.as_ptr().cast(), octets.len(), 0) };
        assert_eq!(
            usize::try_from(sent).ok(),
            Some(octets.len()),
            "{frame:?}: {}",
            io::Error::last_os_error()
        );
    }

    /// The next frame.
    ///
    /// # Panics
    /// When none comes for a long time.
    #[track_caller]
    pub fn receive(&self) -> Frame {
        self.receive_within(LIMIT).expect("no frame arrives")
    }

    /// All frames up to this one, which is not among them.
    ///
    /// # Panics
    /// When it does not come for a long time.
    #[track_caller]
    pub fn receive_until(&self, end: &Frame) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.receive_within(LIMIT) {
            if frame == *end {
                return frames;
            }
            frames.push(frame);
        }
        panic!("{end:?} does not arrive, but {frames:?}");
    }

    /// The next frame, unless none comes within the limit.
    pub fn receive_within(&self, limit: Duration) -> Option<Frame> {
        let limit = nix::sys::time::TimeVal::new(
            limit.as_secs().try_into().unwrap(),
            limit.subsec_micros().max(1).into(),
        );
        setsockopt(&self.socket, sockopt::ReceiveTimeout, &limit).unwrap();
        let mut octets = vec![0; LONGEST];
        let (length, tag) = match receive(&self.socket, &mut octets) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) => panic!("cannot receive: {error}"),
        };
        octets.truncate(length);
        if let Some(tag) = tag {
            octets.splice(TAG_AT..TAG_AT, tag);
        }
        Some(Frame(octets))
    }
}

/// Receives a frame, and the outermost tag, which the kernel keeps beside it.
fn receive(socket: &OwnedFd, octets: &mut [u8]) -> io::Result<(usize, Option<[u8; TAG]>)> {
    let mut control = [0_u64; 16];
    let mut part = libc::iovec { iov_base: octets.as_mut_ptr().cast(), iov_len: octets.len() };
    // SAFETY: a message header of zeros is an empty one.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control);
    // SAFETY: the header refers to memory that outlives the call, with its true lengths.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the kernel has filled in the control messages, which are in `control`.
    let tag = unsafe { tag(&message) };
    Ok((length, tag))
}

/// The tag among the control messages.
///
/// # Safety
/// The message must be one that the kernel has filled in.
unsafe fn tag(message: &libc::msghdr) -> Option<[u8; TAG]> {
    // SAFETY: as the caller says.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_PACKET && (*header).cmsg_type == libc::PACKET_AUXDATA {
                let about: libc::tpacket_auxdata = ptr::read_unaligned(libc::CMSG_DATA(header).cast());
                let valid = about.tp_status & libc::TP_STATUS_VLAN_VALID != 0;
                return valid.then(|| octets(&about));
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    None
}

fn octets(about: &libc::tpacket_auxdata) -> [u8; TAG] {
    let ([a, b], [c, d]) = (about.tp_vlan_tpid.to_be_bytes(), about.tp_vlan_tci.to_be_bytes());
    [a, b, c, d]
}

fn address(ifindex: u32, protocol: u16) -> libc::sockaddr_ll {
    // SAFETY: an address of zeros is an empty one.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = FAMILY;
    address.sll_protocol = protocol;
    address.sll_ifindex = ifindex.cast_signed();
    address
}

fn length_of<T>(value: &T) -> libc::socklen_t {
    size_of_val(value).try_into().unwrap()
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
