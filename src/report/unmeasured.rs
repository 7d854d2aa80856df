use std::io::{self, Write};

use super::aligned::{Aligned, shorten};
use super::columns::significant;
use super::hit_table::cross_validation;
use super::tsv::single_line;
use crate::index::Record;
use crate::search::{FeatureAxis, PredictedResponse, UnmeasuredAnswer, UnmeasuredRow};

const COLUMNS: [&str; 8] =
    ["unmeasured", "axis", "context", "symbol", "name", "readout", "predicted", "index"];

/// Writes predicted responses as a table for a terminal, at most `k` of each row.
///
/// # Errors
/// When the output cannot be written.
pub fn write_unmeasured_table(
    out: &mut dyn Write,
    answer: &UnmeasuredAnswer,
    (k, width): (usize, u16),
) -> io::Result<()> {
    for row in &answer.rows {
        for line in heading(answer, row) {
            writeln!(out, "{}", shorten(&line, usize::from(width)))?;
        }
        writeln!(out)?;
        responses_table(answer, row, k).write(out, width)?;
        writeln!(out)?;
    }
    out.flush()
}

/// Writes predicted responses as tab-separated values with a header line, at most `k` of each row; the
/// last column names the index by its fingerprint.
///
/// # Errors
/// When the output cannot be written.
pub fn write_unmeasured_tsv(
    out: &mut dyn Write,
    answer: &UnmeasuredAnswer,
    (k, fingerprint): (usize, &str),
) -> io::Result<()> {
    writeln!(out, "{}", COLUMNS.join("\t"))?;
    for row in &answer.rows {
        for response in row.responses.iter().take(k) {
            let record = record_of(answer, response);
            let cells = [
                row.name.as_str(),
                axis(answer),
                answer.context.as_deref().unwrap_or(&row.name),
                &record.perturbation.symbol(),
                record.name(),
                response.readout.as_deref().unwrap_or(&row.name),
                &significant(f64::from(response.value)),
                fingerprint,
            ];
            writeln!(out, "{}", cells.map(single_line).join("\t"))?;
        }
    }
    out.flush()
}

fn record_of<'a>(answer: &'a UnmeasuredAnswer, response: &PredictedResponse) -> &'a Record {
    &answer.perturbations[response.perturbation]
}

fn axis(answer: &UnmeasuredAnswer) -> &'static str {
    match answer.axis {
        FeatureAxis::Readout => "readout",
        FeatureAxis::Context => "context",
    }
}

fn heading(answer: &UnmeasuredAnswer, row: &UnmeasuredRow) -> Vec<String> {
    let quality = &answer.quality;
    let place = answer.context.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
    let mut lines = vec![
        format!("{}: never measured; PREDICTED from {} features", row.name, quality.n_features),
        format!(
            "as a {}{place}, learnt from {} that were; left out:",
            axis(answer),
            quality.n_rows
        ),
    ];
    lines.extend(cross_validation(quality, "values"));
    lines
}

fn responses_table(answer: &UnmeasuredAnswer, row: &UnmeasuredRow, k: usize) -> Aligned {
    let with_readout = answer.axis == FeatureAxis::Context;
    let mut header = vec!["perturbation"];
    header.extend(with_readout.then_some("readout"));
    header.extend(["predicted", "mechanism", "targets"]);
    let rows = row.responses.iter().take(k).map(|response| {
        let record = record_of(answer, response);
        let moas: Vec<&str> = record.annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
        let mut cells = vec![record.name().to_owned()];
        cells.extend(with_readout.then(|| response.readout.clone().unwrap_or_default()));
        cells.push(format!("{:.3}", response.value));
        cells.extend([moas.join(", "), record.acts_on().join(", ")]);
        cells
    });
    let numbers = vec![1 + usize::from(with_readout)];
    Aligned { header, rows: rows.collect(), numbers, n_flexible: 2, cut_last: Some(0) }
}
