//! The first file system of a VM: busybox, the modules to see the machine's files, and our `/init`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::image::Image;

const INIT: &str = include_str!("init.sh");
const BUSYBOX: &str = "/bin/busybox";
/// What is not built into every kernel and needed before the machine's files are there.
const MODULES: [&str; 3] = ["virtio_pci", "virtiofs", "overlay"];

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;

/// Makes the archive for a kernel.
pub(crate) fn make(image: &Image) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for dir in ["bin", "dev", "proc", "sys", "modules", "machine", "top", "root"] {
        archive.add(dir, DIRECTORY, &[])?;
    }
    archive.add("init", PROGRAM, INIT.as_bytes())?;
    archive.add(
        "bin/busybox",
        PROGRAM,
        &fs::read(BUSYBOX).with_context(|| format!("cannot read {BUSYBOX}"))?,
    )?;
    for (number, module) in modules(image)?.iter().enumerate() {
        // Numbered, so that a shell's `*` is the order in which they depend on each other.
        archive.add(
            &format!("modules/{number:02}.ko"),
            PROGRAM,
            &unpacked(&image.modules().join(module))?,
        )?;
    }
    archive.finish()
}

/// The files to load, each after what it depends on.
fn modules(image: &Image) -> Result<Vec<String>> {
    let index =
        fs::read_to_string(image.modules().join("modules.dep")).context("the kernel has no modules.dep")?;
    Ok(load_order(&index, &MODULES))
}

/// Reads depmod's index: a line is `file: dependency dependency`, the deepest dependency last.
fn load_order(index: &str, wanted: &[&str]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let lines = index.lines().filter_map(|line| line.split_once(':'));
    let wanted = lines.filter(|(file, _)| wanted.iter().any(|name| is_module(file, name)));
    wanted
        .flat_map(|(file, dependencies)| dependencies.split_whitespace().rev().chain([file]))
        .filter(|file| seen.insert((*file).to_owned()))
        .map(str::to_owned)
        .collect()
}

fn is_module(file: &str, name: &str) -> bool {
    let base = file.rsplit('/').next().unwrap_or(file);
    base.split('.').next() == Some(name)
}

fn unpacked(module: &Path) -> Result<Vec<u8>> {
    if module.extension().is_some_and(|extension| extension == "xz") {
        let output = Command::new("xz").arg("-dc").arg(module).output().context("cannot start xz")?;
        anyhow::ensure!(output.status.success(), "xz cannot unpack {}", module.display());
        return Ok(output.stdout);
    }
    fs::read(module).with_context(|| format!("cannot read {}", module.display()))
}

/// A cpio archive in the form that the kernel reads ("newc": an ASCII header, everything padded to 4).
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn add(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.entries += 1;
        let size = u32::try_from(content.len()).context("file too large for an initrd")?;
        let name_size = u32::try_from(name.len() + 1)?;
        let links = 1;
        // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
        let fields = [self.entries, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name_size, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes().chain([0]));
        self.pad();
        self.bytes.extend(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Result<Vec<u8>> {
        self.add("TRAILER!!!", 0, &[])?;
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_loaded_first_and_once() {
        let index = "kernel/a/virtio.ko:\n\
                     kernel/a/virtio_ring.ko: kernel/a/virtio.ko\n\
                     kernel/b/virtio_pci.ko.xz: kernel/a/virtio_ring.ko kernel/a/virtio.ko\n\
                     kernel/c/virtiofs.ko: kernel/a/virtio.ko\n";
        let order = load_order(index, &["virtio_pci", "virtiofs"]);
        let names: Vec<_> = order.iter().filter_map(|file| file.rsplit('/').next()).collect();
        assert_eq!(names, ["virtio.ko", "virtio_ring.ko", "virtio_pci.ko.xz", "virtiofs.ko"]);
    }

    #[test]
    fn an_archive_is_what_cpio_writes() -> Result<()> {
        let mut archive = Archive::default();
        archive.add("ab", PROGRAM, b"hello")?;
        let (header, rest) = archive.bytes.split_at(110);
        let header = String::from_utf8_lossy(header);
        assert!(header.starts_with("07070100000001000081ed"), "{header}");
        assert_eq!(
            (&header[54..62], &header[94..102]),
            ("00000005", "00000003"),
            "sizes of content and name"
        );
        assert_eq!(rest, b"ab\0\0\0\0hello\0\0\0");
        assert_eq!(archive.bytes.len() % 4, 0);
        Ok(())
    }
}
