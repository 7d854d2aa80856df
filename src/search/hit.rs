use super::plan::Engine;
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
    /// Whether the annotation already links query and hit: they act on a gene in common.
    pub is_known: bool,
    /// Names and annotation of the hit.
    pub record: Record,
}

/// The hits of one query and what they were chosen from.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The name that was asked for, as it was typed.
    pub asked: String,
    /// The query's record; of a combination or a signature, what is known of it.
    pub query: Record,
    /// Hits in order of similarity, ties by row.
    pub hits: Vec<Hit>,
    /// The types of perturbation on the sides that were searched.
    pub types: Vec<PerturbationType>,
    /// How many perturbations lie on the sides that were searched, less the query.
    pub n_searched: usize,
    /// How many of them pass the filter: the panel that hits are chosen from.
    pub n_panel: usize,
    /// How many perturbations of the whole index pass the filter, on whatever side, less the query.
    pub n_passing: usize,
    /// What found the neighbours.
    pub engine: Engine,
    /// Where the query's vector comes from.
    pub origin: Origin,
}
