//! `dvs manager`: the API of many hosts.

mod stores;

use std::{
    io::Write,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use super::run::{lock, start_log};
use crate::{
    client::DEFAULT_PORT,
    manager::{self, NoHost, Socket, cluster::Cluster, serve_open, serve_tls, serve_unix},
    tls::ServerTls,
};

/// Run a manager, which serves the configuration of many hosts, in the foreground.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "With certificates (--tls-ca, --tls-cert, --tls-key; see dvs cert) it serves other machines, and \
    those alone that have a certificate of the same authority. Without, only this machine may be served: by --socket, or \
    by --listen 127.0.0.1, which is open to all its users.

Examples:
  dvs manager --listen 192.0.2.10 --tls-ca ca.pem --tls-cert m1.pem --tls-key m1.key
  dvs manager --listen 192.0.2.10 --tls-ca ca.pem --tls-cert m1.pem --tls-key m1.key --etcd http://192.0.2.20:2379
  dvs manager --socket /run/dvs-manager.sock"
)]
pub(super) struct Options {
    /// Address to listen on, with port 7443 unless it has another one.
    #[arg(long, value_name = "IP[:PORT]")]
    listen: Option<Listen>,

    /// Directory of the configuration.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/dvs-manager")]
    state_dir: PathBuf,

    #[command(flatten)]
    stores: stores::Shared,

    /// Seconds without a report after which a host is dead.
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=3600))]
    host_timeout: u32,
}

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listen(SocketAddr);

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let without_port = || bare.parse().map(|ip: IpAddr| SocketAddr::new(ip, DEFAULT_PORT));
        let address = text.parse().or_else(|_| without_port());
        address
            .map(Self)
            .map_err(|_| "write an IP address of this machine, such as 192.0.2.10 or [fd00::1]:7443")
    }
}

/// Runs a manager until it is told to stop by a signal.
pub(super) fn run(options: &Options, tls: Option<ServerTls>, socket: Option<&Path>) -> anyhow::Result<()> {
    start_log();
    check(options, tls.is_some(), socket)?;
    let _lock = if options.stores.is_shared() { None } else { Some(lock(&options.state_dir)?) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(options, tls, socket))
}

fn check(options: &Options, secured: bool, socket: Option<&Path>) -> anyhow::Result<()> {
    match options.listen {
        None if socket.is_none() => bail!(
            "there is nothing to listen on: give --listen with --tls-ca, --tls-cert and --tls-key, or --socket"
        ),
        None => ensure!(!secured, "certificates are for --listen: give an address, or leave them out"),
        Some(Listen(address)) => ensure!(
            secured || address.ip().is_loopback(),
            "without certificates only this machine may be served, and {address} is open to others: give --tls-ca, \
             --tls-cert and --tls-key (dvs cert issue NAME --role manager), or listen on 127.0.0.1 or [::1]"
        ),
    }
    Ok(())
}

async fn serve(options: &Options, tls: Option<ServerTls>, socket: Option<&Path>) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stores = tokio::select! {
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
        stores = options.stores.open(&options.state_dir) => stores?,
    };
    let timeout = Duration::from_secs(options.host_timeout.into());
    let cluster = Some(Cluster::new(stores.bindings, stores.leases, timeout));
    let host = Arc::new(NoHost);
    let router = manager::router(manager::State { store: stores.configuration, host, cluster, follow: None });
    let (stop, stopped) = watch::channel(());
    // Told or dropped: either way it is time.
    let until = |mut stopped: watch::Receiver<()>| async move { drop(stopped.changed().await) };
    let (mut servers, mut places) = (JoinSet::new(), Vec::new());
    if let Some(path) = socket {
        let socket = Socket::bind(path)?;
        servers.spawn(serve_unix(socket, router.clone(), until(stopped.clone())));
        places.push(format!("socket {}", path.display()));
    }
    if let Some(Listen(address)) = options.listen {
        let listener = TcpListener::bind(address).await;
        let listener =
            listener.with_context(|| format!("cannot listen on {address}; choose another --listen"))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        places.push(format!("{scheme}://{}", listener.local_addr()?));
        match tls {
            Some(tls) => servers.spawn(serve_tls(listener, tls, router, until(stopped))),
            None => servers.spawn(serve_open(listener, router, until(stopped))),
        };
    }
    announce(&places)?;
    let ended = tokio::select! {
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        ended = servers.join_next() => ended,
    };
    drop(stop);
    ended.transpose()?.transpose()?;
    while let Some(served) = servers.join_next().await {
        served??;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Tells whoever started the manager that it is ready.
fn announce(places: &[String]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "dvs manager is ready: {}", places.join(", "))?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_or_gets_one() {
        for (text, address) in [
            ("192.0.2.10", "192.0.2.10:7443"),
            ("192.0.2.10:443", "192.0.2.10:443"),
            ("::1", "[::1]:7443"),
            ("[::1]", "[::1]:7443"),
            ("[::]:0", "[::]:0"),
        ] {
            assert_eq!(text.parse(), Ok(Listen(address.parse().unwrap())), "{text}");
        }
        for text in ["", "m1", "192.0.2.10:", "192.0.2.10:99999", "192.0.2.0/24"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn nobody_else_is_served_without_certificates() {
        let options = |listen: &str| Options {
            listen: listen.parse().ok(),
            state_dir: PathBuf::new(),
            stores: stores::Shared::default(),
            host_timeout: 3,
        };
        let (socket, nowhere) = (Some(Path::new("s")), None);
        for (listen, secured, socket, remedy) in [
            ("127.0.0.1", false, nowhere, ""),
            ("::1", false, nowhere, ""),
            ("0.0.0.0", true, nowhere, ""),
            ("", false, socket, ""),
            ("0.0.0.0", false, nowhere, "listen on 127.0.0.1 or [::1]"),
            ("192.0.2.10", false, socket, "dvs cert issue NAME --role manager"),
            ("::", false, nowhere, "[::]:7443 is open to others"),
            ("", false, nowhere, "give --listen with"),
            ("", true, socket, "leave them out"),
        ] {
            let said = check(&options(listen), secured, socket).err().map(|error| error.to_string());
            let said = said.unwrap_or_default();
            assert!(said.contains(remedy) && said.is_empty() == remedy.is_empty(), "{listen}: {said}");
        }
    }
}
