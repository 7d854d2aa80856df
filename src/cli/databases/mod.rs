//! Public data: where it is published, on which terms, and how it gets here whole.
//!
//! [`source`] reads the table of sources that is built into the program, [`list`] shows it, [`get`] fetches
//! files through [`download`] (the only door to `ureq`), whose state on the disk is [`part`]'s, and unpacks
//! them by [`archive`] (the only door to `zip`).

#[cfg(feature = "download")]
mod archive;
#[cfg(feature = "download")]
mod download;
#[cfg(feature = "download")]
mod get;
mod list;
#[cfg(feature = "download")]
mod part;
mod source;

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is done with the public data sources.
#[derive(Debug, Subcommand)]
pub(crate) enum DatabasesCommand {
    /// Show the public data sources: files, sizes, licences, and the recipes that use them
    List(list::ListArguments),
    /// Download the files of a source, or all that a recipe needs; an interrupted download goes on where it stopped
    #[cfg(feature = "download")]
    Get(get::GetArguments),
}

pub(crate) const EXAMPLE: &str = "Examples:\n  \
    phenocopy databases list\n  \
    phenocopy databases get hgnc -o ~/screens";

impl DatabasesCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(arguments) => arguments.run(),
            #[cfg(feature = "download")]
            Self::Get(arguments) => arguments.run(),
        }
    }
}

/// Which table of sources is read.
#[derive(Debug, Args)]
struct SourcesArgument {
    /// Another table of sources than the built-in one, such as a mirror's (TOML, of the same form)
    #[arg(long, value_name = "FILE")]
    sources: Option<PathBuf>,
}
