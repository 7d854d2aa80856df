use std::io::{self, Write};
use std::path::Path;

use super::h5ad_form::write_h5ad_form;
use super::lists_form::write_lists_form;
use crate::search::Recognised;
use crate::table::{FileForm, TableForm, TableShape, TextFormat, Writing};

/// Which type a file's perturbations have it does not say.
pub(super) const EITHER_TYPE: &str =
    "\"compound\"  # or \"crispr-knockout\", \"shrna\", \"sirna\", \"overexpression\"";

/// What an index knows of the names of a table's rows and columns.
#[derive(Debug, Clone, Copy)]
pub struct KnownAxes {
    /// Of the first column.
    pub rows: Recognised,
    /// Of the header.
    pub columns: Recognised,
}

/// Returns how a table is written, in words: `comma separated, gzip`, `Parquet`.
#[must_use]
pub fn writing_text(writing: Writing) -> String {
    let writing = match writing {
        Writing::Text(writing) => writing,
        Writing::Parquet => return "Parquet".to_owned(),
        Writing::Workbook => return "first sheet of an Excel workbook".to_owned(),
    };
    let separator = match writing.separator {
        TextFormat::Tab => "tab separated",
        TextFormat::Semicolon => "semicolon separated",
        TextFormat::Comma | TextFormat::Detect => "comma separated",
    };
    let mut text = separator.to_owned();
    if writing.is_gzip {
        text.push_str(", gzip");
    }
    if writing.has_byte_order_mark {
        text.push_str(", with byte order mark");
    }
    text
}

/// Writes what a file is and the lines of a recipe that would read it.
///
/// # Errors
/// When the output cannot be written.
pub fn write_file_form(
    out: &mut dyn Write,
    path: &Path,
    form: &FileForm,
    known: Option<KnownAxes>,
) -> io::Result<()> {
    let name = path.display();
    match form {
        FileForm::Table(table) => {
            let (rows, columns) = (table.n_rows, table.header.len());
            let writing = writing_text(table.writing);
            writeln!(out, "{name}: {writing}, {rows} rows × {columns} columns")?;
            writeln!(out, "header: {}", listed(&table.header))?;
            writeln!(out, "missing: {} cells in the columns of numbers", table.n_missing)?;
            write_shape(out, path, table, known)
        }
        FileForm::H5ad(form) => write_h5ad_form(out, &name.to_string(), &file_name(path), form),
        FileForm::Lists(form) => write_lists_form(out, &name.to_string(), &file_name(path), form),
        FileForm::GeneSets { format } => writeln!(out, "{name}: gene sets ({format})"),
        FileForm::Known { format } => {
            writeln!(out, "{name}: {format}, by its first bytes")?;
            let layout = match *format {
                "GCTX" => "gctx",
                "GCT 1.2" | "GCT 1.3" => "gct",
                _ => return Ok(()),
            };
            let file = file_name(path);
            writeln!(out, "\n[[assay]]\nfile = \"{file}\"\nlayout = \"{layout}\"")?;
            writeln!(out, "type = {EITHER_TYPE}\ncontext = \"NAME\"")
        }
    }
}

fn write_shape(
    out: &mut dyn Write,
    path: &Path,
    table: &TableForm,
    known: Option<KnownAxes>,
) -> io::Result<()> {
    let file = file_name(path);
    match &table.shape {
        TableShape::Wide => {
            writeln!(out, "a wide matrix: names in the first column, numbers in all others")?;
            if let Some(KnownAxes { rows, columns }) = known {
                writeln!(out, "rows: {}; columns: {}", known_text(rows), known_text(columns))?;
            }
            let (layout, kind) = orientation(known);
            writeln!(out, "\n[[assay]]\nfile = \"{file}\"\nlayout = {layout}\ntype = {kind}")?;
            writeln!(out, "context = \"NAME\"")
        }
        TableShape::Long { texts, numbers } => {
            writeln!(out, "a long table: a value in each row")?;
            writeln!(out, "columns of text: {}", listed(texts))?;
            writeln!(out, "columns of numbers: {}", listed(numbers))?;
            writeln!(out, "\n[[assay]]\nfile = \"{file}\"\nlayout = \"long\"")?;
            writeln!(out, "type = {}\ncontext = \"NAME\"", orientation(None).1)?;
            let columns = ["perturbation", "readout", "value"].map(|what| {
                let (column, is_sure) = long_column(what, table, texts, numbers);
                format!("{what} = \"{column}\"{}", if is_sure { "" } else { "?" })
            });
            writeln!(out, "columns = {{ {} }}", columns.join(", "))?;
            writeln!(out, "# what ends in a question mark is a guess: put the column's name there")
        }
        TableShape::Signature { value } => {
            writeln!(out, "a signature: readouts and their values, in the column `{value}`")?;
            writeln!(out, "\nphenocopy search --signature {}", path.display())
        }
        TableShape::Annotation => {
            writeln!(out, "a table of texts: an annotation, or a table of samples or names")?;
            let first = table.header.first().map_or("", String::as_str);
            writeln!(out, "\n[[annotation]]\nfor = \"compound\"  # or \"gene\", \"readout\"")?;
            writeln!(out, "file = \"{file}\"\ncolumns = {{ name = [\"{first}\"] }}")
        }
    }
}

