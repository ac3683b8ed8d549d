//! Kernel packages: downloaded and unpacked, never installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// An unpacked kernel package.
pub(crate) struct Image {
    dir: PathBuf,
    release: String,
}

impl Image {
    /// The package unpacked in this directory.
    pub(crate) fn open(dir: PathBuf) -> Result<Self> {
        let entries = dir.join("lib/modules").read_dir();
        let entry = entries.with_context(|| format!("no kernel in {}", dir.display()))?.next();
        let entry = entry.with_context(|| format!("no modules in {}", dir.display()))??;
        Ok(Self { dir, release: entry.file_name().to_string_lossy().into_owned() })
    }

    /// What `uname -r` will say.
    pub(crate) fn release(&self) -> &str {
        &self.release
    }

    /// The kernel itself.
    pub(crate) fn vmlinuz(&self) -> PathBuf {
        self.dir.join("boot").join(format!("vmlinuz-{}", self.release))
    }

    /// The modules with depmod's index.
    pub(crate) fn modules(&self) -> PathBuf {
        self.dir.join("lib/modules").join(&self.release)
    }
}

/// Fetches the kernel that a metapackage stands for into a directory, which is complete or absent.
pub(crate) fn fetch(metapackage: &str, dir: &Path) -> Result<()> {
    let unfinished = dir.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    // Old builds vanish from the mirrors, so a list that is some weeks old names packages that are gone.
    if download(metapackage, &unfinished).is_err() {
        shell::quiet(Command::new("apt-get").args(["-q", "update"]))?;
        download(metapackage, &unfinished)?;
    }
    unpack(&unfinished)?;
    fs::rename(&unfinished, dir).with_context(|| format!("cannot make {}", dir.display()))
}

fn download(metapackage: &str, dir: &Path) -> Result<()> {
    let depends = shell::quiet(Command::new("apt-cache").args(["depends", metapackage]))?;
    let package = depends
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with("linux-image-"))
        .with_context(|| format!("{metapackage} depends on no kernel package"))?;
    let download = ["-q", "download", package];
    shell::quiet(Command::new("apt-get").current_dir(dir).args(download)).map(drop)
}

fn unpack(dir: &Path) -> Result<()> {
    let archives = dir.read_dir()?.collect::<Result<Vec<_>, _>>()?;
    let archive = archives.iter().map(fs::DirEntry::path).find(|path| path.extension().is_some());
    let archive = archive.context("apt-get download left no package")?;
    shell::quiet(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(dir))?;
    fs::remove_file(archive)?;
    let image = Image::open(dir.to_owned())?;
    let depmod = shell::find("depmod").context("depmod is missing; install kmod")?;
    shell::quiet(Command::new(depmod).arg("-b").arg(dir).arg(image.release())).map(drop)
}
