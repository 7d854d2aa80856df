use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;

use super::aligned::{Aligned, AlignedRow};
use super::collision::KnownNames;
use super::summary::Addition;
use super::way::Way;
use crate::calibrate::{Activity, agreement_of};
use crate::dataset::Dataset;
use crate::embedding::Embeddings;
use crate::error::{Error, Result};
use crate::experiment::Side;
use crate::index::builder::IndexBuilder;
use crate::index::calibration::{BaseCalibration, Calibration, CalibrationInput};
use crate::index::describe::{describe, describe_genes_anew};
use crate::index::manifest::FileDigest;
use crate::index::vector::GraphParameters;
use crate::index::{
    Index, MeasuredActivity, PlacedProfiles, ProfileUnits, Provenance, REBUILD, Record, Responses,
};

/// A row that was placed.
struct PlacedRow {
    record: Record,
    vector: Vec<f32>,
    response: Option<Vec<f32>>,
    strength: f32,
    agreement: f32,
    /// The vectors of its profiles, each by itself.
    profiles: Vec<Vec<f32>>,
    /// Values at readouts of the index.
    n_values: usize,
}

impl<'a> IndexBuilder<'a> {
    /// Takes an index and profiles or vectors of perturbations that it does not hold; gives the larger index, nothing
    /// trained anew.
    ///
    /// The contexts of the dataset must be named as those of the index, readouts by any name that it knows. Each
    /// perturbation is folded in with all weights frozen; in an index of given vectors it is centred as those were. Added rows follow the
    /// others of their side and carry the calibration of folded-in profiles: the nulls are those of the base,
    /// and what it says of its own rows stays, to the bit, but for q-values and support, which depend on the panel, and what
    /// is said of genes that added compounds act on. An index that has added rows can be added to again.
    ///
    /// ```no_run
    /// use phenocopy::dataset::{Dataset, DatasetOptions, Recipe};
    /// use phenocopy::index::{ProfileUnits, Index, IndexBuilder};
    ///
    /// let index = Index::open("index/cancer-viability")?;
    /// let recipe = Recipe::read("our-compounds.toml")?;
    /// let ours = Dataset::from_recipe(&recipe, recipe.folder(), &DatasetOptions::default())?;
    /// let manifest = IndexBuilder::extend(&index, &ours, ProfileUnits::Screen)?.write("larger".as_ref())?;
    /// println!("{} of {} rows were added", manifest.n_added(), manifest.counts.rows());
    /// # Ok::<(), phenocopy::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a file of the index is damaged, it cannot place new rows or has no statistics, a context is not one of its own, the
    /// names of a row are those of a row of the index, or no row has a profile at readouts enough (20; of vectors half of the
    /// dimensions if that is fewer); profiles at fewer are left out, and the manifest's
    /// [`Addition::notices`] say which.
    pub fn extend(index: &'a Index, dataset: &Dataset, units: ProfileUnits) -> Result<Self> {
        // Damaged files would get digests of their own.
        index.verify()?;
        let way = Way::of(index, units)?;
        way.check_steps(dataset, units)?;
        let Aligned { rows, mut notices } = Aligned::of(&way, dataset)?;
        let records: Vec<Record> =
            (0..index.n_rows() as u32).map(|row| index.record(row)).collect::<Result<_>>()?;
        let added = place_all(&way, index, &rows, (&describe(dataset), &mut notices))?;
        let names: Vec<&Record> = added.iter().map(|row| &row.record).collect();
        notices.extend(KnownNames::of(&records).refuse(&names)?);
        let addition = Addition {
            base: index.manifest().fingerprint.clone(),
            by: way.by(),
            are_normalised: units == ProfileUnits::Normalised,
            chemical: n_of(&added, Side::Chemical),
            genetic: n_of(&added, Side::Genetic),
            contexts: contexts_of(&added),
            profiles: added.iter().map(|row| row.profiles.len()).sum(),
            observations: added.iter().map(|row| row.n_values).sum(),
            inputs: dataset.inputs.clone(),
            notes: dataset.report.sentences(),
            notices,
        };
        Larger::new(index, &records, added).builder(addition)
    }
}

fn n_of(rows: &[PlacedRow], side: Side) -> usize {
    rows.iter().filter(|row| row.record.perturbation.side() == side).count()
}

/// The contexts that rows were measured in, sorted.
fn contexts_of(rows: &[PlacedRow]) -> Vec<String> {
    let all: BTreeSet<&String> = rows.iter().flat_map(|row| &row.record.contexts).collect();
    all.into_iter().cloned().collect()
}

