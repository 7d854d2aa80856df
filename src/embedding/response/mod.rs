//! Responses of perturbations in contexts where they were measured in part or not at all.
//!
//! Takes the readout embeddings of an ensemble and a dataset; gives a [`ResponsePredictor`], which tells
//! measured values from interpolated ones and says from which contexts a [`Prediction`] was taken.

mod chunks;
mod covariance;
mod fit;
mod member;
mod posterior;
mod predictor;
mod statistics;
mod symmetric;
mod uncertainty;
mod weights;

pub use predictor::{Evidence, Prediction, ResponsePredictor};
pub use weights::ReadoutWeights;
