//! Keeps what a host knows on disk.

use std::{sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::sleep};

use super::{record::Records, shared::Shared};

/// Changes come in bursts; a burst is written once.
const BURST: Duration = Duration::from_millis(50);
/// Between attempts to write what could not be written.
const RETRY: Duration = Duration::from_secs(1);

/// Writes what a host knows whenever it changes. What cannot be written is kept in memory, and tried again.
pub(super) async fn run(shared: Arc<Shared>, records: Records) {
    let (mut news, mut said) = (shared.news(), None);
    while news.changed().await.is_ok() {
        sleep(BURST).await;
        news.mark_unchanged();
        while let Err(error) = save(&shared, &records).await {
            if said.as_ref() != Some(&error) {
                tracing::error!(
                    "cannot keep what managers said: {error}; it is kept in memory, and tried again"
                );
            }
            said = Some(error);
            sleep(RETRY).await;
            news.mark_unchanged();
        }
        if said.take().is_some() {
            tracing::info!("what managers said is kept on disk again");
        }
    }
}

async fn save(shared: &Arc<Shared>, records: &Records) -> Result<(), String> {
    let Some(record) = shared.state().record() else { return Ok(()) };
    let records = records.clone();
    let written = spawn_blocking(move || records.write(&record)).await;
    written.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}