/// Places all rows; of those that cannot be placed, a notice says why.
///
/// # Errors
/// When none is left.
fn place_all(
    way: &Way<'_>,
    index: &Index,
    rows: &[AlignedRow],
    (described, notices): (&[Record], &mut Vec<String>),
) -> Result<Vec<PlacedRow>> {
    let placed = rows.par_iter().map(|row| place(way, index, row, &described[row.position]));
    let mut all = Vec::with_capacity(rows.len());
    for (placed, row) in placed.collect::<Vec<_>>().into_iter().zip(rows) {
        match placed {
            Ok(placed) => all.push(placed),
            Err(error) => {
                let symbol = described[row.position].perturbation.symbol();
                notices.push(format!("left out: `{symbol}` cannot be placed: {error}"));
            }
        }
    }
    if all.is_empty() {
        let problem = format!("none is left: {}", notices.join("; "));
        return Err(Error::data("rows to add", problem, "look at what was left out"));
    }
    Ok(all)
}

/// Places a perturbation, and each of its profiles by itself.
fn place(way: &Way<'_>, index: &Index, row: &AlignedRow, record: &Record) -> Result<PlacedRow> {
    let side = record.perturbation.side();
    let profiles: Vec<(u32, &[f32])> =
        row.profiles.iter().map(|(context, values)| (*context, values.as_slice())).collect();
    let thresholds = index.calibration().map_or(&[][..], |table| table.thresholds());
    let alone = profiles.iter().map(|profile| way.place(side, &[*profile]));
    let alone = alone.collect::<Result<Vec<_>>>()?;
    let strength = |(placed, (context, _)): (&crate::embedding::Placed, &(u32, &[f32]))| {
        placed.length / thresholds.get(*context as usize).copied().unwrap_or(f32::NAN)
    };
    let strengths: Vec<f32> = alone.iter().zip(&profiles).map(strength).collect();
    let values: Vec<&[f32]> = profiles.iter().map(|(_, values)| *values).collect();
    let vector = match alone.as_slice() {
        [only] => only.vector.clone(),
        _ => way.place(side, &profiles)?.vector,
    };
    Ok(PlacedRow {
        record: Record { contexts: row.contexts.clone(), ..record.clone() },
        vector,
        response: way.respond(side, &profiles)?,
        strength: strengths.iter().sum::<f32>() / strengths.len() as f32,
        agreement: agreement_of(&values),
        profiles: alone.into_iter().map(|placed| placed.vector).collect(),
        n_values: row.n_values,
    })
}

/// A row of the larger index.
enum Origin {
    Base(u32),
    Added(usize),
}

/// The rows of an index and those added, in the order of the larger index.
struct Larger<'a> {
    index: &'a Index,
    rows: Vec<Origin>,
    records: Vec<Record>,
    added: Vec<PlacedRow>,
}

impl<'a> Larger<'a> {
    /// Puts the added rows of each side behind those that are there.
    fn new(index: &'a Index, base: &[Record], added: Vec<PlacedRow>) -> Self {
        let mut rows = Vec::with_capacity(base.len() + added.len());
        for side in [Side::Chemical, Side::Genetic] {
            rows.extend(index.range(side).map(|row| Origin::Base(row as u32)));
            let is_here = |(_, row): &(usize, &PlacedRow)| row.record.perturbation.side() == side;
            let here = added.iter().enumerate().filter(is_here);
            rows.extend(here.map(|(at, _)| Origin::Added(at)));
        }
        let record = |origin: &Origin| match origin {
            Origin::Base(row) => base[*row as usize].clone(),
            Origin::Added(at) => added[*at].record.clone(),
        };
        let mut records: Vec<Record> = rows.iter().map(record).collect();
        describe_genes_anew(&mut records, |row| matches!(rows[row], Origin::Added(_)));
        Self { index, rows, records, added }
    }

