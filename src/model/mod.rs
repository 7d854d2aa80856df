//! The Large Perturbation Model: datasets become embeddings and predictions.
//!
//! Takes a [`Dataset`](crate::dataset::Dataset) and an [`LpmConfig`]; gives a trained [`Lpm`] or an
//! [`Ensemble`] of them over seeds: an embedding per perturbation, predicted responses, and a
//! [`TrainingReport`] that sets the held-out fit beside simple baselines. Training is reproducible
//! to the bit for a seed, whatever the thread count, and resumes from its checkpoints.
//! It is the only room that knows candle, and knows nothing of indexes or labels.

mod adamw;
mod bag;
mod config;
mod device;
mod engine;
mod ensemble;
mod fit;
mod lpm;
mod network;
mod randomness;
mod storage;
mod training;
mod vocabulary;

pub use config::{Head, LpmConfig};
pub use device::Device;
pub use ensemble::Ensemble;
pub use fit::{Fit, FitComparison};
pub use lpm::Lpm;
pub use training::{EpochReport, Observer, Phase, TrainingOptions, TrainingReport, Validation};
pub use vocabulary::Vocabularies;
