use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Arguments;
use super::output::OutputArguments;

/// The shell, and where its script goes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    phenocopy completions bash -o ~/.local/share/bash-completion/completions/phenocopy\n  \
    phenocopy completions zsh -o ~/.zfunc/_phenocopy\n  \
    phenocopy completions fish -o ~/.config/fish/completions/phenocopy.fish")]
pub(crate) struct CompletionsArguments {
    /// The shell that is to complete `phenocopy`
    #[arg(value_enum)]
    shell: Shell,
    #[command(flatten)]
    output: OutputArguments,
}

impl CompletionsArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        // Written to memory first: clap panics where an output cannot be written.
        let mut script = Vec::new();
        generate(self.shell, &mut Arguments::command(), "phenocopy", &mut script);
        self.output.fill(|out| Ok(out.write_all(&script)?))
    }
}
