//! Who somebody is: a role and a name, written into a certificate as an address `dvs:ROLE/NAME`.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// The scheme of an identity's address.
const SCHEME: &str = "dvs:";
/// Longest name, as of objects.
const LONGEST: usize = 63;

/// What somebody is to the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An agent: gets its own view, and reports and claims for itself.
    Host,
    /// Serves the API.
    Manager,
    /// A person or program that may do everything.
    Admin,
    /// A person or program that may read everything.
    Viewer,
}

/// Who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What.
    pub role: Role,
    /// Who among those of the role.
    pub name: String,
}

/// Why a certificate is nobody's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoIdentity {
    /// It has no address of ours.
    #[error("it has no alternative name dvs:ROLE/NAME")]
    Absent,
    /// It has more than one.
    #[error("it has several alternative names dvs:ROLE/NAME")]
    Several,
    /// The address makes no sense.
    #[error(
        "its alternative name {0:?} is not dvs:ROLE/NAME with a role of host, manager, admin and viewer, and a name of letters, digits, dots, dashes and underscores"
    )]
    Malformed(String),
    /// It cannot be read at all.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

impl Role {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Manager => "manager",
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }
}

impl Identity {
    /// Its form in certificates.
    pub fn uri(&self) -> String {
        format!("{SCHEME}{}/{}", self.role.name(), self.name)
    }

    /// The one identity among the addresses in a certificate. Those of other schemes mean nothing here.
    ///
    /// # Errors
    /// If there is none, more than one, or one that makes no sense.
    pub fn among<'a>(uris: impl IntoIterator<Item = &'a str>) -> Result<Self, NoIdentity> {
        let mut ours = uris.into_iter().filter(|uri| uri.starts_with(SCHEME));
        let uri = ours.next().ok_or(NoIdentity::Absent)?;
        if ours.next().is_some() {
            return Err(NoIdentity::Several);
        }
        Self::parse(uri).ok_or_else(|| NoIdentity::Malformed(uri.to_owned()))
    }

    fn parse(uri: &str) -> Option<Self> {
        let (role, name) = uri.strip_prefix(SCHEME)?.split_once('/')?;
        let role = Role::value_variants().iter().find(|known| known.name() == role)?;
        is_name(name).then(|| Self { role: *role, name: name.to_owned() })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (role {})", self.name, self.role.name())
    }
}

/// True for a name that stands in a file's name, an address and a path of the API as it is.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= LONGEST
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"._-".contains(&octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_as_it_is_written() {
        for role in Role::value_variants() {
            let identity = Identity { role: *role, name: "h1.example-a_b".into() };
            assert_eq!(Identity::among(["https://x", &identity.uri()]), Ok(identity));
        }
    }

    #[test]
    fn what_is_no_identity_is_none() {
        let malformed = |uri: &str| NoIdentity::Malformed(uri.into());
        assert_eq!(Identity::among(["https://host/h1"]), Err(NoIdentity::Absent));
        assert_eq!(Identity::among(["dvs:host/h1", "dvs:admin/h1"]), Err(NoIdentity::Several));
        let long = format!("dvs:host/{}", "x".repeat(64));
        for uri in [
            "dvs:",
            "dvs:host",
            "dvs:host/",
            "dvs:root/h1",
            "dvs:Host/h1",
            "dvs:host/h1/x",
            "dvs:host/..",
            &long,
        ] {
            assert_eq!(Identity::among([uri]), Err(malformed(uri)), "{uri}");
        }
    }
}
