//! Arguments become calls of the library: one file per subcommand, glue only.

#[cfg(feature = "train")]
mod build;
mod check;
mod command;
mod compile;
mod completions;
mod databases;
mod evaluate;
mod explain;
mod export;
mod failure;
mod filter_arguments;
mod find;
mod index;
mod index_argument;
mod inspect;
mod interrupt;
mod man;
mod network;
mod output;
#[cfg(feature = "train")]
mod predict;
mod progress;
mod schema;
mod search;

use std::process::ExitCode;

use clap::Parser;

use command::Command;
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

/// Runs the command line and returns its exit code: 0 it ran, 1 failure, 2 usage.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = interrupt::listen().map_err(Into::into).and_then(|()| arguments.command.run());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("error: {}", chain_text(&error)));
            ExitCode::FAILURE
        }
    }
}
