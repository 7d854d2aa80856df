//! phenocopy: the search engine for mechanisms of action.
//!
//! Which gene, when knocked out, does what this compound does? A Large Perturbation Model
//! (Miladinovic et al. 2025) is trained on chemical and genetic screens that share readouts; its
//! embeddings are compiled into one index folder, and a search answers in milliseconds, offline.
//!
//! # A whole program
//!
//! ```
//! # #[cfg(feature = "train")]
//! # fn main() -> phenocopy::Result<()> {
//! use phenocopy::dataset::{Dataset, DatasetOptions, Recipe};
//! use phenocopy::index::{Index, IndexBuilder};
//! use phenocopy::model::{Ensemble, LpmConfig, TrainingOptions};
//! use phenocopy::search::Query;
//!
//! let recipe = Recipe::read("data/demo/recipe.toml")?;
//! let dataset = Dataset::from_recipe(&recipe, recipe.folder(), &DatasetOptions::default())?;
//! let config = LpmConfig { max_epochs: 5, ..LpmConfig::default() };
//! let (ensemble, report) = Ensemble::train(&dataset, &config, &[13, 14], &TrainingOptions::default())?;
//! # let folder = tempfile::tempdir().map_err(phenocopy::Error::io("create", "a folder"))?;
//! # let path = folder.path().join("demo-index");
//! IndexBuilder::from_ensemble(&dataset, &ensemble, &report)?.write(&path)?;
//!
//! let index = Index::open(&path)?;
//! let query = dataset.perturbations[0].symbol();
//! for hit in index.search(&Query::new(query))?.hits {
//!     println!("{} {} {:.3}", hit.rank, hit.record.name(), hit.similarity);
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "train"))]
//! # fn main() {}
//! ```
//!
//! # The nouns
//!
//! * A [`Perturbation`](experiment::Perturbation) is an intervention: `venetoclax`, `CRISPR-KO_BCL2`.
//!   Compounds make the chemical [`Side`](experiment::Side), genes the genetic one.
//! * A [`Context`](experiment::Context) is where it was measured, a [`Readout`](experiment::Readout)
//!   what was measured; readouts are what chemical and genetic screens share.
//! * An embedding is the learned vector of a perturbation; a similarity is the cosine of two.
//! * A [`Query`](search::Query) asks for a perturbation's neighbours among a panel; a
//!   [`Hit`](search::Hit) is one of them.
//!
//! # The rooms, in the order data flow
//!
//! error → [`experiment`] → [`table`] → [`dataset`] → `model` → [`embedding`] → [`calibrate`] →
//! [`index`] → [`search`] → [`network`] → [`evaluate`] → [`report`] → cli
//!
//! 1. `table` reads files: it alone knows how they are spelt.
//! 2. `dataset` turns them, by a recipe, into observations (perturbation, context, readout, value).
//! 3. `model` fits the Large Perturbation Model; it alone knows candle (feature `train`).
//! 4. `embedding` joins the members of an ensemble into unit vectors and compares them.
//! 5. `calibrate` says what a similarity is worth: null distributions, p-values, q-values.
//! 6. `index` compiles vectors, graphs, records and names into a folder, and opens it.
//! 7. `search` finds and ranks, `network` joins what acts alike, `evaluate` measures, `report` writes, the command line glues.
//!
//! A room imports itself and rooms to its left; a test keeps it so.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod calibrate;
pub mod dataset;
pub mod embedding;
pub mod error;
pub mod evaluate;
pub mod experiment;
pub mod index;
#[cfg(feature = "train")]
pub mod model;
pub mod network;
pub mod report;
pub mod search;
pub mod table;

pub use error::{Error, Result};

/// The README's example runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
