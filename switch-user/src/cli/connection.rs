//! Whom the commands ask, and how they prove who they are.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::bail;
use clap::{ArgMatches, Args, CommandFactory, error::ErrorKind, parser::ValueSource};

use super::{COMMON, Cli};
use crate::{
    client::{Client, DEFAULT_SOCKET, Server},
    tls::{ClientTls, Files, ServerTls},
};

/// Where everybody's certificates are.
const EVERYBODY: &str = "/etc/dvs";
/// How long a manager may take for an answer, besides what a command waits for.
const LIMIT: Duration = Duration::from_mins(1);

/// Options of all commands.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Socket of the agent.
    #[arg(short, long, global = true, help_heading = COMMON, env = "DVS_SOCKET", default_value = DEFAULT_SOCKET, value_name = "PATH")]
    pub(super) socket: PathBuf,

    /// Ask a manager instead of the agent of this host: https://HOST:PORT, several with commas, tried in this order.
    #[arg(long, global = true, help_heading = COMMON, env = "DVS_SERVER", value_delimiter = ',', value_name = "URL")]
    server: Vec<Server>,

    /// Authority that the other side's certificate must come from [default: ca.pem in ~/.config/dvs or /etc/dvs].
    #[arg(long, global = true, help_heading = COMMON, env = "DVS_TLS_CA", hide_short_help = true, value_name = "FILE")]
    tls_ca: Option<PathBuf>,

    /// Own certificate [default: client.pem in ~/.config/dvs or /etc/dvs].
    #[arg(long, global = true, help_heading = COMMON, env = "DVS_TLS_CERT", hide_short_help = true, value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// Its key [default: client.key in ~/.config/dvs or /etc/dvs].
    #[arg(long, global = true, help_heading = COMMON, env = "DVS_TLS_KEY", hide_short_help = true, value_name = "FILE")]
    tls_key: Option<PathBuf>,
}

impl Options {
    /// Refuses a command line that names an agent and managers. What is typed weighs more than the environment.
    pub(super) fn check(matches: &ArgMatches) -> Result<(), clap::Error> {
        let both = |text| Cli::command().error(ErrorKind::ArgumentConflict, text);
        match (matches.value_source("socket"), matches.value_source("server")) {
            (Some(ValueSource::CommandLine), Some(ValueSource::CommandLine)) => {
                Err(both("--socket names an agent, --server a manager: give one of them"))
            }
            (Some(ValueSource::EnvVariable), Some(ValueSource::EnvVariable)) => {
                Err(both("DVS_SOCKET names an agent, DVS_SERVER a manager: set one of them"))
            }
            _ => Ok(()),
        }
    }

    /// The socket, if one was named.
    pub(super) fn named_socket(&self, matches: &ArgMatches) -> Option<&Path> {
        let default = matches.value_source("socket") == Some(ValueSource::DefaultValue);
        (!default).then_some(self.socket.as_path())
    }

    /// A client of whom the command line names.
    pub(super) fn client(&self, matches: &ArgMatches) -> anyhow::Result<Client> {
        let typed = matches.value_source("socket") == Some(ValueSource::CommandLine);
        if self.server.is_empty() || typed {
            return Ok(Client::new(&self.socket));
        }
        let tls = ClientTls::new(self.files(&directories())?)?;
        Ok(Client::of_managers(self.server.clone(), tls).within(LIMIT))
    }

    /// How a manager proves that it is one; `None` if it is not to.
    pub(super) fn manager(&self) -> anyhow::Result<Option<ServerTls>> {
        match self.given() {
            [Some(authorities), Some(certificate), Some(key)] => {
                Ok(Some(ServerTls::new(Files { authorities, certificate, key })?))
            }
            [None, None, None] => Ok(None),
            _ => bail!("a manager needs all of --tls-ca, --tls-cert and --tls-key, or none of them"),
        }
    }

    fn given(&self) -> [Option<PathBuf>; 3] {
        [&self.tls_ca, &self.tls_cert, &self.tls_key].map(Clone::clone)
    }

    /// The files that were named, and for those that were not the ones of the first directory that has any.
    fn files(&self, directories: &[PathBuf]) -> anyhow::Result<Files> {
        let there = directories.iter().find(|directory| directory.join("client.pem").exists());
        let [authorities, certificate, key] = self.given();
        let file = |given: Option<PathBuf>, name| given.or_else(|| Some(there?.join(name)));
        let files = (file(authorities, "ca.pem"), file(certificate, "client.pem"), file(key, "client.key"));
        let (Some(authorities), Some(certificate), Some(key)) = files else {
            let places: Vec<_> = directories.iter().map(|path| path.display().to_string()).collect();
            bail!(
                "there is no certificate to show to a manager: put ca.pem, client.pem and client.key into {}, or give \
                 --tls-ca, --tls-cert and --tls-key; dvs cert issue NAME --role admin makes one",
                places.join(" or ")
            );
        };
        Ok(Files { authorities, certificate, key })
    }
}

/// Where certificates are if nobody says it.
fn directories() -> Vec<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let own = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    own.map(|own| own.join("dvs")).into_iter().chain([PathBuf::from(EVERYBODY)]).collect()
}
