use std::cell::Cell;
use std::path::Path;

use super::assemble::{Dataset, DatasetOptions, Raw, assemble};
use super::cells::{CellSource, HeldOutCells, has_cells};
use super::gather::{Gathered, Measured};
use super::naming::Naming;
use super::recipe::{AgentKind, AnnotationTable, Assay, AssayLayout, Recipe};
use super::samples::Samples;
use super::screen::{FileAxes, RawAssay};
use super::source::{Source, h5ad_part, lists_part};
use super::split::SampleSplit;
use super::translation::Translation;
use crate::error::{Error, Result};
use crate::table::{
    FileState, GctFile, GctxFile, H5adFile, InputFile, ListsFile, NameChain, SampleColumns,
    SampleKey, SampleSheet, Shards, Wanted, read_annotations, read_mapping, read_sample_sheet,
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
        let (dataset, _) = Reader::new(data, options)?.read(recipe)?;
        Ok(dataset)
    }

    /// Reads a dataset as [`from_recipe`](Self::from_recipe) does, and then the cells that
    /// [`DatasetOptions::held_out_cells`] kept out of it, one for each context that has any: in the order of
    /// [`Dataset::contexts`].
    ///
    /// Files of cells are passed over twice: which genes are both perturbed and measured is known only then.
    ///
    /// # Errors
    /// As [`from_recipe`](Self::from_recipe), and when no assay has cells to hold out: those of genetic
    /// perturbations and of controls, in AnnData or Parquet with lists.
    pub fn with_held_out_cells(
        recipe: &Recipe,
        data: &Path,
        options: &DatasetOptions,
    ) -> Result<(Self, Vec<HeldOutCells>)> {
        let mut reader = Reader::new(data, options)?;
        let (dataset, axes) = reader.read(recipe)?;
        let mut cells = Vec::new();
        for source in &reader.cells {
            cells.extend(source.read(&dataset, &axes)?);
        }
        reader.require_unchanged()?;
        if cells.is_empty() {
            return Err(Error::data(
                format!("recipe `{}`", recipe.name),
                "no assay has cells to hold out",
                "name cells (`.h5ad`, or Parquet with lists) with genetic perturbations, and their `controls`",
            ));
        }
        Ok((dataset, cells))
    }
}

/// Reads a recipe's files, one after another, and remembers which.
struct Reader<'a> {
    data: &'a Path,
    options: &'a DatasetOptions,
    raw: Raw,
    /// How the files stood before they were read.
    states: Vec<FileState>,
    /// The cells that are kept out of profiles.
    cells: Vec<CellSource>,
}

impl<'a> Reader<'a> {
    fn new(data: &'a Path, options: &'a DatasetOptions) -> Result<Self> {
        options.held_out_cells.iter().try_for_each(SampleSplit::check)?;
        Ok(Self { data, options, raw: Raw::default(), states: Vec::new(), cells: Vec::new() })
    }

    /// Reads all but the cells that are kept out of profiles.
    fn read(&mut self, recipe: &Recipe) -> Result<(Dataset, Vec<FileAxes>)> {
        for assay in &recipe.assays {
            let raw = self.read_assay(recipe, assay)?;
            self.raw.assays.push(raw);
        }
        for table in &recipe.annotations {
            self.read_annotation(table)?;
        }
        self.require_unchanged()?;
        assemble(recipe, std::mem::take(&mut self.raw), self.options)
    }

    fn require_unchanged(&self) -> Result<()> {
        self.states.iter().try_for_each(FileState::require_unchanged)
    }

    /// Returns where a recipe's file lies, having taken its fingerprint.
    fn open(&mut self, path: &Path) -> Result<std::path::PathBuf> {
        let file = self.data.join(path);
        if !self.raw.inputs.iter().any(|input| input.path == path) {
            self.states.push(FileState::of(&file)?);
            self.raw.inputs.push(InputFile::fingerprint(path, &file)?);
        }
        Ok(file)
    }

    /// Returns the files that a path of a recipe names, having taken their fingerprints.
    fn open_all(&mut self, path: &Path) -> Result<Shards> {
        let shards = Shards::find(&self.data.join(path))?;
        for name in shards.files.iter().filter_map(|file| file.file_name()) {
            self.open(&path.with_file_name(name))?;
        }
        Ok(shards)
    }

