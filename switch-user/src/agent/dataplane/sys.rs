//! The few calls of bpf(2) that aya has no name for.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

const OBJ_GET: libc::c_int = 7;
const MAP_LOOKUP_BATCH: libc::c_int = 24;
const LINK_DETACH: libc::c_int = 34;

/// Largest buffer that a batch starts with, in bytes.
const BUFFER: usize = 256 * 1024;

#[repr(C)]
#[derive(Default)]
struct ObjectAttr {
    path: u64,
    fd: u32,
    flags: u32,
}

#[repr(C)]
struct LinkAttr {
    fd: u32,
}

#[repr(C)]
#[derive(Default)]
struct BatchAttr {
    from: u64,
    to: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    element_flags: u64,
    flags: u64,
}

/// Makes a call; `attr` must be the structure that `command` takes.
fn bpf<T>(command: libc::c_int, attr: &mut T) -> io::Result<libc::c_long> {
    let pointer: *mut T = attr;
    // SAFETY: the structure is as long as is said, and all buffers it points to outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, pointer, size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Opens what is pinned at `path`.
pub(super) fn open(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut attr = ObjectAttr { path: path.as_ptr() as u64, ..ObjectAttr::default() };
    let fd = bpf(OBJ_GET, &mut attr)?;
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the kernel made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Detaches a link at once, not when its last descriptor is closed.
pub(super) fn detach(link: &OwnedFd) -> io::Result<()> {
    bpf(LINK_DETACH, &mut LinkAttr { fd: number(link.as_raw_fd()) }).map(drop)
}

/// A number in the kernel's description of a descriptor, by the name of its line.
pub(super) fn describe(fd: &impl AsRawFd, field: &str) -> io::Result<Option<u32>> {
    let text = std::fs::read_to_string(format!("/proc/thread-self/fdinfo/{}", fd.as_raw_fd()))?;
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    Ok(value.and_then(|value| value.trim().parse().ok()))
}

/// Visits all entries of a map, as raw bytes of many keys and as many values at a time.
///
/// Unlike the walk from key to key it goes by the buckets of the hash, so entries that are removed
/// meanwhile neither end it nor make it start again.
pub(super) fn scan(
    map: BorrowedFd<'_>,
    key_size: usize,
    value_size: usize,
    mut visit: impl FnMut(&[u8], &[u8]),
) -> io::Result<()> {
    let mut room = (BUFFER / (key_size + value_size)).clamp(64, 4096);
    let mut keys = vec![0; room * key_size];
    let mut values = vec![0; room * value_size];
    let (mut position, mut next) = (None::<u32>, 0u32);
    loop {
        let mut attr = BatchAttr {
            from: position.as_ref().map_or(0, |position| std::ptr::from_ref(position) as u64),
            to: &raw mut next as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: u32::try_from(room).map_err(io::Error::other)?,
            map: number(map.as_raw_fd()),
            ..BatchAttr::default()
        };
        let result = bpf(MAP_LOOKUP_BATCH, &mut attr);
        let end = match result {
            Ok(_) => false,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
            // One bucket has more entries than there is room for.
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                room *= 2;
                keys.resize(room * key_size, 0);
                values.resize(room * value_size, 0);
                continue;
            }
            Err(error) => return Err(error),
        };
        let count = (attr.count as usize).min(room);
        visit(&keys[..count * key_size], &values[..count * value_size]);
        if end {
            return Ok(());
        }
        position = Some(next);
    }
}

/// The kernel takes descriptors, which are never negative, as unsigned numbers.
fn number(fd: i32) -> u32 {
    fd.cast_unsigned()
}
