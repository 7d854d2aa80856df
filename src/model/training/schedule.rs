use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::checkpoint::{Checkpoints, Progress};
use super::data::{TrainingData, fingerprint, require_trainable};
use super::options::TrainingOptions;
use super::report::{EpochReport, Phase, TrainingReport, Validation, best_epoch};
use super::run::Run;
use super::trainer::Trainer;
use super::validation::validate_baselines;
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::model::bag::EmbeddingBag;
use crate::model::config::LpmConfig;
use crate::model::engine::{State, TensorState};
use crate::model::fit::FitComparison;
use crate::model::lpm::Lpm;
use crate::model::network::{TableSizes, Weights};
use crate::model::vocabulary::Vocabularies;

/// Keeps the draw of validation entries apart from any other split that uses the same seed: entries
/// that are excluded already would leave nothing to validate on.
const VALIDATION_SALT: u64 = 0x76a1_1da7;

/// A training of several members: what their runs share.
struct Schedule<'a> {
    dataset: &'a Dataset,
    config: &'a LpmConfig,
    options: &'a TrainingOptions<'a>,
    vocabularies: Arc<Vocabularies>,
    bag: Arc<EmbeddingBag>,
    checkpoints: Option<Checkpoints>,
    is_stopped: AtomicBool,
}

/// Trains one model per seed; see [`Ensemble::train`](crate::model::Ensemble::train).
pub(in crate::model) fn train_members(
    dataset: &Dataset,
    config: &LpmConfig,
    seeds: &[u64],
    options: &TrainingOptions<'_>,
) -> Result<(Vec<Lpm>, TrainingReport)> {
    let start = Instant::now();
    config.validate()?;
    require_trainable(dataset)?;
    let schedule = Schedule::new(dataset, config, options)?;
    let (selection, comparisons) = match seeds.first() {
        Some(seed) if config.validation_share > 0.0 => schedule.select_epochs(*seed)?,
        _ => (Vec::new(), None),
    };
    let epochs = best_epoch(&selection).map_or(config.max_epochs, |report| report.epoch);
    let members = schedule.train_all(seeds, epochs)?;
    let report = TrainingReport {
        epochs,
        selection,
        overall: comparisons.map(|(overall, _)| overall),
        without_knockouts: comparisons.map(|(_, without_knockouts)| without_knockouts),
        seconds: start.elapsed().as_secs_f64(),
    };
    Ok((members, report))
}

/// The comparison on all held-out entries, and on those without knock-outs.
type Comparisons = Option<(FitComparison, FitComparison)>;

impl<'a> Schedule<'a> {
    fn new(
        dataset: &'a Dataset,
        config: &'a LpmConfig,
        options: &'a TrainingOptions<'a>,
    ) -> Result<Self> {
        let vocabularies = Vocabularies::of(dataset);
        let checkpoints = match options.checkpoints {
            Some(folder) => {
                let fingerprint = fingerprint(dataset, options.excluded);
                let checkpoints = Checkpoints::open(folder, options.resume, fingerprint)?;
                checkpoints.describe(config, &vocabularies)?;
                Some(checkpoints)
            }
            None => None,
        };
        Ok(Self {
            dataset,
            config,
            options,
            bag: Arc::new(vocabularies.bag()?),
            vocabularies: Arc::new(vocabularies),
            checkpoints,
            is_stopped: AtomicBool::new(false),
        })
    }

    /// Runs with held-out entries until patience is out; returns its epochs and the baselines' fit.
    fn select_epochs(&self, seed: u64) -> Result<(Vec<EpochReport>, Comparisons)> {
        let run = self.run(Phase::Selection, seed, self.config.max_epochs);
        let run = on_threads(Self::threads_per_run(1), || self.complete(run?))?;
        let model = best_epoch(&run.reports).and_then(|report| report.validation);
        let comparisons = model.map(|model| {
            let baselines = validate_baselines(&run.data);
            let compare = |slice: fn(&Validation) -> crate::model::fit::Fit| FitComparison {
                model: slice(&model),
                readout_mean: slice(&baselines.readout_mean),
                perturbation_mean: slice(&baselines.perturbation_mean),
            };
            (compare(|v| v.overall), compare(|v| v.without_knockouts))
        });
        Ok((run.reports, comparisons))
    }

