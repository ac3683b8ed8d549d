//! Authorities and what they sign. The connections are tested where they are used, by the manager's tests.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::PathBuf};

use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

use super::{files::Material, *};

/// An authority in a directory of its own.
pub(crate) struct Pki {
    pub(crate) directory: TempDir,
    authority: Authority,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        Authority::create(directory.path()).unwrap();
        let authority = Authority::open(directory.path()).unwrap();
        Self { directory, authority }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The files of somebody, which need not be there.
    pub(crate) fn files(&self, name: &str) -> Files {
        let file = |extension: &str| self.path(&format!("{name}.{extension}"));
        Files { authorities: self.path("ca.pem"), certificate: file("pem"), key: file("key") }
    }

    /// Somebody with a certificate.
    pub(crate) fn issue(&self, name: &str, role: Role) -> Files {
        self.authority.issue(&wish(name, role), self.directory.path()).unwrap();
        self.files(name)
    }

    /// Somebody whose certificate is good from `begin` to `end`, seconds from this one on.
    pub(crate) fn issue_for(&self, name: &str, role: Role, begin: i64, end: i64) -> Files {
        let mut params = self.authority.params(&wish(name, role)).unwrap();
        let now = OffsetDateTime::now_utc();
        (params.not_before, params.not_after) =
            (now + Duration::seconds(begin), now + Duration::seconds(end));
        self.sign(name, &params)
    }

    /// Somebody whose certificate comes from another program: with these addresses, for whatever use.
    pub(crate) fn issue_foreign(&self, name: &str, uris: &[&str]) -> Files {
        let mut params = self.authority.params(&wish(name, Role::Admin)).unwrap();
        let uris = uris.iter().map(|uri| rcgen::SanType::URI((*uri).try_into().unwrap()));
        let local = rcgen::SanType::DnsName("localhost".try_into().unwrap());
        params.subject_alt_names = uris.chain([local]).collect();
        params.extended_key_usages.clear();
        self.sign(name, &params)
    }

    fn sign(&self, name: &str, params: &rcgen::CertificateParams) -> Files {
        let files = self.files(name);
        let Files { certificate, key, .. } = files.clone();
        self.authority.sign(params, &Issued { certificate, key }).unwrap();
        files
    }

    fn refusal(&self, wish: &Wish) -> String {
        let error = self.authority.issue(wish, self.directory.path()).unwrap_err().to_string();
        assert_eq!(
            fs::read_dir(self.directory.path()).unwrap().count(),
            2,
            "{error}: nothing is left behind"
        );
        error
    }
}

/// Lets a client without certificate in once, as a manager that is none would.
pub(crate) async fn impostor(files: Files, listener: TcpListener) {
    let Material { chain, key, .. } = files.load().unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider());
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key).unwrap());
    let (stream, _) = listener.accept().await.unwrap();
    drop(tokio_rustls::TlsAcceptor::from(config).accept(stream).await);
}

