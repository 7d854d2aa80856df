use std::collections::BTreeMap;

use faer::Mat;

/// What one pass over profiles adds up, to estimate covariances and noise from.
#[derive(Debug, Clone)]
pub(super) struct Statistics {
    dim: usize,
    n_contexts: usize,
    /// Σ E[z_a · z_bᵀ] and how many, of pairs a ≥ b.
    moments: BTreeMap<(usize, usize), (Mat<f64>, f64)>,
    /// Σ of expected squared errors and how many, n readouts × n contexts.
    pub(super) squares: Mat<f64>,
    pub(super) counts: Mat<f64>,
    /// Σ E[z · zᵀ] per context, each profile by its share of the readouts.
    pub(super) scatters: Vec<Mat<f64>>,
}

impl Statistics {
    pub(super) fn new(dim: usize, n_contexts: usize, n_readouts: usize) -> Self {
        Self {
            dim,
            n_contexts,
            moments: BTreeMap::new(),
            squares: Mat::zeros(n_readouts, n_contexts),
            counts: Mat::zeros(n_readouts, n_contexts),
            scatters: vec![Mat::zeros(dim, dim); n_contexts],
        }
    }

    pub(super) fn dim(&self) -> usize {
        self.dim
    }

    pub(super) fn n_contexts(&self) -> usize {
        self.n_contexts
    }

    /// Adds the stacked second moment of a perturbation's embeddings, `weight` times.
    pub(super) fn add_moment(&mut self, slots: &[usize], moment: &Mat<f64>, weight: f64) {
        let dim = self.dim;
        for (i, a) in slots.iter().enumerate() {
            for (j, b) in slots[..=i].iter().enumerate() {
                let zero = || (Mat::zeros(dim, dim), 0.0);
                let (sum, count) = self.moments.entry((*a, *b)).or_insert_with(zero);
                *sum += weight * moment.submatrix(i * dim, j * dim, dim, dim);
                *count += weight;
            }
        }
    }

    /// Adds what another pass added up.
    pub(super) fn merge(&mut self, other: Self) {
        for (pair, (moment, count)) in other.moments {
            let zero = || (Mat::zeros(self.dim, self.dim), 0.0);
            let (sum, total) = self.moments.entry(pair).or_insert_with(zero);
            *sum += moment;
            *total += count;
        }
        self.squares += other.squares;
        self.counts += other.counts;
        self.scatters.iter_mut().zip(&other.scatters).for_each(|(sum, own)| *sum += own);
    }

    /// Returns Σ E[z_a · z_bᵀ] over the perturbations measured in both contexts, and how many; b ≤ a.
    pub(super) fn moment(&self, a: usize, b: usize) -> (Mat<f64>, f64) {
        let none = || (Mat::zeros(self.dim, self.dim), 0.0);
        self.moments.get(&(a, b)).cloned().unwrap_or_else(none)
    }

    /// Returns how many perturbations were measured in both contexts; b ≤ a.
    pub(super) fn count(&self, a: usize, b: usize) -> f64 {
        self.moments.get(&(a, b)).map_or(0.0, |(_, count)| *count)
    }
}
