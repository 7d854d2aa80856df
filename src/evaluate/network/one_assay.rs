use std::collections::BTreeSet;

use crate::dataset::{Dataset, ProfileKey, Split};
use crate::error::{Error, Result};
use crate::experiment::{Perturbation, PerturbationType, Side};
use crate::table::lookup_key;

/// A dataset in which the genes of one genetic assay are seen in no other.
///
/// What a model that is trained on it knows of how these genes work together comes from this one assay, and from what the
/// others teach it of readouts.
#[derive(Debug)]
pub struct GenesOfOneAssay {
    /// Compounds, the profiles of the assay, and those of genes that it did not measure.
    pub dataset: Dataset,
    /// The type of the genes.
    pub genetic: PerturbationType,
    /// Genes of the assay that others measured, too, and how many profiles of theirs are left out.
    pub n_held_out: usize,
    /// Profiles of other assays that are left out.
    pub n_profiles: usize,
}

impl GenesOfOneAssay {
    /// Leaves out what assays other than `context` measured of its genes, of whatever genetic type; combinations with one
    /// of them, too. Values keep the normalisation of the whole.
    ///
    /// # Errors
    /// When there is no such genetic context, or no gene of its is in another.
    pub fn new(dataset: &Dataset, context: &str) -> Result<Self> {
        let wanted = |name: &str| lookup_key(name) == lookup_key(context);
        let of = |key: &ProfileKey| dataset.perturbations.get(key.perturbation as usize);
        let keys = dataset.profiles.keys();
        let genetic_of = |at: u32| {
            let of_context = keys.iter().filter(|key| key.context == at).filter_map(of);
            of_context
                .map(Perturbation::perturbation_type)
                .find(|kind| kind.side() == Side::Genetic)
        };
        let named = (0..).zip(&dataset.contexts).find(|(_, known)| wanted(&known.0));
        let found = named.and_then(|(at, _)| Some((at, genetic_of(at)?)));
        let (at, genetic) = found.ok_or_else(|| no_such_context(dataset, context))?;
        let of_assay = keys.iter().filter(|key| key.context == at).filter_map(of);
        let genes: BTreeSet<&str> = of_assay.flat_map(Perturbation::members).collect();
        let is_left_out = |key: &ProfileKey| {
            let genetic = of(key).filter(|own| key.context != at && own.side() == Side::Genetic);
            genetic.is_some_and(|own| own.members().iter().any(|gene| genes.contains(gene)))
        };
        let left_out: Vec<&ProfileKey> = keys.iter().filter(|key| is_left_out(key)).collect();
        let held_out = left_out.iter().filter_map(|key| of(key)).flat_map(Perturbation::members);
        let held_out: BTreeSet<&str> = held_out.filter(|gene| genes.contains(gene)).collect();
        if held_out.is_empty() {
            let problem = format!("no gene of `{context}` was measured in another context");
            return Err(Error::data(
                "the network task",
                problem,
                "name a context that shares genes",
            ));
        }
        let (n_held_out, n_profiles) = (held_out.len(), left_out.len());
        let dataset = dataset.restrict(|key| !is_left_out(&key), &Split::None)?;
        Ok(Self { dataset, genetic, n_held_out, n_profiles })
    }
}

fn no_such_context(dataset: &Dataset, context: &str) -> Error {
    let is_genetic = |at: u32| {
        let keys = dataset.profiles.keys().iter().filter(|key| key.context == at);
        let mut own = keys.filter_map(|key| dataset.perturbations.get(key.perturbation as usize));
        own.any(|own| own.side() == Side::Genetic)
    };
    let genetic = (0..).zip(&dataset.contexts).filter(|(at, _)| is_genetic(*at));
    let names: Vec<&str> = genetic.map(|(_, context)| context.0.as_str()).collect();
    Error::parameter("only-in", format!("a genetic context: {}", names.join(", ")), context)
}
