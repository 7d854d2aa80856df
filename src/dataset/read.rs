use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::assemble::{Dataset, DatasetOptions, Raw, assemble};
use super::recipe::{AgentKind, AnnotationTable, Assay, Recipe};
use super::screen::RawAssay;
use crate::error::{Error, Result};
use crate::table::{
    Duplicates, InputFile, Measurements, NameMapping, read_annotations, read_long, read_mapping,
    read_matrix,
};

impl Dataset {
    /// Reads the files of a recipe, merges names, normalises and stores the profiles.
    ///
    /// `data` is the folder that the recipe's paths start from; pass [`Recipe::folder`] where the
    /// files lie beside the recipe. The same files and options give the same dataset, bit by bit.
    ///
    /// # Errors
    /// When a file is missing or not what the recipe says, when profiles collide under
    /// `duplicates = "error"`, or when an assay ends up empty.
    pub fn from_recipe(recipe: &Recipe, data: &Path, options: &DatasetOptions) -> Result<Self> {
        let mut reader = Reader { data, raw: Raw::default() };
        for assay in &recipe.assays {
            let raw = reader.read_assay(recipe, assay)?;
            reader.raw.assays.push(raw);
        }
        for table in &recipe.annotations {
            reader.read_annotation(table)?;
        }
        assemble(recipe, reader.raw, options)
    }
}

/// Reads a recipe's files, one after another, and remembers which.
struct Reader<'a> {
    data: &'a Path,
    raw: Raw,
}

impl Reader<'_> {
    /// Returns where a recipe's file lies, having taken its fingerprint.
    fn open(&mut self, path: &Path) -> Result<std::path::PathBuf> {
        let file = self.data.join(path);
        if !self.raw.inputs.iter().any(|input| input.path == path) {
            self.raw.inputs.push(InputFile::fingerprint(path, &file)?);
        }
        Ok(file)
    }

    fn read_assay(&mut self, recipe: &Recipe, assay: &Assay) -> Result<RawAssay> {
        let file = self.open(&assay.file)?;
        let mut duplicates = assay.duplicates.unwrap_or(recipe.duplicates);
        let mut measurements = match (assay.layout.orientation(), &assay.columns) {
            (Some(orientation), _) => read_matrix(&file, assay.format, orientation)?,
            (None, Some(columns)) => {
                read_long(&file, assay.format, columns, &assay.filters, duplicates)?
            }
            (None, None) => {
                let advice = "name its perturbation, readout and value columns";
                let what = format!("assay `{}`", assay.context);
                return Err(Error::data(what, "is a long table without `columns`", advice));
            }
        };
        if let Some(sheet) = &assay.sheet {
            measurements = self.collapse(assay, sheet, &measurements)?;
            duplicates = Duplicates::Mean;
        }
        if let Some(mapping) = &assay.perturbation_names {
            let names = std::mem::take(&mut measurements.perturbations);
            measurements.perturbations = self.translate(assay, mapping, names)?;
        }
        if let Some(mapping) = &assay.readout_names {
            let names = std::mem::take(&mut measurements.readouts);
            measurements.readouts = self.translate(assay, mapping, names)?;
            refuse_equal_readouts(assay, &measurements)?;
        }
        Ok(RawAssay { measurements, duplicates })
    }

    /// Keeps the samples that a sheet names, under the perturbations it gives.
    fn collapse(
        &mut self,
        assay: &Assay,
        sheet: &NameMapping,
        samples: &Measurements,
    ) -> Result<Measurements> {
        let meanings = read_mapping(sheet, &self.open(&sheet.file)?)?;
        let (mut names, mut rows) = (Vec::new(), Vec::new());
        for (profile, sample) in samples.perturbations.iter().enumerate() {
            let Some(name) = meanings.get(sample) else { continue };
            let mut row = Vec::new();
            samples.for_each_value(profile, |readout, value| row.push((readout as u32, value)));
            names.push(name.clone());
            rows.push(row);
        }
        if names.is_empty() {
            return Err(Error::data(
                format!("assay `{}`", assay.context),
                format!("the sheet `{}` names none of its samples", sheet.file.display()),
                "check the sheet's `from` column and its filters",
            ));
        }
        let (n_left_out, n_all) = (samples.n_profiles() - names.len(), samples.n_profiles());
        if n_left_out > 0 {
            let context = &assay.context;
            let notice = format!("{context}: {n_left_out} of {n_all} samples are not in the sheet");
            self.raw.notices.push(notice);
        }
        Ok(Measurements::sparse(names, samples.readouts.clone(), rows))
    }

    /// Translates names by a table; those it does not know stay as they are, with a notice.
    fn translate(
        &mut self,
        assay: &Assay,
        mapping: &NameMapping,
        names: Vec<String>,
    ) -> Result<Vec<String>> {
        let meanings = read_mapping(mapping, &self.open(&mapping.file)?)?;
        let unknown: BTreeSet<&str> =
            names.iter().filter(|name| !meanings.contains_key(*name)).map(String::as_str).collect();
        if let Some(first) = unknown.first() {
            self.raw.notices.push(format!(
                "{}: {} names are not in `{}` and stay as they are, such as {first}",
                assay.context,
                unknown.len(),
                mapping.file.display()
            ));
        }
        Ok(names.into_iter().map(|name| meanings.get(&name).cloned().unwrap_or(name)).collect())
    }

    fn read_annotation(&mut self, table: &AnnotationTable) -> Result<()> {
        let file = self.open(&table.file)?;
        let rows = read_annotations(&file, table.format, &table.columns, &table.list_separator)?;
        match table.agents {
            AgentKind::Compound => self.raw.compounds.extend(rows),
            AgentKind::Gene => self.raw.genes.extend(rows),
        }
        Ok(())
    }
}

/// Refuses two readouts that have become one by translation.
fn refuse_equal_readouts(assay: &Assay, measurements: &Measurements) -> Result<()> {
    let mut positions = BTreeMap::new();
    for (position, name) in measurements.readouts.iter().enumerate() {
        if let Some(other) = positions.insert(name, position) {
            return Err(Error::data(
                format!("assay `{}`", assay.context),
                format!("readouts {} and {} are both `{name}`", other + 1, position + 1),
                "correct the table of `readout_names`",
            ));
        }
    }
    Ok(())
}
