use std::ops::RangeInclusive;

use super::draw::Drawing;
use crate::dataset::assemble::{Dataset, DatasetOptions, Raw, assemble};
use crate::dataset::recipe::{Assay, Recipe};
use crate::dataset::screen::RawAssay;
use crate::error::{Error, Result};
use crate::table::{AnnotationRow, Duplicates, Measurements};

/// How large and how hard a synthetic world is.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticConfig {
    /// Mechanisms; each is the knock-out of one target gene.
    pub n_mechanisms: usize,
    /// Active compounds of each mechanism: the first has the most, the last the fewest, and between them they fall by
    /// equal ratios.
    pub class_sizes: RangeInclusive<usize>,
    /// Genes, targets and hubs among them; the others resemble no compound.
    pub n_genes: usize,
    /// Genes that resemble every mechanism a little, as essential genes do: tempting wrong answers.
    pub n_hubs: usize,
    /// How much hubs tempt: the standard deviation of an unspecific effect that hubs show in full and every compound,
    /// inactive ones too, to its own degree, most a little and a few a lot, as toxic ones do. 0 for no such effect.
    pub hub_strength: f64,
    /// Share of the compounds, inactive ones too, that have an analogue: a near-duplicate under a name of its own, with
    /// the same mechanism and side effects. Every second one is a salt and shares the first block of the InChIKey.
    pub analogue_share: f64,
    /// Readouts.
    pub n_readouts: usize,
    /// Chemical contexts; the first measures every compound, each further one every second compound.
    pub n_chemical_contexts: usize,
    /// Share of all compounds that does nothing, 0 to below 1.
    pub inactive_share: f64,
    /// Standard deviation of the noise of chemical values, where a mechanism's own effect has 1.
    pub noise: f64,
    /// Share of chemical values that is missing, 0 to below 1.
    pub missing_share: f64,
    /// Seed of everything.
    pub seed: u64,
}

impl Default for SyntheticConfig {
    /// 12 mechanisms × 4 compounds, 12 inactive ones, 100 genes with 4 hubs, 90 readouts, two
    /// chemical contexts: trains in seconds, and a search still has something to get wrong.
    fn default() -> Self {
        Self {
            n_mechanisms: 12,
            class_sizes: 4..=4,
            n_genes: 100,
            n_hubs: 4,
            hub_strength: 0.0,
            analogue_share: 0.0,
            n_readouts: 90,
            n_chemical_contexts: 2,
            inactive_share: 0.2,
            noise: 0.7,
            missing_share: 0.1,
            seed: 17,
        }
    }
}

/// A dataset whose truth is known.
///
/// ```
/// use phenocopy::dataset::synthetic::{SyntheticConfig, SyntheticWorld};
///
/// let world = SyntheticWorld::generate(&SyntheticConfig::default())?;
/// let (compound, gene) = &world.labels[0];
/// assert_eq!((compound.as_str(), gene.as_str()), ("synthetic-001a", "SYNG001"));
/// assert!(world.dataset.annotations.iter().any(|annotation| annotation.name == *compound));
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug)]
pub struct SyntheticWorld {
    /// The dataset with nothing held out.
    pub dataset: Dataset,
    /// Each active compound's name and its target gene's symbol.
    pub labels: Vec<(String, String)>,
    /// Names of the compounds without a mechanism: they do nothing, or only what is unspecific or their own.
    pub inactive: Vec<String>,
    /// Each analogue's name and that of the compound that it resembles.
    pub analogues: Vec<(String, String)>,
    /// Symbols of the hub genes.
    pub hubs: Vec<String>,
    pub(super) source: Source,
}

/// What a world's files hold.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) recipe: Recipe,
    pub(super) screens: Vec<Measurements>,
    pub(super) compounds: Vec<AnnotationRow>,
    pub(super) genes: Vec<AnnotationRow>,
}

impl SyntheticWorld {
    /// Draws a world; the same configuration gives the same world on any machine.
    ///
    /// # Errors
    /// When a share is out of its range, or there is too little to fill a world.
    pub fn generate(config: &SyntheticConfig) -> Result<Self> {
        config.check()?;
        Drawing::new(config).world()
    }

    /// Makes the dataset again, for instance with values held out.
    ///
    /// # Errors
    /// When no profile can be made of it.
    pub fn dataset_with(&self, options: &DatasetOptions) -> Result<Dataset> {
        self.source.dataset(options)
    }
}

impl Source {
    pub(super) fn dataset(&self, options: &DatasetOptions) -> Result<Dataset> {
        let assay = |(assay, measurements): (&Assay, &Measurements)| RawAssay {
            measurements: measurements.clone(),
            duplicates: Duplicates::Error,
            contexts: [(assay.context.to_string(), (0..measurements.n_profiles()).collect())]
                .into(),
        };
        let raw = Raw {
            assays: self.recipe.assays.iter().zip(&self.screens).map(assay).collect(),
            compounds: self.compounds.clone(),
            genes: self.genes.clone(),
            ..Raw::default()
        };
        Ok(assemble(&self.recipe, raw, options)?.0)
    }
}

impl SyntheticConfig {
    /// Returns the number of active compounds of a mechanism.
    pub(super) fn class_size(&self, mechanism: usize) -> usize {
        let (fewest, most) = (*self.class_sizes.start() as f64, *self.class_sizes.end() as f64);
        let place = mechanism as f64 / (self.n_mechanisms.max(2) - 1) as f64;
        (most * libm::pow(fewest / most, place)).round() as usize
    }

    fn check(&self) -> Result<()> {
        let shares = [
            ("inactive_share", self.inactive_share),
            ("missing_share", self.missing_share),
            ("analogue_share", self.analogue_share),
        ];
        for (name, share) in shares {
            if !(0.0..1.0).contains(&share) {
                return Err(Error::parameter(name, "at least 0 and below 1", share));
            }
        }
        for (name, size) in [("noise", self.noise), ("hub_strength", self.hub_strength)] {
            if !(size >= 0.0 && size.is_finite()) {
                return Err(Error::parameter(name, "a number from 0", size));
            }
        }
        let least = [
            ("n_mechanisms", self.n_mechanisms, 1),
            ("the smallest of class_sizes", *self.class_sizes.start(), 1),
            ("the largest of class_sizes", *self.class_sizes.end(), *self.class_sizes.start()),
            ("n_readouts", self.n_readouts, 4),
            ("n_chemical_contexts", self.n_chemical_contexts, 1),
            ("n_genes", self.n_genes, self.n_mechanisms + self.n_hubs),
        ];
        for (name, received, least) in least {
            if received < least {
                return Err(Error::parameter(name, format!("at least {least}"), received));
            }
        }
        Ok(())
    }
}
