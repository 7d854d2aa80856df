use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::recipe::recipe;
use super::world::{Source, SyntheticConfig, SyntheticWorld};
use crate::dataset::assemble::DatasetOptions;
use crate::error::Result;
use crate::experiment::{Annotation, Moa, Target};
use crate::table::{AnnotationRow, Measurements};

/// Noise of genetic values: knock-outs are measured with more replicates than compounds.
const GENETIC_NOISE: f64 = 0.3;

/// How much of each mechanism a hub gene shows.
const HUB_SHARE: f64 = 0.5;

/// A compound before it is measured.
struct Compound {
    name: String,
    /// A second name that further contexts use for every second compound, to be merged again.
    alias: Option<String>,
    mechanism: Option<usize>,
}

/// A world while it is drawn: one stream of random numbers, used in a fixed order.
pub(super) struct Drawing<'a> {
    config: &'a SyntheticConfig,
    random: ChaCha8Rng,
    /// `n_mechanisms × n_readouts`: what the knock-out of each target does.
    effects: Vec<Vec<f64>>,
    compounds: Vec<Compound>,
}

impl<'a> Drawing<'a> {
    pub(super) fn new(config: &'a SyntheticConfig) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(config.seed);
        let effect = |_| normals(&mut random, config.n_readouts);
        let effects = (0..config.n_mechanisms).map(effect).collect();
        Self { config, random, effects, compounds: compounds(config) }
    }

    pub(super) fn world(mut self) -> Result<SyntheticWorld> {
        let chemical = self.config.n_chemical_contexts;
        let mut screens: Vec<Measurements> = (0..chemical).map(|c| self.chemical(c)).collect();
        screens.push(self.genetic());
        let compound_rows: Vec<AnnotationRow> = self.compounds.iter().map(compound_row).collect();
        let genes: Vec<AnnotationRow> =
            (0..self.config.n_genes).map(|g| self.gene_row(g)).collect();
        let name = |compound: &Compound| compound.name.clone();
        let label = |compound: &Compound| Some((name(compound), gene_symbol(compound.mechanism?)));
        let is_inactive = |compound: &&Compound| compound.mechanism.is_none();
        let labels = self.compounds.iter().filter_map(label).collect();
        let inactive = self.compounds.iter().filter(is_inactive).map(name).collect();
        let source = Source { recipe: recipe(chemical), screens, compounds: compound_rows, genes };
        let dataset = source.dataset(&DatasetOptions::default())?;
        let hubs = self.hubs().map(gene_symbol).collect();
        Ok(SyntheticWorld { dataset, labels, inactive, hubs, source })
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
            let effect =
                self.compounds[compound].mechanism.and_then(|m| self.effects.get(m).cloned());
            for (readout, bias) in bias.iter().enumerate() {
                let effect = effect.as_ref().and_then(|effect| effect.get(readout));
                let noise = self.config.noise * self.normal();
                let value = baseline + bias + strength * effect.unwrap_or(&0.0) + noise;
                let is_missing = self.random.random::<f64>() < self.config.missing_share;
                values.push(if is_missing { f32::NAN } else { rounded(value) });
            }
        }
        Measurements::dense(names, readout_names(n_readouts), values)
    }

    /// Measures knock-outs: targets show their mechanism, hubs some of each, others their own effect.
    fn genetic(&mut self) -> Measurements {
        let (n_genes, n_readouts) = (self.config.n_genes, self.config.n_readouts);
        let mut values = Vec::with_capacity(n_genes * n_readouts);
        let hubs = self.hubs();
        for gene in 0..n_genes {
            let own = normals(&mut self.random, n_readouts);
            for (readout, own) in own.iter().enumerate() {
                let effect = if hubs.contains(&gene) {
                    let sum: f64 = self.effects.iter().map(|effect| effect[readout]).sum();
                    HUB_SHARE * sum / (self.effects.len() as f64).sqrt() + HUB_SHARE * own
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

impl Compound {
    fn name_in(&self, context: usize) -> String {
        let alias = self.alias.as_ref().filter(|_| context > 0);
        alias.unwrap_or(&self.name).clone()
    }
}

fn compounds(config: &SyntheticConfig) -> Vec<Compound> {
    let mut compounds = Vec::new();
    for mechanism in 0..config.n_mechanisms {
        for member in 0..config.n_compounds_per_mechanism {
            let name = format!("synthetic-{:03}{}", mechanism + 1, letters(member));
            let alias = (member % 4 == 0).then(|| format!("SYN-{:03}-{member}", mechanism + 1));
            compounds.push(Compound { name, alias, mechanism: Some(mechanism) });
        }
    }
    let n_active = compounds.len() as f64;
    let n_inactive = (n_active * config.inactive_share / (1.0 - config.inactive_share)).round();
    for inactive in 0..n_inactive as usize {
        let name = format!("synthetic-inactive-{:03}", inactive + 1);
        compounds.push(Compound { name, alias: None, mechanism: None });
    }
    compounds
}

/// Returns `a`, `b`, …, `z`, `ba`, …: a number in base 26.
pub(super) fn letters(mut number: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'a' + (number % 26) as u8);
        number /= 26;
        if number == 0 {
            break;
        }
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}

fn gene_symbol(gene: usize) -> String {
    format!("SYNG{:03}", gene + 1)
}

fn readout_names(n_readouts: usize) -> Vec<String> {
    (1..=n_readouts).map(|readout| format!("SYN-LINE-{readout:03}")).collect()
}

fn compound_row(compound: &Compound) -> AnnotationRow {
    let mechanism = compound.mechanism;
    row(Annotation {
        name: compound.name.clone(),
        synonyms: compound.alias.iter().cloned().collect(),
        targets: mechanism.map(gene_symbol).into_iter().map(Target).collect(),
        moas: mechanism.map(|m| Moa(format!("{} inhibitor", gene_symbol(m)))).into_iter().collect(),
        phase: if mechanism.is_some() { "Synthetic".into() } else { String::new() },
        ..Annotation::default()
    })
}

fn row(annotation: Annotation) -> AnnotationRow {
    AnnotationRow { own_names: vec![annotation.name.clone()], annotation, has_best_name: true }
}

/// Rounds as the files do, so that a world read back is the world that was written.
fn rounded(value: f64) -> f32 {
    ((value * 1000.0).round() / 1000.0) as f32
}

fn normals(random: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| random.sample(StandardNormal)).collect()
}
