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

const MAP_UPDATE_ELEM: libc::c_int = 2;
const MAP_DELETE_ELEM: libc::c_int = 3;
const OBJ_GET: libc::c_int = 7;
const MAP_LOOKUP_BATCH: libc::c_int = 24;
const MAP_UPDATE_BATCH: libc::c_int = 26;
const MAP_DELETE_BATCH: libc::c_int = 27;
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
struct ElementAttr {
    map: u32,
    unused: u32,
    key: u64,
    value: u64,
    flags: u64,
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
/// Unlike the walk from key to key, that of a hash goes by its buckets, so entries that are removed
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
    // Where the walk is: a number for a hash, a key for all else.
    let (mut position, mut next) = (vec![0u8; key_size.max(4)], vec![0u8; key_size.max(4)]);
    let mut begun = false;
    loop {
        let mut attr = BatchAttr {
            from: if begun { position.as_ptr() as u64 } else { 0 },
            to: next.as_mut_ptr() as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: u32::try_from(room).map_err(io::Error::other)?,
            map: number(map.as_raw_fd()),
            ..BatchAttr::default()
        };
        let end = match bpf(MAP_LOOKUP_BATCH, &mut attr) {
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
        std::mem::swap(&mut position, &mut next);
        begun = true;
    }
}

/// Writes many entries of a map, in their order; the first that fails ends it.
pub(super) fn update(map: BorrowedFd<'_>, count: usize, keys: &[u8], values: &[u8]) -> io::Result<()> {
    let (key_size, value_size) = (keys.len() / count.max(1), values.len() / count.max(1));
    let one = |at: usize| element(MAP_UPDATE_ELEM, map, &keys[at * key_size..], &values[at * value_size..]);
    match batch(MAP_UPDATE_BATCH, map, count, keys, values) {
        (_, Err(error)) if is_unknown(&error) => (0..count).try_for_each(one),
        (_, done) => done,
    }
}

/// Removes many entries of a map, in their order. Those that are not there are passed over.
pub(super) fn delete(map: BorrowedFd<'_>, count: usize, keys: &[u8]) -> io::Result<()> {
    let key_size = keys.len() / count.max(1);
    let mut done = 0;
    while done < count {
        let rest = &keys[done * key_size..];
        match batch(MAP_DELETE_BATCH, map, count - done, rest, &[]) {
            (_, Ok(())) => return Ok(()),
            (removed, Err(error)) if is_missing(&error) => done += removed + 1,
            (_, Err(error)) if is_unknown(&error) => return delete_singly(map, key_size, rest),
            (_, Err(error)) => return Err(error),
        }
    }
    Ok(())
}

fn delete_singly(map: BorrowedFd<'_>, key_size: usize, keys: &[u8]) -> io::Result<()> {
    for key in keys.chunks_exact(key_size) {
        match element(MAP_DELETE_ELEM, map, key, &[]) {
            Err(error) if !is_missing(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Makes a call for many entries; says for how many it was done.
fn batch(
    command: libc::c_int,
    map: BorrowedFd<'_>,
    count: usize,
    keys: &[u8],
    values: &[u8],
) -> (usize, io::Result<()>) {
    if count == 0 {
        return (0, Ok(()));
    }
    let mut attr = BatchAttr {
        keys: keys.as_ptr() as u64,
        values: values.as_ptr() as u64,
        count: u32::try_from(count).unwrap_or(u32::MAX),
        map: number(map.as_raw_fd()),
        ..BatchAttr::default()
    };
    let result = bpf(command, &mut attr);
    (attr.count as usize, result.map(drop))
}

fn element(command: libc::c_int, map: BorrowedFd<'_>, key: &[u8], value: &[u8]) -> io::Result<()> {
    let mut attr = ElementAttr {
        map: number(map.as_raw_fd()),
        unused: 0,
        key: key.as_ptr() as u64,
        value: value.as_ptr() as u64,
        flags: 0,
    };
    bpf(command, &mut attr).map(drop)
}

fn is_missing(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOENT)
}

/// True if the kernel does not do this to many entries of this kind of map at once.
fn is_unknown(error: &io::Error) -> bool {
    /// The kernel's own number for what is not supported, which the C library does not know.
    const ENOTSUPP: i32 = 524;
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP | ENOTSUPP))
}

/// The kernel takes descriptors, which are never negative, as unsigned numbers.
fn number(fd: i32) -> u32 {
    fd.cast_unsigned()
}
