use clap::Args;
use phenocopy::Error;
use phenocopy::index::Index;
use phenocopy::report::{write_explanation_table, write_explanation_tsv};
#[cfg(feature = "train")]
use phenocopy::search::ContextResponses;
use phenocopy::search::{Explanation, Query};

use super::IndexArgument;
use super::output::{ListFormat, OutputArguments, complain, width};

/// Two perturbations of an index.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  phenocopy explain venetoclax BCL2\n  \
    phenocopy explain venetoclax BCL2 --context GDSC2\n  \
    phenocopy explain trametinib CRISPR-KO_BRAF --format tsv -o readouts.tsv")]
pub(crate) struct ExplainArguments {
    /// A compound or gene: symbol, name, synonym or identifier
    #[arg(value_name = "QUERY")]
    query: String,
    /// The compound or gene it is compared with
    #[arg(value_name = "HIT")]
    hit: String,
    /// Responses predicted in this context, measured there or not; without it their averages over all
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    #[command(flatten)]
    index: IndexArgument,
    /// How many readouts the table shows; tsv has all
    #[arg(short, default_value_t = 20, value_name = "N")]
    k: usize,
    /// Form of the explanation [default: by the ending of -o, else table]
    #[arg(long, value_enum)]
    format: Option<ListFormat>,
    #[command(flatten)]
    output: OutputArguments,
}

impl ExplainArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if self.k == 0 {
            return Err(Error::parameter("k", "at least 1", self.k).into());
        }
        let format = self.output.form(self.format)?;
        let index = self.index.open()?;
        let explanation = self.explain(&index)?;
        let fingerprint = &index.manifest().fingerprint;
        self.output.fill(|out| {
            match format {
                ListFormat::Table => {
                    write_explanation_table(out, &explanation, self.k, width())?;
                    writeln!(out, "\nindex {} {fingerprint}", index.manifest().name)?;
                }
                ListFormat::Tsv => write_explanation_tsv(out, &explanation, fingerprint)?,
            }
            Ok(())
        })?;
        let n_terms = explanation.terms.len();
        if format == ListFormat::Table && self.k < n_terms {
            complain(&format!("{} of {n_terms} readouts shown; all with --format tsv", self.k));
        }
        Ok(())
    }

    #[cfg(feature = "train")]
    fn explain(&self, index: &Index) -> phenocopy::Result<Explanation> {
        let (query, hit) = (Query::new(&self.query), Query::new(&self.hit));
        let responses = ContextResponses::open(index)?;
        if let Some(context) = &self.context {
            let responses = responses.ok_or_else(|| {
                Error::data(
                    format!("index `{}`", index.manifest().name),
                    "it cannot explain a single context: it holds no weights of a product head",
                    "leave `--context` out, or build one with `phenocopy build` and the default head",
                )
            })?;
            return index.explain_in(&responses, &query, &hit, context);
        }
        let mut explanation = index.explain(&query, &hit)?;
        let (of_query, of_hit) = (&explanation.query, &explanation.hit);
        if let Some(responses) = responses.filter(|r| r.knows(of_query) && r.knows(of_hit)) {
            explanation.by_context = responses.compare(&explanation.query, &explanation.hit)?;
        }
        Ok(explanation)
    }

    #[cfg(not(feature = "train"))]
    fn explain(&self, index: &Index) -> phenocopy::Result<Explanation> {
        if self.context.is_some() {
            return Err(super::failure::without_model("--context"));
        }
        index.explain(&Query::new(&self.query), &Query::new(&self.hit))
    }
}
