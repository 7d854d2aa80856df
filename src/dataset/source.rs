use std::collections::BTreeMap;
use std::path::Path;

use super::collapse::Collapse;
use super::gather::{Gathering, by_context};
use super::naming::Names;
use super::recipe::{Assay, AssayLayout};
use crate::error::{Error, Result};
use crate::table::{
    Condition, Duplicates, GctFile, GctxFile, GctxSelection, Measurements, Wanted, read_long,
    read_matrix,
};

/// What is wanted of an assay's file: text has been read, HDF5 waits to be read in pieces.
pub(super) enum Source {
    Held(Measurements),
    Waiting(Box<GctxSelection>),
}

impl Source {
    /// Opens a file by its layout.
    pub(super) fn open(
        assay: &Assay,
        file: &Path,
        duplicates: Duplicates,
        wanted: Wanted<'_>,
    ) -> Result<Self> {
        let held = match (assay.layout, assay.layout.orientation(), &assay.columns) {
            (AssayLayout::Gctx, ..) => {
                return Ok(Self::Waiting(Box::new(GctxFile::open(file)?.select(wanted))));
            }
            (AssayLayout::Gct, ..) => GctFile::open(file)?.read(wanted)?,
            (_, Some(orientation), _) => {
                let names = assay.row_names.as_ref();
                read_matrix(file, assay.format, orientation, names, wanted)?
            }
            (.., Some(columns)) => {
                read_long(file, assay.format, columns, &assay.filters, duplicates, wanted)?
            }
            (.., None) => {
                let advice = "name its perturbation, readout and value columns";
                let what = format!("assay `{}`", assay.context);
                return Err(Error::data(what, "is a long table without `columns`", advice));
            }
        };
        Ok(Self::Held(held))
    }

    pub(super) fn names(&self) -> Names<'_> {
        match self {
            Self::Held(read) => Names {
                samples: &read.perturbations,
                readouts: &read.readouts,
                left_out: read.left_out,
            },
            Self::Waiting(file) => Names {
                samples: &file.sample_names,
                readouts: &file.readout_names,
                left_out: file.left_out,
            },
        }
    }

    /// Makes profiles of samples that measured these conditions, and says which are of which context.
    pub(super) fn gather(
        self,
        conditions: Vec<Condition>,
        readouts: Vec<String>,
        collapse: Option<Collapse>,
    ) -> Result<(Measurements, BTreeMap<String, Vec<usize>>)> {
        match (self, collapse) {
            (Self::Held(mut read), None) => {
                let (contexts, perturbations) = by_context(conditions.into_iter());
                (read.perturbations, read.readouts) = (perturbations, readouts);
                Ok((read, contexts))
            }
            (source, collapse) => {
                let mut gathering = Gathering::new(conditions, readouts.len(), collapse);
                source.for_each_sample(|sample, values| gathering.push(sample, values))?;
                Ok(gathering.finish(readouts))
            }
        }
    }

    fn for_each_sample(&self, mut visit: impl FnMut(usize, &[f32])) -> Result<()> {
        let read = match self {
            Self::Waiting(file) => return file.for_each_sample(visit),
            Self::Held(read) => read,
        };
        let mut row = vec![f32::NAN; read.n_readouts()];
        for sample in 0..read.n_profiles() {
            row.fill(f32::NAN);
            read.for_each_value(sample, |readout, value| row[readout] = value);
            visit(sample, &row);
        }
        Ok(())
    }
}
