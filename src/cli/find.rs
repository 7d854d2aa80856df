use clap::Args;
use phenocopy::Error;
use phenocopy::index::Index;
use phenocopy::report::{write_found_table, write_found_tsv};

use super::IndexArgument;
use super::output::{ListFormat, OutputArguments, complain, width};

/// A text to look for in names, synonyms, identifiers, targets and mechanisms.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  phenocopy find \"BCL inhibitor\"\n  phenocopy find nutlin")]
pub(crate) struct FindArguments {
    /// Words that must all occur
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    #[command(flatten)]
    index: IndexArgument,
    /// How many to list at most
    #[arg(short, default_value_t = 25, value_name = "N")]
    k: usize,
    /// Form of the list [default: by the ending of -o, else table]
    #[arg(long, value_enum)]
    format: Option<ListFormat>,
    #[command(flatten)]
    output: OutputArguments,
}

impl FindArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if self.k == 0 {
            return Err(Error::parameter("k", "at least 1", self.k).into());
        }
        let format = self.output.form(self.format)?;
        let text = self.text.join(" ");
        let index = self.index.open()?;
        let (rows, n_found) = index.metadata().find(&text, self.k)?;
        if rows.is_empty() {
            return Err(nothing_found(&index, &text)?.into());
        }
        let records = rows.iter().map(|row| index.record(*row)).collect::<Result<Vec<_>, _>>()?;
        self.output.fill(|out| {
            match format {
                ListFormat::Table => write_found_table(out, &records, width())?,
                ListFormat::Tsv => write_found_tsv(out, &records, &index.manifest().fingerprint)?,
            }
            Ok(())
        })?;
        if n_found > records.len() {
            complain(&format!("{} of {n_found} shown; list more with -k {n_found}", records.len()));
        }
        Ok(())
    }
}

/// Says that no perturbation has the words, and what to try.
fn nothing_found(index: &Index, text: &str) -> Result<Error, Error> {
    let suggestions = index.suggest(text)?;
    if !suggestions.is_empty() {
        return Ok(Error::UnknownName { suggestions, mentions: 0, name: text.to_owned() });
    }
    let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    Ok(Error::data(
        format!("`{shown}`"),
        "no name, identifier, target, mechanism or indication of this index holds these words",
        "try fewer words, or the beginning of a name",
    ))
}
