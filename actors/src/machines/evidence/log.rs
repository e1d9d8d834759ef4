//! The log: gives each leaf its index, and knows the tree's head and its unfinished tiles.

use super::{ClientKey, Place};
use crate::clock::{Moment, Now};
use crate::ids::ChallengeId;
use crate::machines::{Decision, Machine};
use evidence::tile::{Edge, TileId};
use evidence::tree::{Frontier, Hash};
use std::sync::Arc;

/// A leaf to be appended, with all that is to be written along with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The leaf's hash.
    pub leaf: Hash,
    /// Who is told.
    pub client: ClientKey,
    /// Where its container is kept.
    pub place: Place,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// The debt that is paid by it.
    pub owed: Option<ChallengeId>,
}

/// What may be asked.
#[derive(Debug)]
pub enum LogCommand {
    /// Append a leaf.
    Append(Arc<Recording>),
}

/// A fact.
#[derive(Clone, Debug)]
pub enum LogEvent {
    /// A leaf has its index.
    Appended {
        /// Which, from 0.
        index: u64,
        /// The leaf.
        recording: Arc<Recording>,
    },
}

/// A deed.
#[derive(Debug)]
pub enum LogEffect {
    /// Tell the leaf's client, and everybody that the log has so many leaves.
    Appended {
        /// The leaf's index.
        index: u64,
        /// The leaf.
        recording: Arc<Recording>,
    },
}

/// The log in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogBook {
    frontier: Frontier,
    edge: Edge,
    /// The tiles that the last leaf finished; they are written along with it.
    finished: Vec<(TileId, Vec<Hash>)>,
}

impl LogBook {
    /// From what was kept; `None` where head and edge are not of one tree.
    #[must_use]
    pub fn restored(frontier: Frontier, edge: Edge) -> Option<Self> {
        let mut from_edge = Vec::new();
        for level in (0..u8::try_from(u64::BITS).expect("64")).rev() {
            if frontier.size() & (1 << level) != 0 {
                let node = evidence::tree::Node {
                    level,
                    // What stands before the subtree of this bit are those of the higher ones.
                    index: (frontier.size() >> level) - 1,
                };
                let tile = edge.tile(evidence::tile::tile_of(node).level);
                from_edge.push(evidence::tile::node_in(tile, node)?);
            }
        }
        (from_edge == frontier.roots()).then_some(Self {
            frontier,
            edge,
            finished: Vec::new(),
        })
    }

    /// The tree's head.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Its unfinished tiles.
    #[must_use]
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    /// The tiles that the last leaf finished.
    #[must_use]
    pub fn finished(&self) -> &[(TileId, Vec<Hash>)] {
        &self.finished
    }
}

impl Machine for LogBook {
    type Command = LogCommand;
    type Event = LogEvent;
    type Effect = LogEffect;

    fn decide(&self, LogCommand::Append(recording): LogCommand, _: Now) -> Decision<LogEvent, LogEffect> {
        let index = self.frontier.size();
        Decision {
            events: vec![LogEvent::Appended {
                index,
                recording: Arc::clone(&recording),
            }],
            effects: vec![LogEffect::Appended { index, recording }],
        }
    }

    fn apply(&mut self, LogEvent::Appended { index, recording }: &LogEvent) {
        self.frontier.append(recording.leaf);
        self.finished = self.edge.append(*index, recording.leaf);
    }

    fn next_deadline(&self) -> Option<Moment> {
        None
    }
}
