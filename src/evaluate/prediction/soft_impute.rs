use faer::prelude::Solve;
use faer::{Mat, MatRef, Side};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, Entries, Split};
use crate::embedding::algebra::product;
use crate::error::{Error, Result};

/// How the low-rank baseline is fitted and chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SoftImputeConfig {
    /// Ranks to choose from.
    pub ranks: Vec<usize>,
    /// Shrinkages λ to choose from, largest first (each starts where the one before ended), in units of
    /// the largest singular value expected of noise of the data's own spread, `s·√share·(√n + √m)`.
    pub shrinkages: Vec<f64>,
    /// Share of the training entries that the choice is made on.
    pub validation_share: f64,
    /// Most iterations of one fit.
    pub max_iterations: usize,
    /// A fit ends when its training error changes by less than this share.
    pub tolerance: f64,
    /// Seed of the validation entries and of the start.
    pub seed: u64,
}

impl Default for SoftImputeConfig {
    fn default() -> Self {
        Self {
            ranks: vec![5, 20, 50],
            shrinkages: vec![1.2, 0.9, 0.6, 0.3, 0.1, 0.03],
            validation_share: 0.1,
            max_iterations: 40,
            tolerance: 1e-3,
            seed: 17,
        }
    }
}

/// What was chosen for one context.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Rank of the factors.
    pub rank: usize,
    /// λ, in the units of [`SoftImputeConfig::shrinkages`].
    pub shrinkage: f64,
    /// Error on the context's validation entries.
    pub validation_rmse: f64,
}

/// A truncated singular value decomposition of the profiles × readouts matrix with missing entries.
///
/// Minimises `½ Σ_observed (x − ABᵀ)² + λ/2 (‖A‖² + ‖B‖²)`, the nuclear-norm problem of soft-impute
/// (Mazumder, Hastie and Tibshirani 2010) at bounded rank, by alternating least squares on the
/// imputed matrix (softImpute-ALS; Hastie et al. 2015). Readout means are taken out first. Rank and λ are
/// chosen on validation entries, for each context by itself, then refitted on all training entries.
#[derive(Debug)]
pub struct SoftImpute {
    readout_means: Vec<f32>,
    choices: Vec<Choice>,
    fits: Vec<Factors>,
    fit_of_profile: Vec<usize>,
}

impl SoftImpute {
    /// Fits on what `split` does not hold out.
    ///
    /// # Errors
    /// When there is no training entry, no setting to choose from, or a factor cannot be solved.
    pub fn fit(dataset: &Dataset, split: &Split, config: &SoftImputeConfig) -> Result<Self> {
        Self::fit_values(dataset, &Entries::of(dataset, split), config)
    }

    pub(super) fn fit_values(
        dataset: &Dataset,
        values: &Entries,
        config: &SoftImputeConfig,
    ) -> Result<Self> {
        if values.n_values() == 0 || config.ranks.is_empty() || config.shrinkages.is_empty() {
            return Err(Error::data(
                format!("dataset `{}`", dataset.name),
                format!(
                    "{} values, {} ranks to choose from",
                    values.n_values(),
                    config.ranks.len()
                ),
                "hold out less, and give at least one rank and shrinkage",
            ));
        }
        let contexts: Vec<usize> =
            dataset.profiles.keys().iter().map(|key| key.context as usize).collect();
        let choices = choose(dataset, values, &contexts, config)?;
        let mut fits: Vec<Factors> = Vec::new();
        let mut fit_of_context = Vec::new();
        let problem = Problem::new(values, dataset.readouts.len());
        for choice in &choices {
            let known = fits.iter().position(|fit| fit.is_of(choice));
            fit_of_context.push(known.unwrap_or(fits.len()));
            if known.is_none() {
                let start = problem.start(choice.rank, config.seed);
                fits.push(problem.fit(start, choice.shrinkage, config)?);
            }
        }
        let fit_of_profile = contexts.iter().map(|context| fit_of_context[*context]).collect();
        Ok(Self { readout_means: problem.readout_means, choices, fits, fit_of_profile })
    }

    /// Returns what was chosen, context by context.
    #[must_use]
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// Writes the fitted profile into `out` (length `n_readouts`).
    pub fn predict(&self, profile: usize, out: &mut [f32]) {
        self.fits[self.fit_of_profile[profile]].predict(profile, out);
        for (value, mean) in out.iter_mut().zip(&self.readout_means) {
            *value += mean;
        }
    }
}

/// Returns the best setting of each context; of all entries where a context has no validation entry.
fn choose(
    dataset: &Dataset,
    values: &Entries,
    contexts: &[usize],
    config: &SoftImputeConfig,
) -> Result<Vec<Choice>> {
    // The next seed: with the outer split's own seed the hash would draw none of what it left.
    let seed = config.seed.wrapping_add(1);
    let (kept, held) = values.divide(&Split::Entries { share: config.validation_share, seed });
    let n_contexts = dataset.contexts.len();
    let problem = Problem::new(&kept, dataset.readouts.len());
    // One slot per context, and the last one for all of them.
    let mut best: Vec<Option<Choice>> = vec![None; n_contexts + 1];
    for &rank in &config.ranks {
        let mut factors = problem.start(rank, config.seed);
        for &shrinkage in &config.shrinkages {
            factors = problem.fit(factors, shrinkage, config)?;
            let errors = problem.validation_rmse(&factors, &held, contexts, n_contexts);
            for (best, validation_rmse) in best.iter_mut().zip(errors) {
                let choice = Choice { rank, shrinkage, validation_rmse };
                if validation_rmse.is_finite()
                    && best.is_none_or(|best| validation_rmse < best.validation_rmse)
                {
                    *best = Some(choice);
                }
            }
        }
    }
    let overall = best.pop().flatten().unwrap_or(Choice {
        rank: config.ranks[0],
        shrinkage: config.shrinkages[0],
        validation_rmse: f64::NAN,
    });
    Ok(best.into_iter().map(|choice| choice.unwrap_or(overall)).collect())
}

