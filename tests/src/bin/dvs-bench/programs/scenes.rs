//! All switches that are timed, each with tables of its own size.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{
    loads::{self, Load},
    routed::{Routed, Size},
    scene::Scene,
};

/// Sizes of bridges: stations and ports.
const BRIDGED: [(u32, u32); 4] = [(10, 2), (10_000, 2), (1_000_000, 2), (10, 1_000)];
/// Sizes of routers.
const ROUTED: [Size; 15] = [
    routed(1, 0),
    routed(1_000, 0),
    routed(100_000, 0),
    routed(1_000_000, 0),
    routed(0, 10),
    routed(0, 10_000),
    routed(0, 1_000_000),
    filtered(0, 0),
    filtered(0, 4),
    filtered(0, 10),
    filtered(0, 100),
    filtered(0, 1_000),
    filtered(0, 10_000),
    filtered(1_000, 10_000),
    filtered(1_000_000, 10_000),
];

const fn routed(flows: u32, routes: u32) -> Size {
    Size { flows, routes, rules: 0 }
}

const fn filtered(flows: u32, rules: u32) -> Size {
    Size { flows, routes: 0, rules }
}

/// The switches.
pub(crate) struct Scenes {
    bridged: Vec<Scene>,
    routed: Vec<Routed>,
}

impl Scenes {
    /// One for every size.
    pub(crate) fn all(object: &Path) -> Result<Self> {
        let bridged = BRIDGED.iter().map(|(stations, ports)| Scene::new(object, *stations, *ports));
        let routed = ROUTED.iter().map(|size| Routed::new(object, *size));
        Ok(Self { bridged: bridged.collect::<Result<_>>()?, routed: routed.collect::<Result<_>>()? })
    }

    /// The bridge of this size.
    pub(crate) fn bridged(&mut self, stations: Option<u32>, ports: Option<u32>) -> Result<&mut Scene> {
        let scene = self.bridged.iter_mut().find(|scene| scene.is(stations, ports));
        scene.context("a case without tables")
    }

    /// The router of this size.
    pub(crate) fn routed(&self, size: Size) -> Result<&Routed> {
        self.routed.iter().find(|scene| scene.is(size)).context("a case without tables")
    }

    /// What the most connections take.
    pub(crate) fn connections(&self) -> Result<Load> {
        let size = filtered(1_000_000, 10_000);
        let scene = self.routed(size)?;
        Ok(loads::connections(size.flows, scene.filled(), scene.bytes_of_flows()?))
    }
}