/// Returns a file's name as it can stand in a recipe.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().replace(['\\', '"'], "_")
}

/// Says which layout and type a wide matrix has, as far as an index knows its names.
fn orientation(known: Option<KnownAxes>) -> (&'static str, &'static str) {
    let unknown =
        "\"wide-readout-rows\"  # or \"wide-perturbation-rows\": --index DIR tells by the names";
    let Some(KnownAxes { rows, columns }) = known else { return (unknown, EITHER_TYPE) };
    let (layout, perturbations) = if rows.are_readouts() && !columns.are_readouts() {
        ("\"wide-readout-rows\"", columns)
    } else if columns.are_readouts() && !rows.are_readouts() {
        ("\"wide-perturbation-rows\"", rows)
    } else {
        let unknown = "\"wide-readout-rows\"  # or \"wide-perturbation-rows\": the index knows neither axis, or both";
        return (unknown, EITHER_TYPE);
    };
    let (n_compounds, n_genes) = (perturbations.n_compounds, perturbations.n_genes);
    match n_compounds.cmp(&n_genes) {
        std::cmp::Ordering::Greater => (layout, "\"compound\""),
        std::cmp::Ordering::Less => {
            (layout, "\"crispr-knockout\"  # or \"shrna\", \"sirna\", \"overexpression\"")
        }
        std::cmp::Ordering::Equal => (layout, EITHER_TYPE),
    }
}

/// Columns of published long tables, the surest first: GDSC, PRISM, CTRPv2, LINCS, perturblib.
const PERTURBATIONS: [&str; 8] = [
    "perturbation",
    "drug_name",
    "cmap_name",
    "pert_iname",
    "cpd_name",
    "compound",
    "drug",
    "name",
];
const READOUTS: [&str; 8] = [
    "readout",
    "sanger_model_id",
    "depmap_id",
    "modelid",
    "ccl_name",
    "cell_line_name",
    "cell_line",
    "gene_symbol",
];
const VALUES: [&str; 6] = ["value", "ln_ic50", "area_under_curve", "auc", "z_score", "score"];

/// Returns the column that is named like one of published tables, else the first that could be, and whether it is sure.
fn long_column<'a>(
    what: &str,
    table: &'a TableForm,
    texts: &'a [String],
    numbers: &'a [String],
) -> (&'a str, bool) {
    let (names, others) = match what {
        "perturbation" => (&PERTURBATIONS[..], texts.first()),
        "readout" => (&READOUTS[..], texts.get(1)),
        _ => (&VALUES[..], numbers.first()),
    };
    let named = |name: &&str| table.header.iter().find(|own| own.eq_ignore_ascii_case(name));
    match names.iter().find_map(named) {
        Some(column) => (column, true),
        None => (others.map_or("", String::as_str), false),
    }
}

fn known_text(known: Recognised) -> String {
    let Recognised { n_names, n_readouts, n_compounds, n_genes } = known;
    format!(
        "of {n_names} names the index knows {n_readouts} as readouts, {n_compounds} as compounds, {n_genes} as genes"
    )
}

pub(super) fn listed(names: &[String]) -> String {
    /// More columns than this hide the answer.
    const MOST_LISTED: usize = 8;
    let shown: Vec<String> =
        names.iter().take(MOST_LISTED).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(MOST_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
