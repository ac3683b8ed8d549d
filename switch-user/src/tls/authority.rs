//! A private authority: a certificate and its key in a directory, and the certificates that it signs.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls::pki_types::DnsName;
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::{Certificate, FilesError, Identity, Role, identity::is_name};

/// Days for which an authority is good: ten years.
const DAYS: i64 = 3653;
/// Clocks that are behind ours by this find new certificates valid.
const SKEW: Duration = Duration::hours(1);
/// Only the owner reads keys.
const PRIVATE: u32 = 0o600;

/// Signs certificates.
#[derive(Debug)]
pub struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    /// The end of its own certificate.
    ends: OffsetDateTime,
}

/// A certificate to be made.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Name of the owner.
    pub name: String,
    /// What the owner will be.
    pub role: Role,
    /// Addresses and names of a server.
    pub addresses: Vec<String>,
    /// Days for which it will be good.
    pub days: u32,
}

/// A certificate that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Issued {
    /// File of the certificate.
    pub certificate: PathBuf,
    /// File of its key.
    pub key: PathBuf,
}

/// Why no certificate was made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// There is nobody to sign.
    #[error("there is no authority in {0}: make one with dvs cert init, or name its directory with --dir")]
    NoAuthority(PathBuf),
    /// What is there must not be lost.
    #[error("{path} exists and is not overwritten; move it away, or name another directory with {option}")]
    Exists {
        /// The file.
        path: PathBuf,
        /// The option that names its directory.
        option: &'static str,
    },
    /// A name that could not be told apart from its surroundings.
    #[error(
        "name {0:?} cannot be used; take up to 63 letters, digits, dots, dashes and underscores, the first one a letter or digit"
    )]
    Name(String),
    /// A word that is no address.
    #[error("address {0:?} is neither an IP address nor a host name; write it as in a URL, without port")]
    Address(String),
    /// A server that nobody could recognise.
    #[error("a manager's certificate names the addresses in its URLs; give each with --address")]
    NoAddress,
    /// A validity that makes no sense.
    #[error("days {days} is out of range; give 1 to {most}, for which the authority itself is good")]
    Days {
        /// What was asked for.
        days: u32,
        /// What could be had.
        most: i64,
    },
    /// The files of the authority are not of one owner.
    #[error("ca.key in {0} does not belong to ca.pem there; restore the two that were made together")]
    Mismatch(PathBuf),
    /// A file of the authority cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A file cannot be written or read.
    #[error("cannot {action} {path}: {error}")]
    System {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
    /// The certificate could not be put into words.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

impl Authority {
    /// Makes an authority, whose certificate is for everybody and whose key is for nobody else.
    ///
    /// # Errors
    /// If there is one already, or its files cannot be written.
    pub fn create(directory: &Path) -> Result<Issued, PkiError> {
        let files = Issued { certificate: directory.join("ca.pem"), key: directory.join("ca.key") };
        files.absent("--dir")?;
        let today = OffsetDateTime::now_utc();
        let mut params = params(&format!("dvs authority of {}", today.date()), Duration::days(DAYS));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        files.write(&params.self_signed(&key)?.pem(), &key, "--dir")?;
        Ok(files)
    }

    /// The authority in a directory.
    ///
    /// # Errors
    /// If there is none that could sign.
    pub fn open(directory: &Path) -> Result<Self, PkiError> {
        let [certificate, key] = ["ca.pem", "ca.key"].map(|name| directory.join(name));
        if !certificate.exists() || !key.exists() {
            return Err(PkiError::NoAuthority(directory.to_owned()));
        }
        let says = Certificate::of_file(&certificate)?;
        let (pem, key) = (text(&certificate)?, KeyPair::from_pem(&text(&key)?)?);
        if key.subject_public_key_info() != says.public_key {
            return Err(PkiError::Mismatch(directory.to_owned()));
        }
        let ends = OffsetDateTime::from_unix_timestamp(says.ends).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let issuer = Issuer::from_ca_cert_pem(&pem, key)?;
        Ok(Self { directory: directory.to_owned(), issuer, ends })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes a certificate and its key, `NAME.pem` and `NAME.key`.
    ///
    /// # Errors
    /// If the wish makes no sense, the files exist or cannot be written.
    pub fn issue(&self, wish: &Wish, out: &Path) -> Result<Issued, PkiError> {
        let params = self.params(wish)?;
        let file = |extension: &str| out.join(format!("{}.{extension}", wish.name));
        let files = Issued { certificate: file("pem"), key: file("key") };
        files.absent("--out")?;
        self.sign(&params, &files)?;
        Ok(files)
    }

    /// Signs a certificate for a new key.
    pub(super) fn sign(&self, params: &CertificateParams, files: &Issued) -> Result<(), PkiError> {
        let key = KeyPair::generate()?;
        files.write(&params.signed_by(&key, &self.issuer)?.pem(), &key, "--out")
    }

    pub(super) fn params(&self, wish: &Wish) -> Result<CertificateParams, PkiError> {
        let Wish { name, role, addresses, days } = wish;
        if !is_name(name) {
            return Err(PkiError::Name(name.clone()));
        }
        if *role == Role::Manager && addresses.is_empty() {
            return Err(PkiError::NoAddress);
        }
        let most = (self.ends - OffsetDateTime::now_utc()).whole_days();
        if !(1..=most).contains(&i64::from(*days)) {
            return Err(PkiError::Days { days: *days, most });
        }
        let mut params = params(name, Duration::days(i64::from(*days)));
        let identity = Identity { role: *role, name: name.clone() };
        params.subject_alt_names = vec![SanType::URI(identity.uri().try_into()?)];
        for address in addresses {
            params.subject_alt_names.push(alternative(address)?);
        }
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // So that nobody else's certificate serves as a manager's, whatever reads it.
        params.extended_key_usages = vec![match role {
            Role::Manager => ExtendedKeyUsagePurpose::ServerAuth,
            Role::Host | Role::Admin | Role::Viewer => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        Ok(params)
    }
}

/// What all certificates have: a name and a time.
fn params(name: &str, length: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - SKEW, now + length);
    params
}

fn alternative(address: &str) -> Result<SanType, PkiError> {
    if let Ok(ip) = address.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(ip));
    }
    DnsName::try_from(address).map_err(|_| PkiError::Address(address.to_owned()))?;
    Ok(SanType::DnsName(address.try_into()?))
}

impl Issued {
    /// Refuses to overwrite.
    fn absent(&self, option: &'static str) -> Result<(), PkiError> {
        let there =
            [&self.certificate, &self.key].into_iter().find(|path| fs::symlink_metadata(path).is_ok());
        there.map_or(Ok(()), |path| Err(PkiError::Exists { path: path.clone(), option }))
    }

    /// Writes both files, or none.
    fn write(&self, certificate: &str, key: &KeyPair, option: &'static str) -> Result<(), PkiError> {
        if let Some(directory) = self.key.parent() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.map_err(failed("create", directory))?;
        }
        write(&self.key, &key.serialize_pem(), PRIVATE, option)?;
        write(&self.certificate, certificate, 0o644, option).inspect_err(|_| {
            // A key without a certificate is good for nothing, and would be in the way of the next try.
            fs::remove_file(&self.key).ok();
        })
    }
}

fn write(path: &Path, text: &str, mode: u32, option: &'static str) -> Result<(), PkiError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|source| {
        if source.kind() == io::ErrorKind::AlreadyExists {
            return PkiError::Exists { path: path.to_owned(), option };
        }
        failed("create", path)(source)
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|source| {
        fs::remove_file(path).ok();
        failed("write", path)(source)
    })
}

fn text(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(failed("read", path))
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> PkiError {
    let path = path.to_owned();
    move |error| PkiError::System { action, path: path.clone(), error }
}
