//! Who is who: an authority, and certificates that it signs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::process::forget;
use crate::{shell, workspace};

/// A directory with the files of `dvs cert`.
pub(super) struct Pki {
    directory: PathBuf,
}

impl Pki {
    /// Makes an authority.
    pub(super) fn new(directory: PathBuf) -> Result<Self> {
        let pki = Self { directory };
        pki.cert(&["init"])?;
        Ok(pki)
    }

    /// Where its files are.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes a certificate; returns the options that name the files.
    pub(super) fn issue(&self, name: &str, role: &[&str]) -> Result<Vec<String>> {
        self.cert(&[&["issue", name], role].concat())?;
        let files = self.files(name).into_iter();
        Ok(files.flat_map(|(option, file)| [format!("--tls-{option}"), file]).collect())
    }

    /// The variables with which somebody tells `dvs` who he is.
    pub(super) fn environment(&self, name: &str) -> Vec<(String, String)> {
        let files = self.files(name).into_iter();
        files.map(|(option, file)| (format!("DVS_TLS_{}", option.to_uppercase()), file)).collect()
    }

    fn files(&self, name: &str) -> [(&'static str, String); 3] {
        let path = |file: &str| self.directory.join(file).display().to_string();
        [
            ("ca", path("ca.pem")),
            ("cert", path(&format!("{name}.pem"))),
            ("key", path(&format!("{name}.key"))),
        ]
    }

    fn cert(&self, words: &[&str]) -> Result<()> {
        let mut command = Command::new(workspace::dvs());
        forget(&mut command);
        shell::quiet(command.arg("cert").args(words).arg("--dir").arg(&self.directory)).map(drop)
    }
}
