use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::MOST_REFERENCES;
use super::panel::{PlacedProfiles, ReferenceSet, TargetPanel};
use super::stratum::{Measure, ReferenceKind, Stratum, TargetKind};
use super::summary::{CalibrationSummary, HonestySummary, StratumSummary};
use crate::calibrate::{
    Activity, ClassKind, FOLDS, LEVEL, MechanismClass, Null, NullModel, ProbabilityCurve,
    References, ReliabilityTable, ScoreCounts, Share, class_score, q_values,
};
use crate::embedding::feature_map::fold_of;
use crate::embedding::similarity_matrix;
use crate::experiment::{PerturbationType, Side};
use crate::index::Record;

/// What summaries call the mechanism classes.
const CLASSES: &str = "classes";
/// Queries whose similarities are held at once.
const QUERY_BLOCK: usize = 64;

/// What a calibration is computed from.
pub(crate) struct CalibrationInput<'a> {
    /// Unit vectors of all rows, row-major, of `dim` numbers.
    pub(crate) vectors: &'a [f32],
    pub(crate) dim: usize,
    pub(crate) records: &'a [Record],
    /// Unit coefficients of the predicted responses and their rank.
    pub(crate) responses: Option<(&'a [f32], usize)>,
    pub(crate) profiles: Option<&'a PlacedProfiles>,
    pub(crate) activity: Option<&'a Activity>,
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
        let mut calibration = Self {
            rows,
            classes,
            activity: input.activity.cloned(),
            profiles: input.profiles.map(|p| repeated(p, input.dim)).unwrap_or_default(),
            ..Self::default()
        };
        let mut summaries = Vec::new();
        for (measure, kind) in [
            (Measure::Embedding, ReferenceKind::Row),
            (Measure::Embedding, ReferenceKind::Profile),
            (Measure::Response, ReferenceKind::Row),
        ] {
            let Some(space) = Space::of(input, measure, kind) else { continue };
            for query in calibration.rows.keys().copied().collect::<Vec<_>>() {
                calibration.add_strata(&space, query, &mut summaries);
            }
        }
        let honesty = calibration.honesty(input);
        honesty.iter().filter(|of| !of.is_honest()).for_each(|of| calibration.withdraw(of));
        calibration.summary = Some(CalibrationSummary {
            n_classes: calibration.classes.len(),
            strata: summaries,
            honesty,
            most_references: MOST_REFERENCES,
        });
        calibration
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
            let Ok(model) = fitted else { continue };
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
    fn add_class_stratum(
        &mut self,
        space: &Space<'_>,
        query: PerturbationType,
        (references, panel): (&ReferenceSet<'_>, &TargetPanel<'_>),
        summaries: &mut Vec<StratumSummary>,
    ) {
        let n_classes = self.classes.len();
        let Some((_, model, _)) = self.strata.last() else { return };
        let queries = (&*references.vectors, references.owners.as_slice());
        let mut scores = class_scores(model.null(), queries, (panel, space.dim), &self.classes);
        for (owner, line) in references.owners.iter().zip(scores.chunks_mut(n_classes.max(1))) {
            let record = &space.records[*owner as usize];
            let own =
                line.iter_mut().zip(&self.classes).filter(|(_, class)| is_member(record, class));
            own.for_each(|(score, _)| *score = f32::NAN);
        }
        let fitted = NullModel::fit(references.len(), n_classes, |references, targets| {
            let lines = references.map(|r| &scores[r * n_classes..(r + 1) * n_classes]);
            lines.flat_map(|line| line[targets.clone()].iter().copied()).collect()
        });
        if let Ok(model) = fitted {
            let stratum = space.stratum(query, TargetKind::Classes);
            summaries.push(summary(&stratum, references, n_classes, None));
            self.strata.push((stratum, model, None));
        }
    }

    /// Counts how often compounds have a significant hit, for each type and for the classes.
    fn honesty(&self, input: &CalibrationInput<'_>) -> Vec<HonestySummary> {
        let of_type =
            |(kind, rows): (&PerturbationType, &Vec<u32>)| self.honesty_against(input, *kind, rows);
        let of_types = self.rows.iter().filter_map(of_type);
        of_types.chain(self.honesty_of_classes(input)).collect()
    }

    /// Counts how often compounds have a significant mechanism.
    fn honesty_of_classes(&self, input: &CalibrationInput<'_>) -> Option<HonestySummary> {
        let compound = PerturbationType::Compound;
        let space = Space::of(input, Measure::Embedding, ReferenceKind::Row)?;
        let panel = space.panel(self.rows.get(&compound)?);
        let q_values = |references: ReferenceKind, queries: &[f32], owners: &[u32]| {
            let stratum = |targets| Stratum { references, ..space.stratum(compound, targets) };
            let null = self.null(stratum(TargetKind::Rows(compound)))?;
            let of_classes = self.null(stratum(TargetKind::Classes))?;
            let within = (&panel, space.dim);
            let scores = class_scores(null, (queries, owners), within, &self.classes);
            let of_line = |line: &[f32]| {
                let z = of_classes.standardise(line).z;
                let p = z.into_iter().map(|z| if z.is_nan() { 1.0 } else { of_classes.p_value(z) });
                q_values(&p.collect::<Vec<f64>>())
            };
            Some(scores.chunks_exact(self.classes.len()).map(of_line).collect::<Vec<_>>())
        };
        let references = space.references(compound);
        let q = q_values(ReferenceKind::Row, &references.vectors, &references.owners)?;
        let controls = q_values(ReferenceKind::Profile, self.controls(), &[]).unwrap_or_default();
        let has_hit = |q: &Vec<f64>| q.iter().any(|q| *q <= LEVEL);
        let queries = || references.owners.iter().zip(&q);
        let known = queries().filter_map(|(owner, q)| {
            let record = &space.records[*owner as usize];
            let own = self.classes.iter().zip(q).filter(|(class, _)| is_member(record, class));
            let own: Vec<f64> = own.map(|(_, q)| *q).collect();
            (!own.is_empty()).then(|| has_hit(&own))
        });
        let inactive = queries().filter(|(owner, _)| self.is_inactive(**owner));
        Some(HonestySummary {
            targets: CLASSES.to_owned(),
            controls: Share::of(controls.iter().map(has_hit)),
            inactive: Share::of(inactive.map(|(_, q)| has_hit(q))),
            compounds: Share::of(q.iter().map(has_hit)),
            known: Share::of(known),
        })
    }

    /// Leaves out the nulls of compounds that shuffled profiles have shown not to be honest.
    fn withdraw(&mut self, dishonest: &HonestySummary) {
        self.strata.retain(|(stratum, _, _)| {
            let is_theirs = stratum.query.side() == Side::Chemical;
            let is_of_vectors = stratum.measure == Measure::Embedding;
            let targets = match stratum.targets {
                TargetKind::Rows(kind) => kind.cmap_code(),
                TargetKind::Classes => CLASSES,
            };
            !(is_theirs && is_of_vectors && targets == dishonest.targets)
        });
    }

    fn is_inactive(&self, row: u32) -> bool {
        let strength = self.activity.as_ref().and_then(|a| a.strength.get(row as usize));
        strength.is_some_and(|strength| *strength < 1.0)
    }

    fn controls(&self) -> &[f32] {
        self.activity.as_ref().map_or(&[], |activity| activity.controls.as_slice())
    }

    fn honesty_against(
        &self,
        input: &CalibrationInput<'_>,
        kind: PerturbationType,
        rows: &[u32],
    ) -> Option<HonestySummary> {
        let space = Space::of(input, Measure::Embedding, ReferenceKind::Row)?;
        let compound = PerturbationType::Compound;
        let null = |references| {
            let measure = Measure::Embedding;
            let targets = TargetKind::Rows(kind);
            self.null(Stratum { measure, references, query: compound, targets })
        };
        let panel = space.panel(rows);
        let references = space.references(compound);
        let has_hit = |q: &[f64]| q.iter().any(|q| *q <= LEVEL);
        let own = |at: usize| panel.rows.binary_search(&references.owners[at]).ok();
        let of_compound = |at: usize, q: &[f64]| {
            let annotated = panel.annotated(references.owners[at]).map(|(target, _)| target);
            let is_other = |target: &u32| own(at) != Some(*target as usize);
            let targets: Vec<u32> = annotated.filter(is_other).collect();
            let is_found = targets.iter().any(|target| q[*target as usize] <= LEVEL);
            (has_hit(q), (!targets.is_empty()).then_some(is_found))
        };
        let row_null = null(ReferenceKind::Row)?;
        let queries = (&*references.vectors, own);
        let outcomes = judge(row_null, queries, (&panel, space.dim), of_compound);
        let owners = references.owners.iter().zip(&outcomes);
        let inactive = owners.filter(|(owner, _)| self.is_inactive(**owner));
        let controls = null(ReferenceKind::Profile)
            .map(|null| {
                let queries = (self.controls(), |_| None);
                judge(null, queries, (&panel, space.dim), |_, q| has_hit(q))
            })
            .unwrap_or_default();
        Some(HonestySummary {
            targets: kind.cmap_code().to_owned(),
            controls: Share::of(controls),
            inactive: Share::of(inactive.map(|(_, (any, _))| *any)),
            compounds: Share::of(outcomes.iter().map(|(any, _)| *any)),
            known: Share::of(outcomes.iter().filter_map(|(_, known)| *known)),
        })
    }
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

fn rows_by_type(records: &[Record]) -> BTreeMap<PerturbationType, Vec<u32>> {
    let mut rows: BTreeMap<PerturbationType, Vec<u32>> = BTreeMap::new();
    for (row, record) in (0..).zip(records) {
        rows.entry(record.perturbation.perturbation_type()).or_default().push(row);
    }
    rows
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
fn repeated(profiles: &PlacedProfiles, dim: usize) -> PlacedProfiles {
    const MOST_NUMBERS: usize = 1 << 27;
    let mut repeated = PlacedProfiles::default();
    let positions: Vec<usize> = (0..profiles.owners.len()).collect();
    let groups = positions.chunk_by(|a, b| profiles.owners[*a] == profiles.owners[*b]);
    for at in groups.filter(|group| group.len() > 1).flatten() {
        repeated.owners.push(profiles.owners[*at]);
        repeated.contexts.push(profiles.contexts[*at]);
        repeated.vectors.extend_from_slice(&profiles.vectors[at * dim..(at + 1) * dim]);
    }
    if repeated.vectors.len() > MOST_NUMBERS { PlacedProfiles::default() } else { repeated }
}

/// Vectors of one kind to compare: those of rows, of profiles, or coefficients of responses.
struct Space<'a> {
    measure: Measure,
    kind: ReferenceKind,
    records: &'a [Record],
    /// Of all rows.
    vectors: &'a [f32],
    dim: usize,
    /// The row that each reference belongs to.
    owners: Vec<u32>,
    references: &'a [f32],
}

impl<'a> Space<'a> {
    fn of(input: &CalibrationInput<'a>, measure: Measure, kind: ReferenceKind) -> Option<Self> {
        let (vectors, dim) = match measure {
            Measure::Embedding => (input.vectors, input.dim),
            Measure::Response => input.responses?,
        };
        let (owners, references) = match kind {
            ReferenceKind::Row => ((0..input.records.len() as u32).collect(), vectors),
            ReferenceKind::Profile => {
                let profiles = input.profiles?;
                (profiles.owners.clone(), profiles.vectors.as_slice())
            }
        };
        Some(Self { measure, kind, records: input.records, vectors, dim, owners, references })
    }

    fn stratum(&self, query: PerturbationType, targets: TargetKind) -> Stratum {
        Stratum { measure: self.measure, references: self.kind, query, targets }
    }

    fn references(&self, query: PerturbationType) -> ReferenceSet<'a> {
        let is_of_type =
            |row: u32| self.records[row as usize].perturbation.perturbation_type() == query;
        ReferenceSet::take(&self.owners, self.references, self.dim, is_of_type)
    }

    fn panel<'b>(&self, rows: &'b [u32]) -> TargetPanel<'b>
    where
        'a: 'b,
    {
        TargetPanel::new(rows, self.vectors, self.dim, self.records)
    }

    /// Counts the scores of annotated references against all annotated targets, by fold of the gene that links them;
    /// other pairs by that of the target, or of the reference where that is the gene.
    fn count_scores(
        &self,
        null: Null<'_>,
        references: &ReferenceSet<'_>,
        panel: &TargetPanel<'_>,
    ) -> Vec<ScoreCounts> {
        let fold_of_row = |row: u32| {
            let record = &self.records[row as usize];
            record.gene().map(|gene| fold_of(gene) as usize)
        };
        // A compound without a label in the panel would count as one that acts on nothing.
        let is_labelled: Vec<bool> = panel
            .rows
            .iter()
            .map(|row| {
                let record = &self.records[*row as usize];
                record.gene().is_some() || !record.annotation.targets.is_empty()
            })
            .collect();
        let target_folds: Vec<Option<usize>> =
            panel.rows.iter().map(|row| fold_of_row(*row)).collect();
        let count = |(reference, line): (usize, &[f32])| {
            let mut counts = vec![ScoreCounts::default(); FOLDS];
            let owner = references.owners[reference];
            let known: BTreeSet<u32> = panel.annotated(owner).map(|(target, _)| target).collect();
            if known.is_empty() {
                return counts;
            }
            let own_fold = fold_of_row(owner);
            for (target, z) in null.standardise(line).z.into_iter().enumerate() {
                if let (true, Some(fold)) = (is_labelled[target], target_folds[target].or(own_fold))
                {
                    counts[fold].add(z, known.contains(&(target as u32)));
                }
            }
            counts
        };
        let add = |a: Vec<ScoreCounts>, b: Vec<ScoreCounts>| {
            a.into_iter().zip(&b).map(|(a, b)| a.and(b)).collect()
        };
        let mut counts = vec![ScoreCounts::default(); FOLDS];
        for (start, lines) in lines_in_blocks(&references.vectors, panel, self.dim) {
            let lines = lines.par_chunks_exact(panel.rows.len()).enumerate();
            let block = lines.map(|(at, line)| count((start + at, line)));
            counts = add(counts, block.reduce(|| vec![ScoreCounts::default(); FOLDS], add));
        }
        counts
    }
}

