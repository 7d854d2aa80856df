use std::path::Path;

use super::measurements::Measurements;
use crate::error::{Error, Result};

/// Writes measurements as a wide CSV with a readout in each row: what [`read_matrix`] reads back.
///
/// Values are written with as few digits as tell them apart; missing ones are empty.
///
/// [`read_matrix`]: super::read_matrix
///
/// # Errors
/// When the file cannot be written.
pub fn write_matrix(path: &Path, corner: &str, measurements: &Measurements) -> Result<()> {
    let (n_profiles, n_readouts) = (measurements.n_profiles(), measurements.n_readouts());
    let mut cells = vec![vec![String::new(); n_profiles + 1]; n_readouts];
    for (row, readout) in cells.iter_mut().zip(&measurements.readouts) {
        row[0].clone_from(readout);
    }
    for profile in 0..n_profiles {
        measurements.for_each_value(profile, |readout, value| {
            if let Some(cell) = cells.get_mut(readout).and_then(|row| row.get_mut(profile + 1)) {
                *cell = value.to_string();
            }
        });
    }
    let mut header = vec![corner];
    header.extend(measurements.perturbations.iter().map(String::as_str));
    write_table(path, &header, &cells)
}

/// Writes a CSV table.
///
/// # Errors
/// When the file cannot be written.
pub fn write_table(path: &Path, header: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let failed = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::io("write", path)(source),
        other => Error::engine("csv", format!("write `{}`", path.display()))(format!("{other:?}")),
    };
    let mut writer = csv::Writer::from_path(path).map_err(failed)?;
    writer.write_record(header).map_err(failed)?;
    for row in rows {
        writer.write_record(row).map_err(failed)?;
    }
    writer.flush().map_err(Error::io("write", path))
}
