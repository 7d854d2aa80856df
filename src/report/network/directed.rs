use std::io::{self, Write};

use super::columns::DIRECTED_COLUMNS;
use super::tables::{support, write_header};
use crate::network::directed::{DirectedEdge, DirectedNetwork, DirectedSummary};
use crate::report::Source;
use crate::report::aligned::{Aligned, shorten};
use crate::report::columns::significant;
use crate::report::hit_table::small;
use crate::report::tsv::write_line;

/// Writes directed edges as tab-separated values with a header line, those that are least due to chance first; the last
/// column names the index by its fingerprint.
///
/// # Errors
/// When the output cannot be written.
pub fn write_directed_tsv(
    out: &mut dyn Write,
    network: &DirectedNetwork,
    fingerprint: &str,
) -> io::Result<()> {
    write_header(out, &DIRECTED_COLUMNS)?;
    for (edge, source, target) in network.joined() {
        let perturbation = &source.record.perturbation;
        let cells = [
            perturbation.symbol(),
            target.symbol.clone(),
            source.record.name().to_owned(),
            target.name.clone(),
            perturbation.perturbation_type().cmap_code().to_owned(),
            source.record.gene().unwrap_or_default().to_owned(),
            edge.effect().as_str().to_owned(),
            significant(edge.response),
            significant(edge.z),
            significant(edge.p_value),
            significant(edge.q_value),
            support(edge.support),
            u8::from(edge.is_self).to_string(),
            fingerprint.to_owned(),
        ];
        write_line(out, cells.into_iter())?;
    }
    out.flush()
}

/// Writes Cytoscape's simple interaction format: `source<TAB>raises|lowers<TAB>target`.
///
/// # Errors
/// When the output cannot be written.
pub fn write_directed_sif(out: &mut dyn Write, network: &DirectedNetwork) -> io::Result<()> {
    for (edge, source, target) in network.joined() {
        let symbol = source.record.perturbation.symbol();
        let cells = [symbol, edge.effect().as_str().to_owned(), target.symbol.clone()];
        write_line(out, cells.into_iter())?;
    }
    out.flush()
}

/// Writes what responds to what, for a terminal: pairs tested, what perturbed genes do to themselves, the `k` surest edges.
///
/// # Errors
/// When the output cannot be written.
pub fn write_directed_overview(
    out: &mut dyn Write,
    network: &DirectedNetwork,
    source: &Source,
    (k, width): (usize, u16),
) -> io::Result<()> {
    for summary in &network.tested {
        for line in tested(summary) {
            writeln!(out, "{}", shorten(&line, usize::from(width)))?;
        }
    }
    writeln!(out)?;
    let rows = network.joined().take(k).map(|(edge, source, target)| {
        vec![
            source.record.perturbation.symbol(),
            target.name.clone(),
            effect(edge),
            format!("{:+.3}", edge.response),
            format!("{:+.1}", edge.z),
            small(Some(edge.q_value).filter(|q| !q.is_nan())),
            support(edge.support),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let header = vec!["perturbation", "readout", "effect", "response", "z", "q", "contexts"];
    if !rows.is_empty() {
        Aligned { header, rows, numbers: vec![3, 4, 5, 6], n_flexible: 0, cut_last: Some(0) }
            .write(out, width)?;
    }
    writeln!(out, "\nindex {} {}", source.index, source.fingerprint)?;
    out.flush()
}

fn effect(edge: &DirectedEdge) -> String {
    let effect = edge.effect().as_str();
    if edge.is_self { format!("{effect} itself") } else { effect.to_owned() }
}

fn tested(summary: &DirectedSummary) -> Vec<String> {
    let label = summary.perturbation_type.label();
    let mut lines = vec![format!(
        "{} of {} pairs {label}-readout are edges",
        summary.n_edges, summary.n_tested
    )];
    let own = summary.own;
    if own.n > 0 {
        lines.push(format!(
            "{} of {} perturbed genes respond themselves as they must, {} with p ≤ .05",
            own.n_expected, own.n, own.n_clear
        ));
    }
    lines
}