    fn builder(self, addition: Addition) -> Result<IndexBuilder<'a>> {
        let index = self.index;
        let embeddings = Embeddings::from_unit_rows(
            self.each(|row| Some(index.vector(row)), |row| Some(&row.vector), index.dim()),
            index.dim(),
        )?;
        let responses = self.responses()?;
        let calibration = self.calibration(&embeddings, responses.as_ref())?;
        let manifest = index.manifest();
        let graph = manifest.graphs.values().next().map(|graph| GraphParameters {
            max_neighbours: graph.max_neighbours,
            ef_construction: graph.ef_construction,
        });
        let builder = IndexBuilder::new(manifest.name.clone(), embeddings, self.records)?
            .provenance(provenance(index, addition))
            .placement(index.placement()?.cloned())
            .space(index.vector_space()?)
            .graph(graph.unwrap_or_default())
            .calibration(calibration);
        let builder = match responses {
            Some(responses) => builder.responses(responses),
            None => builder,
        };
        let has_model = manifest.files.keys().any(|name| name.starts_with("model/"));
        Ok(if has_model { builder.model(|folder| copy_model(index, folder)) } else { builder })
    }

    /// One vector of each row after another; zeros where there is none.
    fn each<'b>(
        &'b self,
        of_base: impl Fn(u32) -> Option<&'b [f32]>,
        of_added: impl Fn(&'b PlacedRow) -> Option<&'b [f32]>,
        dim: usize,
    ) -> Vec<f32> {
        let zeros = vec![0.0; dim];
        let mut all = Vec::with_capacity(self.rows.len() * dim);
        for origin in &self.rows {
            let vector = match origin {
                Origin::Base(row) => of_base(*row),
                Origin::Added(at) => of_added(&self.added[*at]),
            };
            all.extend_from_slice(vector.unwrap_or(&zeros));
        }
        all
    }

    fn responses(&self) -> Result<Option<Responses>> {
        let Some(table) = self.index.response_table() else { return Ok(None) };
        let coefficients =
            self.each(|row| table.row(row), |row| row.response.as_deref(), table.rank());
        let kept = self.index.manifest().response_variance_kept.unwrap_or(1.0);
        table.with_rows(coefficients, kept).map(Some)
    }

    fn calibration(
        &self,
        embeddings: &Embeddings,
        responses: Option<&Responses>,
    ) -> Result<Calibration> {
        let manifest = self.index.manifest();
        let table = self.index.calibration().ok_or_else(|| {
            let problem =
                "it says nothing of what similarities are worth, which added rows are judged by";
            let advice = "build it anew with this program, and add to that";
            Error::data(format!("index `{}`", manifest.name), problem, advice)
        })?;
        let base = |origin: &Origin| match origin {
            Origin::Base(row) => Some(*row),
            Origin::Added(_) => None,
        };
        let base = BaseCalibration {
            table,
            summary: manifest.calibration.clone(),
            rows: self.rows.iter().map(base).collect(),
        };
        let measured = self.measured(!table.thresholds().is_empty());
        let rank = self.index.response_table().map_or(0, |table| table.rank());
        Ok(Calibration::extend(
            &base,
            &CalibrationInput {
                vectors: embeddings.values(),
                dim: embeddings.dim(),
                records: &self.records,
                responses: responses
                    .map(|responses| (responses.coefficients.as_slice(), rank))
                    .filter(|_| rank > 0),
                measured: Some(&measured),
            },
        ))
    }

    /// What was measured of the added rows.
    fn measured(&self, has_activity: bool) -> MeasuredActivity {
        let mut profiles = PlacedProfiles::default();
        let (mut strength, mut agreement) = (Vec::new(), Vec::new());
        for (row, origin) in (0_u32..).zip(&self.rows) {
            let added = match origin {
                Origin::Base(_) => None,
                Origin::Added(at) => Some(&self.added[*at]),
            };
            strength.push(added.map_or(f32::NAN, |added| added.strength));
            agreement.push(added.map_or(f32::NAN, |added| added.agreement));
            for vector in added.iter().flat_map(|added| &added.profiles) {
                profiles.owners.push(row);
                profiles.vectors.extend_from_slice(vector);
            }
        }
        let activity = Activity { strength, agreement, ..Activity::default() };
        MeasuredActivity {
            profiles,
            activity: has_activity.then_some(activity),
            ..MeasuredActivity::default()
        }
    }
}

fn provenance(index: &Index, addition: Addition) -> Provenance {
    let manifest = index.manifest().clone();
    let mut additions = manifest.additions;
    additions.push(addition);
    Provenance {
        recipe: manifest.recipe,
        inputs: manifest.inputs,
        notes: manifest.notes,
        contexts: manifest.counts.contexts,
        readouts: manifest.counts.readouts,
        profiles: manifest.counts.profiles,
        observations: manifest.counts.observations,
        seeds: manifest.seeds,
        model: manifest.model,
        training: manifest.training,
        additions,
    }
}

/// Copies the model of an index, unless another build replaced it since it was verified.
fn copy_model(index: &Index, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    for (name, expected) in &index.manifest().files {
        let Some(own) = name.strip_prefix("model/") else { continue };
        let (from, to) = (index.folder().join(name), folder.join(own));
        std::fs::copy(&from, &to).map_err(Error::io("copy", &from))?;
        if FileDigest::of_file(&to)? != *expected {
            let problem = "its content is not what the manifest says".to_owned();
            return Err(Error::Damaged { path: from, problem, advice: REBUILD.to_owned() });
        }
    }
    Ok(())
}