/// `ABᵀ`: profiles × rank and readouts × rank.
#[derive(Debug)]
struct Factors {
    shrinkage: f64,
    profiles: Mat<f64>,
    readouts: Mat<f64>,
}

impl Factors {
    fn is_of(&self, choice: &Choice) -> bool {
        self.profiles.ncols() == choice.rank
            && self.shrinkage.to_bits() == choice.shrinkage.to_bits()
    }

    fn at(&self, profile: usize, readout: usize) -> f64 {
        let a = self.profiles.row(profile);
        let b = self.readouts.row(readout);
        (0..a.ncols()).map(|k| a[k] * b[k]).sum()
    }

    fn predict(&self, profile: usize, out: &mut [f32]) {
        for (readout, value) in out.iter_mut().enumerate() {
            *value = self.at(profile, readout) as f32;
        }
    }
}

/// The observed matrix, readout means taken out.
struct Problem<'a> {
    values: &'a Entries,
    readout_means: Vec<f32>,
    /// λ of shrinkage 1.
    noise: f64,
}

impl<'a> Problem<'a> {
    fn new(values: &'a Entries, n_readouts: usize) -> Self {
        let (readout_means, _) = values.readout_means(n_readouts);
        let mut problem = Self { values, readout_means, noise: 0.0 };
        let squares: f64 = problem.cells().map(|(_, _, value)| value * value).sum();
        let (n, m) = (values.n_profiles() as f64, n_readouts as f64);
        // s² · share = Σx² / (n·m)
        problem.noise = (squares / (n * m)).sqrt() * (n.sqrt() + m.sqrt());
        problem
    }

    /// Returns profile, readout and centred value of each observed entry.
    fn cells(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        (0..self.values.n_profiles()).flat_map(move |profile| {
            self.values.row(profile).iter().map(move |(readout, value)| {
                let readout = *readout as usize;
                (profile, readout, f64::from(*value) - f64::from(self.readout_means[readout]))
            })
        })
    }

    /// Returns zero profiles and random readout factors: the first step is then a projection of the data.
    fn start(&self, rank: usize, seed: u64) -> Factors {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Factors {
            shrinkage: 0.0,
            profiles: Mat::zeros(self.values.n_profiles(), rank),
            readouts: Mat::from_fn(self.readout_means.len(), rank, |_, _| {
                rng.random_range(-1.0..1.0)
            }),
        }
    }

    fn fit(
        &self,
        mut factors: Factors,
        shrinkage: f64,
        config: &SoftImputeConfig,
    ) -> Result<Factors> {
        factors.shrinkage = shrinkage;
        // A trace of ridge keeps the systems solvable where no shrinkage is asked for.
        let ridge = (shrinkage * self.noise).max(1e-9 * self.noise).max(f64::MIN_POSITIVE);
        let mut error = f64::INFINITY;
        for _ in 0..config.max_iterations {
            let (imputed, now) = self.impute(&factors);
            factors.profiles = regress(imputed.transpose(), &factors.readouts, ridge)?;
            let (imputed, _) = self.impute(&factors);
            factors.readouts = regress(imputed.as_ref(), &factors.profiles, ridge)?;
            if (error - now).abs() <= config.tolerance * now {
                break;
            }
            error = now;
        }
        Ok(factors)
    }

    /// Returns the matrix with fitted values where nothing was observed, and the error on what was.
    ///
    /// A profile is a column, so that its values lie together.
    fn impute(&self, factors: &Factors) -> (Mat<f64>, f64) {
        let mut imputed = product(factors.readouts.as_ref(), factors.profiles.transpose());
        let mut squares = 0.0;
        for (profile, readout, value) in self.cells() {
            let cell = &mut imputed[(readout, profile)];
            squares += (*cell - value).powi(2);
            *cell = value;
        }
        (imputed, (squares / self.values.n_values().max(1) as f64).sqrt())
    }

    /// Returns the error on each context's entries, then on all; NaN where there is none.
    fn validation_rmse(
        &self,
        factors: &Factors,
        held: &Entries,
        contexts: &[usize],
        n_contexts: usize,
    ) -> Vec<f64> {
        let mut sums = vec![(0.0, 0_u32); n_contexts + 1];
        for (profile, context) in contexts.iter().enumerate() {
            for (readout, value) in held.row(profile) {
                let readout = *readout as usize;
                let fitted = factors.at(profile, readout) + f64::from(self.readout_means[readout]);
                for slot in [*context, n_contexts] {
                    sums[slot].0 += (f64::from(*value) - fitted).powi(2);
                    sums[slot].1 += 1;
                }
            }
        }
        sums.into_iter().map(|(sum, count)| (sum / f64::from(count)).sqrt()).collect()
    }
}

/// Returns the rows `A` that minimise `‖X − A Bᵀ‖² + ridge ‖A‖²`: `X B (BᵀB + ridge)⁻¹`.
fn regress(matrix: MatRef<'_, f64>, other: &Mat<f64>, ridge: f64) -> Result<Mat<f64>> {
    let mut gram = product(other.transpose(), other.as_ref());
    for k in 0..gram.ncols() {
        gram[(k, k)] += ridge;
    }
    let projected = product(matrix, other.as_ref());
    let factor = gram.llt(Side::Lower).map_err(|problem| {
        Error::engine("faer", "solve the low-rank baseline")(format!("{problem:?}"))
    })?;
    Ok(factor.solve(projected.transpose()).transpose().to_owned())
}
