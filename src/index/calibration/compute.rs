use std::collections::BTreeMap;

use super::MOST_REFERENCES;
use super::panel::{MeasuredActivity, PlacedProfiles, ReferenceSet, TargetPanel};
use super::space::{Space, class_scores, is_member};
use super::stratum::{Measure, ReferenceKind, Stratum, TargetKind};
use super::summary::{CalibrationSummary, HonestySummary, StratumSummary};
use crate::calibrate::{
    Activity, ClassKind, KnownPairs, MechanismClass, Null, NullModel, ProbabilityCurve, References,
    ReliabilityTable, ScoreCounts,
};
use crate::error::Result;
use crate::experiment::PerturbationType;
use crate::index::Record;

/// What a calibration is computed from.
pub(crate) struct CalibrationInput<'a> {
    /// Unit vectors of all rows, row-major, of `dim` numbers.
    pub(crate) vectors: &'a [f32],
    pub(crate) dim: usize,
    pub(crate) records: &'a [Record],
    /// Unit coefficients of the predicted responses and their rank.
    pub(crate) responses: Option<(&'a [f32], usize)>,
    pub(crate) measured: Option<&'a MeasuredActivity>,
}

/// The nulls, classes, probabilities and activities of an index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    /// The rows of each type, ascending.
    pub rows: BTreeMap<PerturbationType, Vec<u32>>,
    /// Each stratum's null and, where enough pairs are known, the probability of a known pair by its score.
    pub strata: Vec<(Stratum, NullModel, Option<ProbabilityCurve>)>,
    /// Classes of compounds; members are positions among the rows of compounds.
    pub classes: Vec<MechanismClass>,
    /// What each perturbation does at all.
    pub activity: Option<Activity>,
    /// Per row: the percentile of its strength within its type, 0 to 100; NaN where nothing was measured.
    pub percentiles: Vec<f32>,
    /// The profiles of perturbations that have several: what support is counted from.
    pub profiles: PlacedProfiles,
    /// What the manifest says of it.
    pub summary: Option<CalibrationSummary>,
}

impl Calibration {
    /// Learns a null for each type of query and of target that has references enough.
    ///
    /// Cost: twice the similarities of all targets to at most [`MOST_REFERENCES`] references of each type and kind; memory: one
    /// block of them and its scores, about 100 MB for 10⁵ targets.
    pub(crate) fn compute(input: &CalibrationInput<'_>) -> Self {
        let rows = rows_by_type(input.records);
        let classes = classes(input.records, rows.get(&PerturbationType::Compound));
        let activity = input.measured.and_then(|measured| measured.activity.clone());
        let strength = activity.as_ref().map_or(&[][..], |activity| &activity.strength);
        let mut calibration = Self {
            percentiles: percentiles(&rows, strength),
            rows,
            classes,
            activity,
            profiles: input.measured.map(|m| repeated(&m.profiles, input.dim)).unwrap_or_default(),
            ..Self::default()
        };
        let mut strata = calibration.learn(input, &[]);
        let mut honesty = calibration.measure_honesty(input);
        if honesty.iter().any(|of| !of.is_honest()) {
            strata = calibration.learn(input, &honesty);
            honesty = calibration.measure_honesty(input);
        }
        honesty.iter().filter(|of| !of.is_honest()).for_each(|of| calibration.withdraw(of));
        calibration.summary = Some(CalibrationSummary {
            n_classes: calibration.classes.len(),
            strata,
            honesty,
            most_references: MOST_REFERENCES,
        });
        calibration
    }

    /// Learns all nulls, those that shuffled profiles were found to deceive from other shuffled profiles as well.
    fn learn(
        &mut self,
        input: &CalibrationInput<'_>,
        found: &[HonestySummary],
    ) -> Vec<StratumSummary> {
        self.strata.clear();
        let mut summaries = Vec::new();
        for (measure, kind) in [
            (Measure::Embedding, ReferenceKind::Row),
            (Measure::Embedding, ReferenceKind::Profile),
            (Measure::Response, ReferenceKind::Row),
            (Measure::Response, ReferenceKind::Profile),
        ] {
            let Some(space) = Space::of(input, measure, kind) else { continue };
            let space = Space { found, ..space };
            for query in self.rows.keys().copied().collect::<Vec<_>>() {
                self.add_strata(&space, query, &mut summaries);
            }
        }
        summaries
    }

