use faer::Mat;
use faer::prelude::Solve;
use rayon::prelude::*;

use super::similarity;
use crate::error::{Error, Result};

/// Penalties that are tried, in units of the mean squared length of a row of features.
const PENALTIES: [f64; 5] = [0.01, 0.1, 1.0, 10.0, 100.0];
/// Parts that are left out in turn.
const FOLDS: u64 = 5;

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
    quality: FeatureQuality,
}

/// How well vectors are predicted for perturbations that were left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureQuality {
    /// Rows trained on.
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
        let scored = PENALTIES.par_iter().map(|penalty| {
            let predicted = predict_held_out(&rows, &targets, folds, *penalty)?;
            Some((mean_cosine(&predicted, &unit_targets), *penalty, predicted))
        });
        let scored: Vec<(f64, f64, Vec<Vec<f32>>)> = scored.flatten().collect();
        let best = scored.into_iter().reduce(|a, b| if b.0 > a.0 { b } else { a });
        let model = best.and_then(|(cosine, penalty, predicted)| {
            Some((cosine, predicted, solve(&rows, &targets, penalty)?))
        });
        let Some((mean_cosine, predicted, (scaling, centre, weights))) = model else {
            return refuse("the regression has no solution".to_owned());
        };
        let quality = FeatureQuality {
            n_rows: n,
            n_features: scaling.kept.len(),
            mean_cosine,
            top_tenth: top_tenth(&predicted, &unit_targets),
            chance_top_tenth: 0.1 + 1.645 * (0.09 / n as f64).sqrt(),
        };
        Ok(Self { scaling, dim, centre, weights, quality })
    }

    /// Returns how well perturbations that were left out are predicted.
    #[must_use]
    pub fn quality(&self) -> FeatureQuality {
        self.quality
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

/// Solves the ridge regression in whichever of its two forms is smaller; none where it is singular.
fn solve(rows: &[&[f32]], targets: &[&[f32]], penalty: f64) -> Option<Model> {
    let (n, dim) = (rows.len(), targets.first()?.len());
    let scaling = Scaling::of(rows);
    let scaled: Vec<Vec<f64>> = rows.iter().map(|row| scaling.apply(row)).collect();
    let p = scaling.kept.len();
    let mean = |k: usize| targets.iter().map(|t| f64::from(t[k])).sum::<f64>() / n as f64;
    let centre: Vec<f64> = (0..dim).map(mean).collect();
    let x = Mat::from_fn(n, p, |row, feature| scaled[row][feature]);
    let y = Mat::from_fn(n, dim, |row, k| f64::from(targets[row][k]) - centre[k]);
    let ridge = penalty * p as f64;
    let with_ridge = |mut gram: Mat<f64>| {
        (0..gram.nrows()).for_each(|i| gram[(i, i)] += ridge);
        gram.llt(faer::Side::Lower).ok()
    };
    let weights = if p <= n {
        with_ridge(x.transpose() * &x)?.solve(x.transpose() * &y)
    } else {
        x.transpose() * with_ridge(&x * x.transpose())?.solve(&y)
    };
    let flat = (0..p).flat_map(|i| (0..dim).map(move |k| (i, k)));
    Some((scaling, centre, flat.map(|at| weights[at]).collect()))
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

/// Predicts each row, at unit length, by a model that did not see its fold.
fn predict_held_out(
    rows: &[&[f32]],
    targets: &[&[f32]],
    folds: &[u64],
    penalty: f64,
) -> Option<Vec<Vec<f32>>> {
    let dim = targets.first()?.len();
    let mut predicted = vec![Vec::new(); rows.len()];
    for fold in 0..FOLDS {
        let is_held = |at: &usize| folds[*at] % FOLDS == fold;
        let (held, kept): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(is_held);
        if held.is_empty() {
            continue;
        }
        let kept_rows: Vec<&[f32]> = kept.iter().map(|at| rows[*at]).collect();
        let kept_targets: Vec<&[f32]> = kept.iter().map(|at| targets[*at]).collect();
        let (scaling, centre, weights) = solve(&kept_rows, &kept_targets, penalty)?;
        for at in held {
            predicted[at] = unit(&predict(&scaling, &centre, &weights, dim, rows[at]));
        }
    }
    Some(predicted)
}

fn mean_cosine(predicted: &[Vec<f32>], targets: &[Vec<f32>]) -> f64 {
    let pairs = predicted.iter().zip(targets);
    let cosines = pairs.map(|(p, t)| f64::from(similarity(p, t)));
    cosines.sum::<f64>() / targets.len().max(1) as f64
}

/// Share of rows whose own vector is in the nearest tenth of all rows' to the predicted one.
fn top_tenth(predicted: &[Vec<f32>], targets: &[Vec<f32>]) -> f64 {
    let n_near = targets.len() / 10;
    let is_near = |(at, predicted): (usize, &Vec<f32>)| {
        let own = similarity(predicted, &targets[at]);
        targets.iter().filter(|target| similarity(predicted, target) > own).count() < n_near
    };
    let n = predicted.par_iter().enumerate().filter(|pair| is_near(*pair)).count();
    n as f64 / targets.len().max(1) as f64
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
