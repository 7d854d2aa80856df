use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::Exp1;

use super::draw::{gene_symbol, normals, row};
use super::world::SyntheticConfig;
use crate::experiment::{Annotation, Moa, Target};
use crate::table::AnnotationRow;

/// Standard deviation of what a compound with an analogue does besides its mechanism, and its analogue with it.
const OWN_EFFECT: f64 = 0.6;

/// A compound before it is measured.
#[derive(Clone)]
pub(super) struct Compound {
    pub(super) name: String,
    /// A second name that further contexts use for every second compound, to be merged again.
    alias: Option<String>,
    pub(super) mechanism: Option<usize>,
    inchi_key: String,
    /// What it does besides its mechanism, by readout; empty where that is nothing.
    side_effect: Vec<f64>,
    /// The compound that it is an analogue of.
    pub(super) parent: Option<String>,
}

impl Compound {
    fn new(name: String, alias: Option<String>, mechanism: Option<usize>) -> Self {
        let (inchi_key, side_effect) = (String::new(), Vec::new());
        Self { name, alias, mechanism, inchi_key, side_effect, parent: None }
    }

    /// Returns the name that a context measures it under.
    pub(super) fn name_in(&self, context: usize) -> String {
        let alias = self.alias.as_ref().filter(|_| context > 0);
        alias.unwrap_or(&self.name).clone()
    }

    /// Returns what it does to a readout besides its mechanism.
    pub(super) fn side_effect(&self, readout: usize) -> f64 {
        self.side_effect.get(readout).copied().unwrap_or(0.0)
    }

    /// Returns what the annotation says of it.
    pub(super) fn annotation(&self) -> AnnotationRow {
        let gene = self.mechanism.map(gene_symbol);
        row(Annotation {
            name: self.name.clone(),
            synonyms: self.alias.iter().cloned().collect(),
            targets: gene.clone().into_iter().map(Target).collect(),
            moas: gene.iter().map(|gene| Moa(format!("{gene} inhibitor"))).collect(),
            phase: if gene.is_some() { "Synthetic".into() } else { String::new() },
            inchi_key: self.inchi_key.clone(),
            ..Annotation::default()
        })
    }

    /// A near-duplicate: a salt shares the structure's first InChIKey block, another analogue does not.
    fn analogue(&self, number: usize) -> Self {
        let is_salt = number.is_multiple_of(2);
        let kind = if is_salt { "salt" } else { "analogue" };
        let inchi_key = if is_salt {
            self.inchi_key.replace("UHFFFAOYSA", "SALTFAOYSA")
        } else {
            inchi_key("ANALOGUE", number)
        };
        let name = format!("{}-{kind}", self.name);
        Self { name, alias: None, inchi_key, parent: Some(self.name.clone()), ..self.clone() }
    }
}

/// Returns the compounds of a world: by mechanism, then those without, then analogues of both.
///
/// `unspecific` is an effect that each has to its own degree: most a little, a few a lot. Without it and without
/// analogues no number is drawn.
pub(super) fn compounds(
    config: &SyntheticConfig,
    unspecific: &[f64],
    random: &mut ChaCha8Rng,
) -> Vec<Compound> {
    let mut compounds = agents(config);
    let n_parents = (compounds.len() as f64 * config.analogue_share) as usize;
    let parents: Vec<usize> = (0..n_parents).map(|i| i * compounds.len() / n_parents).collect();
    if !unspecific.is_empty() {
        for compound in &mut compounds {
            let degree: f64 = random.sample(Exp1);
            compound.side_effect = unspecific.iter().map(|effect| degree * effect).collect();
        }
    }
    if n_parents > 0 {
        let all = (0..).zip(&mut compounds);
        all.for_each(|(at, compound)| compound.inchi_key = inchi_key("AGENT", at));
    }
    for (number, parent) in parents.into_iter().enumerate() {
        let own = normals(random, config.n_readouts).into_iter().map(|own| OWN_EFFECT * own);
        let parent = &mut compounds[parent];
        let readouts = own.enumerate();
        parent.side_effect = readouts.map(|(r, own)| parent.side_effect(r) + own).collect();
        let analogue = parent.analogue(number);
        compounds.push(analogue);
    }
    compounds
}

/// The compounds with a mechanism, then those that do nothing.
fn agents(config: &SyntheticConfig) -> Vec<Compound> {
    let mut compounds = Vec::new();
    for mechanism in 0..config.n_mechanisms {
        for member in 0..config.class_size(mechanism) {
            let name = format!("synthetic-{:03}{}", mechanism + 1, letters(member));
            let alias = (member % 4 == 0).then(|| format!("SYN-{:03}-{member}", mechanism + 1));
            compounds.push(Compound::new(name, alias, Some(mechanism)));
        }
    }
    let n_active = compounds.len() as f64;
    let n_inactive = (n_active * config.inactive_share / (1.0 - config.inactive_share)).round();
    let name = |inactive| format!("synthetic-inactive-{:03}", inactive + 1);
    compounds
        .extend((0..n_inactive as usize).map(|inactive| Compound::new(name(inactive), None, None)));
    compounds
}

/// An InChIKey that no real compound has.
fn inchi_key(kind: &str, number: usize) -> String {
    let name = format!("{kind}{:A>6}", letters(number).to_uppercase());
    format!("{name:A>14}-UHFFFAOYSA-N")
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
