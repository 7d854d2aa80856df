use std::path::Path;
use std::sync::Arc;

use super::bag::EmbeddingBag;
use super::config::{Head, LpmConfig};
use super::device::engine;
use super::ensemble::Ensemble;
use super::network::{Network, TableSizes, Weights};
use super::storage::ModelFolder;
use super::training::{TrainingOptions, TrainingReport};
use super::vocabulary::Vocabularies;
use crate::dataset::Dataset;
use crate::error::{Error, Result};

/// Predicted values held in memory at once while predicting, before they are copied out.
const VALUES_PER_CHUNK: usize = 1 << 16;

/// A trained Large Perturbation Model (Miladinovic et al. 2025).
///
/// ```
/// # fn main() -> phenocopy::Result<()> {
/// use phenocopy::dataset::{Dataset, ProfileKey, Profiles, StorageLimits};
/// use phenocopy::experiment::{Context, Perturbation, PerturbationType, Readout};
/// use phenocopy::model::{Lpm, LpmConfig, TrainingOptions};
///
/// let name = |i| Perturbation::new(PerturbationType::Compound, format!("compound {i}"));
/// let keys = (0..4).map(|perturbation| ProfileKey { perturbation, context: 0 }).collect();
/// let profiles = Profiles::collect(keys, 3, StorageLimits::default(), |profile, row| {
///     row.copy_from_slice(&[1.0, -1.0, profile as f32 % 2.0]);
///     Ok(())
/// })?;
/// let dataset = Dataset::from_profiles(
///     "four compounds",
///     (0..4).map(name).collect(),
///     vec![Context("assay".into())],
///     ["A375", "HT29", "MCF7"].map(|line| Readout(line.into())).into(),
///     profiles,
/// )?;
/// let config = LpmConfig { max_epochs: 2, embedding_dim: 8, ..LpmConfig::default() };
/// let (model, report) = Lpm::train(&dataset, &config, &TrainingOptions::default())?;
/// assert!(report.epochs <= 2);
/// assert_eq!(model.perturbation_embeddings()?.len(), 4 * 8);
/// assert_eq!(model.predict(&[0, 1], 0)?.len(), 2 * 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Lpm {
    config: LpmConfig,
    vocabularies: Arc<Vocabularies>,
    bag: Arc<EmbeddingBag>,
    network: Network,
}

impl Lpm {
    /// Trains one model with the seed of `config`: [`Ensemble::train`] with a single member.
    ///
    /// # Errors
    /// As [`Ensemble::train`].
    pub fn train(
        dataset: &Dataset,
        config: &LpmConfig,
        options: &TrainingOptions<'_>,
    ) -> Result<(Self, TrainingReport)> {
        let (ensemble, report) = Ensemble::train(dataset, config, &[config.seed], options)?;
        let member = ensemble.into_members().into_iter().next();
        let lost = || Error::data("training", "it gave no model", "report this as a defect");
        Ok((member.ok_or_else(lost)?, report))
    }

    pub(super) fn new(
        config: LpmConfig,
        vocabularies: Arc<Vocabularies>,
        bag: Arc<EmbeddingBag>,
        network: Network,
    ) -> Self {
        Self { config, vocabularies, bag, network }
    }

    /// Builds an untrained model: the weights that training with `config.seed` starts from.
    ///
    /// # Errors
    /// When a parameter is out of range or candle fails.
    pub fn untrained(config: &LpmConfig, vocabularies: Vocabularies) -> Result<Self> {
        config.validate()?;
        let bag = vocabularies.bag()?;
        let weights = Weights::draw(config, TableSizes::from(&vocabularies))?;
        let network = Network::new(config, weights)?;
        Ok(Self::new(config.clone(), Arc::new(vocabularies), Arc::new(bag), network))
    }