    fn read_assay(&mut self, recipe: &Recipe, assay: &Assay) -> Result<RawAssay> {
        let shards = self.open_all(&assay.file)?;
        let naming = self.read_naming(assay)?;
        let duplicates = assay.duplicates.unwrap_or(recipe.duplicates);
        let split = self.options.held_out_cells.filter(|_| has_cells(assay));
        let is_held_out = |sample: SampleKey<'_>| match (split, sample) {
            (Some(split), SampleKey::Row(row)) => split.holds_out(row),
            _ => false,
        };
        let is_sample =
            |sample: SampleKey<'_>| naming.condition(sample).is_some() && !is_held_out(sample);
        let is_readout = |name: &str| naming.readout(name).is_some();
        let wanted = Wanted { sample: &is_sample, readout: &is_readout };
        let source = Source::open(assay, shards.clone(), duplicates, wanted)?;
        let mut names = source.names();
        if split.is_some() {
            let is_cell = |sample: SampleKey<'_>| {
                let condition = naming.condition(sample);
                condition.is_some_and(|of| of.is_control || is_held_out(sample))
            };
            let wanted = Wanted { sample: &is_cell, ..wanted };
            let cells = Source::open(assay, shards, duplicates, wanted)?;
            let cells =
                CellSource::new(cells, assay, |sample| naming.condition(sample), is_held_out);
            names.left_out.samples -= cells.n_held_out();
            self.cells.push(cells);
        }
        naming.refuse_nothing(&names)?;
        naming.refuse_repeated_samples(names.samples)?;
        self.raw.notices.extend(naming.notice(&names));
        let mut readouts = names.readouts.to_vec();
        self.raw.notices.extend(naming.rename_readouts(&mut readouts, duplicates)?);
        self.raw.untranslated.extend(naming.untranslated());
        let samples = names.samples.iter();
        let measured: Measured = samples.filter_map(|sample| naming.condition(sample)).collect();
        let Gathered { measurements, contexts, too_few, notices } =
            source.gather(assay, measured, readouts)?;
        let notices = notices.into_iter().map(|notice| format!("{}: {notice}", assay.context));
        self.raw.notices.extend(notices);
        self.raw.dropped.extend(too_few.into_iter().map(|few| few.dropped(assay)));
        Ok(RawAssay { measurements, duplicates, contexts })
    }

    /// Reads the tables that say what the names in an assay's file mean.
    fn read_naming<'b>(&mut self, assay: &'b Assay) -> Result<Naming<'b>> {
        let sheet = assay.samples.as_ref().map(|samples| self.read_sheet(assay, samples));
        let mut read = |chain: &'b Option<NameChain>| -> Result<Vec<Translation<'b>>> {
            let mappings = chain.iter().flat_map(|chain| &chain.0);
            let read = mappings.map(|mapping| {
                let meanings = read_mapping(mapping, &self.open(&mapping.file)?)?;
                Ok(Translation::new(mapping, meanings))
            });
            read.collect()
        };
        Ok(Naming {
            assay,
            sheet: sheet.transpose()?,
            perturbations: read(&assay.perturbation_names)?,
            readouts: read(&assay.readout_names)?,
            n_turned: Cell::new(0),
        })
    }

    /// Reads what the samples of an assay are.
    fn read_sheet(&mut self, assay: &Assay, samples: &Samples) -> Result<SampleSheet> {
        let columns = SampleColumns {
            id: Some(&samples.id),
            context: &assay.context,
            perturbation: &samples.perturbation,
            agents: samples.agents(),
            filters: &samples.filters,
        };
        let shards = self.open_all(samples.file.as_ref().unwrap_or(&assay.file))?;
        let file = shards.path.clone();
        let sheet = match (&samples.file, assay.layout) {
            (None, AssayLayout::Gct) => GctFile::open(&file)?.sample_sheet(columns)?,
            (None, AssayLayout::Gctx) => GctxFile::open(&file, None)?.sample_sheet(columns)?,
            (None, AssayLayout::H5ad) => {
                H5adFile::open(&file, h5ad_part(assay))?.sample_sheet(columns)?
            }
            (None, AssayLayout::Lists) => {
                ListsFile::open(shards, lists_part(assay)?)?.sample_sheet(columns)?
            }
            _ => read_sample_sheet(&file, samples.format, columns)?,
        };
        let context = &assay.context;
        let notices = sheet.notices.iter().map(|notice| format!("{context}: {notice}"));
        self.raw.notices.extend(notices);
        Ok(sheet)
    }

    fn read_annotation(&mut self, table: &AnnotationTable) -> Result<()> {
        let file = self.open(&table.file)?;
        let rows = read_annotations(&file, table.format, &table.columns, &table.list_separator)?;
        match table.agents {
            AgentKind::Compound => self.raw.compounds.extend(rows),
            AgentKind::Gene => self.raw.genes.extend(rows),
            AgentKind::Readout => self.raw.readouts.extend(rows),
        }
        Ok(())
    }
}
