//! Tap devices: what a hypervisor gives to a VM.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;

use super::frames::Frame;
use super::namespace::Namespace;
use super::wait::until;

const LONGEST: usize = 65_536;

/// The VM's end of a tap device in the host's namespace; the device goes with it.
pub struct Tap {
    file: File,
}

impl Tap {
    /// Makes a tap device of this name and sets it up.
    pub fn new(host: &Namespace, name: &str) -> Self {
        let file = host.enter(|| open(name)).unwrap_or_else(|error| panic!("tap {name}: {error}"));
        host.ip(&format!("link set {name} up"));
        Self { file }
    }

    /// Sends a frame as the VM.
    #[track_caller]
    pub fn send(&self, frame: &Frame) {
        (&self.file).write_all(&frame.0).unwrap();
    }

    /// The next frame that the VM gets.
    #[track_caller]
    pub fn receive(&self) -> Frame {
        let mut octets = vec![0; LONGEST];
        let length = until("a frame comes out of the tap", || match (&self.file).read(&mut octets) {
            Ok(length) => Some(length),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => panic!("cannot read the tap: {error}"),
        });
        octets.truncate(length);
        Frame(octets)
    }
}

fn open(name: &str) -> io::Result<File> {
    let file = File::options().read(true).write(true).open("/dev/net/tun")?;
    // SAFETY: a request of zeros is an empty one.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI).try_into().unwrap();
    // SAFETY: the request outlives both calls, and the descriptor is open.
    unsafe {
        check(libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request))?;
        check(libc::fcntl(file.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK))?;
    }
    Ok(file)
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
