//! All switches that are timed, each with tables of its own size.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{routed::Routed, scene::Scene};

/// Sizes of bridges: stations and ports.
const BRIDGED: [(u32, u32); 4] = [(10, 2), (10_000, 2), (1_000_000, 2), (10, 1_000)];
/// Sizes of routers: flows and routes.
const ROUTED: [(u32, u32); 7] =
    [(1, 0), (1_000, 0), (100_000, 0), (1_000_000, 0), (0, 10), (0, 10_000), (0, 1_000_000)];

/// The switches.
pub(crate) struct Scenes {
    bridged: Vec<Scene>,
    routed: Vec<Routed>,
}

impl Scenes {
    /// One for every size.
    pub(crate) fn all(object: &Path) -> Result<Self> {
        let bridged = BRIDGED.iter().map(|(stations, ports)| Scene::new(object, *stations, *ports));
        let routed = ROUTED.iter().map(|(flows, routes)| Routed::new(object, *flows, *routes));
        Ok(Self { bridged: bridged.collect::<Result<_>>()?, routed: routed.collect::<Result<_>>()? })
    }

    /// The bridge of this size.
    pub(crate) fn bridged(&mut self, stations: Option<u32>, ports: Option<u32>) -> Result<&mut Scene> {
        let scene = self.bridged.iter_mut().find(|scene| scene.is(stations, ports));
        scene.context("a case without tables")
    }

    /// The router of this size.
    pub(crate) fn routed(&self, flows: Option<u32>, routes: Option<u32>) -> Result<&Routed> {
        self.routed.iter().find(|scene| scene.is(flows, routes)).context("a case without tables")
    }
}
