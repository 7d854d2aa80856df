use std::collections::HashMap;

use faer::Mat;
use faer::prelude::Solve;
use rayon::prelude::*;

use super::correlation::{ProfileSimilarities, cosines, index_of, mean_profiles};
use crate::dataset::Dataset;
use crate::embedding::algebra::{centre_columns, centre_rows, decompose, product};
use crate::error::{Error, Result};
use crate::experiment::PerturbationType;

/// Principal components of the genes' profiles.
const N_COMPONENTS: usize = 50;
/// Penalty of a squared coefficient.
const RIDGE: f64 = 1.0;

/// Compares coefficients on the principal components of the genes' profiles: what folding profiles into a
/// product head amounts to, without a model.
///
/// The components' readout scores have the spread that the genes have along them. Each profile is regressed on
/// the scores of its measured readouts (ridge, penalty 1), so that missing values are left out exactly; the
/// coefficients of a compound are averaged over its contexts.
///
/// # Errors
/// When the dataset has no compound, fewer than two genes of that type, or constant gene profiles.
pub fn component_baseline(
    dataset: &Dataset,
    genetic: PerturbationType,
) -> Result<ProfileSimilarities> {
    let (gene_rows, mut genes) = mean_profiles(dataset, genetic);
    if gene_rows.len() < 2 {
        let problem = format!("{} genes", gene_rows.len());
        let advice = "the baseline needs at least two genes of the type asked for";
        return Err(Error::data(format!("dataset `{}`", dataset.name), problem, advice));
    }
    centre_rows(&mut genes);
    centre_columns(&mut genes);
    let scores = readout_scores(&genes)?;
    let all: Vec<Vec<f64>> =
        (0..genes.nrows()).map(|i| genes.row(i).iter().copied().collect()).collect();
    let genes: Vec<Vec<f64>> =
        all.par_iter().map(|profile| coefficients(&scores, profile)).collect::<Result<_>>()?;
    let (compound_rows, compounds) = compound_coefficients(dataset, &scores)?;
    if compound_rows.is_empty() {
        let advice = "the baseline needs compounds";
        return Err(Error::data(format!("dataset `{}`", dataset.name), "no compound", advice));
    }
    let matrix = |rows: &[Vec<f64>]| Mat::from_fn(rows.len(), scores.ncols(), |i, k| rows[i][k]);
    let rows = (index_of(&compound_rows), index_of(&gene_rows));
    Ok(cosines(&rows, matrix(&compounds), matrix(&genes)))
}

/// n readouts × components: the leading eigenvectors of the genes' covariance, times the deviation along them.
fn readout_scores(centred: &Mat<f64>) -> Result<Mat<f64>> {
    let mut covariance = product(centred.transpose(), centred.as_ref());
    covariance /= faer::Scale(centred.nrows() as f64);
    let spectrum = decompose(covariance.as_ref())?;
    let n = spectrum.values.len();
    let n_components = N_COMPONENTS.min(n);
    // Eigenvalues ascend.
    Ok(Mat::from_fn(n, n_components, |readout, k| {
        let at = n - 1 - k;
        spectrum.vectors[(readout, at)] * spectrum.values[at].max(0.0).sqrt()
    }))
}

/// Each compound's coefficients, averaged over its profiles.
fn compound_coefficients(
    dataset: &Dataset,
    scores: &Mat<f64>,
) -> Result<(Vec<u32>, Vec<Vec<f64>>)> {
    let is_compound = |row: u32| {
        let kind = dataset.perturbations.get(row as usize).map(|p| p.perturbation_type());
        kind == Some(PerturbationType::Compound)
    };
    let keys = dataset.profiles.keys().par_iter().enumerate();
    let of_profiles =
        keys.filter(|(_, key)| is_compound(key.perturbation)).map(|(profile, key)| {
            let values = dataset.profiles.row(profile).into_iter().map(f64::from);
            Ok((key.perturbation, coefficients(scores, &values.collect::<Vec<_>>())?))
        });
    let of_profiles: Vec<(u32, Vec<f64>)> = of_profiles.collect::<Result<_>>()?;
    let mut position: HashMap<u32, usize> = HashMap::new();
    let (mut rows, mut sums) = (Vec::new(), Vec::new());
    for (row, coefficients) in of_profiles {
        // The cosine does not see how many profiles a sum is of.
        let at = *position.entry(row).or_insert_with(|| {
            rows.push(row);
            sums.push(vec![0.0; scores.ncols()]);
            sums.len() - 1
        });
        sums[at].iter_mut().zip(coefficients).for_each(|(sum, value)| *sum += value);
    }
    Ok((rows, sums))
}

/// Ridge regression of a profile on the scores of its measured readouts.
fn coefficients(scores: &Mat<f64>, values: &[f64]) -> Result<Vec<f64>> {
    let measured: Vec<usize> = (0..values.len()).filter(|at| !values[*at].is_nan()).collect();
    let x = Mat::from_fn(measured.len(), scores.ncols(), |i, k| scores[(measured[i], k)]);
    let y = Mat::from_fn(measured.len(), 1, |i, _| values[measured[i]]);
    let mut gram = product(x.transpose(), x.as_ref());
    (0..gram.nrows()).for_each(|k| gram[(k, k)] += RIDGE);
    let singular = Error::engine("faer", "solve the regression on components");
    let solved = gram.llt(faer::Side::Lower).map_err(|problem| singular(format!("{problem:?}")))?;
    let solution = solved.solve(product(x.transpose(), y.as_ref()));
    Ok(solution.col(0).iter().copied().collect())
}
