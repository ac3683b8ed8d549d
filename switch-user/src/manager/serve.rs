//! How a server ends.

use std::{io, pin::Pin, time::Duration};

use tokio::sync::watch;

/// How long requests that are under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Is ready when a server should take no more requests.
pub(super) type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves until `shutdown` is ready, then lets requests that are under way finish, within limits.
pub(super) async fn gracefully<F: Future<Output = io::Result<()>>>(
    shutdown: impl Future<Output = ()> + Send + 'static,
    serve: impl FnOnce(Stop) -> F,
) -> io::Result<()> {
    let (stop, mut stopped) = watch::channel(false);
    let served = serve(Box::pin(async move {
        shutdown.await;
        stop.send_replace(true);
    }));
    // A watcher's stream has no end of its own.
    let over = async {
        let stopping = stopped.wait_for(|stop| *stop).await.is_ok();
        debug_assert!(stopping, "the channel closes after its last message only");
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        outcome = served => outcome,
        () = over => Ok(()),
    }
}
