use super::MOST_REFERENCES;
use super::compute::{Calibration, CalibrationInput, repeated, rows_by_type};
use super::panel::{PlacedProfiles, ReferenceSet, TargetPanel};
use super::stratum::{Measure, ReferenceKind, Stratum, TargetKind};
use super::summary::CalibrationSummary;
use super::table::CalibrationTable;
use crate::calibrate::{Activity, Null, NullModel, References};
use crate::experiment::PerturbationType;

/// Targets of a null that show whether its references were found again.
const CHECKED: usize = 64;

/// The calibration that rows are added to.
pub(crate) struct BaseCalibration<'a> {
    pub(crate) table: &'a CalibrationTable,
    pub(crate) summary: Option<CalibrationSummary>,
    /// For each row of the larger index, its row in the base; none of one that is added.
    pub(crate) rows: Vec<Option<u32>>,
}

impl Calibration {
    /// Judges added rows by the nulls of the base, and leaves all that the base says of its own rows as it is.
    ///
    /// As targets they get the centre and spread of the references that the base was learnt from. Those of opposites of
    /// single profiles are not kept in an index, nor shuffled profiles: such a null keeps the base's targets, and does not judge
    /// the others. Classes keep their members. `input` is of the larger index; what it measured, of the added rows.
    pub(crate) fn extend(base: &BaseCalibration<'_>, input: &CalibrationInput<'_>) -> Self {
        let rows = rows_by_type(input.records);
        let of_type = |kind| rows.get(&kind).map_or(&[][..], Vec::as_slice);
        let strata = base.table.strata().into_iter().filter_map(|stratum| {
            let null = base.table.null(stratum)?;
            let model = match stratum.targets {
                TargetKind::Rows(kind) => base.with_added(null, stratum, of_type(kind), input),
                TargetKind::Classes => NullModel::from(null),
            };
            Some((stratum, model, base.table.curve(stratum).cloned()))
        });
        let activity = base.activity(input);
        Self {
            strata: strata.collect(),
            classes: base.table.classes().to_vec(),
            percentiles: base.percentiles(input, activity.as_ref()),
            activity,
            profiles: base.profiles(input),
            summary: base.summary.clone(),
            rows,
        }
    }
}

