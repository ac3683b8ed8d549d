//! Programs of somebody else: two instructions that let every frame pass.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;
use std::process::Command;

use super::namespace::Namespace;
use super::process::run;

const PROG_LOAD: libc::c_long = 5;
const OBJ_PIN: libc::c_long = 6;
const LINK_CREATE: libc::c_long = 28;
const SCHED_CLS: u32 = 3;
const XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;
const ATTACH_TCX_INGRESS: u32 = 46;

/// `r0 = value; exit`, for this verdict.
const fn program(verdict: u32) -> [u64; 2] {
    [0xb7 | (verdict as u64) << 32, 0x95]
}

/// Attributes of `BPF_PROG_LOAD`, as far as they are needed.
#[repr(C)]
struct Load {
    kind: u32,
    instructions: u32,
    code: u64,
    license: u64,
    log: [u64; 2],
    version: u32,
    flags: u32,
    name: [u8; 16],
}

/// Attributes of `BPF_OBJ_PIN`.
#[repr(C)]
struct Pin {
    path: u64,
    program: u32,
    flags: u32,
}

/// Attributes of `BPF_LINK_CREATE`.
#[repr(C)]
struct Link {
    program: u32,
    target: u32,
    attach: u32,
    flags: u32,
    options: [u64; 2],
}

/// Attaches a program at the XDP hook of a device, for as long as the descriptor is open.
pub fn xdp(namespace: &Namespace, device: &str) -> OwnedFd {
    const PASS: u32 = 2;
    link(namespace, device, &load(XDP, PASS), ATTACH_XDP)
}

/// Attaches a program at the tcx hook of a device, for as long as the descriptor is open.
pub fn tcx(namespace: &Namespace, device: &str) -> OwnedFd {
    const NEXT: u32 = u32::MAX;
    link(namespace, device, &load(SCHED_CLS, NEXT), ATTACH_TCX_INGRESS)
}

/// Attaches a filter to the clsact qdisc of a device. The pin is one on a BPF file system, and is removed again.
pub fn clsact(namespace: &Namespace, device: &str, pin: &Path) {
    const UNSPEC: u32 = u32::MAX;
    let program = load(SCHED_CLS, UNSPEC);
    let path = std::ffi::CString::new(pin.to_str().unwrap()).unwrap();
    let pinned = Pin { path: path.as_ptr().addr() as u64, program: number(&program), flags: 0 };
    bpf(OBJ_PIN, &pinned).unwrap();
    let tc = |arguments: &str| {
        run(Command::new("tc").args(["-n", namespace.name()]).args(arguments.split(' ')));
    };
    tc(&format!("qdisc add dev {device} clsact"));
    tc(&format!("filter add dev {device} ingress prio 7 bpf direct-action object-pinned {}", pin.display()));
    std::fs::remove_file(pin).unwrap();
}

fn load(kind: u32, verdict: u32) -> OwnedFd {
    let code = program(verdict);
    let mut name = [0; 16];
    name[..7].copy_from_slice(b"foreign");
    let attributes = Load {
        kind,
        instructions: 2,
        code: code.as_ptr().addr() as u64,
        license: c"GPL".as_ptr().addr() as u64,
        log: [0; 2],
        version: 0,
        flags: 0,
        name,
    };
    descriptor(bpf(PROG_LOAD, &attributes).unwrap())
}

fn link(namespace: &Namespace, device: &str, program: &OwnedFd, attach: u32) -> OwnedFd {
    let create = || {
        let target = nix::net::if_::if_nametoindex(device)?;
        bpf(LINK_CREATE, &Link { program: number(program), target, attach, flags: 0, options: [0; 2] })
    };
    descriptor(namespace.enter(create).unwrap_or_else(|error| panic!("cannot attach to {device}: {error}")))
}

fn bpf<T>(command: libc::c_long, attributes: &T) -> io::Result<i32> {
    // SAFETY: the attributes are those of the command, and what they point at outlives the call.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(i32::try_from(result).unwrap()) }
}

fn descriptor(fd: i32) -> OwnedFd {
    // SAFETY: the kernel has just opened it for us.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn number(descriptor: &OwnedFd) -> u32 {
    descriptor.as_raw_fd().try_into().unwrap()
}
