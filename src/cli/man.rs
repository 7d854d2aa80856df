use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use phenocopy::Error;

use super::Arguments;
use super::output::OutputArguments;

/// One page, or the folder for all.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  phenocopy man search -o phenocopy-search.1\n  \
    phenocopy man evaluate retrieval | man -l -\n  \
    phenocopy man --all ~/.local/share/man/man1")]
pub(crate) struct ManArguments {
    /// The subcommand whose page is written; without one, the page of phenocopy
    #[arg(value_name = "SUBCOMMAND", conflicts_with = "all")]
    path: Vec<String>,
    /// Write the pages of all subcommands into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "output")]
    all: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

impl ManArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let command = Arguments::command().disable_help_subcommand(true);
        if let Some(folder) = &self.all {
            std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
            clap_mangen::generate_to(command, folder).map_err(Error::io("write", folder))?;
            return Ok(());
        }
        let mut page = Vec::new();
        Man::new(subcommand(command, &self.path)?).render(&mut page)?;
        self.output.fill(|out| Ok(out.write_all(&page)?))
    }
}

/// Finds a subcommand by the words that lead to it.
fn subcommand(mut command: Command, path: &[String]) -> anyhow::Result<Command> {
    // So that each knows its whole name.
    command.build();
    for word in path {
        let Some(found) = command.find_subcommand(word) else {
            let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            anyhow::bail!("no subcommand is called `{word}`; there are: {}", names.join(", "));
        };
        command = found.clone();
    }
    Ok(command)
}