    /// Returns the null of a stratum.
    #[must_use]
    pub fn null(&self, stratum: Stratum) -> Option<Null<'_>> {
        self.strata.iter().find(|(other, _, _)| *other == stratum).map(|(_, model, _)| model.null())
    }

    fn add_strata(
        &mut self,
        space: &Space<'_>,
        query: PerturbationType,
        summaries: &mut Vec<StratumSummary>,
    ) {
        let references = space.references(query);
        for (target, rows) in self.rows.clone() {
            let panel = space.panel(&rows);
            let known = panel.known_pairs(&references.owners);
            let all = References {
                vectors: &references.vectors,
                targets: &panel.vectors,
                dim: space.dim,
                known: &known,
            };
            let fitted =
                NullModel::fit(references.len(), rows.len(), |r, t| all.similarities(r, t));
            // Too few references: the stratum has no statistics, and its hits say so.
            let Ok(mut model) = fitted else { continue };
            // Shuffled profiles are folded in; rows lie nearer to their targets, and other rows judge them.
            if space.kind == ReferenceKind::Profile {
                let vectors = space.without_effect(query, TargetKind::Rows(target));
                let of = References { vectors, known: &KnownPairs::default(), ..all };
                let without =
                    NullModel::fit(of.n_references(), rows.len(), |r, t| of.similarities(r, t));
                model = without.iter().fold(model, NullModel::stricter);
            }
            let is_across = query.side() != target.side() && space.measure == Measure::Embedding;
            let folds = is_across.then(|| space.count_scores(model.null(), &references, &panel));
            let reliability = folds.as_deref().and_then(ReliabilityTable::cross_validate);
            let is_telling = reliability.as_ref().is_some_and(ReliabilityTable::beats_base_rate);
            let curve = folds.filter(|_| is_telling).map(|folds| {
                ProbabilityCurve::fit(&folds.iter().fold(ScoreCounts::default(), ScoreCounts::and))
            });
            let stratum = space.stratum(query, TargetKind::Rows(target));
            summaries.push(summary(&stratum, &references, rows.len(), reliability));
            self.strata.push((stratum, model, curve));
            if target == PerturbationType::Compound && space.measure == Measure::Embedding {
                self.add_class_stratum(space, query, (&references, &panel), summaries);
            }
        }
    }

    /// Learns how near references come to the classes that they do not belong to.
    ///
    /// A reference that does something lies along its own mechanism and so across the others: it comes less near to
    /// them than a compound that does nothing and lies anywhere. Where that deceives, shuffled profiles show it.
    fn add_class_stratum(
        &mut self,
        space: &Space<'_>,
        query: PerturbationType,
        (references, panel): (&ReferenceSet<'_>, &TargetPanel<'_>),
        summaries: &mut Vec<StratumSummary>,
    ) {
        let n_classes = self.classes.len();
        let Some((_, model, _)) = self.strata.last() else { return };
        let scores_of =
            |queries| class_scores(model.null(), queries, (panel, space.dim), &self.classes);
        let mut scores = scores_of((&*references.vectors, references.owners.as_slice()));
        for (owner, line) in references.owners.iter().zip(scores.chunks_mut(n_classes.max(1))) {
            let record = &space.records[*owner as usize];
            let own =
                line.iter_mut().zip(&self.classes).filter(|(_, class)| is_member(record, class));
            own.for_each(|(score, _)| *score = f32::NAN);
        }
        let without = space.without_effect(query, TargetKind::Classes);
        let without = fit_scores(&scores_of((without, &[])), n_classes);
        if let Ok(model) = fit_scores(&scores, n_classes) {
            let stratum = space.stratum(query, TargetKind::Classes);
            summaries.push(summary(&stratum, references, n_classes, None));
            self.strata.push((stratum, without.iter().fold(model, NullModel::stricter), None));
        }
    }
}

