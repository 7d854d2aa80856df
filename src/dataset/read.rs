use std::cell::Cell;
use std::path::Path;

use super::assemble::{Dataset, DatasetOptions, Raw, assemble};
use super::gather::{Gathered, Measured};
use super::naming::Naming;
use super::recipe::{AgentKind, AnnotationTable, Assay, AssayLayout, Recipe};
use super::samples::Samples;
use super::screen::RawAssay;
use super::source::{Source, h5ad_part, lists_part};
use super::translation::Translation;
use crate::error::Result;
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
        let mut reader = Reader { data, raw: Raw::default(), states: Vec::new() };
        for assay in &recipe.assays {
            let raw = reader.read_assay(recipe, assay)?;
            reader.raw.assays.push(raw);
        }
        for table in &recipe.annotations {
            reader.read_annotation(table)?;
        }
        reader.states.iter().try_for_each(FileState::require_unchanged)?;
        assemble(recipe, reader.raw, options)
    }
}

/// Reads a recipe's files, one after another, and remembers which.
struct Reader<'a> {
    data: &'a Path,
    raw: Raw,
    /// How the files stood before they were read.
    states: Vec<FileState>,
}

impl Reader<'_> {
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
        let is_sample = |sample: SampleKey<'_>| naming.condition(sample).is_some();
        let is_readout = |name: &str| naming.readout(name).is_some();
        let wanted = Wanted { sample: &is_sample, readout: &is_readout };
        let source = Source::open(assay, shards, duplicates, wanted)?;
        let names = source.names();
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