/// What a client without certificate is told.
pub(crate) async fn anonymous(files: &Files, address: SocketAddr) -> String {
    let config = rustls::ClientConfig::builder_with_provider(provider());
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(files.load().unwrap().roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(address.ip().into(), stream).await.unwrap();
    stream.read_u8().await.unwrap_err().to_string()
}

fn wish(name: &str, role: Role) -> Wish {
    let addresses: &[&str] = if role == Role::Manager { &["127.0.0.1", "::1", "localhost"] } else { &[] };
    Wish { name: name.into(), role, addresses: addresses.iter().map(ToString::to_string).collect(), days: 30 }
}

#[test]
fn a_certificate_says_what_was_wished_for() {
    let pki = Pki::new();
    let files = pki.issue("m1", Role::Manager);
    let says = Certificate::of_file(&files.certificate).unwrap();
    assert_eq!((says.name.as_str(), says.role, says.authority), ("m1", Some(Role::Manager), false));
    assert_eq!(says.addresses, ["127.0.0.1", "::1", "localhost"]);
    assert_eq!(says.validity, Validity::Valid);
    assert!(says.issuer.starts_with("dvs authority of 2"), "{}", says.issuer);
    let authority = Certificate::of_file(&files.authorities).unwrap();
    assert_eq!((authority.authority, authority.role, authority.name), (true, None, says.issuer));
}

#[test]
fn a_validity_has_a_begin_and_an_end() {
    let pki = Pki::new();
    for (name, begin, end, validity) in
        [("a", -9, -5, Validity::Expired), ("b", 60, 90, Validity::NotYet), ("c", -60, 60, Validity::Valid)]
    {
        let files = pki.issue_for(name, Role::Admin, begin, end);
        assert_eq!(Certificate::of_file(&files.certificate).unwrap().validity, validity, "{name}");
    }
}

#[test]
fn keys_are_for_their_owner_alone() {
    let pki = Pki::new();
    pki.issue("h1", Role::Host);
    for key in ["ca.key", "h1.key"] {
        assert_eq!(fs::metadata(pki.path(key)).unwrap().permissions().mode() & 0o777, 0o600, "{key}");
    }
}

#[test]
fn what_is_there_is_not_overwritten() {
    let pki = Pki::new();
    let before = fs::read(pki.path("ca.key")).unwrap();
    let error = Authority::create(pki.directory.path()).unwrap_err().to_string();
    assert!(error.contains("ca.pem exists and is not overwritten") && error.contains("--dir"), "{error}");
    assert_eq!(fs::read(pki.path("ca.key")).unwrap(), before);
    fs::write(pki.path("h1.key"), "precious").unwrap();
    let error = pki.authority.issue(&wish("h1", Role::Host), pki.directory.path()).unwrap_err().to_string();
    assert!(error.contains("h1.key exists and is not overwritten") && error.contains("--out"), "{error}");
    assert!(!pki.path("h1.pem").exists());
}

#[test]
fn wishes_without_sense_are_refused() {
    let pki = Pki::new();
    for name in ["", "../h1", "h 1", "-h1", "hé", &"x".repeat(64)] {
        let error = pki.refusal(&wish(name, Role::Host));
        assert!(error.starts_with(&format!("name {name:?} cannot be used; take up to 63")), "{error}");
    }
    for address in ["", "h 1", "192.0.2.1:7443", "https://m1", "*.example"] {
        let error = pki.refusal(&Wish { addresses: vec![address.into()], ..wish("m1", Role::Manager) });
        assert!(error.starts_with(&format!("address {address:?} is neither")), "{error}");
    }
    for days in [0, 3654] {
        let error = pki.refusal(&Wish { days, ..wish("h1", Role::Host) });
        assert_eq!(
            error,
            format!("days {days} is out of range; give 1 to 3652, for which the authority itself is good")
        );
    }
    let error = pki.refusal(&Wish { addresses: Vec::new(), ..wish("m1", Role::Manager) });
    assert!(error.contains("give each with --address"), "{error}");
}

#[test]
fn an_authority_that_cannot_sign_is_told() {
    let empty = TempDir::new().unwrap();
    let error = Authority::open(empty.path()).unwrap_err().to_string();
    assert!(error.contains("there is no authority in") && error.contains("dvs cert init"), "{error}");
    let (one, other) = (Pki::new(), Pki::new());
    fs::copy(other.path("ca.key"), one.path("ca.key")).unwrap();
    let error = Authority::open(one.directory.path()).unwrap_err().to_string();
    assert!(error.contains("does not belong to ca.pem"), "{error}");
    fs::write(one.path("ca.pem"), "a letter").unwrap();
    let error = Authority::open(one.directory.path()).unwrap_err().to_string();
    assert!(error.contains("there is no certificate in it"), "{error}");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let pki = Pki::new();
    let (manager, admin) = (pki.issue("m1", Role::Manager), pki.issue("alice", Role::Admin));
    let missing = Files { key: pki.path("x.key"), ..manager.clone() };
    let crossed = Files { key: admin.key.clone(), ..manager.clone() };
    let foreign = pki.issue_foreign("web", &["https://web"]);
    for (files, text) in [
        (missing, "x.key: No such file"),
        (crossed, "alice.key does not belong to the certificate in"),
        (Files { authorities: manager.key.clone(), ..manager.clone() }, "cannot read a certificate from"),
        (Files { key: manager.certificate.clone(), ..manager.clone() }, "there is no key in it"),
        (admin, "is of alice (role admin); a manager needs one of role manager"),
        (foreign, "it has no alternative name dvs:ROLE/NAME"),
    ] {
        let error = ServerTls::new(files).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    ServerTls::new(manager).unwrap();
}
