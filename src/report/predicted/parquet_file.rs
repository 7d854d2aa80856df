use std::io::{self, Write};

use super::PredictedWriter;
use super::columns::{PREDICTED_COLUMNS, of_profile, of_readout, of_rest, of_value};
use crate::report::Source;
use crate::report::hit_parquet::begin;
use crate::search::{PredictedProfile, ReadoutLabel};
use crate::table::{ParquetTable, Value};

/// Predicted values as a Parquet file: the columns of [`PredictedTsv`](super::PredictedTsv) with types, null where a cell
/// is empty. Numbers are not rounded; the file's metadata say where they come from.
pub struct PredictedParquet<W: Write + Send> {
    /// The output, until the file is begun.
    out: Option<W>,
    table: Option<ParquetTable<W>>,
    source: Source,
    readouts: Vec<[Value; 2]>,
}

impl<W: Write + Send> PredictedParquet<W> {
    /// Creates a writer; `readouts` are those of the model, in its order.
    pub fn new(out: W, source: Source, readouts: &[ReadoutLabel]) -> Self {
        let readouts = readouts.iter().map(of_readout).collect();
        Self { out: Some(out), table: None, source, readouts }
    }

    fn table(&mut self) -> io::Result<&mut ParquetTable<W>> {
        self.table.as_mut().ok_or_else(|| io::Error::other("the file was not begun"))
    }
}

impl<W: Write + Send> PredictedWriter for PredictedParquet<W> {
    fn begin(&mut self) -> io::Result<()> {
        if let Some(out) = self.out.take() {
            self.table = Some(begin(out, &self.source, &PREDICTED_COLUMNS)?);
        }
        Ok(())
    }

    fn profiles(&mut self, profiles: &[PredictedProfile]) -> io::Result<()> {
        let fingerprint = self.source.fingerprint.clone();
        let readouts = std::mem::take(&mut self.readouts);
        let table = self.table()?;
        let unnamed = [Value::Missing, Value::Missing];
        for profile in profiles {
            let (before, after) = (of_profile(profile), of_rest(profile, &fingerprint));
            for value in &profile.values {
                let readout = readouts.get(value.readout as usize).unwrap_or(&unnamed);
                let numbers = of_value(value);
                table.push(before.iter().chain(readout).chain(&numbers).chain(&after))?;
            }
        }
        self.readouts = readouts;
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.table()?.finish()
    }
}
