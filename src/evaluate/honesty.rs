//! Is significance honest? Queries that do nothing must seldom have a significant hit, known targets often.
//!
//! Takes an index, the data it was made from, and known pairs; counts, of shuffled profiles, of all compounds and of
//! the least active tenth, those with any q-value of at most [`LEVEL`], and of labelled compounds those whose
//! target has one.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::calibrate::{KnownPairs, Null, NullModel, References, q_values};
pub use crate::calibrate::{LEVEL, Share};
use crate::dataset::{Dataset, ProfileKey, shuffle_profile};
use crate::embedding::{Placement, similarity_matrix};
use crate::error::{Error, Result};
use crate::evaluate::RetrievalTask;
use crate::evaluate::retrieval::{IndexSimilarities, RetrievalQuery};
use crate::experiment::{Perturbation, Side};
use crate::index::Index;

/// Shuffled profiles that ask.
pub const N_CONTROLS: usize = 200;
/// Seed of the shuffles.
pub const SEED: u64 = 17;
/// The row of a shuffled profile: it is annotated with nothing.
const NOBODY: u32 = u32::MAX;
/// The least active tenth of compounds.
const QUIET: f64 = 0.1;

/// What the honesty check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HonestyReport {
    /// Controls: profiles of compounds whose readouts were shuffled, folded in; with any significant hit.
    pub controls: Share,
    /// All compounds of the index, with any significant hit.
    pub compounds: Share,
    /// The least active tenth of them: by the spread of their profiles before scaling, as a percentile within each
    /// context, averaged.
    pub least_active: Share,
    /// Compounds with a labelled target in the panel; those whose target is significant.
    pub known: Share,
    /// The same for the compounds of each target gene that at least three compounds have.
    pub by_gene: BTreeMap<String, Share>,
    /// Genes in the panel.
    pub n_panel: usize,
    /// Each compound's row in the dataset and its smallest q-value.
    pub smallest_q: Vec<(u32, f64)>,
}

impl HonestyReport {
    /// Returns whether controls have a significant hit no more often than the level promises, within error.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        self.controls.is_within(LEVEL)
    }
}

/// Asks the genes of a task's panel with shuffled profiles, with all compounds, and with those of known target.
///
/// Controls are judged by a null of references that were folded in like them, from one profile each, and if they deceive
/// it, as in an index, by one that learns from other controls, too; compounds by a null of compounds. Pairs that the annotation links are left out of both.
///
/// # Errors
/// When the index cannot fold in, does not hold the data's perturbations, or a null cannot be learnt.
pub fn evaluate_honesty(
    index: &Index,
    dataset: &Dataset,
    task: &RetrievalTask,
) -> Result<HonestyReport> {
    let stored = index.placement()?.ok_or_else(|| {
        let problem = "it cannot fold controls in: it holds no weights of a product head";
        let what = format!("index `{}`", index.manifest().name);
        Error::data(what, problem, "build one with `phenocopy build` and the default head")
    })?;
    let profiles = ChemicalProfiles::of(dataset);
    require_compounds(task, profiles.n_compounds)?;
    let world = World::join(index, dataset, task, profiles.n_compounds as u32)?;
    let references = profiles.fold_in(&stored.placement, &profiles.measured())?;
    let owner = |reference: usize| profiles.key(profiles.profiles[reference]).perturbation;
    let null = world.null_of(&references, owner)?;
    let controls = profiles.fold_in(&stored.placement, &profiles.controls(SEED))?;
    let has_hit = |q: &Vec<f64>| q.iter().any(|q| *q <= LEVEL);
    let share = |null: Null<'_>| Share::of(world.q_values(null, &controls).iter().map(has_hit));
    let mut controls = share(null.null());
    if !controls.is_within(LEVEL) {
        let others = profiles.fold_in(&stored.placement, &profiles.controls(SEED + 1))?;
        controls = share(null.stricter(&world.null_of(&others, |_| NOBODY)?).null());
    }
    let null = world.null_of(&world.compounds, |row| row as u32)?;
    let q = world.q_values(null.null(), &world.compounds);
    let known = |query: &RetrievalQuery| {
        let line = &q[query.row as usize];
        query.targets.iter().map(|target| (*target, line[*target as usize] <= LEVEL)).collect()
    };
    let known: Vec<Vec<(u32, bool)>> = task.queries().iter().map(known).collect();
    Ok(HonestyReport {
        controls,
        compounds: Share::of(q.iter().map(has_hit)),
        least_active: Share::of(profiles.least_active().iter().map(|row| has_hit(&q[*row]))),
        known: Share::of(known.iter().map(|pairs| pairs.iter().any(|(_, found)| *found))),
        by_gene: by_gene(task, &known),
        n_panel: task.panel().len(),
        smallest_q: (0..).zip(q.iter().map(|q| q.iter().copied().fold(1.0, f64::min))).collect(),
    })
}

