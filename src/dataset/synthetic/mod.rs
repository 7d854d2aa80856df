//! A small world of planted truth: mechanisms, hub genes, inactive compounds, near-duplicates, noise and gaps.
//!
//! It goes through the same assembly as real files (name merging, normalisation), so that a test on
//! it tests the whole path, and it can write itself as files with a recipe: `data/demo` is its work.

mod compound;
mod draw;
mod files;
mod recipe;
mod world;

pub use world::{SyntheticConfig, SyntheticWorld};
