//! What is compared with what on the network, and how well the switch is meant to do.

use super::{
    super::topology::Topology,
    Kind, Metric, Samples,
    bound::Bound::{self, AtLeast, MoreThan},
};

/// All comparisons, in the order of tables.
pub(super) const ALL: [Comparison; 9] = [
    Comparison {
        title: "dvs / bridge",
        ours: Kind::Dvs,
        theirs: &[Kind::Bridge],
        wanted: Wanted::Of(&[
            (Metric::Tcp, AtLeast(1.0)),
            (Metric::Udp, AtLeast(1.25)),
            (Metric::Connections, AtLeast(1.15)),
        ]),
    },
    Comparison {
        title: "dvs / better redirect",
        ours: Kind::Dvs,
        theirs: &[Kind::Redirect, Kind::RedirectPeer],
        wanted: Wanted::OfAll(AtLeast(0.95)),
    },
    Comparison {
        title: "dvs / OVS",
        ours: Kind::Dvs,
        theirs: &[Kind::Ovs],
        wanted: Wanted::OfAll(MoreThan(1.0)),
    },
    Comparison {
        title: "dvs routed / kernel routed",
        ours: Kind::DvsRouted,
        theirs: &[Kind::KernelRouted],
        wanted: Wanted::Of(&[
            (Metric::Tcp, AtLeast(1.0)),
            (Metric::Udp, AtLeast(1.4)),
            (Metric::Connections, AtLeast(1.3)),
        ]),
    },
    Comparison {
        title: "dvs routed / dvs",
        ours: Kind::DvsRouted,
        theirs: &[Kind::Dvs],
        wanted: Wanted::Of(&[
            (Metric::Tcp, AtLeast(0.97)),
            (Metric::Udp, AtLeast(0.97)),
            (Metric::Connections, AtLeast(0.97)),
        ]),
    },
    Comparison {
        title: "dvs 4 / nftables 4",
        ours: Kind::Dvs4,
        theirs: &[Kind::Nft4],
        wanted: Wanted::Of(&[(Metric::Connections, AtLeast(1.3))]),
    },
    Comparison {
        title: "dvs 1 k / nftables 1 k",
        ours: Kind::Dvs1k,
        theirs: &[Kind::Nft1k],
        wanted: Wanted::Of(&[(Metric::Connections, AtLeast(2.5))]),
    },
    Comparison {
        title: "dvs 10 k / nftables 10 k",
        ours: Kind::Dvs10k,
        theirs: &[Kind::Nft10k],
        wanted: Wanted::Of(&[]),
    },
    Comparison {
        title: "dvs 10 k / dvs routed",
        ours: Kind::Dvs10k,
        theirs: &[Kind::DvsRouted],
        wanted: Wanted::Of(&[(Metric::Tcp, AtLeast(0.95)), (Metric::Udp, AtLeast(0.95))]),
    },
];

/// This switch and who does the same or less.
pub(super) struct Comparison {
    /// For people, as a ratio.
    pub(super) title: &'static str,
    ours: Kind,
    /// The one that does best is the yardstick.
    theirs: &'static [Kind],
    wanted: Wanted,
}

/// What ratios are meant to be.
enum Wanted {
    /// The same for whatever is measured.
    OfAll(Bound),
    /// Of these; the others are for information.
    Of(&'static [(Metric, Bound)]),
}

impl Comparison {
    /// Median of the ratios within each round to the best of the others; above 1 is better.
    pub(super) fn ratio(&self, metric: Metric, samples: &Samples) -> Option<f64> {
        let ratios = self.theirs.iter().filter_map(|theirs| samples.ratio(metric, self.ours, *theirs));
        ratios.min_by(f64::total_cmp)
    }

    /// What the ratio is meant to be, if there is an aim.
    pub(super) fn wanted(&self, metric: Metric) -> Option<Bound> {
        match self.wanted {
            Wanted::OfAll(bound) => Some(bound),
            Wanted::Of(bounds) => bounds.iter().find(|(of, _)| *of == metric).map(|(_, bound)| *bound),
        }
    }

    /// Whether a table of this topology has the comparison.
    pub(super) fn is_of(&self, topology: Topology) -> bool {
        self.ours.topology() == topology
    }

    /// Whether the system is one of those compared.
    pub(super) fn names(&self, kind: Kind) -> bool {
        self.ours == kind || self.theirs.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_redirect_is_the_yardstick() {
        let mut samples = Samples::default();
        samples.add(Metric::LatencyMedian, Kind::Redirect, 20.0);
        samples.add(Metric::LatencyMedian, Kind::RedirectPeer, 15.0);
        samples.add(Metric::LatencyMedian, Kind::Dvs, 18.0);
        let ratios = ALL.map(|comparison| comparison.ratio(Metric::LatencyMedian, &samples));
        assert_eq!(ratios[..3], [None, Some(15.0 / 18.0), None]);
    }

    #[test]
    fn an_aim_may_be_for_some_metrics_only() {
        let [bridge, redirect, ..] = ALL;
        assert_eq!(bridge.wanted(Metric::Udp), Some(AtLeast(1.25)));
        assert_eq!(bridge.wanted(Metric::LatencyTail), None);
        assert_eq!(redirect.wanted(Metric::LatencyTail), Some(AtLeast(0.95)));
    }
}
