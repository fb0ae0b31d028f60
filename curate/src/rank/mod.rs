//! Which scenes of many clips are worth keeping, say to train a generative model on.
//!
//! [`scenes`] cuts a clip where the picture changes and measures each scene ([`Metrics`]): how much changes, how much moves,
//! how far the codec's latents travel. [`Ranker`] learns from labels which metrics people like, and says how well it does on
//! clips that it has not seen. [`pick`] takes the best, at most one of a clip, [`beside_random`] holds that against
//! chance. [`Program`] asks a program of the user's about a scene; [`Answers`] keep what it said.

mod answers;
mod chance;
mod labels;
mod metrics;
mod pick;
mod program;
mod ranker;
mod scenes;
mod threshold;
mod trees;

pub use answers::Answers;
pub use chance::{BesideRandom, beside_random, difference};
pub use labels::{Label, read_labels, to_be_labelled};
pub use metrics::Metrics;
pub use pick::{Candidate, pick, pick_random};
pub use program::{Answer, Program, Question, kill_programs};
pub use ranker::{HeldOut, Ranker};
pub use scenes::{Scene, scenes};
