use std::fs;
use std::path::Path;

use super::world::SyntheticWorld;
use crate::error::{Error, Result};
use crate::table::{AnnotationRow, identifier_key, write_matrix, write_table};

/// Head of the recipe that a world writes.
const RECIPE_HEAD: &str = "# Synthetic: written by phenocopy's own generator (dataset/synthetic), \
                           not by any laboratory.\n# Try it: phenocopy build data/demo/recipe.toml -o demo-index\n\n";

impl SyntheticWorld {
    /// Writes the world as files: a matrix for each screen, annotation tables, labels and
    /// `recipe.toml`; read back, they give the same dataset.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let source = &self.source;
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        for (assay, screen) in source.recipe.assays.iter().zip(&source.screens) {
            write_matrix(&folder.join(&assay.file), "synthetic_cell_line", screen)?;
        }
        for (table, rows) in
            source.recipe.annotations.iter().zip([&source.compounds, &source.genes])
        {
            let has_structures = table.columns.inchi_key.is_some();
            write_annotations(&folder.join(&table.file), rows, has_structures)?;
        }
        let label = |(compound, gene): &(String, String)| {
            vec![identifier_key(compound), gene.clone(), "synthetic".to_owned()]
        };
        let labels: Vec<Vec<String>> = self.labels.iter().map(label).collect();
        write_table(&folder.join("labels.csv"), &["compound_key", "gene", "source"], &labels)?;
        let path = folder.join("recipe.toml");
        let recipe = format!("{RECIPE_HEAD}{}", source.recipe.to_toml()?);
        fs::write(&path, recipe).map_err(Error::io("write", &path))
    }
}

fn write_annotations(path: &Path, rows: &[AnnotationRow], has_structures: bool) -> Result<()> {
    let header =
        ["name", "synonyms", "target", "moa", "clinical_phase", "description", "inchi_key"];
    let n_columns = header.len() - usize::from(!has_structures);
    let cells = |row: &AnnotationRow| {
        let annotation = &row.annotation;
        let targets: Vec<&str> =
            annotation.targets.iter().map(|target| target.0.as_str()).collect();
        let moas: Vec<&str> = annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
        let cells = [
            annotation.name.clone(),
            annotation.synonyms.join("|"),
            targets.join("|"),
            moas.join("|"),
            annotation.phase.clone(),
            annotation.description.clone(),
            annotation.inchi_key.clone(),
        ];
        cells.into_iter().take(n_columns).collect()
    };
    write_table(path, &header[..n_columns], &rows.iter().map(cells).collect::<Vec<_>>())
}