impl BaseCalibration<'_> {
    /// The null with a centre and a spread for each added row of a type, if its references can be found again.
    fn with_added(
        &self,
        null: Null<'_>,
        stratum: Stratum,
        rows: &[u32],
        input: &CalibrationInput<'_>,
    ) -> NullModel {
        let model = NullModel::from(null);
        let TargetKind::Rows(kind) = stratum.targets else { return model };
        let n_before = self.table.rows(kind).len();
        let is_whole = null.n_targets() == n_before && rows.len() > n_before;
        let Some((vectors, dim, references)) =
            is_whole.then(|| self.references(stratum, input)).flatten()
        else {
            return model;
        };
        let n_trained = self.table.trained_rows(kind).len();
        let n_checked = n_trained.min(CHECKED);
        let checked: Vec<usize> = (0..n_checked).map(|i| i * n_trained / n_checked).collect();
        let added = &rows[n_before..];
        let targets: Vec<u32> = checked.iter().map(|at| rows[*at]).chain(added.to_vec()).collect();
        let panel = TargetPanel::new(&targets, vectors, dim, input.records);
        let known = panel.known_pairs(&references.owners);
        let (vectors, targets) = (&*references.vectors, &*panel.vectors);
        let of = References { vectors, targets, dim, known: &known };
        let wanted = (checked.as_slice(), added.len());
        let extended =
            model.clone().with_targets(references.len(), wanted, |r, t| of.similarities(r, t));
        extended.unwrap_or(model)
    }

    /// All rows in the space of a stratum, and the references that its null was learnt from; none where an index does not
    /// keep those.
    fn references<'b>(
        &self,
        stratum: Stratum,
        input: &CalibrationInput<'b>,
    ) -> Option<(&'b [f32], usize, ReferenceSet<'b>)> {
        let (vectors, dim) = match stratum.measure {
            Measure::Embedding => (input.vectors, input.dim),
            Measure::Response => input.responses?,
        };
        let trained = self.table.trained_rows(stratum.query);
        let of_row = |(row, base): (usize, &Option<u32>)| {
            let base = base.filter(|base| trained.binary_search(base).is_ok())?;
            Some((row as u32, base, &vectors[row * dim..(row + 1) * dim]))
        };
        let of_rows = self.rows.iter().enumerate().filter_map(of_row);
        let all: Vec<(u32, &[f32])> = match (stratum.references, stratum.measure) {
            (ReferenceKind::Row, _) => of_rows.map(|(row, _, vector)| (row, vector)).collect(),
            (ReferenceKind::Profile, Measure::Response) => return None,
            // A row with one profile lies where the profile does.
            (ReferenceKind::Profile, Measure::Embedding) => of_rows
                .flat_map(|(row, base, vector)| {
                    let mut own: Vec<&[f32]> = self.table.profiles(base, dim).collect();
                    if own.is_empty() {
                        own.push(vector);
                    }
                    own.into_iter().map(move |vector| (row, vector))
                })
                .collect(),
        };
        let n_taken = all.len().min(MOST_REFERENCES);
        let taken = (0..n_taken).map(|i| all[i * all.len() / n_taken]);
        Some((vectors, dim, taken.collect()))
    }

    /// What each row does at all: the base's, and what was measured of the added ones.
    fn activity(&self, input: &CalibrationInput<'_>) -> Option<Activity> {
        let added = input.measured?.activity.as_ref()?;
        let of_row = |of_base: &dyn Fn(u32) -> Option<f32>, added: &[f32]| -> Vec<f32> {
            let rows = self.rows.iter().zip(added);
            rows.map(|(base, added)| match base {
                Some(base) => of_base(*base).unwrap_or(f32::NAN),
                None => *added,
            })
            .collect()
        };
        Some(Activity {
            strength: of_row(&|row| self.table.strength(row), &added.strength),
            agreement: of_row(&|row| self.table.agreement(row), &added.agreement),
            thresholds: self.table.thresholds().to_vec(),
            ..Activity::default()
        })
    }

    fn percentiles(&self, input: &CalibrationInput<'_>, activity: Option<&Activity>) -> Vec<f32> {
        let strength = activity.map_or(&[][..], |activity| &activity.strength);
        let of_row = |((base, strength), record): ((&Option<u32>, &f32), &crate::index::Record)| {
            let kind: PerturbationType = record.perturbation.perturbation_type();
            match base {
                Some(base) => self.table.activity(*base).unwrap_or(f32::NAN),
                None if strength.is_nan() || self.table.trained_rows(kind).is_empty() => f32::NAN,
                None => self.table.percentile_of(*strength, kind),
            }
        };
        self.rows.iter().zip(strength).zip(input.records).map(of_row).collect()
    }

    /// The profiles of rows that have several.
    fn profiles(&self, input: &CalibrationInput<'_>) -> PlacedProfiles {
        let added = input.measured.map(|m| repeated(&m.profiles, input.dim)).unwrap_or_default();
        let mut of_added =
            added.owners.iter().zip(added.vectors.chunks_exact(input.dim)).peekable();
        let mut all = PlacedProfiles::default();
        for (row, base) in (0_u32..).zip(&self.rows) {
            for vector in base.iter().flat_map(|base| self.table.profiles(*base, input.dim)) {
                all.owners.push(row);
                all.vectors.extend_from_slice(vector);
            }
            while let Some((owner, vector)) = of_added.next_if(|(owner, _)| **owner == row) {
                all.owners.push(*owner);
                all.vectors.extend_from_slice(vector);
            }
        }
        all
    }
}
