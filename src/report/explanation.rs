use std::io::{self, Write};

use super::aligned::{Aligned, shorten};
use super::significant;
use super::tsv::single_line;
use crate::index::Record;
use crate::search::{ContextSimilarity, Explanation};

/// Contexts up to this many are all listed; of more, the most and the least alike.
const ALL_LISTED: usize = 8;
const EXTREMES: usize = 3;

const COLUMNS: [&str; 10] = [
    "query",
    "hit",
    "readout",
    "query_response",
    "hit_response",
    "contribution",
    "cumulative_share",
    "index",
    "context",
    "readout_name",
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
    let Explanation { query, hit, similarity, response_similarity, terms, .. } = explanation;
    let names = format!("{} and {}", query.name(), hit.name());
    writeln!(out, "{}", shorten(&names, usize::from(width)))?;
    let place = explanation.context.as_ref().map_or_else(String::new, |name| format!(" in {name}"));
    writeln!(
        out,
        "similarity {similarity:.3}; predicted responses{place} {response_similarity:.3}, of which"
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
        [vec![readout(&term.readout, &term.readout_name)], numbers.to_vec(), vec![share]].concat()
    });
    let header = vec!["readout", "query", "hit", "adds", "so far"];
    Aligned {
        header,
        rows: rows.collect(),
        numbers: vec![1, 2, 3, 4],
        n_flexible: 0,
        cut_last: Some(0),
    }
    .write(out, width)?;
    let lines = contexts_compared(&explanation.by_context).chain(measured(explanation));
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        writeln!(out)?;
    }
    lines.try_for_each(|line| writeln!(out, "{}", shorten(&line, usize::from(width))))
}

/// A readout by its symbol and, where people call it otherwise, that name first.
pub(super) fn readout(symbol: &str, name: &str) -> String {
    if symbol == name { symbol.to_owned() } else { format!("{name} ({symbol})") }
}

/// How alike the responses are in single contexts: all of a few, the extremes of many.
fn contexts_compared(contexts: &[ContextSimilarity]) -> impl Iterator<Item = String> {
    let list = |contexts: &[ContextSimilarity]| {
        let entry = |c: &ContextSimilarity| format!("{} {:.3}", c.context, c.response_similarity);
        contexts.iter().map(entry).collect::<Vec<_>>().join(", ")
    };
    let lines = match contexts.len() {
        0 => Vec::new(),
        n if n <= ALL_LISTED => vec![format!("responses by context: {}", list(contexts))],
        n => {
            let mut sorted = contexts.to_vec();
            sorted.sort_by(|a, b| b.response_similarity.total_cmp(&a.response_similarity));
            let (most, least) = (&sorted[..EXTREMES], &sorted[n - EXTREMES..]);
            vec![
                format!("most alike of {n} contexts: {}", list(most)),
                format!("least alike: {}", list(least)),
            ]
        }
    };
    lines.into_iter()
}

/// Where the two were measured: a response elsewhere is the model's word alone.
fn measured(explanation: &Explanation) -> impl Iterator<Item = String> {
    let Explanation { query, hit, context, .. } = explanation;
    let line = match context {
        Some(context) => {
            let is_measured = |record: &Record| record.contexts.iter().any(|name| name == context);
            match (is_measured(query), is_measured(hit)) {
                (true, true) => format!("both were measured in {context}"),
                (false, false) => format!("neither was measured in {context}: predicted"),
                (true, false) => one_measured(context, query, hit),
                (false, true) => one_measured(context, hit, query),
            }
        }
        None => {
            let of = |record: &Record| format!("{} {}", record.name(), record.contexts.join(", "));
            format!("measured in: {}; {}", of(query), of(hit))
        }
    };
    std::iter::once(line)
}

fn one_measured(context: &str, measured: &Record, other: &Record) -> String {
    format!("{} was measured in {context}, {} was not: predicted", measured.name(), other.name())
}

/// Writes all readouts as tab-separated values with a header line; the last columns name the index, the context, which
/// is empty for averages over all, and what people call the readout.
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
    let context = single_line(explanation.context.as_deref().unwrap_or_default());
    for term in &explanation.terms {
        let numbers = [term.query, term.hit, term.contribution, term.cumulative_share];
        let numbers = numbers.map(significant).join("\t");
        let (readout, name) = (single_line(&term.readout), single_line(&term.readout_name));
        writeln!(out, "{symbols}\t{readout}\t{numbers}\t{fingerprint}\t{context}\t{name}")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_contexts_are_told_by_their_extremes() {
        let context = |i: u8| ContextSimilarity {
            context: format!("C{i}"),
            response_similarity: f32::from(i) / 10.0,
        };
        let of = |n: u8| contexts_compared(&(0..n).map(context).collect::<Vec<_>>()).collect();
        let (none, few, many): (Vec<String>, Vec<String>, Vec<String>) = (of(0), of(2), of(9));
        assert!(none.is_empty());
        assert_eq!(few, ["responses by context: C0 0.000, C1 0.100"]);
        let most = "most alike of 9 contexts: C8 0.800, C7 0.700, C6 0.600";
        assert_eq!(many, [most, "least alike: C2 0.200, C1 0.100, C0 0.000"]);
    }
}
