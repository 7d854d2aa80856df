//! Nearest neighbours of a query among unit vectors: a flat HNSW graph and its walk.
//!
//! Takes row-major unit vectors; gives a [`FlatGraph`], built by hnsw_rs (this folder is its only
//! door), stored as plain arrays in a [`SectionFile`](super::file::SectionFile) and walked in
//! place. The graph holds links (and, when large, a half-width copy): vectors are passed to each call, so that one matrix serves
//! the graph, the exact scan and the statistics. Algorithm: Malkov & Yashunin, "Efficient and
//! robust approximate nearest neighbor search using Hierarchical Navigable Small World graphs",
//! 2018.
//!
//! # When to walk
//! Below [`SCAN_BELOW_ROWS`] allowed rows the exact scan is about as fast as a walk at recall .99
//! or faster, and always right.

mod build;
mod duplicates;
mod graph;
mod key;
mod links;
mod repair;
mod scratch;
mod storage;
mod tune;
mod walk;

pub use build::GraphParameters;
pub use graph::FlatGraph;
pub use scratch::{WalkParameters, WalkScratch};
pub use tune::{EfChoice, choose_ef};

/// Rows left after filtering below which one exact scan costs no more than one walk.
///
/// Measured with `cargo bench --bench search` (AVX2, a loaded core, 128 numbers per row, fastest of
/// 30 rounds, scans and walks at `ef` 48 in thousands per second): 1,000 rows 84 and 39; 2,000 rows
/// 41 and 34; 3,000 rows 31 and 27; 5,000 rows 18 and 27. With 320 numbers: 3,000 rows 13 and 12.
pub const SCAN_BELOW_ROWS: usize = 3_000;
