use std::collections::BTreeSet;
use std::io::Write;

use phenocopy::index::Index;
use phenocopy::report::{PredictedParquet, PredictedTable, PredictedTsv, PredictedWriter, Source};
use phenocopy::search::{PredictedProfile, ReadoutLabel, ResponseModel};

use super::PredictArguments;
use super::arguments::PredictionFormat;
use crate::cli::output::{command_line, complain, width};

/// Values that are predicted before they are written.
const VALUES_PER_CHUNK: usize = 1 << 18;
/// Reasons that are listed for pairs that were not predicted.
const MOST_REASONS: usize = 20;

impl PredictArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        self.check()?;
        let index = self.index.open()?;
        match (&self.features, &self.signature) {
            (Some(features), _) => self.predict_features(&index, features),
            (None, Some(signature)) => self.predict_signature(&index, signature),
            (None, None) => self.predict_pairs(&index),
        }
    }

    /// Predicts perturbations in contexts, some pairs at a time.
    fn predict_pairs(&self, index: &Index) -> anyhow::Result<()> {
        let model = ResponseModel::open(index)?;
        let mut queries = self.pairs(index, &model)?;
        let n_chunk = (VALUES_PER_CHUNK / model.readouts().len().max(1)).max(1);
        let mut tally = Tally::default();
        let filled = self.output.fill(|out| {
            let mut writer = self.writer(out, index, model.readouts());
            loop {
                let chunk =
                    queries.by_ref().take(n_chunk).collect::<phenocopy::Result<Vec<_>>>()?;
                if chunk.is_empty() {
                    break;
                }
                let had_any = tally.has_any();
                let profiles = tally.keep(index.predict_batch(&model, &chunk)?);
                // A header over nothing would look like an answer.
                if !had_any && tally.has_any() {
                    writer.begin()?;
                }
                writer.profiles(&profiles)?;
            }
            if !tally.has_any() {
                anyhow::bail!(tally.refusal());
            }
            Ok(writer.finish()?)
        });
        filled.and_then(|()| tally.report())
    }

    pub(super) fn writer<'a>(
        &self,
        out: &'a mut (dyn Write + Send),
        index: &'a Index,
        readouts: &'a [ReadoutLabel],
    ) -> Box<dyn PredictedWriter + 'a> {
        let source = Source::of(index, command_line());
        let manifest = index.manifest();
        match self.form() {
            PredictionFormat::Table => {
                Box::new(PredictedTable::new(out, source, (readouts, manifest), width()))
            }
            PredictionFormat::Tsv => Box::new(PredictedTsv::new(out, source, readouts)),
            PredictionFormat::Parquet => Box::new(PredictedParquet::new(out, source, readouts)),
        }
    }
}

/// How many pairs were predicted, and why others were not.
#[derive(Default)]
struct Tally {
    n: usize,
    n_failed: usize,
    /// The first reasons, each once.
    reasons: BTreeSet<String>,
}

impl Tally {
    /// Counts the results, and keeps what was predicted.
    fn keep(&mut self, results: Vec<phenocopy::Result<PredictedProfile>>) -> Vec<PredictedProfile> {
        self.n += results.len();
        let mut profiles = Vec::with_capacity(results.len());
        for result in results {
            match result {
                Ok(profile) => profiles.push(profile),
                Err(error) => {
                    self.n_failed += 1;
                    if self.reasons.len() < MOST_REASONS {
                        self.reasons.insert(error.to_string());
                    }
                }
            }
        }
        profiles
    }

    fn has_any(&self) -> bool {
        self.n_failed < self.n
    }

    /// Why nothing was predicted.
    fn refusal(&self) -> String {
        match self.reasons.first() {
            None => "the table has no row, so there is nothing to predict".to_owned(),
            Some(only) if self.reasons.len() == 1 => only.clone(),
            Some(_) => {
                self.complain();
                "no pair was predicted".to_owned()
            }
        }
    }

    fn report(&self) -> anyhow::Result<()> {
        if self.n_failed == 0 {
            return Ok(());
        }
        self.complain();
        anyhow::bail!("{} of {} pairs were not predicted", self.n_failed, self.n)
    }

    fn complain(&self) {
        self.reasons.iter().for_each(|reason| complain(&format!("error: {reason}")));
    }
}
