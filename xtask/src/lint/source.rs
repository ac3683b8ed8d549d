//! The workspace's Rust files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace;

/// A file of ours with its text.
pub(crate) struct Source {
    /// Relative to the workspace, with slashes.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

const PACKAGES: [&str; 5] = ["xtask", "switch-common", "switch-ebpf", "switch-user", "tests"];

/// All Rust files of the packages, in the order of their paths.
pub(crate) fn all() -> Result<Vec<Source>> {
    let mut paths = Vec::new();
    for package in PACKAGES {
        collect(&workspace::root().join(package), &mut paths)?;
    }
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in dir.read_dir().with_context(|| format!("cannot list {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Source> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let relative = path.strip_prefix(workspace::root())?;
    Ok(Source { path: relative.to_string_lossy().into_owned(), text })
}
