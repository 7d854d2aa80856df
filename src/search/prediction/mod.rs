//! What a perturbation does to readouts of a context, as the model of an index predicts it.
//!
//! Takes an open index with its [`ResponseModel`] and [`PredictionQuery`]s, or a signature; gives
//! [`PredictedProfile`]s: values with the spread of the ensemble, and whether the pair was measured, interpolated or
//! folded in. [`HeldOut`] says how good such values are. What the model cannot know is refused with the reason.

mod context_sides;
mod held_out;
#[cfg(feature = "train")]
mod named;
mod profile;
#[cfg(feature = "train")]
mod response_model;
mod signature;

pub use held_out::HeldOut;
#[cfg(feature = "train")]
pub use named::PredictionQuery;
pub use profile::{
    PredictedProfile, PredictedValue, PredictionFlag, PredictionStatus, ReadoutLabel,
};
#[cfg(feature = "train")]
pub use response_model::ResponseModel;
pub use signature::SignaturePrediction;
