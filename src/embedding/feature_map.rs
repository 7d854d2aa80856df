use faer::Mat;
use faer::prelude::Solve;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::algebra::product;
use super::similarity;
use crate::error::{Error, Result};

/// Penalties that are tried, in units of the mean squared length of a row of features.
const PENALTIES: [f64; 5] = [0.01, 0.1, 1.0, 10.0, 100.0];
/// Parts that are left out in turn.
const FOLDS: u64 = 5;
const SEED: u64 = 17;

/// Returns the part, of five, in which a row of this name is left out.
pub(crate) fn fold_of(name: &str) -> u64 {
    xxh3_64_with_seed(name.as_bytes(), SEED) % FOLDS
}

/// Ridge regression from features to vectors: of perturbations to their embeddings, of cell lines to their
/// responses. It places what was never measured.
///
/// Features are standardised, constant ones left out; the penalty is the one whose held-out vectors are nearest
/// (cosine) to the true ones in five-fold cross-validation.
///
/// ```
/// use phenocopy::embedding::FeatureMap;
///
/// // One feature that says which of two directions a perturbation takes.
/// let features: Vec<f32> = (0..40).map(|i| (i % 2) as f32).collect();
/// let vectors: Vec<f32> = (0..40).flat_map(|i| [[1.0, 0.0], [0.0, 1.0]][i % 2]).collect();
/// let folds: Vec<u64> = (0..40).map(|i| i / 8).collect();
/// let map = FeatureMap::fit(&features, &vectors, 2, &folds)?;
/// assert!(map.predict(&[1.0])[1] > 0.99);
/// assert!(map.quality().mean_cosine > 0.99);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMap {
    scaling: Scaling,
    dim: usize,
    /// Mean vector of the training rows.
    centre: Vec<f64>,
    /// `n kept features × dim`.
    weights: Vec<f64>,
    /// How each row is predicted when it is left out.
    held_out: Vec<HeldOutRow>,
}

/// How a row is predicted by a model that did not see it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct HeldOutRow {
    /// Cosine of the predicted and the true vector.
    cosine: f64,
    /// Whether the true vector is among the tenth of all rows that is nearest to the predicted one.
    is_near: bool,
}

/// How well vectors are predicted for perturbations that were left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureQuality {
    /// Rows that were left out in turn.
    pub n_rows: usize,
    /// Features that are not constant.
    pub n_features: usize,
    /// Mean cosine of predicted and true vectors.
    pub mean_cosine: f64,
    /// Share of rows whose true vector is among the tenth that is nearest to the predicted one.
    pub top_tenth: f64,
    /// What a random order reaches in one of twenty cases: .1 and 1.645 binomial deviations.
    pub chance_top_tenth: f64,
}

impl FeatureQuality {
    /// Returns whether features tell more than chance does.
    #[must_use]
    pub fn predicts(&self) -> bool {
        self.top_tenth > self.chance_top_tenth
    }
}

/// Means and deviations of the features that vary.
#[derive(Debug, Clone, PartialEq)]
struct Scaling {
    /// Position, mean and deviation.
    kept: Vec<(usize, f64, f64)>,
}

