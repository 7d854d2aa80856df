use clap::Subcommand;

#[cfg(feature = "train")]
use super::build;
use super::check;
use super::completions;
use super::databases;
use super::evaluate;
use super::explain;
use super::export;
use super::find;
use super::index;
use super::inspect;
use super::man;
use super::network;
#[cfg(feature = "train")]
use super::predict;
use super::schema;
use super::search;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Rank the perturbations that share a compound's or gene's mechanism
    Search(Box<search::SearchArguments>),
    /// List what the index holds under a text: names, synonyms, targets, mechanisms
    Find(find::FindArguments),
    /// List the readouts that make two perturbations alike, or unlike
    Explain(explain::ExplainArguments),
    /// Train a model on the screens of a recipe and compile it into an index
    #[cfg(feature = "train")]
    Build(build::BuildArguments),
    /// Compile vectors that another model trained, or features that were measured, into an index
    Index(index::IndexArguments),
    /// Show what a recipe's files hold and what cannot be mapped, before anything is trained; or what one file is
    Check(check::CheckArguments),
    /// Measure how well an index finds known targets, or a model predicts held-out values
    #[command(subcommand, after_help = evaluate::EXAMPLE)]
    Evaluate(evaluate::EvaluateCommand),
    /// Predict responses: of perturbations in contexts, of a signature, or of cell lines that no screen of the index holds
    #[cfg(feature = "train")]
    Predict(predict::PredictArguments),
    /// Join perturbations that act alike into a network, and find the groups in it
    Network(Box<network::NetworkArguments>),
    /// Write vectors or predicted responses for Python, R and other programs
    #[command(subcommand, after_help = export::EXAMPLE)]
    Export(export::ExportCommand),
    /// Show what an index contains and whether it is healthy
    Inspect(inspect::InspectArguments),
    /// Show where public data are published, and download them
    #[command(subcommand, after_help = databases::EXAMPLE)]
    Databases(databases::DatabasesCommand),
    /// Describe the columns and fields that `search`, `predict`, `network` and `export` write
    Schema(schema::SchemaArguments),
    /// Write what a shell needs to complete `phenocopy`
    Completions(completions::CompletionsArguments),
    /// Write manual pages
    Man(man::ManArguments),
}

impl Command {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Search(arguments) => arguments.run(),
            Self::Find(arguments) => arguments.run(),
            Self::Explain(arguments) => arguments.run(),
            #[cfg(feature = "train")]
            Self::Build(arguments) => arguments.run(),
            Self::Index(arguments) => arguments.run(),
            Self::Check(arguments) => arguments.run(),
            Self::Evaluate(command) => command.run(),
            #[cfg(feature = "train")]
            Self::Predict(arguments) => arguments.run(),
            Self::Network(arguments) => arguments.run(),
            Self::Export(command) => command.run(),
            Self::Inspect(arguments) => arguments.run(),
            Self::Databases(command) => command.run(),
            Self::Schema(arguments) => arguments.run(),
            Self::Completions(arguments) => arguments.run(),
            Self::Man(arguments) => arguments.run(),
        }
    }
}
