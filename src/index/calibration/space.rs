use std::collections::BTreeSet;

use rayon::prelude::*;

use super::compute::CalibrationInput;
use super::panel::{ReferenceSet, TargetPanel};
use super::stratum::{Measure, ReferenceKind, Stratum, TargetKind};
use super::summary::HonestySummary;
use crate::calibrate::{ClassKind, FOLDS, MechanismClass, Null, ScoreCounts, class_score};
use crate::embedding::feature_map::fold_of;
use crate::embedding::similarity_matrix;
use crate::experiment::PerturbationType;
use crate::index::Record;

/// Queries whose similarities are held at once.
const QUERY_BLOCK: usize = 64;

/// Vectors of one kind to compare: those of rows, of profiles, or coefficients of responses.
pub(super) struct Space<'a> {
    pub(super) measure: Measure,
    pub(super) kind: ReferenceKind,
    pub(super) records: &'a [Record],
    /// Of all rows.
    pub(super) vectors: &'a [f32],
    pub(super) dim: usize,
    /// The row that each reference belongs to.
    pub(super) owners: Vec<u32>,
    pub(super) references: &'a [f32],
    /// Shuffled profiles.
    pub(super) without_effect: &'a [f32],
    /// What nulls like these were found to be.
    pub(super) found: &'a [HonestySummary],
}

impl<'a> Space<'a> {
    pub(super) fn of(
        input: &CalibrationInput<'a>,
        measure: Measure,
        kind: ReferenceKind,
    ) -> Option<Self> {
        let (vectors, dim) = match measure {
            Measure::Embedding => (input.vectors, input.dim),
            Measure::Response => input.responses?,
        };
        let (owners, references) = match kind {
            ReferenceKind::Row => ((0..input.records.len() as u32).collect(), vectors),
            ReferenceKind::Profile => {
                let profiles = &input.measured?.profiles;
                (profiles.owners.clone(), profiles.of(measure))
            }
        };
        let (records, found) = (input.records, &[][..]);
        // Stricter nulls are wider above, and opposites lie below.
        let others = input.measured.filter(|_| measure == Measure::Embedding);
        let without_effect = others.map_or(&[][..], |measured| measured.without_effect.of(measure));
        Some(Self {
            measure,
            kind,
            records,
            vectors,
            dim,
            owners,
            references,
            without_effect,
            found,
        })
    }

    pub(super) fn stratum(&self, query: PerturbationType, targets: TargetKind) -> Stratum {
        Stratum { measure: self.measure, references: self.kind, query, targets }
    }

    /// Returns shuffled profiles, which compounds that do nothing are like, if they deceive the null of these targets.
    pub(super) fn without_effect(&self, query: PerturbationType, targets: TargetKind) -> &'a [f32] {
        let mut found = self.found.iter();
        let is_theirs =
            |of: &&HonestySummary| of.measure == self.measure && of.targets == targets.code();
        let is_deceived = found.any(|of| is_theirs(&of) && !of.is_honest());
        let is_theirs = query == PerturbationType::Compound;
        if is_deceived && is_theirs { self.without_effect } else { &[] }
    }

    pub(super) fn references(&self, query: PerturbationType) -> ReferenceSet<'a> {
        let is_of_type =
            |row: u32| self.records[row as usize].perturbation.perturbation_type() == query;
        ReferenceSet::take(&self.owners, self.references, self.dim, is_of_type)
    }

    pub(super) fn panel<'b>(&self, rows: &'b [u32]) -> TargetPanel<'b>
    where
        'a: 'b,
    {
        TargetPanel::new(rows, self.vectors, self.dim, self.records)
    }

    /// Counts the scores of annotated references against all annotated targets, by fold of the gene that links them;
    /// other pairs by that of the target, or of the reference where that is the gene.
    pub(super) fn count_scores(
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
pub(super) fn lines_in_blocks<'a>(
    queries: &'a [f32],
    panel: &'a TargetPanel<'_>,
    dim: usize,
) -> impl Iterator<Item = (usize, Vec<f32>)> + 'a {
    let blocks = queries.chunks(QUERY_BLOCK * dim).enumerate();
    blocks.map(move |(at, block)| (at * QUERY_BLOCK, similarity_matrix(&panel.vectors, dim, block)))
}

/// The scores of queries against classes, row-major; a query that is a row itself is left out of its classes.
pub(super) fn class_scores(
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
pub(super) fn is_member(record: &Record, class: &MechanismClass) -> bool {
    match class.kind {
        ClassKind::Moa => record.annotation.moas.iter().any(|moa| moa.0 == class.name),
        ClassKind::Target => record.acts_on().contains(&class.name.as_str()),
    }
}
