use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::compound::{Compound, compounds};
use super::recipe::recipe;
use super::world::{Source, SyntheticConfig, SyntheticWorld};
use crate::dataset::assemble::DatasetOptions;
use crate::error::Result;
use crate::experiment::Annotation;
use crate::table::{AnnotationRow, Measurements};

/// Noise of genetic values: knock-outs are measured with more replicates than compounds.
const GENETIC_NOISE: f64 = 0.3;

/// How much of each mechanism a hub gene shows.
const HUB_SHARE: f64 = 0.5;

/// A world while it is drawn: one stream of random numbers, used in a fixed order; what makes a world hard comes from
/// a second, so that easy ones stay as they were.
pub(super) struct Drawing<'a> {
    config: &'a SyntheticConfig,
    random: ChaCha8Rng,
    /// `n_mechanisms × n_readouts`: what the knock-out of each target does.
    effects: Vec<Vec<f64>>,
    /// What hubs do in full and compounds to some degree; empty where hubs have no strength.
    unspecific: Vec<f64>,
    compounds: Vec<Compound>,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(config: &'a SyntheticConfig) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        let effect = |_| normals(&mut random, config.n_readouts);
        let effects = (0..config.n_mechanisms).map(effect).collect();
        let mut hardship = ChaCha8Rng::seed_from_u64(config.seed);
        hardship.set_stream(1);
        let n_unspecific = if config.hub_strength > 0.0 { config.n_readouts } else { 0 };
        let mut unspecific = normals(&mut hardship, n_unspecific);
        unspecific.iter_mut().for_each(|effect| *effect *= config.hub_strength);
        let compounds = compounds(config, &unspecific, &mut hardship);
        Self { config, random, effects, unspecific, compounds }
    }

    pub(super) fn world(mut self) -> Result<SyntheticWorld> {
        let chemical = self.config.n_chemical_contexts;
        let mut screens: Vec<Measurements> = (0..chemical).map(|c| self.chemical(c)).collect();
        screens.push(self.genetic());
        let compound_rows: Vec<AnnotationRow> =
            self.compounds.iter().map(Compound::annotation).collect();
        let genes: Vec<AnnotationRow> =
            (0..self.config.n_genes).map(|g| self.gene_row(g)).collect();
        let name = |compound: &Compound| compound.name.clone();
        let label = |compound: &Compound| Some((name(compound), gene_symbol(compound.mechanism?)));
        let is_inactive = |compound: &&Compound| compound.mechanism.is_none();
        let labels = self.compounds.iter().filter_map(label).collect();
        let inactive = self.compounds.iter().filter(is_inactive).map(name).collect();
        let analogue = |compound: &Compound| Some((name(compound), compound.parent.clone()?));
        let analogues = self.compounds.iter().filter_map(analogue).collect();
        let recipe = recipe(chemical, self.config.analogue_share > 0.0);
        let source = Source { recipe, screens, compounds: compound_rows, genes };
        let dataset = source.dataset(&DatasetOptions::default())?;
        let hubs = self.hubs().map(gene_symbol).collect();
        Ok(SyntheticWorld { dataset, labels, inactive, analogues, hubs, source })
    }

    fn hubs(&self) -> std::ops::Range<usize> {
        self.config.n_mechanisms..self.config.n_mechanisms + self.config.n_hubs
    }

    /// Measures compounds: baseline, a bias of each readout in this context, effect, noise, gaps.
    fn chemical(&mut self, context: usize) -> Measurements {
        let n_readouts = self.config.n_readouts;
        let bias = normals(&mut self.random, n_readouts);
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for compound in 0..self.compounds.len() {
            if context > 0 && compound % 2 == 1 {
                continue;
            }
            names.push(self.compounds[compound].name_in(context));
            let baseline = 3.0 * self.normal();
            let strength = 0.6 + 0.8 * self.random.random::<f64>();
            let effect = self.effect_of(compound, strength);
            for (bias, effect) in bias.iter().zip(effect) {
                let noise = self.config.noise * self.normal();
                let value = baseline + bias + effect + noise;
                let is_missing = self.random.random::<f64>() < self.config.missing_share;
                values.push(if is_missing { f32::NAN } else { rounded(value) });
            }
        }
        Measurements::dense(names, readout_names(n_readouts), values)
    }

    /// What a compound does to each readout, its mechanism as strongly as given.
    fn effect_of(&self, compound: usize, strength: f64) -> Vec<f64> {
        let compound = &self.compounds[compound];
        let mechanism = compound.mechanism.and_then(|mechanism| self.effects.get(mechanism));
        let of_readout = |readout: usize| {
            let effect = mechanism.and_then(|effect| effect.get(readout)).unwrap_or(&0.0);
            strength * effect + compound.side_effect(readout)
        };
        (0..self.config.n_readouts).map(of_readout).collect()
    }

    /// Measures knock-outs: targets show their mechanism, hubs some of each and what is unspecific, others their own
    /// effect.
    fn genetic(&mut self) -> Measurements {
        let (n_genes, n_readouts) = (self.config.n_genes, self.config.n_readouts);
        let mut values = Vec::with_capacity(n_genes * n_readouts);
        let hubs = self.hubs();
        for gene in 0..n_genes {
            let own = normals(&mut self.random, n_readouts);
            for (readout, own) in own.iter().enumerate() {
                let effect = if hubs.contains(&gene) {
                    let sum: f64 = self.effects.iter().map(|effect| effect[readout]).sum();
                    let unspecific = self.unspecific.get(readout).unwrap_or(&0.0);
                    HUB_SHARE * sum / (self.effects.len() as f64).sqrt()
                        + HUB_SHARE * own
                        + unspecific
                } else {
                    self.effects.get(gene).map_or(*own, |effect| effect[readout])
                };
                values.push(rounded(effect + GENETIC_NOISE * self.normal()));
            }
        }
        let names = (0..n_genes).map(gene_symbol).collect();
        Measurements::dense(names, readout_names(n_readouts), values)
    }

    fn normal(&mut self) -> f64 {
        self.random.sample(StandardNormal)
    }

    fn gene_row(&self, gene: usize) -> AnnotationRow {
        let description = if gene < self.config.n_mechanisms {
            format!("synthetic gene, target of mechanism {:03}", gene + 1)
        } else if self.hubs().contains(&gene) {
            "synthetic hub gene".to_owned()
        } else {
            "synthetic gene".to_owned()
        };
        let name = gene_symbol(gene);
        let synonyms = vec![format!("SYNOLD{:03}", gene + 1)];
        row(Annotation { name, synonyms, description, ..Annotation::default() })
    }
}

pub(super) fn gene_symbol(gene: usize) -> String {
    format!("SYNG{:03}", gene + 1)
}

fn readout_names(n_readouts: usize) -> Vec<String> {
    (1..=n_readouts).map(|readout| format!("SYN-LINE-{readout:03}")).collect()
}

pub(super) fn row(annotation: Annotation) -> AnnotationRow {
    AnnotationRow { own_names: vec![annotation.name.clone()], annotation, has_best_name: true }
}

/// Rounds as the files do, so that a world read back is the world that was written.
fn rounded(value: f64) -> f32 {
    ((value * 1000.0).round() / 1000.0) as f32
}

pub(super) fn normals(random: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| random.sample(StandardNormal)).collect()
}
