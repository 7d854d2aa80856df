use super::gather::{Gathered, Gathering, Measured, by_context};
use super::naming::{Names, SampleKeys};
use super::recipe::{Assay, AssayLayout};
use super::samples::Samples;
use super::value_columns::ValueColumns;
use crate::error::{Error, Result};
use crate::table::{
    Duplicates, GctFile, GctxFile, GctxSelection, H5adFile, H5adPart, H5adSelection, ListsFile,
    ListsPart, ListsRead, ListsSelection, Measurements, SampleValues, Shards, Wanted, read_long,
    read_matrix,
};

/// What is wanted of an assay's file: text has been read, HDF5 waits to be read in pieces.
pub(super) enum Source {
    Held(Measurements),
    Gctx(Box<GctxSelection>),
    H5ad(Box<H5adSelection>),
    Lists(Box<ListsSelection>),
}

const INFINITE: &str = "infinite values are taken for missing ones";
const TOKENS: &str =
    "samples begin with a value below 0: that of a special token, which is left out";

/// Returns what to tell of so many of something; nothing of none.
fn notice(n: u64, what: &str) -> Option<String> {
    (n > 0).then(|| format!("{n} {what}"))
}

impl Source {
    /// Opens a file, or the files that one path names, by their layout.
    pub(super) fn open(
        assay: &Assay,
        shards: Shards,
        duplicates: Duplicates,
        wanted: Wanted<'_>,
    ) -> Result<Self> {
        let readout_column = assay.readout_column.as_deref();
        let file = shards.path.as_path();
        let held = match (assay.layout, assay.layout.orientation()) {
            (AssayLayout::Gctx, ..) => {
                let file = GctxFile::open(file, readout_column)?;
                return Ok(Self::Gctx(Box::new(file.select(wanted))));
            }
            (AssayLayout::H5ad, ..) => {
                let file = H5adFile::open(file, h5ad_part(assay))?;
                return Ok(Self::H5ad(Box::new(file.select(wanted)?)));
            }
            (AssayLayout::Lists, ..) => {
                let file = ListsFile::open(shards, lists_part(assay)?)?;
                return Ok(Self::Lists(Box::new(file.select(wanted)?)));
            }
            (AssayLayout::Gct, ..) => GctFile::open(file)?.read(readout_column, wanted)?,
            (_, Some(orientation)) => {
                let names = assay.row_names.as_ref();
                read_matrix(file, assay.format, orientation, names, wanted)?
            }
            _ => {
                let columns = columns_of(assay)?.of_long().ok_or_else(|| no_columns(assay))?;
                read_long(file, assay.format, &columns, &assay.filters, duplicates, wanted)?
            }
        };
        Ok(Self::Held(held))
    }

    pub(super) fn names(&self) -> Names<'_> {
        match self {
            Self::Held(read) => Names {
                samples: SampleKeys::Names(&read.perturbations),
                readouts: &read.readouts,
                left_out: read.left_out,
            },
            Self::Gctx(file) => Names {
                samples: SampleKeys::Names(&file.sample_names),
                readouts: &file.readout_names,
                left_out: file.left_out,
            },
            Self::H5ad(file) => Names {
                samples: SampleKeys::Rows(&file.samples),
                readouts: &file.readout_names,
                left_out: file.left_out,
            },
            Self::Lists(file) => Names {
                samples: SampleKeys::Rows(&file.samples),
                readouts: &file.readout_names,
                left_out: file.left_out,
            },
        }
    }

    /// Makes profiles of samples that measured these conditions, and says which are of which context.
    pub(super) fn gather(
        self,
        assay: &Assay,
        measured: Measured,
        readouts: Vec<String>,
    ) -> Result<Gathered> {
        let joint = assay.samples.as_ref().map(Samples::joint).unwrap_or_default();
        let source = match self {
            Self::Held(mut measurements) if joint.changes_nothing() => {
                let (contexts, perturbations) = by_context(measured.conditions());
                (measurements.perturbations, measurements.readouts) = (perturbations, readouts);
                let (too_few, notices) = (Vec::new(), Vec::new());
                return Ok(Gathered { measurements, contexts, too_few, notices });
            }
            source => source,
        };
        let mut gathering = Gathering::new(measured, readouts.len(), joint)?;
        let notices = source.for_each_sample(|sample| gathering.push(sample))?;
        let mut gathered = gathering.finish(readouts)?;
        gathered.notices.extend(notices);
        Ok(gathered)
    }

    /// Calls `visit` for each sample; returns what there is to tell.
    pub(super) fn for_each_sample(
        &self,
        mut visit: impl FnMut(SampleValues<'_>) -> Result<()>,
    ) -> Result<Vec<String>> {
        let mut visit_wanted = |place, values: &[f32]| {
            visit(SampleValues { place, values, total: f64::NAN, odd: None })
        };
        let read = match self {
            Self::H5ad(file) => {
                return Ok(notice(file.for_each_sample(visit)?, INFINITE).into_iter().collect());
            }
            Self::Lists(file) => {
                let ListsRead { n_infinite, n_tokens } = file.for_each_sample(visit)?;
                let notices = [notice(n_infinite, INFINITE), notice(n_tokens, TOKENS)];
                return Ok(notices.into_iter().flatten().collect());
            }
            Self::Gctx(file) => {
                file.for_each_sample(visit_wanted)?;
                return Ok(Vec::new());
            }
            Self::Held(read) => read,
        };
        let mut row = vec![f32::NAN; read.n_readouts()];
        for sample in 0..read.n_profiles() {
            row.fill(f32::NAN);
            read.for_each_value(sample, |readout, value| row[readout] = value);
            visit_wanted(sample, &row)?;
        }
        Ok(Vec::new())
    }
}

/// Returns which part of an AnnData file an assay reads.
pub(super) fn h5ad_part(assay: &Assay) -> H5adPart<'_> {
    let (layer, readout_column) = (assay.layer.as_deref(), assay.readout_column.as_deref());
    H5adPart { layer, readout_column }
}

/// Returns which columns of lists an assay reads.
pub(super) fn lists_part(assay: &Assay) -> Result<ListsPart<'_>> {
    let are_counts = assay.samples.as_ref().is_some_and(Samples::are_counts);
    columns_of(assay).map(|columns| columns.of_lists(are_counts))
}

fn columns_of(assay: &Assay) -> Result<&ValueColumns> {
    assay.columns.as_ref().ok_or_else(|| no_columns(assay))
}

fn no_columns(assay: &Assay) -> Error {
    let advice = "name its perturbation, readout and value columns";
    Error::data(format!("assay `{}`", assay.context), "is a long table without `columns`", advice)
}
