//! Frames that the agent itself sends and receives, by packet sockets.

use std::{
    io,
    mem::zeroed,
    os::fd::{AsRawFd, OwnedFd},
    time::Duration,
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

/// A frame that was received.
pub struct Received {
    /// The frame, from its destination address on, without the tag.
    pub frame: Vec<u8>,
    /// VLAN of the tag that the kernel took out of it.
    pub tag: Option<u16>,
}

/// Receives router solicitations at one device, before anybody else sees them.
pub struct Listener(OwnedFd);

impl Listener {
    /// Opens a socket at a device.
    ///
    /// # Errors
    /// When the device is gone, or the kernel does not let us.
    pub fn open(ifindex: u32) -> Result<Self, NetlinkError> {
        let socket = open()?;
        let prepare = || {
            filter(&socket)?;
            let on = 1 as libc::c_int;
            // What leaves is of no interest, and each copy of it would cost.
            option(&socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, &on)?;
            option(&socket, libc::SOL_PACKET, libc::PACKET_AUXDATA, &on)?;
            bind(&socket, &address(ifindex, ALL))
        };
        prepare().map_err(|source| NetlinkError::Packet { action: "listen at", source })?;
        Ok(Self(socket))
    }

    /// The next frame, if there is one.
    ///
    /// # Errors
    /// When the device is gone.
    pub fn receive(&self) -> io::Result<Option<Received>> {
        let mut frame = vec![0; LONGEST];
        // Words, because the kernel's notes are aligned so.
        let mut notes = [0_u64; 16];
        let mut part = libc::iovec { iov_base: frame.as_mut_ptr().cast(), iov_len: frame.len() };
        // SAFETY: all zeros is a valid header.
        let mut header: libc::msghdr = unsafe { zeroed() };
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = notes.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&notes);
        // SAFETY: the header leads to buffers that are as long as it says and outlive the call.
        let length = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut header, libc::MSG_DONTWAIT) };
        let Ok(length) = usize::try_from(length) else {
            let error = io::Error::last_os_error();
            let nothing = error.kind() == io::ErrorKind::WouldBlock;
            return if nothing { Ok(None) } else { Err(error) };
        };
        frame.truncate(length);
        Ok(Some(Received { frame, tag: tag(&header) }))
    }
}

/// Waits until one of the listeners has something, or the time is over.
///
/// # Errors
/// When the kernel refuses.
pub fn wait<'a>(listeners: impl Iterator<Item = &'a Listener>, time: Duration) -> io::Result<()> {
    let events = libc::POLLIN;
    let one = |listener: &Listener| libc::pollfd { fd: listener.0.as_raw_fd(), events, revents: 0 };
    let mut list: Vec<libc::pollfd> = listeners.map(one).collect();
    let count = libc::nfds_t::try_from(list.len()).map_err(io::Error::other)?;
    let time = libc::c_int::try_from(time.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the list is as long as is said.
    let result = unsafe { libc::poll(list.as_mut_ptr(), count, time) };
    if result >= 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

/// Octets of the longest solicitation of interest.
const LONGEST: usize = 256;
/// All ethertypes (`ETH_P_ALL`): such a socket comes before the hooks at which frames are switched.
const ALL: u16 = 3;
/// Number of the option that the C library does not know (Linux 4.20).
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
/// There was a tag (`TP_STATUS_VLAN_VALID`).
const TAGGED: u32 = 1 << 4;

/// Octets of what the kernel notes beside a frame (`struct tpacket_auxdata`): its status is in the
/// first four, the tag's control information behind sixteen.
const NOTES: usize = 20;

/// The VLAN in the kernel's notes.
fn tag(header: &libc::msghdr) -> Option<u16> {
    // SAFETY: the header is as the kernel left it, and so are the notes that it leads to.
    let mut note = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !note.is_null() {
        // SAFETY: the kernel wrote this note.
        let kind = unsafe { *note };
        if kind.cmsg_level == libc::SOL_PACKET && kind.cmsg_type == libc::PACKET_AUXDATA {
            // SAFETY: notes of this kind are so long.
            let notes = unsafe { *libc::CMSG_DATA(note).cast::<[u8; NOTES]>() };
            let [a, b, c, d, .., e, f, _, _] = notes;
            let (status, control) = (u32::from_ne_bytes([a, b, c, d]), u16::from_ne_bytes([e, f]));
            return (status & TAGGED != 0).then_some(control & 0xfff);
        }
        // SAFETY: as for the first.
        note = unsafe { libc::CMSG_NXTHDR(header, note) };
    }
    None
}

/// Lets only router solicitations through: IPv6 with `ICMPv6` right behind it, from the link itself.
fn filter(socket: &OwnedFd) -> io::Result<()> {
    const HALF: u16 = 0x28;
    const OCTET: u16 = 0x30;
    const EQUAL: u16 = 0x15;
    const END: u16 = 0x06;
    let code = |code, jf, k| libc::sock_filter { code, jt: 0, jf, k };
    let mut program = [
        code(HALF, 0, 12),
        code(EQUAL, 7, 0x86dd),
        code(OCTET, 0, 20),
        code(EQUAL, 5, 58),
        code(OCTET, 0, 21),
        code(EQUAL, 3, 255),
        code(OCTET, 0, 54),
        code(EQUAL, 1, 133),
        code(END, 0, 0xffff),
        code(END, 0, 0),
    ];
    let program = libc::sock_fprog { len: 10, filter: program.as_mut_ptr() };
    option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

fn option<T>(socket: &OwnedFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: the value is as long as is said, and outlives the call.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, std::ptr::from_ref(value).cast(), length)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn bind(socket: &OwnedFd, address: &libc::sockaddr_ll) -> io::Result<()> {
    // SAFETY: the address is as long as is said, and outlives the call.
    let result = unsafe { libc::bind(socket.as_raw_fd(), std::ptr::from_ref(address).cast(), ADDRESS) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
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
