use std::borrow::Cow;
use std::collections::HashMap;

use super::MOST_REFERENCES;
use super::stratum::Measure;
use crate::calibrate::{Activity, KnownPairs};
use crate::index::Record;

/// Profiles of an index's perturbations, each placed by itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlacedProfiles {
    /// The row that each is a profile of, ascending.
    pub owners: Vec<u32>,
    /// Unit vectors, row-major.
    pub vectors: Vec<f32>,
    /// Unit coefficients of the responses predicted from them, row-major; empty where they are not known.
    pub responses: Vec<f32>,
}

impl PlacedProfiles {
    /// Returns what is compared: vectors, or coefficients of responses.
    #[must_use]
    pub fn of(&self, measure: Measure) -> &[f32] {
        match measure {
            Measure::Embedding => &self.vectors,
            Measure::Response => &self.responses,
        }
    }
}

/// What single profiles tell of an index's perturbations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MeasuredActivity {
    /// The perturbations' profiles: references for queries that are folded in, and what support is counted from.
    pub profiles: PlacedProfiles,
    /// Compounds' profiles whose values were shuffled; they have no owner.
    pub controls: PlacedProfiles,
    /// Others of them: a null that the first deceive learns from these.
    pub without_effect: PlacedProfiles,
    /// What each perturbation does at all; none where no model says how long a vector without effect is.
    pub activity: Option<Activity>,
}

/// Queries of one kind, to learn a null from.
pub(super) struct ReferenceSet<'a> {
    /// The row that each belongs to.
    pub(super) owners: Vec<u32>,
    pub(super) vectors: Cow<'a, [f32]>,
}

impl<'a> ReferenceSet<'a> {
    /// Takes at most [`MOST_REFERENCES`] of those that pass, at equal distances.
    pub(super) fn take(
        owners: &[u32],
        vectors: &'a [f32],
        dim: usize,
        passes: impl Fn(u32) -> bool,
    ) -> Self {
        let passing: Vec<usize> = (0..owners.len()).filter(|at| passes(owners[*at])).collect();
        let n_taken = passing.len().min(MOST_REFERENCES);
        let taken: Vec<usize> =
            (0..n_taken).map(|i| passing[i * passing.len() / n_taken]).collect();
        Self {
            vectors: gather(vectors, dim, taken.iter().copied()),
            owners: taken.into_iter().map(|at| owners[at]).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.owners.len()
    }
}

impl<'v> FromIterator<(u32, &'v [f32])> for ReferenceSet<'_> {
    fn from_iter<I: IntoIterator<Item = (u32, &'v [f32])>>(references: I) -> Self {
        let (mut owners, mut vectors) = (Vec::new(), Vec::new());
        for (owner, vector) in references {
            owners.push(owner);
            vectors.extend_from_slice(vector);
        }
        Self { owners, vectors: Cow::Owned(vectors) }
    }
}

/// The rows that lie at these positions; borrowed where they follow each other.
fn gather(
    vectors: &[f32],
    dim: usize,
    rows: impl ExactSizeIterator<Item = usize> + Clone,
) -> Cow<'_, [f32]> {
    let first = rows.clone().next().unwrap_or(0);
    let n_rows = rows.len();
    if rows.clone().enumerate().all(|(i, row)| row == first + i) {
        return Cow::Borrowed(&vectors[first * dim..(first + n_rows) * dim]);
    }
    Cow::Owned(rows.flat_map(|row| vectors[row * dim..(row + 1) * dim].iter().copied()).collect())
}

/// The rows of one type, as targets.
pub(super) struct TargetPanel<'a> {
    pub(super) rows: &'a [u32],
    pub(super) vectors: Cow<'a, [f32]>,
    records: &'a [Record],
    by_gene: HashMap<&'a str, Vec<u32>>,
    by_structure: HashMap<&'a str, Vec<u32>>,
}

impl<'a> TargetPanel<'a> {
    pub(super) fn new(
        rows: &'a [u32],
        vectors: &'a [f32],
        dim: usize,
        records: &'a [Record],
    ) -> Self {
        let mut by_gene: HashMap<&str, Vec<u32>> = HashMap::new();
        let mut by_structure: HashMap<&str, Vec<u32>> = HashMap::new();
        for (position, row) in (0..).zip(rows) {
            let record = &records[*row as usize];
            for gene in record.acts_on() {
                by_gene.entry(gene).or_default().push(position);
            }
            if let Some(block) = structure_block(record) {
                by_structure.entry(block).or_default().push(position);
            }
        }
        let vectors = gather(vectors, dim, rows.iter().map(|row| *row as usize));
        Self { rows, vectors, records, by_gene, by_structure }
    }

    /// The positions of targets annotated with a gene that a row acts on, and that gene.
    pub(super) fn annotated(&self, row: u32) -> impl Iterator<Item = (u32, &'a str)> {
        let genes = self.records[row as usize].acts_on().into_iter();
        genes.flat_map(|gene| {
            let targets = self.by_gene.get(gene).map_or(&[][..], Vec::as_slice);
            targets.iter().map(move |target| (*target, gene))
        })
    }

    /// Pairs that say nothing of chance: annotated with a gene in common, of one structure, or the same row.
    pub(super) fn known_pairs(&self, owners: &[u32]) -> KnownPairs {
        let pairs = (0..).zip(owners).flat_map(|(reference, owner)| {
            let block = structure_block(&self.records[*owner as usize]);
            let alike = block.and_then(|block| self.by_structure.get(block)).into_iter().flatten();
            let own = self.rows.binary_search(owner).ok().map(|position| position as u32);
            let annotated = self.annotated(*owner).map(|(target, _)| target);
            annotated.chain(alike.copied()).chain(own).map(move |target| (reference, target))
        });
        KnownPairs::new(owners.len(), pairs)
    }
}

/// The first block of an InChIKey: what salts and stereoisomers of a compound share.
fn structure_block(record: &Record) -> Option<&str> {
    record.annotation.inchi_key.get(..14)
}
