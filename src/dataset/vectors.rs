use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::recipe::{AgentKind, AnnotationTable, Assay, AssayLayout, ReadoutChoice, Recipe};
use crate::error::Result;
use crate::experiment::PerturbationType;
use crate::table::{Duplicates, KnownColumns, Pattern, TextFormat};

/// A table of vectors: a row for each perturbation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorFile {
    /// What its perturbations are.
    pub perturbation_type: PerturbationType,
    /// The file, relative to the data folder.
    pub file: PathBuf,
}

impl Recipe {
    /// Makes the recipe of an index of given vectors: each file is a context of its own, named as it is; vectors of one
    /// perturbation are averaged. The columns of annotation tables are found by their names.
    ///
    /// # Errors
    /// When an annotation table cannot be read or has no column of names.
    pub fn of_vectors(
        name: &str,
        files: Vec<VectorFile>,
        annotations: &[PathBuf],
        data: &Path,
    ) -> Result<Self> {
        let mut seen = BTreeMap::new();
        let assays = files.into_iter().map(|file| assay(file, &mut seen)).collect();
        let annotations = annotations.iter().map(|file| annotation(file, data));
        Ok(Self {
            name: name.to_owned(),
            description: "vectors given".to_owned(),
            licence: "not stated".to_owned(),
            readout_kind: "dimension".to_owned(),
            readouts: ReadoutChoice::Shared,
            duplicates: Duplicates::Mean,
            min_values: 1,
            normalisation: Vec::new(),
            labels: None,
            assays,
            annotations: annotations.collect::<Result<_>>()?,
            path: PathBuf::new(),
        })
    }
}

fn assay(file: VectorFile, seen: &mut BTreeMap<String, u32>) -> Assay {
    let stem = file.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let n = seen.entry(stem.clone()).or_insert(0);
    *n += 1;
    let context = if *n > 1 { format!("{stem} {n}") } else { stem };
    Assay {
        file: file.file,
        layout: AssayLayout::WidePerturbationRows,
        perturbation_type: file.perturbation_type,
        context: Pattern::fixed(&context),
        format: TextFormat::Detect,
        normalisation: None,
        min_values: None,
        duplicates: None,
        columns: None,
        filters: Vec::new(),
        row_names: None,
        layer: None,
        readout_column: None,
        samples: None,
        perturbation_names: None,
        readout_names: None,
    }
}

fn annotation(file: &Path, data: &Path) -> Result<AnnotationTable> {
    let known = KnownColumns::find(&data.join(file))?;
    Ok(AnnotationTable {
        agents: if known.is_of_genes { AgentKind::Gene } else { AgentKind::Compound },
        file: file.to_path_buf(),
        format: TextFormat::Detect,
        list_separator: known.list_separator.to_owned(),
        columns: known.columns,
    })
}