    /// Trains every seed for `epochs`, as many at a time as there are threads.
    fn train_all(&self, seeds: &[u64], epochs: usize) -> Result<Vec<Lpm>> {
        let n_workers = rayon::current_num_threads().min(seeds.len());
        let threads = Self::threads_per_run(n_workers);
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::with_capacity(seeds.len()));
        // Plain threads: a rayon worker that waits for an inner pool would start further members.
        std::thread::scope(|scope| {
            for _ in 0..n_workers {
                scope.spawn(|| {
                    while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let member = on_threads(threads, || self.train_member(*seed, epochs));
                        if member.is_err() {
                            self.is_stopped.store(true, Ordering::Relaxed);
                        }
                        if let Ok(mut results) = results.lock() {
                            results.push((*seed, member));
                        }
                    }
                });
            }
        });
        in_order_of(seeds, results.into_inner().unwrap_or_default())
    }

    /// The threads that the other runs leave; the weights do not depend on it.
    fn threads_per_run(n_runs: usize) -> usize {
        (rayon::current_num_threads() / n_runs.max(1)).max(1)
    }

    fn train_member(&self, seed: u64, epochs: usize) -> Result<Lpm> {
        let mut run = self.complete(self.run(Phase::Member, seed, epochs)?)?;
        let network = run.network()?;
        let (vocabularies, bag) = (Arc::clone(&self.vocabularies), Arc::clone(&self.bag));
        Ok(Lpm::new(run.config, vocabularies, bag, network))
    }

    /// Returns a run at its start or, when resuming, where its checkpoint left it.
    fn run(&self, phase: Phase, seed: u64, planned_epochs: usize) -> Result<Run<'_>> {
        let config = LpmConfig { seed, ..self.config.clone() };
        let sizes = TableSizes::from(self.vocabularies.as_ref());
        let saved = match &self.checkpoints {
            Some(checkpoints) => checkpoints.read(phase, &config, sizes)?,
            None => None,
        };
        let Progress { state, reports } = match saved {
            Some(progress) => progress,
            None => begin(&config, sizes)?,
        };
        let trainer = Trainer::new(&config, sizes, &self.bag, &state, self.options.device)?;
        let held_out = match phase {
            Phase::Selection => {
                Split::Entries { share: config.validation_share, seed: seed ^ VALIDATION_SALT }
            }
            Phase::Member => Split::None,
        };
        let (dataset, excluded) = (self.dataset, self.options.excluded);
        let data = TrainingData { dataset, bag: &self.bag, excluded, held_out };
        Ok(Run { data, config, phase, planned_epochs, sizes, trainer, reports })
    }

    /// Trains until the run is finished, saving and reporting after each epoch.
    fn complete<'r>(&self, mut run: Run<'r>) -> Result<Run<'r>> {
        while !run.is_finished() {
            if self.is_stopped.load(Ordering::Relaxed) {
                return Err(self.interrupted());
            }
            let report = run.train_epoch()?;
            if let Some(checkpoints) = &self.checkpoints {
                checkpoints.write(&mut run)?;
            }
            if (self.options.observer)(&report).is_break() {
                self.is_stopped.store(true, Ordering::Relaxed);
                return Err(self.interrupted());
            }
        }
        Ok(run)
    }

    fn interrupted(&self) -> Error {
        let advice = match self.options.checkpoints {
            Some(_) => "run the same command with `--resume` to go on from the last epoch",
            None => "nothing was saved, as no checkpoint folder was given",
        };
        Error::Interrupted { advice: advice.to_owned() }
    }
}

fn begin(config: &LpmConfig, sizes: TableSizes) -> Result<Progress> {
    let values = Weights::draw(config, sizes)?.values()?;
    let tensors = values.into_iter().map(TensorState::new).collect();
    Ok(Progress { state: State { tensors, steps: 0 }, reports: Vec::new() })
}

/// Runs `work` where matrix products may use this many threads.
fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(Error::engine("rayon", "start threads"))?.install(work)
}

/// Sorts the members by seed; the first real error wins over those of runs it stopped.
fn in_order_of(seeds: &[u64], results: Vec<(u64, Result<Lpm>)>) -> Result<Vec<Lpm>> {
    let mut members = Vec::with_capacity(seeds.len());
    let mut interruption = None;
    for (seed, result) in results {
        match result {
            Ok(member) => members.push((seed, member)),
            Err(error @ Error::Interrupted { .. }) => interruption = Some(error),
            Err(error) => return Err(error),
        }
    }
    if let Some(error) = interruption {
        return Err(error);
    }
    members.sort_by_key(|(seed, _)| seeds.iter().position(|known| known == seed));
    Ok(members.into_iter().map(|(_, member)| member).collect())
}
