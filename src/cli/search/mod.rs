//! `phenocopy search`: names, structures or a profile in, ranked hits out.

mod arguments;
mod placement;
mod run;
mod signature;

pub(super) use arguments::SearchArguments;
#[cfg(feature = "train")]
pub(super) use signature::{named_signature, report_fit, report_reading};