impl Scaling {
    fn of(rows: &[&[f32]]) -> Self {
        let n = rows.len() as f64;
        let n_features = rows.first().map_or(0, |row| row.len());
        let moments = |feature: usize| {
            let values = || rows.iter().map(|row| f64::from(row[feature]));
            let mean = values().sum::<f64>() / n;
            let deviation = (values().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
            (deviation > 1e-9 * mean.abs().max(1e-9)).then_some((feature, mean, deviation))
        };
        Self { kept: (0..n_features).filter_map(moments).collect() }
    }

    fn apply(&self, row: &[f32]) -> Vec<f64> {
        let scaled = |(at, mean, deviation): &(usize, f64, f64)| {
            (f64::from(row.get(*at).copied().unwrap_or(0.0)) - mean) / deviation
        };
        self.kept.iter().map(scaled).collect()
    }
}

impl FeatureMap {
    /// Learns from rows of features and the vectors of the same rows; `folds` says which are left out together.
    ///
    /// # Shapes
    /// `features`: n × any; `vectors`: n × `dim`; `folds`: n numbers, taken modulo five.
    ///
    /// # Errors
    /// When the shapes do not fit, or all features are constant.
    pub fn fit(features: &[f32], vectors: &[f32], dim: usize, folds: &[u64]) -> Result<Self> {
        let n = folds.len();
        let fits = n > 1
            && dim > 0
            && vectors.len() == n * dim
            && features.len().is_multiple_of(n)
            && features.iter().all(|value| value.is_finite());
        let refuse = |problem: String| {
            let advice = "give finite features that differ between rows";
            Err(Error::data("features", problem, advice))
        };
        if !fits {
            return refuse(format!("{} numbers for {n} rows", features.len()));
        }
        let rows: Vec<&[f32]> = features.chunks_exact((features.len() / n).max(1)).collect();
        let targets: Vec<&[f32]> = vectors.chunks_exact(dim).collect();
        let unit_targets: Vec<Vec<f32>> = targets.iter().map(|target| unit(target)).collect();
        if Scaling::of(&rows).kept.is_empty() {
            return refuse("each is the same in all rows".to_owned());
        }
        let best = predict_held_out(&rows, &targets, folds).into_iter().reduce(|a, b| {
            let cosine = |held: &HeldOut| mean_cosine(&held.predicted, &unit_targets);
            if cosine(&b) > cosine(&a) { b } else { a }
        });
        let model = best.and_then(|best| {
            let weights = Regression::new(&rows, &targets).weights(best.penalty)?;
            Some((best.predicted, weights))
        });
        let Some((predicted, (scaling, centre, weights))) = model else {
            return refuse("the regression has no solution".to_owned());
        };
        let held_out = held_out_rows(&predicted, &unit_targets);
        Ok(Self { scaling, dim, centre, weights, held_out })
    }

    /// Returns how well rows that were left out are predicted.
    #[must_use]
    pub fn quality(&self) -> FeatureQuality {
        self.quality_of(&self.held_out)
    }

    /// Returns how well some of the rows are predicted; rows that there are not are left out.
    #[must_use]
    pub fn quality_among(&self, rows: &[usize]) -> FeatureQuality {
        let rows = rows.iter().filter_map(|row| self.held_out.get(*row).copied());
        self.quality_of(&rows.collect::<Vec<HeldOutRow>>())
    }

    fn quality_of(&self, rows: &[HeldOutRow]) -> FeatureQuality {
        let n = rows.len().max(1) as f64;
        FeatureQuality {
            n_rows: rows.len(),
            n_features: self.scaling.kept.len(),
            mean_cosine: rows.iter().map(|row| row.cosine).sum::<f64>() / n,
            top_tenth: rows.iter().filter(|row| row.is_near).count() as f64 / n,
            chance_top_tenth: 0.1 + 1.645 * (0.09 / n).sqrt(),
        }
    }

    /// Returns the predicted vector of features.
    #[must_use]
    pub fn predict(&self, features: &[f32]) -> Vec<f32> {
        predict(&self.scaling, &self.centre, &self.weights, self.dim, features)
    }

    /// Returns the predicted vector of features, at unit length.
    #[must_use]
    pub fn predict_unit(&self, features: &[f32]) -> Vec<f32> {
        unit(&self.predict(features))
    }
}

type Model = (Scaling, Vec<f64>, Vec<f64>);

/// The parts of a ridge regression that no penalty changes.
struct Regression {
    scaling: Scaling,
    centre: Vec<f64>,
    /// Standardised features, n × p.
    x: Mat<f64>,
    /// XᵀX and XᵀY where there are more rows than features, else XXᵀ and Y: the smaller system.
    gram: Mat<f64>,
    right: Mat<f64>,
}

impl Regression {
    fn new(rows: &[&[f32]], targets: &[&[f32]]) -> Self {
        let (n, dim) = (rows.len(), targets.first().map_or(0, |target| target.len()));
        let scaling = Scaling::of(rows);
        let x = scaled(&scaling, rows);
        let mean = |k: usize| targets.iter().map(|t| f64::from(t[k])).sum::<f64>() / n as f64;
        let centre: Vec<f64> = (0..dim).map(mean).collect();
        let y = Mat::from_fn(n, dim, |row, k| f64::from(targets[row][k]) - centre[k]);
        let (gram, right) = match x.ncols() <= n {
            true => (product(x.transpose(), x.as_ref()), product(x.transpose(), y.as_ref())),
            false => (product(x.as_ref(), x.transpose()), y),
        };
        Self { scaling, centre, x, gram, right }
    }

