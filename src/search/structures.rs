use rayon::prelude::*;

use super::features::FEWEST_ROWS;
use super::hit::Answer;
use super::query::Query;
use super::subject::{Origin, Subject};
use crate::embedding::feature_map::fold_of;
use crate::embedding::{FeatureMap, FeatureQuality};
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::Index;
use crate::table::Fingerprint;

/// Compounds whose cross-validation tells what to expect of one as unlike all others.
const ALIKE: usize = 80;

/// What structures say about vectors, learnt from the compounds of an index whose annotation has one.
///
/// ```no_run
/// use phenocopy::index::Index;
/// use phenocopy::search::{Query, StructurePlacement};
///
/// let index = Index::open("index/cancer-viability")?;
/// let placement = StructurePlacement::fit(&index)?;
/// let answer = index.search_structure(&placement, &Query::new("CC(=O)Oc1ccccc1C(=O)O"))?;
/// println!("{}", answer.hits[0].record.name());
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StructurePlacement {
    /// Names and fingerprints that were learnt from.
    known: Vec<(String, Fingerprint)>,
    /// Of each, how alike the most alike is that was not left out with it.
    likeness: Vec<f64>,
    map: FeatureMap,
}

impl StructurePlacement {
    /// Learns from all compounds of an index that have a structure that can be read.
    ///
    /// # Errors
    /// When fewer than [`FEWEST_ROWS`] have.
    pub fn fit(index: &Index) -> Result<Self> {
        let (mut known, mut features, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
        // What was folded in lies nearer to the centre of all; it would teach that.
        let trained = index.range(Side::Chemical).filter(|row| !index.is_added(*row as u32));
        for row in trained {
            let record = index.record(row as u32)?;
            // A structure that cannot be read teaches nothing, and is no reason to refuse the others.
            let Ok(fingerprint) = Fingerprint::of_smiles(&record.annotation.smiles) else {
                continue;
            };
            features.extend(fingerprint.features());
            vectors.extend_from_slice(index.vector(row as u32));
            known.push((record.name().to_owned(), fingerprint));
        }
        if known.len() < FEWEST_ROWS {
            return Err(Error::data(
                format!("index `{}`", index.manifest().name),
                format!(
                    "{} of its compounds have a structure, {FEWEST_ROWS} are needed",
                    known.len()
                ),
                "name a column of SMILES in the recipe's annotation of compounds, and build it again",
            ));
        }
        let folds: Vec<u64> = known.iter().map(|(name, _)| fold_of(name)).collect();
        let map = FeatureMap::fit(&features, &vectors, index.dim(), &folds)?;
        let likeness = (0..known.len()).into_par_iter().map(|at| {
            let is_other = |other: &usize| folds[*other] != folds[at];
            let others = (0..known.len()).filter(is_other);
            others.map(|other| known[at].1.tanimoto(&known[other].1)).fold(0.0, f64::max)
        });
        Ok(Self { likeness: likeness.collect(), known, map })
    }

    /// Returns how well compounds that were left out are predicted.
    #[must_use]
    pub fn quality(&self) -> FeatureQuality {
        self.map.quality()
    }

    /// Returns the same of compounds about as like to the most alike of the others as this: what to expect
    /// of a structure farther from all that were measured, which is less.
    #[must_use]
    pub fn quality_at(&self, tanimoto: f64) -> FeatureQuality {
        let mut rows: Vec<usize> = (0..self.likeness.len()).collect();
        let distance = |row: &usize| (self.likeness[*row] - tanimoto).abs();
        rows.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        rows.truncate(ALIKE);
        self.map.quality_among(&rows)
    }

    fn place(&self, smiles: &str) -> Result<Subject> {
        let fingerprint = Fingerprint::of_smiles(smiles)?;
        let likeness =
            |(name, other): &(String, Fingerprint)| (name.clone(), fingerprint.tanimoto(other));
        let nearest = self.known.iter().map(likeness).reduce(|a, b| if b.1 > a.1 { b } else { a });
        let (nearest, tanimoto) = nearest.unwrap_or_default();
        let vector = self.map.predict_unit(&fingerprint.features());
        let quality = self.quality_at(tanimoto);
        let origin = Origin::Structure { quality, n_known: self.known.len(), nearest, tanimoto };
        Ok(Subject::unmeasured(smiles, PerturbationType::Compound, smiles, vector, origin))
    }
}

impl Index {
    /// Places a compound that was never measured by its structure (the query's name, in SMILES), and returns
    /// what is near: predictions.
    ///
    /// # Errors
    /// When the structure cannot be read, `k` is zero, or the filter cannot be parsed.
    pub fn search_structure(
        &self,
        placement: &StructurePlacement,
        query: &Query,
    ) -> Result<Answer> {
        let subject = placement.place(&query.name)?;
        self.answer(subject, &query.into())
    }
}
