use std::collections::HashMap;

use faer::Mat;

use crate::dataset::Dataset;
use crate::embedding::algebra::{centre_columns, centre_rows, decompose, normalise_rows, product};
use crate::error::{Error, Result};
use crate::experiment::PerturbationType;

use super::ranks::SimilaritySource;

/// Ridge of the whitening, in mean eigenvalues: what the reference baseline uses.
const RIDGE: f64 = 0.3;

/// Similarities of all compounds to all genes of one type, without any model.
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelationBaselines {
    /// Pearson correlation of a compound's mean profile with a gene's.
    pub correlation: ProfileSimilarities,
    /// The same after whitening with the genes' covariance.
    pub whitened: ProfileSimilarities,
}

/// A compounds × genes matrix of similarities, looked up by dataset rows.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileSimilarities {
    compounds: HashMap<u32, usize>,
    genes: HashMap<u32, usize>,
    values: Mat<f64>,
}

impl SimilaritySource for ProfileSimilarities {
    fn similarities(&self, query: u32, panel: &[u32], out: &mut [f64]) -> Result<()> {
        let compound = position(&self.compounds, query)?;
        for (similarity, row) in out.iter_mut().zip(panel) {
            *similarity = self.values[(compound, position(&self.genes, *row)?)];
        }
        Ok(())
    }
}

fn position(of_row: &HashMap<u32, usize>, row: u32) -> Result<usize> {
    of_row.get(&row).copied().ok_or_else(|| {
        Error::data(
            "the correlation baselines",
            format!("row {row} was not measured"),
            "make the task and the baselines from one dataset",
        )
    })
}

/// Computes both correlation baselines of the retrieval protocol from normalised profiles.
///
/// A compound's profiles are averaged over its contexts (missing values left out; a readout it
/// never has counts as 0), so are a gene's. *Correlation* is Pearson's over readouts.
/// *Whitened correlation* subtracts each side's mean profile and turns both sides by
/// `V (Λ₊ + 0.3 · mean(Λ))^(−½)`, the spectrum of the genes' covariance, before the cosine.
///
/// Costs O(compounds × genes × readouts + readouts³); one thread, f64, deterministic.
///
/// # Errors
/// When the dataset has no compound, fewer than two genes of that type, or constant gene profiles.
pub fn correlation_baselines(
    dataset: &Dataset,
    genetic: PerturbationType,
) -> Result<CorrelationBaselines> {
    let (compound_rows, mut compounds) = mean_profiles(dataset, PerturbationType::Compound);
    let (gene_rows, mut genes) = mean_profiles(dataset, genetic);
    if compound_rows.is_empty() || gene_rows.len() < 2 {
        return Err(Error::data(
            format!("dataset `{}`", dataset.name),
            format!("{} compounds and {} genes", compound_rows.len(), gene_rows.len()),
            "correlation needs compounds and at least two genes of the type asked for",
        ));
    }
    let rows = (index_of(&compound_rows), index_of(&gene_rows));
    centre_rows(&mut compounds);
    centre_rows(&mut genes);
    let correlation = cosines(&rows, compounds.clone(), genes.clone());
    centre_columns(&mut compounds);
    centre_columns(&mut genes);
    let map = whitening(&genes)?;
    let whitened = cosines(
        &rows,
        product(compounds.as_ref(), map.as_ref()),
        product(genes.as_ref(), map.as_ref()),
    );
    Ok(CorrelationBaselines { correlation, whitened })
}

pub(super) type Rows = (HashMap<u32, usize>, HashMap<u32, usize>);

pub(super) fn index_of(rows: &[u32]) -> HashMap<u32, usize> {
    rows.iter().enumerate().map(|(at, row)| (*row, at)).collect()
}

pub(super) fn cosines(
    rows: &Rows,
    mut compounds: Mat<f64>,
    mut genes: Mat<f64>,
) -> ProfileSimilarities {
    normalise_rows(&mut compounds);
    normalise_rows(&mut genes);
    let values = product(compounds.as_ref(), genes.transpose());
    ProfileSimilarities { compounds: rows.0.clone(), genes: rows.1.clone(), values }
}

/// Returns how alike the mean profiles of genes are, by both baselines; rows and columns as the panel's dataset rows.
pub(in crate::evaluate) fn profile_similarities(
    dataset: &Dataset,
    genetic: PerturbationType,
    panel: &[u32],
) -> Result<[(&'static str, Mat<f64>); 2]> {
    let (rows, profiles) = mean_profiles(dataset, genetic);
    let at = index_of(&rows);
    let places: Vec<usize> = panel.iter().map(|row| position(&at, *row)).collect::<Result<_>>()?;
    let mut genes = Mat::from_fn(places.len(), profiles.ncols(), |i, j| profiles[(places[i], j)]);
    centre_rows(&mut genes);
    let correlation = all_cosines(genes.clone());
    centre_columns(&mut genes);
    let whitened = all_cosines(product(genes.as_ref(), whitening(&genes)?.as_ref()));
    Ok([("correlation", correlation), ("whitened-correlation", whitened)])
}

fn all_cosines(mut rows: Mat<f64>) -> Mat<f64> {
    normalise_rows(&mut rows);
    product(rows.as_ref(), rows.transpose())
}

/// Returns the whitening map of column-centred profiles.
fn whitening(centred: &Mat<f64>) -> Result<Mat<f64>> {
    let mut covariance = product(centred.transpose(), centred.as_ref());
    covariance /= faer::Scale((centred.nrows() - 1) as f64);
    let spectrum = decompose(covariance.as_ref())?;
    let n = spectrum.values.len();
    let mean = spectrum.values.iter().sum::<f64>() / n.max(1) as f64;
    if mean.is_nan() || mean <= 0.0 {
        return Err(Error::data("the genes", "their profiles are all equal", "check the screen"));
    }
    let scale = |value: f64| 1.0 / (value.max(0.0) + RIDGE * mean).sqrt();
    Ok(Mat::from_fn(n, n, |i, j| spectrum.vectors[(i, j)] * scale(spectrum.values[j])))
}

/// Returns the measured rows of a type and their mean profiles, 0 where nothing was measured.
pub(super) fn mean_profiles(dataset: &Dataset, wanted: PerturbationType) -> (Vec<u32>, Mat<f64>) {
    let n_readouts = dataset.readouts.len();
    let mut position_of: HashMap<u32, usize> = HashMap::new();
    let mut profiles: Vec<(u32, Vec<f64>, Vec<u32>)> = Vec::new();
    let mut row = vec![f32::NAN; n_readouts];
    for (profile, key) in dataset.profiles.keys().iter().enumerate() {
        let perturbation = dataset.perturbations.get(key.perturbation as usize);
        if perturbation.is_none_or(|p| p.perturbation_type() != wanted) {
            continue;
        }
        let at = *position_of.entry(key.perturbation).or_insert_with(|| {
            profiles.push((key.perturbation, vec![0.0; n_readouts], vec![0; n_readouts]));
            profiles.len() - 1
        });
        let (_, sums, counts) = &mut profiles[at];
        dataset.profiles.copy_row(profile, &mut row);
        for ((sum, count), value) in sums.iter_mut().zip(counts).zip(&row) {
            if !value.is_nan() {
                *sum += f64::from(*value);
                *count += 1;
            }
        }
    }
    let mean = |i: usize, j: usize| profiles[i].1[j] / f64::from(profiles[i].2[j].max(1));
    let matrix = Mat::from_fn(profiles.len(), n_readouts, mean);
    (profiles.iter().map(|profile| profile.0).collect(), matrix)
}
