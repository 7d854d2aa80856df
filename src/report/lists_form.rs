use std::io::{self, Write};

use super::file_form::EITHER_TYPE;
use super::h5ad_form::{write_columns, write_context, write_samples};
use crate::table::ListsForm;

/// Writes what a Parquet file with lists is and the lines of a recipe that would read it.
pub(super) fn write_lists_form(
    out: &mut dyn Write,
    name: &str,
    file: &str,
    form: &ListsForm,
) -> io::Result<()> {
    let ListsForm { n_samples, readout, value, n_tokens, n_surveyed, .. } = form;
    let doubt = if form.is_sure { "" } else { "?" };
    writeln!(out, "{name}: Parquet with lists, {n_samples} samples")?;
    writeln!(out, "lists: `{readout}`, `{value}`{doubt}")?;
    if *n_tokens > 0 {
        writeln!(
            out,
            "{n_tokens} of the first samples begin with a value below 0, a special token that is left out of counts"
        )?;
    }
    if *n_surveyed < *n_samples as u64 {
        writeln!(out, "of the first {n_surveyed} samples:")?;
    }
    write_columns(out, "column", &form.columns)?;
    let (file, others) = shards(file)
        .map_or((file.to_owned(), ""), |pattern| (pattern, "  # all files that have such names"));
    writeln!(out, "\n[[assay]]\nfile = \"{file}\"{others}\nlayout = \"lists\"")?;
    writeln!(out, "type = {EITHER_TYPE}")?;
    writeln!(out, "columns = {{ readout = \"{readout}\", value = \"{value}\" }}{doubt}")?;
    write_context(out, &form.columns)?;
    writeln!(
        out,
        "# readout_names = {{ file = \"FILE\", from = \"COLUMN\", to = \"COLUMN\", unnamed = \"drop\" }}, if `{readout}` has ids"
    )?;
    write_samples(out, &form.columns, form.values)
}

/// Returns the pattern of the names of all files, if a name counts one of several: `train-00000-of-03388.parquet`.
fn shards(file: &str) -> Option<String> {
    let (before, after) = file.split_once("-of-")?;
    let stem = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let end = after.trim_start_matches(|c: char| c.is_ascii_digit());
    (stem.len() < before.len() && end.len() < after.len()).then(|| format!("{stem}*{end}"))
}
