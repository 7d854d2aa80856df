use super::cholesky::Cholesky;
use crate::error::{Error, Result};

/// What a squared length of the embedding costs against squared errors of the values. Weak on purpose:
/// how far an embedding is to be believed is decided afterwards, by [`Reliability`](super::Reliability).
/// Of 3, 10 and 30, tried on trained weights, 3 finds targets of the even half of genes worse than 10 from GDSC2 or
/// CTRPv2 alone, and 30 worse from three viability screens together.
pub const RIDGE: f64 = 10.0;

/// Fits the embedding of a profile while all weights of a product head stay as they are.
///
/// ŷ_r = Σ_k z_k · a(C)_k · zR_rk + b(C) is linear in z, so the z of the least squared error over the
/// measured readouts, with [`RIDGE`] · |z|² added, has a closed form: missing values are left out
/// exactly, and no training is needed.
///
/// ```
/// use phenocopy::embedding::FoldIn;
///
/// // Two readouts, two dimensions, one context that doubles the first dimension.
/// let fold_in = FoldIn::new(vec![10.0, 0.0, 0.0, 10.0], vec![2.0, 1.0], vec![0.0], 2)?;
/// let embedding = fold_in.embed(0, &[20.0, f32::NAN])?;
/// assert!((embedding[0] - 400.0 / 410.0).abs() < 1e-6 && embedding[1] == 0.0);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FoldIn {
    dim: usize,
    /// zR, `n_readouts × dim`.
    readouts: Vec<f32>,
    /// a(C), `n_contexts × dim`.
    contexts: Vec<f32>,
    /// b(C).
    offsets: Vec<f32>,
    /// Σ_r zR_r zR_rᵀ over all readouts.
    gram: Vec<f64>,
    /// [`RIDGE`], or of fewer readouts their share of it, so that embeddings shrink alike.
    ridge: f64,
}

impl FoldIn {
    /// Takes the frozen weights: zR (n readouts × `dim`), a(C) (n contexts × `dim`) and b(C).
    ///
    /// # Errors
    /// When the tables do not fit each other.
    pub fn new(
        readouts: Vec<f32>,
        contexts: Vec<f32>,
        offsets: Vec<f32>,
        dim: usize,
    ) -> Result<Self> {
        let is_whole = dim > 0 && readouts.len().is_multiple_of(dim);
        if !is_whole || contexts.len() != offsets.len() * dim {
            return Err(Error::data(
                "weights of the product head",
                format!("{} and {} numbers of dim {dim}", readouts.len(), contexts.len()),
                "take readouts, contexts and offsets from one model",
            ));
        }
        let mut gram = vec![0.0; dim * dim];
        readouts.chunks_exact(dim).for_each(|readout| add_outer(&mut gram, readout, 1.0));
        Ok(Self { dim, readouts, contexts, offsets, gram, ridge: RIDGE })
    }

    /// Takes the weights of a trained model.
    ///
    /// # Errors
    /// When its head is `concat`, which has no closed form.
    #[cfg(feature = "train")]
    pub fn of(model: &crate::model::Lpm) -> Result<Self> {
        let concat = || {
            let advice = "train one with the product head";
            Error::data("model", "its concat head cannot fold in", advice)
        };
        let offsets = model.context_offsets()?.ok_or_else(concat)?;
        let (readouts, contexts) = (model.readout_embeddings()?, model.context_embeddings()?);
        Self::new(readouts, contexts, offsets, model.config().embedding_dim)
    }

    /// Returns the length of an embedding.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Returns the number of readouts.
    #[must_use]
    pub fn n_readouts(&self) -> usize {
        self.readouts.len() / self.dim
    }

    /// Returns the number of contexts.
    #[must_use]
    pub fn n_contexts(&self) -> usize {
        self.offsets.len()
    }

    /// Returns zR, a(C) and b(C), as [`new`](Self::new) takes them.
    #[must_use]
    pub fn weights(&self) -> [&[f32]; 3] {
        [&self.readouts, &self.contexts, &self.offsets]
    }

    /// Returns the values that an embedding predicts in a context, one per readout; none for an
    /// unknown context.
    #[must_use]
    pub fn predict(&self, context: u32, embedding: &[f32]) -> Vec<f32> {
        let at = context as usize;
        let scales = self.contexts.get(at * self.dim..(at + 1) * self.dim);
        let (Some(scales), Some(offset)) = (scales, self.offsets.get(at)) else {
            return Vec::new();
        };
        let scaled: Vec<f32> = embedding.iter().zip(scales).map(|(z, a)| z * a).collect();
        let value = |readout: &[f32]| {
            let terms = readout.iter().zip(&scaled).map(|(r, z)| f64::from(*r) * f64::from(*z));
            (terms.sum::<f64>() + f64::from(*offset)) as f32
        };
        self.readouts.chunks_exact(self.dim).map(value).collect()
    }

