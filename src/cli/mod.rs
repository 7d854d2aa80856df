//! Arguments become calls of the library: one file per subcommand, glue only.

#[cfg(feature = "train")]
mod build;
mod compile;
mod evaluate;
mod explain;
mod failure;
mod find;
mod index;
mod index_argument;
mod inspect;
mod output;
#[cfg(feature = "train")]
mod predict;
mod progress;
mod search;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::{chain_text, is_broken_pipe};
use index_argument::IndexArgument;

/// The search engine for mechanisms of action: which gene, when knocked out, does what this compound does?
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXAMPLE)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "Example:\n  phenocopy search venetoclax";

#[derive(Debug, Subcommand)]
enum Command {
    /// Rank the perturbations that share a compound's or gene's mechanism
    Search(search::SearchArguments),
    /// List what the index holds under a text: names, synonyms, targets, mechanisms
    Find(find::FindArguments),
    /// List the readouts that make two perturbations alike, or unlike
    Explain(explain::ExplainArguments),
    /// Train a model on the screens of a recipe and compile it into an index
    #[cfg(feature = "train")]
    Build(build::BuildArguments),
    /// Compile vectors that another model trained, or features that were measured, into an index
    Index(index::IndexArguments),
    /// Measure how well an index finds known targets, or a model predicts held-out values
    #[command(subcommand, after_help = evaluate::EXAMPLE)]
    Evaluate(evaluate::EvaluateCommand),
    /// Predict the responses of cell lines that no screen of the index holds, from features of theirs
    #[cfg(feature = "train")]
    Predict(predict::PredictArguments),
    /// Show what an index contains and whether it is healthy
    Inspect(inspect::InspectArguments),
}

/// Runs the command line and returns its exit code: 0 it ran, 1 failure, 2 usage.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Search(arguments) => arguments.run(),
        Command::Find(arguments) => arguments.run(),
        Command::Explain(arguments) => arguments.run(),
        #[cfg(feature = "train")]
        Command::Build(arguments) => arguments.run(),
        Command::Index(arguments) => arguments.run(),
        Command::Evaluate(command) => command.run(),
        #[cfg(feature = "train")]
        Command::Predict(arguments) => arguments.run(),
        Command::Inspect(arguments) => arguments.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("error: {}", chain_text(&error)));
            ExitCode::FAILURE
        }
    }
}
