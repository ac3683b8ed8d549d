//! The address that a manager listens on, secured or not.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener, ListenerExt},
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
    task::JoinHandle,
    time::timeout,
};

use super::{access::guarded, refusals::Refusals, serve::gracefully};
use crate::tls::{Identity, NoIdentity, ServerStream, ServerTls};

/// How long somebody may take to prove who it is.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many may be at it at a time: all hosts of a cluster come at once when a manager starts.
const AT_A_TIME: usize = 1024;

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Who its certificate says it is.
    pub(super) who: Result<Identity, NoIdentity>,
}

/// Serves those who prove who they are what they may do, until `shutdown` is ready.
///
/// # Errors
/// If the server ends by itself.
pub async fn serve_tls(
    listener: TcpListener,
    tls: ServerTls,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let service = guarded(router).into_make_service_with_connect_info::<Peer>();
    let listener = Proven::new(listener, tls);
    gracefully(shutdown, |stop| axum::serve(listener, service).with_graceful_shutdown(stop).into_future())
        .await
}

/// Serves whoever connects everything, until `shutdown` is ready: for addresses that only this machine reaches.
///
/// # Errors
/// If the server ends by itself.
pub async fn serve_open(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // Without it, a change would wait for the acknowledgement of the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    gracefully(shutdown, |stop| axum::serve(listener, router).with_graceful_shutdown(stop).into_future())
        .await
}

/// Connections whose other end has proven who it is. Nobody waits for others that take their time.
struct Proven {
    ready: mpsc::Receiver<(ServerStream, Peer)>,
    address: io::Result<SocketAddr>,
    handshakes: JoinHandle<()>,
}

impl Proven {
    fn new(listener: TcpListener, tls: ServerTls) -> Self {
        let (sender, ready) = mpsc::channel(AT_A_TIME);
        let address = listener.local_addr();
        Self { ready, address, handshakes: tokio::spawn(handshakes(listener, Arc::new(tls), sender)) }
    }
}

impl Drop for Proven {
    fn drop(&mut self) {
        self.handshakes.abort();
    }
}

async fn handshakes(
    mut listener: TcpListener,
    tls: Arc<ServerTls>,
    ready: mpsc::Sender<(ServerStream, Peer)>,
) {
    let (turns, refusals) = (Arc::new(Semaphore::new(AT_A_TIME)), Arc::<Refusals>::default());
    while let Ok(turn) = Arc::clone(&turns).acquire_owned().await {
        let (stream, address) = Listener::accept(&mut listener).await;
        let (tls, refusals, ready) = (Arc::clone(&tls), Arc::clone(&refusals), ready.clone());
        tokio::spawn(async move {
            match timeout(HANDSHAKE, tls.accept(stream)).await {
                // Nobody takes it only when the server stops.
                Ok(Ok((stream, who))) => drop(ready.send((stream, Peer { address, who })).await),
                Ok(Err(refusal)) => refusals.say(address, &refusal),
                Err(_) => refusals.say(address, &"it takes too long to prove who it is"),
            }
            drop(turn);
        });
    }
}

impl Listener for Proven {
    type Io = ServerStream;
    type Addr = Peer;

    async fn accept(&mut self) -> (ServerStream, Peer) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The other half of the channel ends only with this one.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        let address = self.address.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        Ok(Peer { address: *address, who: Err(NoIdentity::Absent) })
    }
}

impl Connected<IncomingStream<'_, Proven>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Proven>) -> Self {
        stream.remote_addr().clone()
    }
}
