//! What is measured, each in one file; `anew` trains on part of the data.

#[cfg(feature = "train")]
mod anew;
mod arguments;
#[cfg(feature = "train")]
mod causal;
#[cfg(feature = "train")]
mod directed;
#[cfg(feature = "train")]
mod fold_in;
mod honesty;
mod network;
#[cfg(feature = "train")]
mod prediction;
mod retrieval;
#[cfg(feature = "train")]
mod scaling;

use clap::Subcommand;

#[cfg(feature = "train")]
use arguments::warn_of_other_inputs;
use arguments::{EvaluationArguments, Question, TaskArguments};

pub(super) const EXAMPLE: &str = "Examples:\n  \
    phenocopy evaluate retrieval index/cancer-viability --data ../shared/data\n  \
    phenocopy evaluate causal my-perturb-seq.toml --data DIR";

/// What is evaluated.
#[derive(Debug, Subcommand)]
pub(crate) enum EvaluateCommand {
    /// Do known target genes rank first among all genes, compared with correlation baselines?
    Retrieval(retrieval::RetrievalArguments),
    /// Does the model predict held-out values better than simple baselines? Trains anew without them
    #[cfg(feature = "train")]
    Prediction(prediction::PredictionArguments),
    /// Are genes that are known to work together among the nearest pairs, compared with correlation baselines?
    Network(network::NetworkArguments),
    /// Does perturbing a gene change another in cells that were held out? CausalBench's figures for edges that the model
    /// ranks, of baselines and of networks of your own. Trains anew without those cells
    #[cfg(feature = "train")]
    Causal(causal::CausalArguments),
    /// Do genes respond to others as an assay says that the model never saw? Trains anew without it
    #[cfg(feature = "train")]
    Directed(directed::DirectedArguments),
    /// Do queries without any effect stay without significant hits? Shuffled profiles, quiet compounds, and power beside
    Honesty(honesty::HonestyArguments),
    /// Are compounds of a context that the model never saw found as well as those it was trained on? Trains anew without it
    #[cfg(feature = "train")]
    FoldIn(fold_in::FoldInArguments),
    /// What does more data buy? Trains anew on shares of the perturbations and on fewer contexts
    #[cfg(feature = "train")]
    Scaling(scaling::ScalingArguments),
}

impl EvaluateCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Retrieval(arguments) => arguments.run(),
            Self::Network(arguments) => arguments.run(),
            Self::Honesty(arguments) => arguments.run(),
            #[cfg(feature = "train")]
            Self::Causal(arguments) => arguments.run(),
            #[cfg(feature = "train")]
            Self::Directed(arguments) => arguments.run(),
            #[cfg(feature = "train")]
            Self::Prediction(arguments) => arguments.run(),
            #[cfg(feature = "train")]
            Self::FoldIn(arguments) => arguments.run(),
            #[cfg(feature = "train")]
            Self::Scaling(arguments) => arguments.run(),
        }
    }
}
