use super::mechanism::MechanismHit;
use super::plan::Engine;
use super::query::Direction;
use super::significance::{Flag, QueryActivity, Significance, Support};
use super::subject::Origin;
use crate::experiment::PerturbationType;
use crate::index::Record;

/// One answer to a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Place by similarity, from 1.
    pub rank: usize,
    /// Row in the index.
    pub row: u32,
    /// Dot product of the unit vectors: the mean of the ensemble members' cosines, −1 to 1.
    pub similarity: f32,
    /// Cosine of the predicted responses, where the index holds them.
    pub response_similarity: Option<f32>,
    /// Whether it mimics the query or opposes it.
    pub direction: Direction,
    /// What the similarity is worth; none where it cannot be told, for a reason among the [`flags`](Self::flags).
    pub significance: Option<Significance>,
    /// In how many of the query's contexts its profile alone agrees; none where they are not known.
    pub support: Option<Support>,
    /// How active the hit is itself: percentile of its strength within its type, 0 to 100.
    pub activity: Option<f32>,
    /// What to be wary of.
    pub flags: Vec<Flag>,
    /// Whether the annotation already links query and hit: they act on a gene in common.
    pub is_known: bool,
    /// Names and annotation of the hit.
    pub record: Record,
}

/// What hits are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankedBy {
    /// Similarity of the vectors.
    Vectors,
    /// Similarity of the predicted responses: opposites.
    Responses,
}

/// The hits of one query and what they were chosen from.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The name that was asked for, as it was typed.
    pub asked: String,
    /// The query's record; of a combination or a signature, what is known of it.
    pub query: Record,
    /// Hits in the order of what they are [ranked by](Self::ranked_by), ties by row.
    pub hits: Vec<Hit>,
    /// The types of perturbation on the sides that were searched.
    pub types: Vec<PerturbationType>,
    /// How many perturbations lie on the sides that were searched, less the query.
    pub n_searched: usize,
    /// How many of them pass the filter: the panel that hits are chosen from.
    pub n_panel: usize,
    /// How many perturbations of the whole index pass the filter, on whatever side, less the query.
    pub n_passing: usize,
    /// Of a panel that is empty: each condition of the filter, and how many on the searched sides pass it alone.
    pub conditions: Vec<(String, usize)>,
    /// What the query does at all; none where it was never measured, or the index is older.
    pub activity: Option<QueryActivity>,
    /// Mechanisms of compounds that the query is nearer to than chance would have it, the nearest first: the
    /// [`MOST_MECHANISMS`](super::MOST_MECHANISMS) with the smallest p-values.
    pub mechanisms: Vec<MechanismHit>,
    /// How many classes were tested.
    pub n_classes: usize,
    /// Mechanisms that the query is annotated with and that have too few members, or too many, to be tested.
    pub untested: Vec<String>,
    /// What hits are ranked by.
    pub ranked_by: RankedBy,
    /// What to be wary of, for all hits.
    pub flags: Vec<Flag>,
    /// What found the neighbours.
    pub engine: Engine,
    /// Where the query's vector comes from.
    pub origin: Origin,
}

impl Answer {
    /// Returns whether any hit carries statistics.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.hits.iter().any(|hit| hit.significance.is_some())
    }
}
