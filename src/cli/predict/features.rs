use std::path::Path;

use phenocopy::index::Index;
use phenocopy::report::{write_unmeasured_table, write_unmeasured_tsv};
use phenocopy::search::UnmeasuredQuery;
use phenocopy::table::read_features;

use super::PredictArguments;
use super::arguments::PredictionFormat;
use crate::cli::output::{complain, width};

impl PredictArguments {
    /// Predicts cell lines that no screen of the index holds.
    pub(super) fn predict_features(&self, index: &Index, features: &Path) -> anyhow::Result<()> {
        let table = read_features(features)?;
        // A new cell line responds in one context, so that words behind it are perturbations.
        let (context, more) = match self.context.split_first() {
            Some((context, more)) => (Some(context.clone()), more),
            None => (None, &[][..]),
        };
        let k = self.k_of_features();
        let perturbations = [&self.queries, &self.perturbations, more].concat();
        let query = UnmeasuredQuery { perturbations, context, k: Some(k) };
        let answer = index.predict_unmeasured(&table, &query)?;
        if !answer.quality.predicts() {
            complain("warning: these features predict nothing of the index's responses");
        }
        let manifest = index.manifest();
        self.output.fill(|out| {
            match self.form() {
                PredictionFormat::Table => {
                    write_unmeasured_table(out, &answer, (k, width()))?;
                    writeln!(out, "index {} {}", manifest.name, manifest.fingerprint)?;
                }
                PredictionFormat::Tsv => {
                    write_unmeasured_tsv(out, &answer, (k, &manifest.fingerprint))?;
                }
                PredictionFormat::Parquet => {
                    anyhow::bail!(
                        "predictions from --features have no Parquet form: use --format tsv"
                    )
                }
            }
            Ok(())
        })
    }
}
