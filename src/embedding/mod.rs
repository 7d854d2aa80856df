//! Row-ordered unit vectors, their similarities, and the exact scan.
//!
//! Takes vectors of a model or of a file; gives [`Embeddings`] (finite, unit, an ensemble joined
//! through [`Centring`]), the embeddings of profiles by [`FoldIn`] with frozen weights, what of them
//! is reproducible by [`Reliability`], the way of new profiles among the rows by [`Placement`] and of features by
//! [`FeatureMap`], predicted responses by [`ResponsePredictor`], [`RowSet`]s, [`Neighbour`]s in one total order, and the exact top k of
//! [`scan()`] and [`scan_batch`]. Every similarity of the crate comes from one SIMD dot product, so
//! that the scan and the graph walk agree to the last bit. Of a trained model it takes weights only; it knows no
//! index and no file.

pub(crate) mod algebra;
mod centring;
mod cholesky;
pub(crate) mod dot;
pub(crate) mod feature_map;
mod fold_in;
pub(crate) mod half;
mod neighbour;
mod placement;
mod reliability;
mod response;
mod row_set;
mod scan;
mod vectors;

pub use centring::{Centring, Placed};
pub use dot::{similarities, similarity, similarity_matrix};
pub use feature_map::{FeatureMap, FeatureQuality};
pub use fold_in::{FoldIn, RIDGE};
pub use neighbour::{Neighbour, TopK};
pub use placement::{ContextProfile, FoldedProfiles, MemberPlacement, Placement};
pub use reliability::{Reliability, SplitHalf};
pub use response::{Evidence, Prediction, ReadoutWeights, ResponsePredictor};
pub use row_set::RowSet;
pub use scan::{check_query, scan, scan_batch};
pub use vectors::Embeddings;