/// The similarities of queries to a panel, in blocks of [`QUERY_BLOCK`]: the first query's position, and lines.
fn lines_in_blocks<'a>(
    queries: &'a [f32],
    panel: &'a TargetPanel<'_>,
    dim: usize,
) -> impl Iterator<Item = (usize, Vec<f32>)> + 'a {
    let blocks = queries.chunks(QUERY_BLOCK * dim).enumerate();
    blocks.map(move |(at, block)| (at * QUERY_BLOCK, similarity_matrix(&panel.vectors, dim, block)))
}

/// The scores of queries against classes, row-major; a query that is a row itself is left out of its classes.
fn class_scores(
    null: Null<'_>,
    (queries, owners): (&[f32], &[u32]),
    (panel, dim): (&TargetPanel<'_>, usize),
    classes: &[MechanismClass],
) -> Vec<f32> {
    let mut scores = Vec::with_capacity(queries.len() / dim.max(1) * classes.len());
    for (start, lines) in lines_in_blocks(queries, panel, dim) {
        let lines = lines.par_chunks_exact(panel.rows.len()).enumerate();
        let score = |(at, line): (usize, &[f32])| {
            let owner = owners.get(start + at);
            let own = owner.and_then(|owner| panel.rows.binary_search(owner).ok());
            let own = own.map(|position| position as u32);
            let z = null.standardise(line).z;
            let score = |class: &MechanismClass| class_score(&class.members, &z, own.as_slice());
            classes.iter().map(|class| score(class) as f32).collect::<Vec<f32>>()
        };
        scores.extend(lines.map(score).collect::<Vec<_>>().concat());
    }
    scores
}

/// Whether a row is annotated with what the members of a class share; a gene is of the class of its compounds.
fn is_member(record: &Record, class: &MechanismClass) -> bool {
    match class.kind {
        ClassKind::Moa => record.annotation.moas.iter().any(|moa| moa.0 == class.name),
        ClassKind::Target => record.acts_on().contains(&class.name.as_str()),
    }
}

/// What is seen in the q-values of each query over a panel, in the queries' order; `own` is where a query is a target.
fn judge<T: Send>(
    null: Null<'_>,
    (queries, own): (&[f32], impl Fn(usize) -> Option<usize> + Sync),
    (panel, dim): (&TargetPanel<'_>, usize),
    see: impl Fn(usize, &[f64]) -> T + Sync,
) -> Vec<T> {
    let mut seen = Vec::with_capacity(queries.len() / dim.max(1));
    for (start, lines) in lines_in_blocks(queries, panel, dim) {
        let lines = lines.par_chunks_exact(panel.rows.len()).enumerate();
        let of_line = |(at, line): (usize, &[f32])| {
            let p = null.standardise(line).z.into_iter().map(|z| null.p_value(z));
            let mut p: Vec<f64> = p.collect();
            // A query is no hit of its own.
            if let Some(own) = own(start + at) {
                p[own] = 1.0;
            }
            see(start + at, &q_values(&p))
        };
        seen.par_extend(lines.map(of_line));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_that_shuffled_profiles_deceive_is_withdrawn() {
        let number = |i: usize| ((i * 7919) % 401) as f32 / 401.0 - 0.5;
        let model = NullModel::fit(40, 3, |references, targets| {
            references.flat_map(|r| targets.clone().map(move |t| number(3 * r + t))).collect()
        });
        let model = model.unwrap();
        let stratum = |query, targets| Stratum {
            measure: Measure::Embedding,
            references: ReferenceKind::Row,
            query,
            targets,
        };
        let (compound, gene) = (PerturbationType::Compound, PerturbationType::CrisprKnockout);
        let kept = [
            stratum(compound, TargetKind::Rows(gene)),
            stratum(gene, TargetKind::Classes),
            stratum(compound, TargetKind::Rows(compound)),
        ];
        let withdrawn = stratum(compound, TargetKind::Classes);
        let all = kept.iter().chain([&withdrawn]).map(|stratum| (*stratum, model.clone(), None));
        let mut calibration = Calibration { strata: all.collect(), ..Calibration::default() };
        let honesty = |count| HonestySummary {
            targets: CLASSES.to_owned(),
            controls: Share { count, total: 100 },
            inactive: Share::default(),
            compounds: Share::default(),
            known: Share::default(),
        };
        assert!(honesty(9).is_honest() && !honesty(10).is_honest());
        calibration.withdraw(&honesty(54));
        let left: Vec<Stratum> =
            calibration.strata.iter().map(|(stratum, _, _)| *stratum).collect();
        assert_eq!(left, kept);
    }
}
