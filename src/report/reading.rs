use std::io::{self, Write};

use serde::Serialize;

use super::aligned::Aligned;
use super::tsv::single_line;
use crate::dataset::{AssayLayout, AssaySummary, NameSummary, ReadingReport, Recipe, Reject};

/// What reading a recipe's files gave, before anything is trained.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// Each file of the recipe and how it is written.
    pub files: Vec<(String, String)>,
    /// What was found out.
    pub report: &'a ReadingReport,
    /// What of the recipe's labels the data hold, where it names some.
    pub labels: Option<LabelSummary>,
    /// What was not taken as it stands in the files.
    pub rejects: Vec<Reject>,
}

/// What of a table of known pairs the data hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LabelSummary {
    /// Pairs in the table.
    pub n_pairs: usize,
    /// Compounds that have a target among the genes.
    pub n_compounds: usize,
    /// Compounds that the data do not hold.
    pub n_unknown_compounds: usize,
    /// Target genes of those that they do hold, which they lack.
    pub n_unknown_genes: usize,
}

const ASSAY_COLUMNS: [&str; 9] = [
    "assay",
    "file",
    "layout",
    "profiles_read",
    "profiles",
    "averaged",
    "readouts",
    "values",
    "missing",
];
const REJECT_COLUMNS: [&str; 6] = ["kind", "assay", "name", "outcome", "suggestion", "warning"];

impl Reading<'_> {
    /// Returns how many findings someone should look at.
    #[must_use]
    pub fn n_warnings(&self) -> usize {
        self.rejects.iter().filter(|reject| reject.is_warning).count()
    }

    /// Writes it for a terminal: files, assays, names, and the sentences of the report.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write_table(&self, out: &mut dyn Write, width: u16) -> io::Result<()> {
        writeln!(out, "{} ({})\n", self.recipe.name, self.recipe.path.display())?;
        let rows = self.files.iter().map(|(file, form)| vec![file.clone(), form.clone()]).collect();
        aligned(vec!["file", "is"], rows, Vec::new()).write(out, width)?;
        writeln!(out)?;
        let rows = self.report.assays.iter().map(|assay| {
            let [context, _, layout, numbers @ ..] = cells(assay);
            [context, layout].into_iter().chain(numbers).collect()
        });
        let header =
            vec!["assay", "layout", "read", "kept", "averaged", "readouts", "values", "missing"];
        aligned(header, rows.collect(), (2..8).collect()).write(out, width)?;
        writeln!(out)?;
        let rows = self.report.name_summaries().iter().map(name_cells).collect();
        let header = vec!["names", "all", "as they are", "renamed", "ambiguous", "unknown"];
        aligned(header, rows, (1..6).collect()).write(out, width)?;
        writeln!(out)?;
        let report = ReadingReport { assays: Vec::new(), ..self.report.clone() };
        write!(out, "{report}")?;
        if let Some(labels) = self.labels {
            writeln!(out, "{labels}")?;
        }
        writeln!(out, "{}", counted(self.n_warnings(), self.rejects.len()))
    }

    /// Writes a row per assay as tab-separated values with a header line.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write_tsv(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", ASSAY_COLUMNS.join("\t"))?;
        for assay in &self.report.assays {
            writeln!(out, "{}", cells(assay).map(|cell| single_line(&cell)).join("\t"))?;
        }
        Ok(())
    }

    /// Returns all of it as one JSON document that ends in a line feed: `type` (`reading`), `schema_version`,
    /// `recipe` (its name), `files`, `assays`, `names`, `labels`, `n_warnings` and `rejects`.
    #[must_use]
    pub fn json(&self) -> String {
        let files = self.files.iter().map(|(file, form)| FileObject { file, form }).collect();
        let document = Document {
            r#type: "reading",
            schema_version: 1,
            recipe: &self.recipe.name,
            files,
            assays: &self.report.assays,
            names: self.report.name_summaries(),
            labels: self.labels,
            n_warnings: self.n_warnings(),
            rejects: &self.rejects,
        };
        // Strings and numbers cannot fail to be written; a path that is no UTF-8 comes from no TOML file.
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }

    /// Writes what was not taken as it stands in the files, a row each, as tab-separated values with a header line.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write_rejects(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", REJECT_COLUMNS.join("\t"))?;
        for Reject { kind, assay, name, outcome, suggestion, is_warning } in &self.rejects {
            let cells = [kind, assay, name, outcome, suggestion].map(|cell| single_line(cell));
            writeln!(out, "{}\t{}", cells.join("\t"), u8::from(*is_warning))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    schema_version: u32,
    recipe: &'a str,
    files: Vec<FileObject<'a>>,
    assays: &'a [AssaySummary],
    names: Vec<NameSummary>,
    labels: Option<LabelSummary>,
    n_warnings: usize,
    rejects: &'a [Reject],
}

#[derive(Serialize)]
struct FileObject<'a> {
    file: &'a str,
    form: &'a str,
}

impl std::fmt::Display for LabelSummary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { n_pairs, n_compounds, n_unknown_compounds, n_unknown_genes } = self;
        write!(
            f,
            "labels: {n_pairs} pairs; {n_compounds} compounds have a target here, {n_unknown_compounds} compounds and {n_unknown_genes} genes are not in the data"
        )
    }
}

fn aligned(header: Vec<&'static str>, rows: Vec<Vec<String>>, numbers: Vec<usize>) -> Aligned {
    Aligned { header, rows, numbers, n_flexible: 0, cut_last: None }
}

fn cells(assay: &AssaySummary) -> [String; 9] {
    let AssaySummary { n_read, n_averaged, n_profiles, n_readouts, n_values, .. } = assay;
    let numbers = [n_read, n_profiles, n_averaged, n_readouts, n_values, &assay.n_missing()];
    let [read, profiles, averaged, readouts, values, missing] = numbers.map(usize::to_string);
    let (context, file) = (assay.context.clone(), assay.file.display().to_string());
    [context, file, layout(assay.layout), read, profiles, averaged, readouts, values, missing]
}

/// Returns a layout as recipes write it.
fn layout(layout: AssayLayout) -> String {
    let value = serde_json::to_value(layout).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn name_cells(names: &NameSummary) -> Vec<String> {
    let NameSummary { kind, n_names, n_renamed, n_ambiguous, n_unknown } = names;
    let n_other = n_renamed + n_ambiguous + n_unknown.unwrap_or_default();
    let unknown = n_unknown.map_or("no annotation".to_owned(), |n| n.to_string());
    let numbers = [*n_names, n_names.saturating_sub(n_other), *n_renamed, *n_ambiguous];
    let mut cells = vec![format!("{kind}s")];
    cells.extend(numbers.map(|n| n.to_string()));
    cells.push(unknown);
    cells
}

fn counted(n_warnings: usize, n_rejects: usize) -> String {
    match (n_warnings, n_rejects) {
        (0, 0) => "everything was taken as it stands in the files".to_owned(),
        (n, all) => format!(
            "{n} warnings; {all} things were not taken as they stand in the files (--rejects FILE lists them)"
        ),
    }
}
