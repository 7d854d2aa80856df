//! What makes the similarities of an index into statistics: `calibration.bin`.
//!
//! Takes vectors, records and, where profiles were placed, those and what each perturbation does at all; gives
//! [`Calibration`], which is computed when an index is built, and [`CalibrationTable`], which is read in place.

mod compute;
mod extend;
mod honesty;
mod panel;
mod space;
mod stratum;
mod summary;
mod table;

pub use compute::Calibration;
pub(super) use compute::CalibrationInput;
pub(super) use extend::BaseCalibration;
pub use panel::{MeasuredActivity, PlacedProfiles};
pub use stratum::{Measure, ReferenceKind, Stratum, TargetKind};
pub use summary::{CalibrationSummary, HonestySummary, StratumSummary};
pub use table::CalibrationTable;

/// References of a null; of more, as many at equal distances.
pub const MOST_REFERENCES: usize = 2_000;
