//! How etcd is reached.

use std::{fs, path::PathBuf, time::Duration};

use hyper::Uri;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::store::StoreError;

/// A member that does not take a connection within this time is passed over.
const CONNECT: Duration = Duration::from_secs(1);

/// What may be under way to us in an answer, and in all answers of a connection.
const WINDOWS: [u32; 2] = [1 << 20, 4 << 20];

/// How etcd is reached.
#[derive(Clone, Debug, Default)]
pub struct EtcdOptions {
    /// Addresses of its members, such as `https://10.0.0.1:2379`.
    pub endpoints: Vec<String>,
    /// File with the certificates of the authorities that vouch for the members (PEM).
    pub ca: Option<PathBuf>,
    /// File with our own certificate (PEM), if etcd wants to see one.
    pub certificate: Option<PathBuf>,
    /// File with the key of that certificate (PEM).
    pub key: Option<PathBuf>,
}

/// A member of the cluster. It is connected when it is needed.
pub(super) struct Member {
    pub(super) url: String,
    pub(super) channel: Channel,
}

impl EtcdOptions {
    /// The members, none of them connected yet.
    pub(super) fn members(&self) -> Result<Vec<Member>, StoreError> {
        if self.endpoints.is_empty() {
            return Err(wrong(
                "etcd",
                "",
                "there is no address; give one or more, such as http://10.0.0.1:2379",
            ));
        }
        let tls = self.tls()?;
        self.endpoints.iter().map(|url| self.member(url, &tls)).collect()
    }

    fn member(&self, url: &str, tls: &ClientTlsConfig) -> Result<Member, StoreError> {
        const FORM: &str = "this is no address of etcd; give one such as http://10.0.0.1:2379, \
                            or https:// with --etcd-ca";
        let uri = url.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
        let secure = match uri.as_ref().and_then(Uri::scheme_str) {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(wrong("etcd", url, FORM)),
        };
        if secure && self.ca.is_none() {
            return Err(wrong("etcd", url, "nobody vouches for it; name its authority with --etcd-ca"));
        }
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| wrong("etcd", url, FORM))?;
        let endpoint = endpoint
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .initial_stream_window_size(WINDOWS[0])
            .initial_connection_window_size(WINDOWS[1]);
        let endpoint = if secure { endpoint.tls_config(tls.clone()) } else { Ok(endpoint) };
        let endpoint = endpoint.map_err(|error| wrong("etcd", url, &chain(&error)))?;
        Ok(Member { url: url.to_owned(), channel: endpoint.connect_lazy() })
    }

    fn tls(&self) -> Result<ClientTlsConfig, StoreError> {
        let mut tls = ClientTlsConfig::new();
        if let Some(ca) = &self.ca {
            tls = tls.ca_certificate(Certificate::from_pem(read("etcd-ca", ca)?));
        }
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                Ok(tls.identity(Identity::from_pem(read("etcd-cert", certificate)?, read("etcd-key", key)?)))
            }
            (None, None) => Ok(tls),
            (Some(certificate), None) => Err(wrong(
                "etcd-cert",
                &certificate.display().to_string(),
                "its key is missing; add --etcd-key",
            )),
            (None, Some(key)) => Err(wrong(
                "etcd-key",
                &key.display().to_string(),
                "its certificate is missing; add --etcd-cert",
            )),
        }
    }
}

fn read(field: &'static str, path: &PathBuf) -> Result<Vec<u8>, StoreError> {
    fs::read(path).map_err(|error| {
        let reason = format!("it cannot be read ({error}); name a file in PEM form");
        wrong(field, &path.display().to_string(), &reason)
    })
}

fn wrong(field: &'static str, value: &str, reason: &str) -> StoreError {
    StoreError::Option { field, value: value.into(), reason: reason.into() }
}

/// An error and what is behind it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn wrong_options_are_refused_with_field_value_and_remedy() {
        let nothing = PathBuf::from("/nowhere/x.pem");
        let of = |url: &str| EtcdOptions { endpoints: vec![url.into()], ..EtcdOptions::default() };
        let cases = [
            (EtcdOptions::default(), "--etcd \"\": there is no address"),
            (of("10.0.0.1:2379"), "--etcd \"10.0.0.1:2379\": this is no address of etcd; give one such as"),
            (of("ftp://10.0.0.1"), "--etcd \"ftp://10.0.0.1\": this is no address of etcd"),
            (of("https://[::1]:2379"), "--etcd \"https://[::1]:2379\": nobody vouches for it"),
            (
                EtcdOptions { ca: Some(nothing.clone()), ..of("https://e1") },
                "--etcd-ca \"/nowhere/x.pem\": it cannot be read (No such file",
            ),
            (
                EtcdOptions { certificate: Some(nothing.clone()), ..of("http://e1") },
                "--etcd-cert \"/nowhere/x.pem\": its key is missing; add --etcd-key",
            ),
            (
                EtcdOptions { key: Some(nothing), ..of("http://e1") },
                "--etcd-key \"/nowhere/x.pem\": its certificate is missing; add --etcd-cert",
            ),
        ];
        for (options, expected) in cases {
            let error = options.members().err().unwrap().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert_eq!(of("http://[::1]:2379").members().unwrap().len(), 1);
    }
}
