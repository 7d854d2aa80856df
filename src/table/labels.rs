use std::collections::BTreeSet;
use std::path::Path;

use super::name::is_missing;
use super::text::TextFormat;
use super::text::{Rows, whole_file};
use crate::error::Result;

/// One known pair: a compound and a gene whose product it acts on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    /// The compound's name or key, as written.
    pub compound: String,
    /// The target gene's symbol, as written.
    pub gene: String,
    /// Where the pair comes from; empty when the file does not say.
    pub source: String,
}

/// Reads known compound–gene pairs from a text table, sorted and without repeats.
///
/// The header must name `compound_key` (or `compound`) and `gene`; `source` is optional, other
/// columns are ignored. Rows whose compound or gene is missing say nothing and are left out.
///
/// ```
/// use phenocopy::table::read_labels;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.csv");
/// std::fs::write(&path, "compound,gene\nvenetoclax,BCL2\n")?;
/// assert_eq!(read_labels(&path)?[0].gene, "BCL2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the file cannot be read, lacks a column, has a ragged row or holds no pair.
pub fn read_labels(path: impl AsRef<Path>) -> Result<Vec<Label>> {
    let path = path.as_ref();
    let mut rows = Rows::open(path, TextFormat::Detect)?;
    let compound = rows.column("compound_key").or_else(|_| rows.column("compound"))?;
    let gene = rows.column("gene")?;
    let source = rows.column("source").ok();
    let mut labels = Vec::new();
    while let Some(row) = rows.next_row()? {
        let cell = |at: usize| row.get(at).cloned().unwrap_or_default();
        let (compound, gene) = (cell(compound), cell(gene));
        if !is_missing(&compound) && !is_missing(&gene) {
            labels.push(Label { compound, gene, source: source.map(cell).unwrap_or_default() });
        }
    }
    labels.sort();
    labels.dedup();
    if labels.is_empty() {
        return Err(whole_file(
            path,
            "at least one pair of compound and gene",
            "none",
            "give a file of known pairs",
        ));
    }
    Ok(labels)
}

/// What tables of pairs call their two columns.
const COLUMN_NAMES: [[&str; 2]; 5] = [
    ["entity1", "entity2"],
    ["gene1", "gene2"],
    ["source", "target"],
    ["protein1", "protein2"],
    ["Gene1", "Gene2"],
];

/// Reads pairs of genes that are known to work together, such as those of a complex or a pathway: symbols as written, in no
/// direction, sorted and without repeats.
///
/// The header names `entity1` and `entity2` (or `gene1` and `gene2`, `source` and `target`, `protein1` and `protein2`). Rows
/// that lack a gene, or pair it with itself, say nothing and are left out.
///
/// ```
/// use phenocopy::table::read_gene_pairs;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("pairs.csv");
/// std::fs::write(&path, "gene1,gene2\nSMARCB1,ARID1A\nARID1A,SMARCB1\n")?;
/// assert_eq!(read_gene_pairs(&path)?, [("ARID1A".to_owned(), "SMARCB1".to_owned())]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the file cannot be read, lacks the columns, has a ragged row or holds no pair.
pub fn read_gene_pairs(path: impl AsRef<Path>) -> Result<Vec<(String, String)>> {
    let path = path.as_ref();
    let mut rows = Rows::open(path, TextFormat::Detect)?;
    let both = |names: &[&str; 2]| Some((rows.column(names[0]).ok()?, rows.column(names[1]).ok()?));
    let found = COLUMN_NAMES.iter().find_map(both);
    let (one, other) = match found {
        Some(columns) => columns,
        None => (rows.column("gene1")?, rows.column("gene2")?),
    };
    let mut pairs = BTreeSet::new();
    while let Some(row) = rows.next_row()? {
        let cell = |at: usize| row.get(at).cloned().unwrap_or_default();
        let (one, other) = (cell(one), cell(other));
        if !is_missing(&one) && !is_missing(&other) && one != other {
            pairs.insert(if one < other { (one, other) } else { (other, one) });
        }
    }
    if pairs.is_empty() {
        let advice = "give a file of pairs that are known to work together";
        return Err(whole_file(path, "at least one pair of genes", "none", advice));
    }
    Ok(pairs.into_iter().collect())
}

/// What tables of directed edges call their two columns: `TF` is that of GRNBoost2, `source_gene` that of
/// `phenocopy network --directed`, whose `source` is a symbol.
const EDGE_NAMES: [[&str; 2]; 4] =
    [["source_gene", "target"], ["source", "target"], ["TF", "target"], ["regulator", "target"]];
/// What they call how strong an edge is.
const SCORE_NAMES: [&str; 3] = ["score", "importance", "weight"];

/// Reads directed edges, the strongest first: gene symbols as written.
///
/// The header names `source` (or `source_gene`, `TF`, `regulator`) and `target`, in any case. A column `score` (or `importance`, `weight`) ranks the
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
/// When the file cannot be read, lacks the columns, holds a score that is no finite number, or no edge.
pub fn read_ranked_edges(path: impl AsRef<Path>) -> Result<Vec<(String, String)>> {
    let path = path.as_ref();
    let mut rows = Rows::open(path, TextFormat::Detect)?;
    let column = |name: &str| rows.header().iter().position(|own| own.eq_ignore_ascii_case(name));
    let both = |names: &[&str; 2]| Some((column(names[0])?, column(names[1])?));
    let (source, target) = match EDGE_NAMES.iter().find_map(both) {
        Some(columns) => columns,
        None => (rows.column("source")?, rows.column("target")?),
    };
    let score = SCORE_NAMES.iter().find_map(|name| column(name));
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
    let number = cell.parse::<f64>().ok().filter(|number| number.is_finite());
    let advice = "complete the row, or leave it out";
    number
        .map(f64::abs)
        .ok_or_else(|| rows.refuse(Some(column), "a number", format!("`{cell}`"), advice))
}