/// Learns a null from the scores of references against classes, row-major.
fn fit_scores(scores: &[f32], n_classes: usize) -> Result<NullModel> {
    NullModel::fit(scores.len() / n_classes.max(1), n_classes, |references, targets| {
        let lines = references.map(|r| &scores[r * n_classes..(r + 1) * n_classes]);
        lines.flat_map(|line| line[targets.clone()].iter().copied()).collect()
    })
}

fn summary(
    stratum: &Stratum,
    references: &ReferenceSet<'_>,
    n_targets: usize,
    reliability: Option<ReliabilityTable>,
) -> StratumSummary {
    let n_references = references.len();
    StratumSummary { key: stratum.key(), n_references, n_targets, reliability }
}

pub(super) fn rows_by_type(records: &[Record]) -> BTreeMap<PerturbationType, Vec<u32>> {
    let mut rows: BTreeMap<PerturbationType, Vec<u32>> = BTreeMap::new();
    for (row, record) in (0..).zip(records) {
        rows.entry(record.perturbation.perturbation_type()).or_default().push(row);
    }
    rows
}

/// The percentile of each row within its type.
fn percentiles(rows: &BTreeMap<PerturbationType, Vec<u32>>, strength: &[f32]) -> Vec<f32> {
    let mut percentiles = vec![f32::NAN; strength.len()];
    for (row, percentile) in rows.values().flat_map(|rows| percentiles_of(rows, strength)) {
        percentiles[row as usize] = percentile;
    }
    percentiles
}

/// The percentile of each row's strength among those of its type that have one: 100 is the strongest.
fn percentiles_of(rows: &[u32], strength: &[f32]) -> Vec<(u32, f32)> {
    let of_row = |row: &u32| strength.get(*row as usize).copied().unwrap_or(f32::NAN);
    let mut known: Vec<u32> = rows.iter().copied().filter(|row| !of_row(row).is_nan()).collect();
    known.sort_by(|a, b| of_row(a).total_cmp(&of_row(b)));
    let n = known.len() as f32;
    (1..).zip(known).map(|(place, row): (u32, u32)| (row, 100.0 * place as f32 / n)).collect()
}

/// Groups the compounds by mechanism and by target.
fn classes(records: &[Record], compounds: Option<&Vec<u32>>) -> Vec<MechanismClass> {
    let compounds = (0..).zip(compounds.into_iter().flatten());
    MechanismClass::group(compounds.flat_map(|(position, row)| {
        let annotation = &records[*row as usize].annotation;
        let moas = annotation.moas.iter().map(|moa| (ClassKind::Moa, moa.0.as_str()));
        let targets =
            annotation.targets.iter().map(|target| (ClassKind::Target, target.0.as_str()));
        let is_a_line = |(_, name): &(ClassKind, &str)| !name.contains(char::is_control);
        let names = moas.chain(targets).filter(is_a_line);
        names.map(move |(kind, name)| (position, kind, name))
    }))
}

/// The profiles of rows that have several; of too many, none: they would outweigh the index.
pub(super) fn repeated(profiles: &PlacedProfiles, dim: usize) -> PlacedProfiles {
    const MOST_NUMBERS: usize = 1 << 27;
    let mut repeated = PlacedProfiles::default();
    let positions: Vec<usize> = (0..profiles.owners.len()).collect();
    let groups = positions.chunk_by(|a, b| profiles.owners[*a] == profiles.owners[*b]);
    for at in groups.filter(|group| group.len() > 1).flatten() {
        repeated.owners.push(profiles.owners[*at]);
        repeated.vectors.extend_from_slice(&profiles.vectors[at * dim..(at + 1) * dim]);
    }
    if repeated.vectors.len() > MOST_NUMBERS { PlacedProfiles::default() } else { repeated }
}
