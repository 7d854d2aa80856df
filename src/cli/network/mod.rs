//! `phenocopy network`: pairs that act alike, or what readout genes respond to which perturbed gene.

mod directed;
mod run;

pub(super) use run::NetworkArguments;
