//! The files of one end of a connection, read anew when they change.

use std::{
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};

use super::{Certificate, NoIdentity};

/// The files of one end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Authorities, one of which must have signed the other end's certificate.
    pub authorities: PathBuf,
    /// The own certificate, then those between it and its authority, if there are any.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file cannot be read, or has nothing of the kind.
    #[error("cannot read a {what} from {path}: {reason}; name a file in PEM form")]
    Pem {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it was not found.
        reason: String,
    },
    /// A certificate is not what it should be.
    #[error("the certificate in {path} cannot be used: {reason}; see dvs cert issue --help")]
    Certificate {
        /// Its file.
        path: PathBuf,
        /// Why not.
        reason: NoIdentity,
    },
    /// Certificate and key are not of one owner.
    #[error(
        "the key in {key} does not belong to the certificate in {certificate}: name the two that were issued together"
    )]
    Mismatch {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
    },
    /// The certificate is for somebody else.
    #[error(
        "the certificate in {path} is of {who}; a manager needs one of role manager: dvs cert issue NAME --role manager --address ADDRESS"
    )]
    NotManager {
        /// Its file.
        path: PathBuf,
        /// Whose it is.
        who: String,
    },
    /// What TLS has against them.
    #[error("the files {files} cannot be used: {error}")]
    Tls {
        /// Their names.
        files: Files,
        /// Why not.
        error: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl FilesError {
    /// Says in which file something was not found.
    pub(super) fn pem(path: &Path, what: &'static str) -> impl Fn(pem::Error) -> Self {
        let path = path.to_owned();
        move |error| {
            let reason = if let pem::Error::Io(error) = &error {
                error.to_string()
            } else if matches!(error, pem::Error::NoItemsFound) {
                format!("there is no {what} in it")
            } else {
                error.to_string()
            };
            Self::Pem { what, path: path.clone(), reason }
        }
    }
}

/// What is in the files.
pub(super) struct Material {
    pub(super) roots: Arc<RootCertStore>,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// What the first certificate of the chain says.
    pub(super) own: Certificate,
}

impl Files {
    /// Reads them.
    pub(super) fn load(&self) -> Result<Material, FilesError> {
        let chain = certificates(&self.certificate)?;
        let own = Certificate::of_file(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(FilesError::pem(&self.key, "key"))?;
        let mut roots = RootCertStore::empty();
        for root in certificates(&self.authorities)? {
            roots.add(root).map_err(|error| self.refused(error))?;
        }
        Ok(Material { roots: Arc::new(roots), chain, key, own })
    }

    /// Says what TLS has against them.
    pub(super) fn refused(&self, error: impl std::error::Error + Send + Sync + 'static) -> FilesError {
        let error: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
        match error.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InconsistentKeys(_)) => {
                FilesError::Mismatch { certificate: self.certificate.clone(), key: self.key.clone() }
            }
            _ => FilesError::Tls { files: self.clone(), error },
        }
    }

    /// Changes when one of them is replaced or written.
    fn stamp(&self) -> Stamp {
        [&self.authorities, &self.certificate, &self.key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
        })
    }
}

impl fmt::Display for Files {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [authorities, certificate, key] =
            [&self.authorities, &self.certificate, &self.key].map(|path| path.display());
        write!(out, "{authorities}, {certificate} and {key}")
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, FilesError> {
    let failed = FilesError::pem(path, "certificate");
    let all: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)?;
    if all.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(all) }
}

/// Inode, length and time of change of each file.
type Stamp = [Option<(u64, u64, i64, i64)>; 3];

/// What is made of files, and made anew when they change.
pub(super) struct Renewed<T> {
    files: Files,
    make: fn(&Files) -> Result<T, FilesError>,
    last: Mutex<(Stamp, Arc<T>)>,
}

impl<T> Renewed<T> {
    pub(super) fn new(files: Files, make: fn(&Files) -> Result<T, FilesError>) -> Result<Self, FilesError> {
        let stamp = files.stamp();
        let first = Arc::new(make(&files)?);
        Ok(Self { files, make, last: Mutex::new((stamp, first)) })
    }

    pub(super) const fn files(&self) -> &Files {
        &self.files
    }

    /// What the files say. As long as they make no sense, perhaps because not all of them are replaced yet, it is what
    /// they said before.
    pub(super) fn get(&self) -> Arc<T> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self.files.stamp();
        if last.0 != stamp {
            match (self.make)(&self.files) {
                Ok(made) => {
                    tracing::info!("certificates are read anew from {}", self.files);
                    last.1 = Arc::new(made);
                }
                Err(error) => tracing::warn!("going on with the former certificates: {error}"),
            }
            last.0 = stamp;
        }
        Arc::clone(&last.1)
    }
}

impl<T> fmt::Debug for Renewed<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Renewed").field("files", &self.files).finish_non_exhaustive()
    }
}
