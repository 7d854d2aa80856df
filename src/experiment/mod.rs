//! The field's nouns, as the model sees them.
//!
//! Takes nothing, gives [`Perturbation`], [`PerturbationType`], [`Side`], [`Context`], [`Readout`],
//! [`Dose`], [`TimePoint`] and the [`Annotation`] of a perturbation (names, identifiers, [`Target`]s, [`Moa`]s). It knows
//! no files, no columns and no engine; `table/` translates from the outside world to these types.

mod annotation;
mod condition;
mod perturbation;
mod quantity;

pub use annotation::{Annotation, Moa, Target};
pub use condition::{Context, Readout};
pub use perturbation::{Perturbation, PerturbationType, Side};
pub use quantity::{Dose, TimePoint};