/// A task of another dataset could ask for what is no compound here.
fn require_compounds(task: &RetrievalTask, n_compounds: usize) -> Result<()> {
    let other = task.queries().iter().find(|query| query.row as usize >= n_compounds);
    other.map_or(Ok(()), |query| {
        let problem = format!("row {} is no compound of the dataset", query.row);
        Err(Error::data("the retrieval task", problem, "make the task from this dataset"))
    })
}

fn by_gene(task: &RetrievalTask, known: &[Vec<(u32, bool)>]) -> BTreeMap<String, Share> {
    let mut outcomes: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for (target, found) in known.iter().flatten() {
        outcomes.entry(task.genes()[*target as usize].clone()).or_default().push(*found);
    }
    outcomes.retain(|_, outcomes| outcomes.len() >= 3);
    outcomes.into_iter().map(|(gene, outcomes)| (gene, Share::of(outcomes))).collect()
}

/// The vectors of compounds and panel, and which pairs the annotation links.
struct World {
    dim: usize,
    compounds: Vec<f32>,
    panel: Vec<f32>,
    annotated: HashSet<(u32, u32)>,
}

impl World {
    fn join(
        index: &Index,
        dataset: &Dataset,
        task: &RetrievalTask,
        n_compounds: u32,
    ) -> Result<Self> {
        let rows = IndexSimilarities::new(index, dataset)?;
        let vectors = |asked: &mut dyn Iterator<Item = u32>| -> Result<Vec<f32>> {
            let vectors: Vec<&[f32]> = asked.map(|row| rows.vector(row)).collect::<Result<_>>()?;
            Ok(vectors.concat())
        };
        let genes: HashMap<&str, u32> = task.genes().iter().map(String::as_str).zip(0..).collect();
        let compounds = (0..n_compounds).zip(&dataset.annotations);
        let pairs = compounds.flat_map(|(row, annotation)| {
            let known = annotation.targets.iter().filter_map(|target| genes.get(target.0.as_str()));
            known.map(move |gene| (row, *gene))
        });
        Ok(Self {
            dim: index.dim(),
            annotated: pairs.collect(),
            compounds: vectors(&mut (0..n_compounds))?,
            panel: vectors(&mut task.panel().iter().copied())?,
        })
    }

    fn null_of(
        &self,
        references: &[f32],
        owner: impl Fn(usize) -> u32 + Sync,
    ) -> Result<NullModel> {
        let n_references = references.len() / self.dim;
        let owner = &owner;
        let targets_of = |reference: usize| {
            let known = self.annotated.iter().filter(move |(row, _)| *row == owner(reference));
            known.map(move |(_, target)| (reference as u32, *target))
        };
        let known = KnownPairs::new(n_references, (0..n_references).flat_map(targets_of));
        let references =
            References { vectors: references, targets: &self.panel, dim: self.dim, known: &known };
        NullModel::fit(n_references, references.n_targets(), |r, t| references.similarities(r, t))
    }

