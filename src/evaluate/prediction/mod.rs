//! Are held-out values predicted? Splits, error metrics per context, baselines and the noise ceiling.
//!
//! [`entry_split`] and [`profile_split`] say what is kept out of training; [`evaluate_prediction`]
//! scores any [`Predictor`] beside the baselines of [`PredictionBaselines`] on exactly those values.

mod baselines;
mod evaluation;
mod noise_ceiling;
mod scores;
mod soft_impute;
mod split;

pub use baselines::PredictionBaselines;
pub use evaluation::{
    PredictionConfig, PredictionReport, PredictionRow, Predictor, evaluate_prediction,
};
pub use noise_ceiling::{NoiseCeiling, noise_ceilings};
pub use scores::PredictionScores;
pub(super) use scores::Tally;
pub use soft_impute::{Choice, SoftImpute, SoftImputeConfig};
pub use split::{entry_split, profile_split};
