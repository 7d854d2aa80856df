//! Do known target genes rank first? Panel, queries, ranks, halves, baselines and intervals.
//!
//! [`RetrievalTask`] says who asks and what is sought, a [`SimilaritySource`] answers, [`Ranks`]
//! are what comes of it, [`RetrievalEvaluation`] compares methods on the same queries.

mod components;
mod correlation;
mod evaluation;
mod folded;
mod groups;
mod half;
mod of_index;
mod rank_curve;
mod ranks;
mod task;

pub use components::component_baseline;
pub(super) use correlation::profile_similarities;
pub use correlation::{CorrelationBaselines, ProfileSimilarities, correlation_baselines};
pub use evaluation::{Difference, MethodResult, RetrievalEvaluation, RetrievalReport, Role};
pub use folded::{FoldedSimilarities, TrainedWithout, profiles_in};
pub use groups::{
    GroupResult, GroupedReport, Grouping, MIN_GROUP_QUERIES, MIN_INTERVAL_GENES, QueryGroup,
    QueryGroups,
};
pub use half::Half;
pub use of_index::IndexSimilarities;
pub use rank_curve::{CURVE_HITS, RankCurve};
pub use ranks::{METRICS, Ranks, Scores, SimilaritySource, UnitVectors, random_scores};
pub use task::{RetrievalQuery, RetrievalTask};
pub(super) use task::{gene_positions, panel_of};
