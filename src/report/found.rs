use std::io::{self, Write};

use super::aligned::Aligned;
use super::tsv::single_line;
use crate::index::Record;

const COLUMNS: [&str; 8] =
    ["symbol", "name", "type", "moa", "targets", "phase", "synonyms", "index"];

/// Writes records that were found by text as a table for a terminal.
///
/// # Errors
/// When the output cannot be written.
pub fn write_found_table(out: &mut dyn Write, records: &[Record], width: u16) -> io::Result<()> {
    let rows = records.iter().map(|record| {
        let [_, name, kind, moa, targets, phase, _] = cells(record, ", ");
        vec![name, kind, phase, moa, targets]
    });
    let header = vec!["name", "type", "phase", "mechanism", "targets"];
    Aligned { header, rows: rows.collect(), numbers: Vec::new(), n_flexible: 2, cut_last: Some(0) }
        .write(out, width)
}

/// Writes records that were found by text as tab-separated values with a header line; the last
/// column names the index by its fingerprint.
///
/// # Errors
/// When the output cannot be written.
pub fn write_found_tsv(
    out: &mut dyn Write,
    records: &[Record],
    fingerprint: &str,
) -> io::Result<()> {
    writeln!(out, "{}", COLUMNS.join("\t"))?;
    for record in records {
        let cells = cells(record, "|").map(|cell| single_line(&cell));
        writeln!(out, "{}\t{fingerprint}", cells.join("\t"))?;
    }
    out.flush()
}

fn cells(record: &Record, separator: &str) -> [String; 7] {
    let annotation = &record.annotation;
    let moas: Vec<&str> = annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
    [
        record.perturbation.symbol(),
        record.name().to_owned(),
        record.perturbation.perturbation_type().cmap_code().to_owned(),
        moas.join(separator),
        record.acts_on().join(separator),
        annotation.phase.clone(),
        annotation.synonyms.join(separator),
    ]
}
