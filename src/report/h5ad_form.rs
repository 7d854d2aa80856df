use std::io::{self, Write};

use super::file_form::{EITHER_TYPE, listed};
use crate::table::{H5adForm, ObsColumn, ValuesForm};

/// Columns of published files that hold perturbations, the surest first: scPerturb, GEARS, Tahoe-100M, Replogle 2022.
const PERTURBATIONS: [&str; 7] =
    ["perturbation", "condition", "drug", "gene", "gene_transcript", "target_gene", "cmap_name"];
/// Columns that hold contexts.
const CONTEXTS: [&str; 6] =
    ["cell_line", "cell_type", "celltype", "cell_name", "cell_line_id", "cell_iname"];

/// Writes what an AnnData file is and the lines of a recipe that would read it.
pub(super) fn write_h5ad_form(
    out: &mut dyn Write,
    name: &str,
    file: &str,
    form: &H5adForm,
) -> io::Result<()> {
    let H5adForm { n_samples, n_readouts, storage, .. } = form;
    writeln!(out, "{name}: AnnData, {n_samples} samples × {n_readouts} readouts, {storage}")?;
    write_columns(out, "obs", &form.obs)?;
    writeln!(out, "var: {}", listed(&form.var))?;
    if !form.layers.is_empty() {
        writeln!(out, "layers: {}", listed(&form.layers))?;
    }
    writeln!(out, "\n[[assay]]\nfile = \"{file}\"\nlayout = \"h5ad\"\ntype = {EITHER_TYPE}")?;
    write_context(out, &form.obs)?;
    if form.var.iter().any(|column| column == "gene_name") {
        writeln!(out, "readout_column = \"gene_name\"")?;
    }
    write_samples(out, &form.obs, form.values)
}

/// Writes what the columns of a table of samples hold.
pub(super) fn write_columns(
    out: &mut dyn Write,
    of: &str,
    columns: &[ObsColumn],
) -> io::Result<()> {
    for ObsColumn { name, n_values, examples, .. } in columns {
        writeln!(out, "{of} `{name}`: {n_values} values, such as {}", listed(examples))?;
    }
    Ok(())
}

/// Writes the line of a recipe that says which column is the context.
pub(super) fn write_context(out: &mut dyn Write, columns: &[ObsColumn]) -> io::Result<()> {
    match ObsColumn::find(columns, &CONTEXTS) {
        Some(column) => writeln!(out, "context = \"{{{}}}\"", column.name),
        None => writeln!(out, "context = \"NAME\""),
    }
}

/// Writes the lines of a recipe that say what samples are.
pub(super) fn write_samples(
    out: &mut dyn Write,
    columns: &[ObsColumn],
    values: ValuesForm,
) -> io::Result<()> {
    writeln!(out, "[assay.samples]")?;
    let column = ObsColumn::find(columns, &PERTURBATIONS);
    let name = column.map_or("COLUMN", |column| column.name.as_str());
    writeln!(out, "perturbation = \"{{{name}}}\"")?;
    if name == "gene_transcript" {
        writeln!(out, "cut_at = \"_\"\npart = 2")?;
    }
    writeln!(out, "collapse = \"mean\"")?;
    let Some(controls) = column.map(|column| &column.controls).filter(|of| !of.is_empty()) else {
        return Ok(());
    };
    let controls: Vec<String> = controls.iter().map(|control| format!("\"{control}\"")).collect();
    let values = match values {
        ValuesForm::Counts => "counts",
        ValuesForm::Positive => "log",
        ValuesForm::Signed => "relative",
    };
    writeln!(out, "controls = [{}]", controls.join(", "))?;
    writeln!(out, "values = \"{values}\"?\nmin_samples = 25")?;
    writeln!(
        out,
        "# what ends in a question mark is a guess from the first values: see data/README.md"
    )
}
