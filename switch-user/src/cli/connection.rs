//! Whom the commands ask, and how they prove who they are.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
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

/// Where a manager is that a host follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Followed {
    /// On this machine, behind a socket.
    Socket(PathBuf),
    /// Anywhere.
    Server(Server),
}

impl FromStr for Followed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:").map(PathBuf::from) {
            Some(path) if path.is_absolute() => Ok(Self::Socket(path)),
            Some(_) => Err("write unix:/PATH with the whole path of the socket".into()),
            None => text
                .parse()
                .map(Self::Server)
                .map_err(|error| format!("{error}, or unix:/PATH for a manager on this machine")),
        }
    }
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

    /// A client of each of the managers that a host follows, by its name.
    pub(super) fn followed(&self, managers: &[Followed]) -> anyhow::Result<Vec<(String, Client)>> {
        let client = |manager: &Followed| {
            Ok(match manager {
                Followed::Socket(path) => (format!("unix:{}", path.display()), Client::new(path)),
                Followed::Server(server) => {
                    let tls = ClientTls::new(self.files(&directories())?)?;
                    (server.to_string(), Client::of_managers(vec![server.clone()], tls))
                }
            })
        };
        managers.iter().map(client).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_to_follow_is_a_server_or_a_socket_of_this_machine() {
        let server = Followed::Server("https://m1".parse().unwrap());
        assert_eq!("m1:7443".parse(), Ok(server));
        assert_eq!("unix:/run/m.sock".parse(), Ok(Followed::Socket("/run/m.sock".into())));
        assert_eq!(
            "unix:m.sock".parse::<Followed>().unwrap_err(),
            "write unix:/PATH with the whole path of the socket"
        );
        let refused = "http://m1".parse::<Followed>().unwrap_err();
        assert!(refused.ends_with("or unix:/PATH for a manager on this machine"), "{refused}");
    }
}
