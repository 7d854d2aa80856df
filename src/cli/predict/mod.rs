//! `phenocopy predict`: perturbations and contexts, a table of them, a signature or features in, predicted responses out.

mod arguments;
mod features;
mod queries;
mod run;
mod signature;

pub(super) use arguments::PredictArguments;
