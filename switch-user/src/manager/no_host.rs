//! What a manager says when it is asked for what only hosts know.

use std::collections::BTreeSet;

use tokio::sync::{broadcast, watch};

use crate::report::{
    Applied, DropCount, FdbEntry, FlowEntry, FlowFilter, HostReports, HostStatus, LogEvent, NeighbourEntry,
    PortStats, ReportError, RuleHits,
};

/// Stands where a manager has no host of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl HostReports for NoHost {
    fn applied(&self) -> Result<watch::Receiver<Applied>, ReportError> {
        Err(ReportError::NoHost)
    }

    fn absent(&self, _: BTreeSet<String>) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn status(&self) -> Result<HostStatus, ReportError> {
        Err(ReportError::NoHost)
    }

    fn fdb(&self) -> Result<Vec<FdbEntry>, ReportError> {
        Err(ReportError::NoHost)
    }

    fn stats(&self) -> Result<Vec<PortStats>, ReportError> {
        Err(ReportError::NoHost)
    }

    fn drops(&self) -> Result<Vec<DropCount>, ReportError> {
        Err(ReportError::NoHost)
    }

    fn flows(&self, _: &FlowFilter) -> Result<Vec<FlowEntry>, ReportError> {
        Err(ReportError::NoHost)
    }

    fn neighbours(&self) -> Result<Vec<NeighbourEntry>, ReportError> {
        Err(ReportError::NoHost)
    }

    fn rules(&self) -> Result<Vec<RuleHits>, ReportError> {
        Err(ReportError::NoHost)
    }

    fn log(&self) -> Result<(Vec<LogEvent>, broadcast::Receiver<LogEvent>), ReportError> {
        Err(ReportError::NoHost)
    }
}
