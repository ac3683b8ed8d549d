//! Certificates of hosts, and connections to the manager that prove who they are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use switch_user::{
    client::{Client, Server},
    netlink::{Device, links::Devices},
    tls::{Authority, ClientTls, Files, Role, Wish},
};

/// The manager, and the directory of the authority that it trusts.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Access {
    /// URL of the manager.
    #[arg(long)]
    server: Server,
    /// Directory of the authority, and of all certificates.
    #[arg(long)]
    certificates: PathBuf,
}

impl Access {
    /// A client with a certificate of this name, which is made if there is none.
    pub(super) fn client(&self, name: &str, role: Role) -> Result<Client> {
        let file = |extension: &str| self.certificates.join(format!("{name}.{extension}"));
        let files = Files {
            authorities: self.certificates.join("ca.pem"),
            certificate: file("pem"),
            key: file("key"),
        };
        if !files.certificate.exists() {
            let wish = Wish { name: name.into(), role, addresses: Vec::new(), days: 1 };
            Authority::open(&self.certificates)?.issue(&wish, &self.certificates)?;
        }
        Ok(Client::of_managers(vec![self.server.clone()], ClientTls::new(files)?))
    }

    /// The manager's name for people.
    pub(super) fn name(&self) -> String {
        self.server.to_string()
    }

    /// The words that give another process the same access.
    pub(super) fn words(&self) -> [String; 4] {
        let directory: &Path = &self.certificates;
        ["--server".into(), self.name(), "--certificates".into(), directory.display().to_string()]
    }
}

/// Devices of these names.
pub(super) fn devices(names: impl IntoIterator<Item = String>) -> Devices {
    let device =
        |(ifindex, name): (u32, String)| (ifindex, Arc::new(Device { ifindex, name, ..Device::default() }));
    (2..).zip(names).map(device).collect::<BTreeMap<_, _>>()
}
