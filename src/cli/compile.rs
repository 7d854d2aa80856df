//! From a dataset to an index folder: what `build` and `index` share.

use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use indicatif::ProgressBar;
use phenocopy::dataset::{Dataset, DatasetOptions, Recipe, Split};
use phenocopy::index::{BuildStep, IndexBuilder, Manifest, StagedFolder};
use phenocopy::{Error, Result};

use super::inspect::{describe_content, describe_fit, describe_graphs};
use super::interrupt::stop_flag;
use super::progress::{bar, spinner};

/// Reads a recipe's data; what is held out by `split` takes no part in the normalisation.
pub(super) fn read_dataset(recipe: &Recipe, data: &Path, split: &Split) -> Result<Dataset> {
    let options = DatasetOptions { split: split.clone(), ..DatasetOptions::default() };
    let spinner = spinner("reading the screens");
    let dataset = Dataset::from_recipe(recipe, data, &options);
    spinner.finish_and_clear();
    dataset
}

/// Compiles the index with a bar per graph; `after_stop` says what to do when it was stopped.
pub(super) fn compile(
    staged: &StagedFolder,
    builder: IndexBuilder<'_>,
    after_stop: &str,
) -> Result<Manifest> {
    let stop = stop_flag();
    let current: RefCell<Option<ProgressBar>> = RefCell::new(None);
    let progress = |step: BuildStep| {
        match step {
            BuildStep::Graph { side, done, total } => {
                let mut current = current.borrow_mut();
                if done <= 1 || current.is_none() {
                    *current = Some(bar(&format!("linking the {side} graph"), total));
                }
                if let Some(bar) = current.as_ref() {
                    bar.set_position(done as u64);
                }
            }
            BuildStep::Recall(_)
            | BuildStep::Calibration
            | BuildStep::Metadata
            | BuildStep::Verification => {
                current.borrow_mut().take().inspect(ProgressBar::finish_and_clear);
            }
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted { advice: after_stop.to_owned() });
        }
        Ok(())
    };
    builder.progress(&progress).write_into(staged)
}

/// Prints what the index is that was built.
pub(super) fn summarise(
    manifest: &Manifest,
    output: &Path,
    started: Instant,
    training_seconds: Option<f64>,
) -> anyhow::Result<()> {
    let written = write_summary(manifest, output, started, training_seconds);
    written.with_context(|| {
        let path = output.display();
        format!("the index is complete at `{path}`, but its summary cannot be printed")
    })
}

fn write_summary(
    manifest: &Manifest,
    output: &Path,
    started: Instant,
    training_seconds: Option<f64>,
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} ({})", manifest.name, output.display())?;
    writeln!(out, "fingerprint   {}", manifest.fingerprint)?;
    describe_content(&mut out, manifest)?;
    describe_graphs(&mut out, manifest)?;
    describe_fit(&mut out, manifest)?;
    let seconds = started.elapsed().as_secs_f64();
    match training_seconds {
        Some(training) => {
            writeln!(out, "time          {seconds:.1} s, of which training {training:.1} s")
        }
        None => writeln!(out, "time          {seconds:.1} s"),
    }
}
