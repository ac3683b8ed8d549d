//! `dvs drops`.

use std::process::ExitCode;

use clap::Args;
use switch_common::verdict::DropReason;

use super::session::Session;

/// Which drops to show.
#[derive(Args, Debug)]
pub(super) struct Options {
    /// Only this port or uplink.
    port: Option<String>,
}

/// Prints drops with the meaning of their reasons.
pub(super) async fn run(options: &Options, session: &mut Session<'_, '_>) -> anyhow::Result<ExitCode> {
    let drops = session.client.drops(&options.port).await?;
    if session.structured(&drops)? {
        return Ok(ExitCode::SUCCESS);
    }
    let rows = drops.iter().map(|drop| {
        vec![
            drop.port.clone(),
            drop.direction.clone(),
            drop.reason.clone(),
            drop.packets.to_string(),
            description(&drop.reason).to_owned(),
        ]
    });
    let headings = ["PORT", "DIRECTION", "REASON", "PACKETS", "MEANING"];
    session.streams.table(&headings, rows, "nothing was dropped")?;
    Ok(ExitCode::SUCCESS)
}

fn description(label: &str) -> &'static str {
    let reason = DropReason::ALL.iter().find(|reason| reason.label() == label);
    reason.map_or("A reason that this version of dvs does not know.", |reason| reason.description())
}
