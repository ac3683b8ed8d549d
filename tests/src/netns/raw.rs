//! Sockets for the packets of one protocol, which the kernel need not know.

use std::{
    io,
    net::{IpAddr, UdpSocket},
    os::fd::{FromRawFd as _, OwnedFd},
};

use super::{namespace::Namespace, socket, wait::LIMIT};

const LONGEST: usize = 65_536;

/// What is behind the IP headers of packets of one protocol, to one address and from there.
pub struct Raw {
    /// The calls of a connected socket are the same for all kinds.
    socket: UdpSocket,
    /// The kernel hands over the header too.
    with_header: bool,
}

impl Raw {
    /// Opens a socket in a namespace.
    #[track_caller]
    pub fn open(at: &Namespace, peer: IpAddr, protocol: u8) -> Self {
        let family = if peer.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let open = || {
            // SAFETY: no memory is involved, and the descriptor is new and ours.
            let socket = unsafe {
                let fd = libc::socket(family, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol.into());
                if fd < 0 {
                    return Err(io::Error::last_os_error());
                }
                OwnedFd::from_raw_fd(fd)
            };
            let socket = UdpSocket::from(socket);
            socket.connect((peer, 0))?;
            socket.set_read_timeout(Some(LIMIT))?;
            Ok(socket)
        };
        let socket = at.enter(open).unwrap_or_else(|error| panic!("protocol {protocol} to {peer}: {error}"));
        Self { socket, with_header: peer.is_ipv4() }
    }

    /// Sends a packet.
    #[track_caller]
    pub fn send(&self, payload: &[u8]) {
        assert_eq!(self.socket.send(payload).unwrap(), payload.len());
    }

    /// The next packet.
    ///
    /// # Panics
    /// When none comes for a long time.
    #[track_caller]
    pub fn receive(&self) -> Vec<u8> {
        let mut octets = vec![0; LONGEST];
        let length = self.socket.recv(&mut octets).expect("no packet arrives");
        let start = if self.with_header { usize::from(octets[0] & 15) * 4 } else { 0 };
        octets[start..length].to_vec()
    }

    /// True if nothing has come that could be read.
    #[track_caller]
    pub fn is_empty(&self) -> bool {
        socket::is_empty(&self.socket)
    }
}
