//! Training: epochs of block batches, early stopping, checkpoints, one run per seed.
//!
//! Takes a dataset, a configuration and [`TrainingOptions`]; gives trained members and a
//! [`TrainingReport`]. All randomness follows from (seed, epoch), so that a resumed run ends in the
//! same weights as an uninterrupted one.

mod batch;
mod checkpoint;
mod data;
mod options;
#[cfg(test)]
mod parity;
mod report;
mod run;
mod schedule;
mod trainer;
mod validation;

pub(super) use batch::Block;
pub use options::{Observer, TrainingOptions};
pub use report::{EpochReport, Phase, TrainingReport, Validation};
pub(super) use schedule::train_members;
