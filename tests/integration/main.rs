//! One integration binary; a theme per module.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// A set of rows is given by a list of ranges, of which there is often one.
#![allow(clippy::single_range_in_vec_init, unreachable_pub)]

/// Rows added to an index without training.
#[cfg(feature = "train")]
mod addition;
/// The rooms import one way and each engine stays behind its door.
mod architecture;
/// Genes that change others, in single cells of a known graph.
#[cfg(feature = "train")]
mod causal;
/// The command: what users see, and what bad input gets.
#[cfg(feature = "cli")]
mod cli;
/// Responses averaged over contexts, of signatures folded in.
#[cfg(feature = "train")]
mod contexts;
/// Names, recipes, normalisation and merging, on files written by the tests and on the real screens.
mod dataset;
/// Directed networks: which readout genes respond to which perturbed gene.
mod directed;
/// Unit vectors and the exact scan.
mod embedding;
/// Retrieval and prediction protocols against hand-computed cases and the reference baselines.
mod evaluate;
/// A small index of planted mechanisms, made without training.
mod fixture;
/// The index of each format version, opened forever. What writes it anew needs a model to train.
#[cfg_attr(not(feature = "train"), allow(dead_code, unused_imports))]
mod golden;
/// The same where hubs, near-duplicates and classes of all sizes tempt.
#[cfg(feature = "train")]
mod hard_world;
/// Whether significance is honest, in a world of known truth.
#[cfg(feature = "train")]
mod honesty;
/// One folder per index: determinism, damage, exchange.
mod index;
/// Builds killed at any moment leave a whole index.
#[cfg(all(feature = "cli", feature = "train"))]
mod kill;
/// Training, resuming and parity with PyTorch.
#[cfg(feature = "train")]
mod model;
/// Networks: which perturbations act alike, and the groups they form.
mod network;
/// Parquet files of other writers, whole and damaged.
mod parquet_files;
/// Responses of pairs that were measured or not, of combinations and of signatures.
#[cfg(feature = "train")]
mod prediction;
/// The index that comes with the repository.
mod ready;
/// Responses predicted in contexts that were measured in part, elsewhere, or nowhere.
mod response;
/// Queries by name, panels, filters and engines.
mod search;
/// What hits are worth, by every way of finding them.
mod significance;
/// Compounds that were never measured, placed by their structures.
#[cfg(feature = "structures")]
mod structures;
/// Readers of matrices, long tables and annotations, and what they say of bad input.
mod table;
/// Cell lines that no screen holds.
#[cfg(feature = "train")]
mod unmeasured;
/// Added rows in single contexts.
#[cfg(feature = "train")]
mod untrained;
/// Graph building, walking and damage.
mod vector;