    /// Returns the values that an embedding predicts on average over all contexts, one per readout. Cost that of one
    /// context: the prediction is linear in a(C) and b(C).
    #[must_use]
    pub fn predict_average(&self, embedding: &[f32]) -> Vec<f32> {
        let share = 1.0 / self.n_contexts().max(1) as f64;
        let mut scaled = vec![0.0_f64; self.dim];
        for scales in self.contexts.chunks_exact(self.dim) {
            let terms = scaled.iter_mut().zip(embedding).zip(scales);
            terms.for_each(|((sum, z), a)| *sum += share * f64::from(*z) * f64::from(*a));
        }
        let offset = share * self.offsets.iter().map(|offset| f64::from(*offset)).sum::<f64>();
        let value = |readout: &[f32]| {
            let terms = readout.iter().zip(&scaled).map(|(r, z)| f64::from(*r) * z);
            (terms.sum::<f64>() + offset) as f32
        };
        self.readouts.chunks_exact(self.dim).map(value).collect()
    }

    /// Returns the embedding of a profile in a context, zero where nothing was measured.
    ///
    /// # Shapes
    /// `values`: one per readout, NaN for missing. Cost `O(n_readouts · dim² + dim³)`.
    ///
    /// # Errors
    /// When there is no such context, the number of values differs from that of readouts, or a value
    /// is infinite.
    pub fn embed(&self, context: u32, values: &[f32]) -> Result<Vec<f32>> {
        self.factorise(context, values)?.embed(values)
    }

    /// Prepares for profiles of a context that were measured in the same readouts as these values: what
    /// embedding one of them then costs is `O(n_readouts · dim + dim²)`.
    ///
    /// # Errors
    /// As [`embed`](Self::embed).
    pub(super) fn factorise(&self, context: u32, values: &[f32]) -> Result<Factor<'_>> {
        let dim = self.dim;
        let at = context as usize;
        let scales = self.contexts.get(at * dim..(at + 1) * dim);
        let (Some(scales), Some(offset)) = (scales, self.offsets.get(at)) else {
            let expected = format!("below {}", self.offsets.len());
            return Err(Error::parameter("context", expected, context));
        };
        self.require_fit(values)?;
        let mut system = self.observed_gram(values);
        for (i, row) in system.chunks_exact_mut(dim).enumerate() {
            let scale = f64::from(scales[i]);
            row.iter_mut().zip(scales).for_each(|(g, a)| *g *= scale * f64::from(*a));
            row[i] += self.ridge;
        }
        let singular = || {
            let advice = "lower the learning rate: the weights of the model have diverged";
            Error::data("profile", "its embedding has no solution", advice)
        };
        let system = Cholesky::new(system, dim).ok_or_else(singular)?;
        Ok(Factor { weights: self, scales, offset: *offset, system })
    }

    fn require_fit(&self, values: &[f32]) -> Result<()> {
        if values.len() * self.dim == self.readouts.len() && !values.iter().any(|v| v.is_infinite())
        {
            return Ok(());
        }
        let n_readouts = self.readouts.len() / self.dim;
        Err(Error::data(
            "profile",
            format!("{} values do not fit {n_readouts} readouts", values.len()),
            "give a finite value or NaN for each readout of the model",
        ))
    }

    /// Returns the same weights for some of the readouts only, in the order given; positions that there are not
    /// are left out.
    ///
    /// # Errors
    /// None that these weights did not have.
    pub(super) fn among(&self, readouts: &[usize]) -> Result<Self> {
        let row = |at: &usize| self.readouts.get(at * self.dim..(at + 1) * self.dim);
        let rows = readouts.iter().filter_map(row).flatten().copied().collect();
        let among = Self::new(rows, self.contexts.clone(), self.offsets.clone(), self.dim)?;
        let share = among.n_readouts() as f64 / self.n_readouts().max(1) as f64;
        Ok(Self { ridge: share * self.ridge, ..among })
    }

    /// Σ zR_r zR_rᵀ over the measured readouts: summed, or the full sum less the missing ones,
    /// whichever touches fewer readouts.
    fn observed_gram(&self, values: &[f32]) -> Vec<f64> {
        let n_missing = values.iter().filter(|value| value.is_nan()).count();
        let mostly_measured = 2 * n_missing < values.len();
        let (mut gram, sign) = if mostly_measured {
            (self.gram.clone(), -1.0)
        } else {
            (vec![0.0; self.gram.len()], 1.0)
        };
        for (readout, value) in self.readouts.chunks_exact(self.dim).zip(values) {
            if value.is_nan() == mostly_measured {
                add_outer(&mut gram, readout, sign);
            }
        }
        gram
    }
}

