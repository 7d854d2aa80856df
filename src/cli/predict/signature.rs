use phenocopy::Error;
use phenocopy::index::Index;
use phenocopy::report::{PredictedTable, PredictedWriter, Source};
use phenocopy::search::SignatureQuery;

use super::PredictArguments;
use super::arguments::PredictionFormat;
use crate::cli::output::{command_line, width};
use crate::cli::search::{named_signature, report_fit, report_reading};

impl PredictArguments {
    /// Folds a signature in and predicts its perturbation in all contexts.
    pub(super) fn predict_signature(&self, index: &Index, source: &str) -> anyhow::Result<()> {
        if self.context.len() > 1 {
            let received = self.context.join(" ");
            return Err(Error::parameter("context", "the one of the signature", received).into());
        }
        let (table, query) = named_signature(index, source, self.normalised)?;
        let query = SignatureQuery { context: self.context.first().cloned(), ..query };
        let k = self.k_of(&self.readouts);
        let answer = index.predict_signature(&query, &self.readouts, k)?;
        table.iter().for_each(report_reading);
        report_fit(&answer.fit);
        self.output.fill(|out| {
            if self.form() == PredictionFormat::Table {
                let source = Source::of(index, command_line());
                let known = (answer.readouts.as_slice(), index.manifest());
                let mut writer = PredictedTable::new(out, source, known, width());
                writer.signature(&query.signature.name, &answer.fit)?;
                writer.profiles(&answer.profiles)?;
                return Ok(writer.finish()?);
            }
            let mut writer = self.writer(out, index, &answer.readouts);
            writer.begin()?;
            writer.profiles(&answer.profiles)?;
            Ok(writer.finish()?)
        })
    }
}
