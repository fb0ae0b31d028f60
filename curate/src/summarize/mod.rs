//! Summaries of videos: keyframes, and a clip of the shots that say most.
//!
//! The reward is that of Zhou, Qiao and Xiang (Deep Reinforcement Learning for Unsupervised Video Summarization with
//! Diversity-Representativeness Reward, AAAI 2018): keyframes should differ from each other and speak for all that is left
//! out. [`sample`] takes pictures from a video and describes them by the codec's latents, a [`Space`] knows how far apart
//! they are, [`keyframes`] maximises the reward directly, a [`Policy`] learns to with REINFORCE, as in the paper. Frames are
//! scored by what represents them ([`scores`]), and a [`knapsack`] of 15 % of the video is filled with shots. [`DataSet`]
//! reads the HDF5 files of that work, [`f_scores`] compares summaries with those of people.

mod data_set;
mod f_score;
mod keyframes;
mod knapsack;
mod policy;
mod sample;
mod shots;
mod space;
mod splits;

pub use data_set::{DataSet, Reference};
pub use f_score::{FScores, f_scores};
pub use keyframes::{Keyframes, keyframes, scores};
pub use knapsack::{knapsack, summary};
pub use policy::{Episode, Policy, Training};
pub use sample::{Samples, sample};
pub use shots::{frame_scores, shots};
pub use space::{NEAR, Space};
pub use splits::{Split, splits};