/// The normal equations of profiles of one context that were measured in the same readouts.
pub(super) struct Factor<'a> {
    weights: &'a FoldIn,
    scales: &'a [f32],
    offset: f32,
    system: Cholesky,
}

impl Factor<'_> {
    /// Returns the embedding of a profile.
    ///
    /// # Errors
    /// When the number of values differs from that of readouts, or a value is infinite.
    pub(super) fn embed(&self, values: &[f32]) -> Result<Vec<f32>> {
        self.weights.require_fit(values)?;
        let dim = self.weights.dim;
        let mut embedding = vec![0.0; dim];
        for (readout, value) in self.weights.readouts.chunks_exact(dim).zip(values) {
            if !value.is_nan() {
                let residual = f64::from(*value) - f64::from(self.offset);
                embedding.iter_mut().zip(readout).for_each(|(b, r)| *b += residual * f64::from(*r));
            }
        }
        embedding.iter_mut().zip(self.scales).for_each(|(b, a)| *b *= f64::from(*a));
        self.system.solve(&mut embedding);
        Ok(embedding.into_iter().map(|value| value as f32).collect())
    }
}

/// Adds `weight` · v·vᵀ; only the lower half, which is all that a factorisation reads.
fn add_outer(sum: &mut [f64], v: &[f32], weight: f64) {
    for (i, (row, a)) in sum.chunks_exact_mut(v.len()).zip(v).enumerate() {
        let a = weight * f64::from(*a);
        row[..=i].iter_mut().zip(v).for_each(|(sum, b)| *sum += a * f64::from(*b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold_in() -> FoldIn {
        let number = |i: usize| ((i * 7919 + 13) % 101) as f32 / 25.0 - 2.0;
        let readouts = (0..40 * 3).map(number).collect();
        FoldIn::new(readouts, vec![1.2, 0.7, 0.9, 0.5, 1.5, 1.0], vec![0.1, -0.2], 3).unwrap()
    }

    fn squared_error(fold_in: &FoldIn, context: usize, values: &[f32], z: &[f32]) -> f64 {
        let scales = &fold_in.contexts[context * 3..context * 3 + 3];
        let error = |(readout, value): (&[f32], &f32)| {
            let terms = readout.iter().zip(z).zip(scales);
            let predicted: f32 = terms.map(|((r, z), a)| r * z * a).sum();
            f64::from(value - predicted - fold_in.offsets[context]).powi(2)
        };
        let measured = fold_in.readouts.chunks(3).zip(values).filter(|(_, v)| !v.is_nan());
        let size: f64 = z.iter().map(|z| f64::from(*z).powi(2)).sum();
        measured.map(error).sum::<f64>() + RIDGE * size
    }

    #[test]
    fn no_step_away_from_the_embedding_lowers_the_penalised_error() {
        let fold_in = fold_in();
        for n_missing in [0, 5, 30] {
            let value = |i: usize| if i < n_missing { f32::NAN } else { (i as f32).sin() };
            let values: Vec<f32> = (0..40).map(value).collect();
            let z = fold_in.embed(1, &values).unwrap();
            let best = squared_error(&fold_in, 1, &values, &z);
            for (k, step) in [(0, 0.01), (0, -0.01), (1, 0.01), (1, -0.01), (2, 0.01), (2, -0.01)] {
                let mut other = z.clone();
                other[k] += step;
                assert!(squared_error(&fold_in, 1, &values, &other) > best, "{n_missing} {k}");
            }
        }
    }

    #[test]
    fn the_average_over_contexts_is_that_of_their_predictions() {
        let fold_in = fold_in();
        let z = [0.3, -1.2, 0.8];
        let pairs = fold_in.predict(0, &z).into_iter().zip(fold_in.predict(1, &z));
        let averages = fold_in.predict_average(&z);
        assert_eq!(averages.len(), 40);
        for ((a, b), average) in pairs.zip(averages) {
            assert!((f32::midpoint(a, b) - average).abs() < 1e-5, "{a} {b} {average}");
        }
    }

    #[test]
    fn a_profile_without_values_lies_at_zero() {
        assert_eq!(fold_in().embed(0, &[f32::NAN; 40]).unwrap(), [0.0; 3]);
    }

    #[test]
    fn what_does_not_fit_the_model_is_refused() {
        let fold_in = fold_in();
        assert!(fold_in.embed(2, &[0.0; 40]).unwrap_err().to_string().contains("context"));
        assert!(fold_in.embed(0, &[0.0; 39]).is_err());
        assert!(fold_in.embed(0, &[f32::INFINITY; 40]).is_err());
        assert!(FoldIn::new(vec![0.0; 7], vec![1.0; 3], vec![0.0], 3).is_err());
    }
}
