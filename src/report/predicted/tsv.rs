use std::io::{self, Write};

use rayon::prelude::*;

use super::PredictedWriter;
use super::columns::{PREDICTED_COLUMNS, of_profile, of_readout, of_rest, of_value};
use crate::report::Source;
use crate::report::columns::to_text;
use crate::report::tsv::{single_line, write_line};
use crate::search::{PredictedProfile, PredictedValue, ReadoutLabel};
use crate::table::Value;

/// Predicted values as tab-separated values with a header line, a row for each readout of each profile.
#[derive(Debug)]
pub struct PredictedTsv<W> {
    out: W,
    source: Source,
    /// The cells of each readout.
    readouts: Vec<String>,
}

impl<W: Write> PredictedTsv<W> {
    /// Creates a writer; `readouts` are those of the model, in its order.
    pub fn new(out: W, source: Source, readouts: &[ReadoutLabel]) -> Self {
        let readouts = readouts.iter().map(|readout| cells(&of_readout(readout))).collect();
        Self { out, source, readouts }
    }
}

/// The lines of a profile.
fn lines(profile: &PredictedProfile, readouts: &[String], fingerprint: &str) -> String {
    let before = cells(&of_profile(profile));
    let after = cells(&of_rest(profile, fingerprint));
    let line = |value: &PredictedValue| {
        let readout = readouts.get(value.readout as usize).map_or("\t", String::as_str);
        [before.as_str(), readout, &cells(&of_value(value)), &after].join("\t") + "\n"
    };
    profile.values.iter().map(line).collect()
}

/// Cells that stand beside each other.
fn cells(values: &[Value]) -> String {
    values.iter().map(|value| single_line(&to_text(value))).collect::<Vec<_>>().join("\t")
}

impl<W: Write> PredictedWriter for PredictedTsv<W> {
    fn begin(&mut self) -> io::Result<()> {
        write_line(&mut self.out, PREDICTED_COLUMNS.iter().map(|column| column.name.to_owned()))
    }

    fn profiles(&mut self, profiles: &[PredictedProfile]) -> io::Result<()> {
        let (readouts, fingerprint) = (&self.readouts, &self.source.fingerprint);
        // Numbers take longer to become text than to be predicted.
        let texts: Vec<String> =
            profiles.par_iter().map(|profile| lines(profile, readouts, fingerprint)).collect();
        texts.iter().try_for_each(|text| self.out.write_all(text.as_bytes()))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
