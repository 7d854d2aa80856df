use std::path::Path;

use super::name::is_missing;
use super::text::{Rows, TextFormat, whole_file};
use crate::error::Result;

/// What tables of directed edges call their two columns: `TF` is that of GRNBoost2.
const COLUMN_NAMES: [[&str; 2]; 3] =
    [["source", "target"], ["TF", "target"], ["regulator", "target"]];
/// What they call how strong an edge is.
const SCORE_NAMES: [&str; 3] = ["score", "importance", "weight"];

/// Reads directed edges, the strongest first: gene symbols as written.
///
/// The header names `source` (or `TF`, `regulator`) and `target`. A column `score` (or `importance`, `weight`) ranks the
/// edges by its absolute value, equal ones in the order of the rows; without it the rows are in order of strength. Rows that
/// lack a gene are left out.
///
/// ```
/// use phenocopy::table::read_ranked_edges;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("edges.tsv");
/// std::fs::write(&path, "source\ttarget\tscore\nTP53\tMDM2\t0.4\nTP53\tCDKN1A\t-2\n")?;
/// assert_eq!(read_ranked_edges(&path)?[0].1, "CDKN1A");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the file cannot be read, lacks the columns, holds a score that is no number, or no edge.
pub fn read_ranked_edges(path: impl AsRef<Path>) -> Result<Vec<(String, String)>> {
    let path = path.as_ref();
    let mut rows = Rows::open(path, TextFormat::Detect)?;
    let both = |names: &[&str; 2]| Some((rows.column(names[0]).ok()?, rows.column(names[1]).ok()?));
    let (source, target) = match COLUMN_NAMES.iter().find_map(both) {
        Some(columns) => columns,
        None => (rows.column("source")?, rows.column("target")?),
    };
    let score = SCORE_NAMES.iter().find_map(|name| rows.column(name).ok());
    let mut edges = Vec::new();
    while let Some(row) = rows.next_row()? {
        let cell = |at: usize| row.get(at).map(String::as_str).unwrap_or_default();
        if is_missing(cell(source)) || is_missing(cell(target)) {
            continue;
        }
        let strength = match score {
            Some(score) => strength(&rows, score, cell(score))?,
            None => 0.0,
        };
        edges.push((strength, (cell(source).to_owned(), cell(target).to_owned())));
    }
    if edges.is_empty() {
        return Err(whole_file(path, "at least one edge", "none", "give a file of edges"));
    }
    edges.sort_by(|one, other| other.0.total_cmp(&one.0));
    Ok(edges.into_iter().map(|(_, edge)| edge).collect())
}

fn strength(rows: &Rows, column: usize, cell: &str) -> Result<f64> {
    let number = cell.parse::<f64>().ok().filter(|number| !number.is_nan());
    let advice = "complete the row, or leave it out";
    number
        .map(f64::abs)
        .ok_or_else(|| rows.refuse(Some(column), "a number", format!("`{cell}`"), advice))
}