    /// Returns the q-values of each query over the panel.
    fn q_values(&self, null: Null<'_>, queries: &[f32]) -> Vec<Vec<f64>> {
        let similarities = similarity_matrix(&self.panel, self.dim, queries);
        let lines = similarities.par_chunks(self.panel.len() / self.dim);
        let of_line = |line: &[f32]| {
            let z = null.standardise(line).z;
            q_values(&z.iter().map(|z| null.p_value(*z)).collect::<Vec<f64>>())
        };
        lines.map(of_line).collect()
    }
}

/// The profiles of compounds, by their place in the dataset.
struct ChemicalProfiles<'a> {
    dataset: &'a Dataset,
    n_compounds: usize,
    profiles: Vec<usize>,
}

impl<'a> ChemicalProfiles<'a> {
    fn of(dataset: &'a Dataset) -> Self {
        let is_compound = |p: &&Perturbation| p.side() == Side::Chemical;
        let n_compounds = dataset.perturbations.iter().take_while(is_compound).count();
        let keys = dataset.profiles.keys().iter().enumerate();
        let chemical = keys.filter(|(_, key)| (key.perturbation as usize) < n_compounds);
        Self { dataset, n_compounds, profiles: chemical.map(|(at, _)| at).collect() }
    }

    fn key(&self, profile: usize) -> ProfileKey {
        self.dataset.profiles.keys()[profile]
    }

    /// The vectors of profiles with these values, each folded in alone as one of its context.
    fn fold_in(&self, placement: &Placement, profiles: &[(usize, Vec<f32>)]) -> Result<Vec<f32>> {
        let place = |(profile, values): &(usize, Vec<f32>)| {
            placement.place(Side::Chemical, &[(self.key(*profile).context, values)])
        };
        let vectors: Vec<Vec<f32>> = profiles.par_iter().map(place).collect::<Result<_>>()?;
        Ok(vectors.concat())
    }

    /// All profiles with their own values.
    fn measured(&self) -> Vec<(usize, Vec<f32>)> {
        let values = |profile: &usize| (*profile, self.dataset.profiles.row(*profile));
        self.profiles.iter().map(values).collect()
    }

    /// Profiles at equal distances, each with its values shuffled over the readouts that it has.
    fn controls(&self, seed: u64) -> Vec<(usize, Vec<f32>)> {
        let control = |control: usize| {
            let profile = *self.profiles.get(control * self.profiles.len() / N_CONTROLS)?;
            let seed = seed ^ ((control as u64) << 32);
            Some((profile, shuffle_profile(&self.dataset.profiles.row(profile), seed)))
        };
        (0..N_CONTROLS).filter_map(control).collect()
    }

    /// The rows of the least active tenth of compounds.
    fn least_active(&self) -> Vec<usize> {
        let mut of_context: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for profile in &self.profiles {
            of_context.entry(self.key(*profile).context).or_default().push(*profile);
        }
        let mut percentiles: Vec<Vec<f64>> = vec![Vec::new(); self.n_compounds];
        for here in of_context.values_mut() {
            here.sort_by(|a, b| self.dataset.spread[*a].total_cmp(&self.dataset.spread[*b]));
            for (below, profile) in here.iter().enumerate() {
                let percentile = (below + 1) as f64 / here.len() as f64;
                percentiles[self.key(*profile).perturbation as usize].push(percentile);
            }
        }
        let mean = |row: &usize| {
            let own = &percentiles[*row];
            own.iter().sum::<f64>() / own.len() as f64
        };
        let is_measured = |row: &usize| !percentiles[*row].is_empty();
        let mut rows: Vec<usize> = (0..self.n_compounds).filter(is_measured).collect();
        rows.sort_by(|a, b| mean(a).total_cmp(&mean(b)).then(a.cmp(b)));
        rows.truncate((rows.len() as f64 * QUIET).ceil() as usize);
        rows
    }
}
