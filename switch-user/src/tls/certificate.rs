//! What a certificate says.

use std::{net::IpAddr, path::Path};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer, time::ASN1Time};

use super::{FilesError, Identity, NoIdentity, Role};

/// What a certificate says, for people.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// Common name of the owner.
    pub name: String,
    /// What the owner is to the manager; none for an authority, and for a certificate that is not for `dvs`.
    pub role: Option<Role>,
    /// It signs others.
    pub authority: bool,
    /// Names and addresses of a server.
    pub addresses: Vec<String>,
    /// Common name of who signed it.
    pub issuer: String,
    /// Begin of the validity, in RFC 3339's form.
    pub valid_from: String,
    /// End of the validity.
    pub valid_until: String,
    /// Whether it is valid at this moment.
    pub validity: Validity,
    /// Who the owner is, or why that is not known.
    #[serde(skip)]
    pub identity: Result<Identity, NoIdentity>,
    /// The end of the validity, in seconds since 1970.
    #[serde(skip)]
    pub(super) ends: i64,
    /// The owner's public key.
    #[serde(skip)]
    pub(super) public_key: Vec<u8>,
}

/// Whether a certificate is valid at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// It is.
    Valid,
    /// It will be.
    NotYet,
    /// It was.
    Expired,
}

impl Certificate {
    /// The first certificate of a file.
    ///
    /// # Errors
    /// If the file cannot be read or has none.
    pub fn of_file(path: &Path) -> Result<Self, FilesError> {
        let der = CertificateDer::from_pem_file(path).map_err(FilesError::pem(path, "certificate"))?;
        Self::parse(&der).map_err(|reason| FilesError::Certificate { path: path.to_owned(), reason })
    }

    /// Reads a certificate.
    pub(super) fn parse(der: &[u8]) -> Result<Self, NoIdentity> {
        let unreadable = |error: &dyn std::fmt::Display| NoIdentity::Unreadable(error.to_string());
        let (_, parsed) = X509Certificate::from_der(der).map_err(|error| unreadable(&error))?;
        let names = parsed.subject_alternative_name().map_err(|error| unreadable(&error))?;
        let names = names.map_or(&[][..], |extension| extension.value.general_names.as_slice());
        let identity = Identity::among(names.iter().filter_map(uri));
        let validity = parsed.validity();
        Ok(Self {
            name: common_name(parsed.subject()),
            role: identity.as_ref().ok().map(|identity| identity.role),
            authority: parsed.is_ca(),
            addresses: names.iter().filter_map(address).collect(),
            issuer: common_name(parsed.issuer()),
            valid_from: time(validity.not_before),
            valid_until: time(validity.not_after),
            validity: match OffsetDateTime::now_utc().unix_timestamp() {
                now if now < validity.not_before.timestamp() => Validity::NotYet,
                now if now > validity.not_after.timestamp() => Validity::Expired,
                _ => Validity::Valid,
            },
            identity,
            ends: validity.not_after.timestamp(),
            public_key: parsed.public_key().raw.to_vec(),
        })
    }
}

fn common_name(name: &x509_parser::x509::X509Name<'_>) -> String {
    let first = name.iter_common_name().next().and_then(|name| name.as_str().ok());
    first.unwrap_or_default().to_owned()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "names of many other kinds mean nothing here")]
fn uri<'a>(name: &'a GeneralName<'_>) -> Option<&'a str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "names of many other kinds mean nothing here")]
fn address(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
            let ip = v4.or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from));
            ip.ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

fn time(time: ASN1Time) -> String {
    time.to_datetime().format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}
