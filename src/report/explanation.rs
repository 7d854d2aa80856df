use std::io::{self, Write};

use super::aligned::{Aligned, shorten};
use super::significant;
use super::tsv::single_line;
use crate::search::Explanation;

const COLUMNS: [&str; 8] = [
    "query",
    "hit",
    "readout",
    "query_response",
    "hit_response",
    "contribution",
    "cumulative_share",
    "index",
];

/// Writes the `k` readouts that count most, as a table for a terminal.
///
/// # Errors
/// When the output cannot be written.
pub fn write_explanation_table(
    out: &mut dyn Write,
    explanation: &Explanation,
    k: usize,
    width: u16,
) -> io::Result<()> {
    let Explanation { query, hit, similarity, response_similarity, terms } = explanation;
    let names = format!("{} and {}", query.name(), hit.name());
    writeln!(out, "{}", shorten(&names, usize::from(width)))?;
    writeln!(
        out,
        "similarity {similarity:.3}; predicted responses {response_similarity:.3}, of which"
    )?;
    let (for_it, against): (Vec<f64>, Vec<f64>) =
        terms.iter().map(|term| term.contribution).partition(|contribution| *contribution > 0.0);
    let (n_for, n_against) = (for_it.len(), against.len());
    let (for_it, against): (f64, f64) = (for_it.iter().sum(), against.iter().sum());
    writeln!(
        out,
        "{n_for} readouts add {for_it:.3} and {n_against} take {:.3} away\n",
        against.abs()
    )?;
    let rows = terms.iter().take(k).map(|term| {
        let share = format!("{:.0} %", 100.0 * term.cumulative_share);
        let numbers = [term.query, term.hit, term.contribution];
        let numbers = numbers.map(|number| format!("{number:+.4}"));
        [vec![term.readout.clone()], numbers.to_vec(), vec![share]].concat()
    });
    let header = vec!["readout", "query", "hit", "adds", "so far"];
    Aligned {
        header,
        rows: rows.collect(),
        numbers: vec![1, 2, 3, 4],
        n_flexible: 0,
        cut_last: Some(0),
    }
    .write(out, width)
}

/// Writes all readouts as tab-separated values with a header line; the last column names the index.
///
/// # Errors
/// When the output cannot be written.
pub fn write_explanation_tsv(
    out: &mut dyn Write,
    explanation: &Explanation,
    fingerprint: &str,
) -> io::Result<()> {
    writeln!(out, "{}", COLUMNS.join("\t"))?;
    let symbols = [&explanation.query, &explanation.hit];
    let symbols = symbols.map(|record| single_line(&record.perturbation.symbol())).join("\t");
    for term in &explanation.terms {
        let numbers = [term.query, term.hit, term.contribution, term.cumulative_share];
        let numbers = numbers.map(significant).join("\t");
        let readout = single_line(&term.readout);
        writeln!(out, "{symbols}\t{readout}\t{numbers}\t{fingerprint}")?;
    }
    out.flush()
}