    fn is_primal(&self) -> bool {
        self.x.ncols() <= self.x.nrows()
    }

    /// Solves the system; none where it is singular.
    fn solve(&self, penalty: f64) -> Option<Mat<f64>> {
        let mut gram = self.gram.clone();
        let ridge = penalty * self.x.ncols() as f64;
        (0..gram.nrows()).for_each(|i| gram[(i, i)] += ridge);
        Some(gram.llt(faer::Side::Lower).ok()?.solve(&self.right))
    }

    fn weights(self, penalty: f64) -> Option<Model> {
        let solution = self.solve(penalty)?;
        let weights = match self.is_primal() {
            true => solution,
            false => product(self.x.transpose(), solution.as_ref()),
        };
        let flat = (0..weights.nrows()).flat_map(|i| (0..weights.ncols()).map(move |k| (i, k)));
        let flat = flat.map(|at| weights[at]).collect();
        Some((self.scaling, self.centre, flat))
    }
}

fn scaled(scaling: &Scaling, rows: &[&[f32]]) -> Mat<f64> {
    let scaled: Vec<Vec<f64>> = rows.iter().map(|row| scaling.apply(row)).collect();
    Mat::from_fn(rows.len(), scaling.kept.len(), |row, feature| scaled[row][feature])
}

fn predict(
    scaling: &Scaling,
    centre: &[f64],
    weights: &[f64],
    dim: usize,
    features: &[f32],
) -> Vec<f32> {
    let mut vector = centre.to_vec();
    for (x, weights) in scaling.apply(features).iter().zip(weights.chunks_exact(dim)) {
        vector.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
    }
    vector.into_iter().map(|value| value as f32).collect()
}

/// The vector at unit length; zero stays zero.
fn unit(vector: &[f32]) -> Vec<f32> {
    let squares = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
    let norm = squares.sqrt().max(1e-12);
    vector.iter().map(|value| (f64::from(*value) / norm) as f32).collect()
}

/// What a penalty predicts of each row, at unit length, by a model that did not see its fold.
struct HeldOut {
    penalty: f64,
    predicted: Vec<Vec<f32>>,
}

/// Rows that were left out together, and what each penalty predicts of them.
struct FoldPrediction {
    held: Vec<usize>,
    of_penalties: Vec<Option<Mat<f64>>>,
}

/// Leaves each fold out in turn; penalties without a solution are left out.
fn predict_held_out(rows: &[&[f32]], targets: &[&[f32]], folds: &[u64]) -> Vec<HeldOut> {
    let of_fold = (0..FOLDS).into_par_iter().map(|fold| {
        let is_held = |at: &usize| folds[*at] % FOLDS == fold;
        let (held, kept): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(is_held);
        FoldPrediction { of_penalties: predict_fold(rows, targets, (&held, &kept)), held }
    });
    let of_fold: Vec<FoldPrediction> = of_fold.collect();
    let join = |(at, penalty): (usize, &f64)| {
        let mut predicted = vec![Vec::new(); rows.len()];
        for fold in &of_fold {
            let vectors = fold.of_penalties[at].as_ref()?;
            for (i, row) in fold.held.iter().enumerate() {
                let vector: Vec<f32> = vectors.row(i).iter().map(|value| *value as f32).collect();
                predicted[*row] = unit(&vector);
            }
        }
        Some(HeldOut { penalty: *penalty, predicted })
    };
    PENALTIES.iter().enumerate().filter_map(join).collect()
}

/// Predicts the held rows from the kept ones with each penalty.
fn predict_fold(
    rows: &[&[f32]],
    targets: &[&[f32]],
    (held, kept): (&[usize], &[usize]),
) -> Vec<Option<Mat<f64>>> {
    let pick = |of: &[usize]| -> Vec<&[f32]> { of.iter().map(|at| rows[*at]).collect() };
    let kept_targets: Vec<&[f32]> = kept.iter().map(|at| targets[*at]).collect();
    let regression = Regression::new(&pick(kept), &kept_targets);
    let mut map = scaled(&regression.scaling, &pick(held));
    if !regression.is_primal() {
        map = product(map.as_ref(), regression.x.transpose());
    }
    let predict = |penalty: &f64| {
        let deviations = product(map.as_ref(), regression.solve(*penalty)?.as_ref());
        let value = |i: usize, k: usize| deviations[(i, k)] + regression.centre[k];
        Some(Mat::from_fn(deviations.nrows(), deviations.ncols(), value))
    };
    PENALTIES.iter().map(predict).collect()
}

fn mean_cosine(predicted: &[Vec<f32>], targets: &[Vec<f32>]) -> f64 {
    let pairs = predicted.iter().zip(targets);
    let cosines = pairs.map(|(p, t)| f64::from(similarity(p, t)));
    cosines.sum::<f64>() / targets.len().max(1) as f64
}

fn held_out_rows(predicted: &[Vec<f32>], targets: &[Vec<f32>]) -> Vec<HeldOutRow> {
    let n_near = targets.len() / 10;
    let row = |(predicted, target): (&Vec<f32>, &Vec<f32>)| {
        let own = similarity(predicted, target);
        // Rows as near count as nearer, but for the row itself: equal vectors are no success.
        let n_near_too = targets.iter().filter(|other| similarity(predicted, other) >= own).count();
        HeldOutRow { cosine: f64::from(own), is_near: n_near_too <= n_near }
    };
    predicted.par_iter().zip(targets).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(i: usize) -> f32 {
        ((i * 7919 + 13) % 1009) as f32 / 504.0 - 1.0
    }

    /// Unit vectors that depend on the features linearly, up to their length.
    fn world(n: usize, p: usize) -> (Vec<f32>, Vec<f32>, Vec<u64>) {
        let features: Vec<f32> = (0..n * p).map(|i| number(i * 31 + i / p)).collect();
        let vectors = features.chunks_exact(p).flat_map(|row| {
            let value =
                |k: usize| row.iter().enumerate().map(|(i, x)| x * number(i * 5 + k * 77)).sum();
            let vector: Vec<f32> = (0..4).map(value).collect();
            let norm = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
            vector.into_iter().map(|v| v / norm).collect::<Vec<f32>>()
        });
        let vectors = vectors.collect();
        (features, vectors, (0..n as u64).map(|i| (i * 2_654_435_761) >> 7).collect())
    }

    #[test]
    fn features_that_determine_the_vectors_predict_those_left_out() {
        // More rows than features, and fewer: both forms of the solution.
        for (n, p) in [(200, 6), (150, 160)] {
            let (features, vectors, folds) = world(n, p);
            let map = FeatureMap::fit(&features, &vectors, 4, &folds).unwrap();
            let quality = map.quality();
            assert!(quality.predicts() && quality.mean_cosine > 0.5, "{n} {p} {quality:?}");
        }
    }

    #[test]
    fn features_of_other_rows_predict_nothing() {
        let (features, _, folds) = world(300, 6);
        let (_, vectors, _) = world(300, 7);
        let turned: Vec<f32> = vectors.chunks_exact(4).rev().flatten().copied().collect();
        let quality = FeatureMap::fit(&features, &turned, 4, &folds).unwrap().quality();
        assert!(quality.top_tenth < 0.2, "{quality:?}");
    }

    #[test]
    fn constant_features_are_refused() {
        let error = FeatureMap::fit(&[1.0; 40], &[0.5; 80], 2, &[0; 40]).unwrap_err();
        assert!(error.to_string().contains("the same in all rows"));
    }
}
