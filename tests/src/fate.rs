//! What becomes of a frame, in the words of all rings.

use std::collections::BTreeMap;

use switch_common::verdict::DropReason;

use crate::frame::Frame;

/// Frames by the name of the port or uplink that they leave through.
pub type Copies = BTreeMap<String, Frame>;
/// Why ports got no frame, by their names.
pub type Failures = BTreeMap<String, DropReason>;

/// What becomes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It, or the answer to it, leaves through one port.
    Forward(String, Frame),
    /// Copies leave through these ports; other ports would have got one, but cannot take it.
    Flood(Copies, Failures),
    /// The switch takes note of it.
    Taken,
    /// It belongs to the host.
    Pass,
    /// It is dropped, and counted at the port that it came from; what leaves says so, or asks for
    /// what was not known.
    Drop(DropReason, Copies),
    /// It is dropped, and counted at the port that was to get it; what leaves says so.
    DropAt(String, DropReason, Copies),
}

impl Fate {
    /// It leaves through this port in this form.
    pub fn forward(to: &str, frame: Frame) -> Self {
        Self::Forward(to.to_owned(), frame)
    }

    /// Copies leave in these forms, and nobody misses one.
    pub fn flood(copies: &[(&str, Frame)]) -> Self {
        Self::Flood(named(copies), Failures::new())
    }

    /// It is dropped without a word.
    pub fn drop(reason: DropReason) -> Self {
        Self::Drop(reason, Copies::new())
    }

    /// It is dropped, and these frames leave.
    pub fn told(reason: DropReason, copies: &[(&str, Frame)]) -> Self {
        Self::Drop(reason, named(copies))
    }

    /// It is dropped at its receiver.
    pub fn drop_at(to: &str, reason: DropReason) -> Self {
        Self::DropAt(to.to_owned(), reason, Copies::new())
    }

    /// It is dropped at its receiver, and these frames leave.
    pub fn told_at(to: &str, reason: DropReason, copies: &[(&str, Frame)]) -> Self {
        Self::DropAt(to.to_owned(), reason, named(copies))
    }

    /// Every frame that leaves.
    pub fn sent(&self) -> Copies {
        match self {
            Self::Forward(to, frame) => BTreeMap::from([(to.clone(), frame.clone())]),
            Self::Flood(copies, _) | Self::Drop(_, copies) | Self::DropAt(_, _, copies) => copies.clone(),
            Self::Taken | Self::Pass => Copies::new(),
        }
    }
}

fn named(copies: &[(&str, Frame)]) -> Copies {
    copies.iter().map(|(port, frame)| ((*port).to_owned(), frame.clone())).collect()
}