    /// Opens a model that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// [`Error::Missing`] without a model there, [`Error::Damaged`] if a file was truncated or edited.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = ModelFolder::open(folder.as_ref())?;
        folder.read_member(None)
    }

    /// Saves `weights.safetensors`, `config.json` and `vocabularies.json` into `folder`, creating it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = ModelFolder::create(folder.as_ref(), &self.config, &self.vocabularies)?;
        folder.write_weights(None, self.network.weights())
    }

    /// Returns the configuration the model was trained with.
    #[must_use]
    pub fn config(&self) -> &LpmConfig {
        &self.config
    }

    /// Returns what the rows of the embedding tables stand for.
    #[must_use]
    pub fn vocabularies(&self) -> &Vocabularies {
        &self.vocabularies
    }

    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// Returns zP of every perturbation, row by row: (n perturbations × d). A combination's is the mean
    /// of its members'.
    ///
    /// # Errors
    /// When candle fails.
    pub fn perturbation_embeddings(&self) -> Result<Vec<f32>> {
        Ok(self.bag.means(&self.table("perturbations.weight")?, self.config.embedding_dim))
    }

    /// Returns zC (concat) or a(C) (product) of every context: (n contexts × d).
    ///
    /// # Errors
    /// When candle fails.
    pub fn context_embeddings(&self) -> Result<Vec<f32>> {
        self.table("contexts.weight")
    }

    /// Returns zR of every readout: (n readouts × d).
    ///
    /// # Errors
    /// When candle fails.
    pub fn readout_embeddings(&self) -> Result<Vec<f32>> {
        self.table("readouts.weight")
    }

    /// Returns b(C) of every context of the product head; none for `concat`, which has no such weights.
    ///
    /// # Errors
    /// When candle fails.
    pub fn context_offsets(&self) -> Result<Option<Vec<f32>>> {
        match self.config.head {
            Head::Product => self.table("contexts.bias").map(Some),
            Head::Concat => Ok(None),
        }
    }

    fn table(&self, name: &str) -> Result<Vec<f32>> {
        let table = self.network.weights().find(name)?;
        table.flatten_all().and_then(|table| table.to_vec1()).map_err(engine("read embeddings"))
    }

    /// Predicts the responses of `perturbations` in `context`: (n perturbations × n readouts).
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the vocabularies.
    pub fn predict(&self, perturbations: &[u32], context: u32) -> Result<Vec<f32>> {
        let pairs = perturbations.iter().map(|p| (std::slice::from_ref(p), context));
        self.predict_pairs(&pairs.collect::<Vec<_>>())
    }

    /// Predicts the responses of pairs of perturbations, applied together, and a context: (n pairs × n readouts).
    /// The embedding of several is the mean over their agents, as that of a combination trained on.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the vocabularies, or a pair without a perturbation.
    pub fn predict_pairs(&self, pairs: &[(&[u32], u32)]) -> Result<Vec<f32>> {
        pairs.iter().try_for_each(|(members, context)| self.require_known(members, *context))?;
        let n_readouts = self.vocabularies.readouts.len();
        let mut predicted = Vec::with_capacity(pairs.len() * n_readouts);
        for chunk in pairs.chunks((VALUES_PER_CHUNK / n_readouts.max(1)).max(1)) {
            predicted.extend(self.predict_block(chunk).map_err(engine("predict responses"))?);
        }
        Ok(predicted)
    }

    fn predict_block(&self, pairs: &[(&[u32], u32)]) -> candle_core::Result<Vec<f32>> {
        let readouts: Vec<u32> = (0..self.vocabularies.readouts.len() as u32).collect();
        let mut bag = EmbeddingBag::default();
        for (members, _) in pairs {
            let tokens = members.iter().flat_map(|p| self.bag.tokens(*p as usize));
            bag.push(&tokens.copied().collect::<Vec<u32>>());
        }
        let pairs: Vec<(u32, u32)> = (0_u32..).zip(pairs.iter().map(|pair| pair.1)).collect();
        let pairs = self.network.project(&bag, &pairs, None)?;
        let readouts = self.network.project_readouts(&readouts)?;
        self.network.predict_block(&pairs, &readouts, None)?.flatten_all()?.to_vec1()
    }

    fn require_known(&self, perturbations: &[u32], context: u32) -> Result<()> {
        let (n_perturbations, n_contexts) =
            (self.vocabularies.perturbations.len(), self.vocabularies.contexts.len());
        if perturbations.is_empty() {
            return Err(Error::parameter("perturbation", "at least one of a pair", "none"));
        }
        if let Some(unknown) = perturbations.iter().find(|p| **p as usize >= n_perturbations) {
            return Err(Error::parameter(
                "perturbation",
                format!("below {n_perturbations}"),
                unknown,
            ));
        }
        if context as usize >= n_contexts {
            return Err(Error::parameter("context", format!("below {n_contexts}"), context));
        }
        Ok(())
    }
}
