use std::collections::{BTreeMap, HashMap};

use super::collapse::Collapse;
use crate::table::{Condition, Measurements};

/// Samples on their way to profiles, in the order of the file: those of one condition are joined as
/// soon as the last of them has come, so that few are held at a time.
pub(super) struct Gathering {
    collapse: Option<Collapse>,
    conditions: Vec<Condition>,
    condition_of: Vec<usize>,
    /// How many samples of each condition are still to come.
    n_awaited: Vec<usize>,
    /// What has come of conditions that are not complete.
    held: HashMap<usize, Vec<Vec<f32>>>,
    profiles: Vec<usize>,
    values: Vec<f32>,
}

impl Gathering {
    /// Begins with what the samples of the file measured, in their order.
    pub(super) fn new(
        samples: Vec<Condition>,
        n_readouts: usize,
        collapse: Option<Collapse>,
    ) -> Self {
        let mut positions = HashMap::new();
        let (mut conditions, mut condition_of, mut n_awaited) =
            (Vec::new(), Vec::new(), Vec::new());
        for condition in samples {
            let position = *positions.entry(condition).or_insert_with_key(|condition| {
                conditions.push(condition.clone());
                n_awaited.push(0);
                conditions.len() - 1
            });
            condition_of.push(position);
            n_awaited[position] += 1;
        }
        let n_profiles = if collapse.is_some() { conditions.len() } else { condition_of.len() };
        Self {
            collapse,
            conditions,
            condition_of,
            n_awaited,
            held: HashMap::new(),
            profiles: Vec::with_capacity(n_profiles),
            values: Vec::with_capacity(n_profiles * n_readouts),
        }
    }

    /// Takes in the values of a sample: one per readout, NaN for missing.
    pub(super) fn push(&mut self, sample: usize, values: &[f32]) {
        let Some(condition) = self.condition_of.get(sample).copied() else { return };
        let Some(collapse) = self.collapse else {
            self.profiles.push(condition);
            self.values.extend_from_slice(values);
            return;
        };
        let held = self.held.entry(condition).or_default();
        held.push(values.to_vec());
        let n_awaited = self.n_awaited.get(condition).copied().unwrap_or_default();
        if held.len() == n_awaited {
            self.profiles.push(condition);
            self.values.extend(collapse.join(held));
            self.held.remove(&condition);
        }
    }

    /// Returns the profiles, and which of them are of which context.
    pub(super) fn finish(
        self,
        readouts: Vec<String>,
    ) -> (Measurements, BTreeMap<String, Vec<usize>>) {
        let of = |profile: &usize| self.conditions[*profile].clone();
        let conditions: Vec<Condition> = self.profiles.iter().map(of).collect();
        let (contexts, perturbations) = by_context(conditions.into_iter());
        (Measurements::dense(perturbations, readouts, self.values), contexts)
    }
}

/// Returns which profiles each context has, and the perturbation of each profile.
pub(super) fn by_context(
    conditions: impl Iterator<Item = Condition>,
) -> (BTreeMap<String, Vec<usize>>, Vec<String>) {
    let mut contexts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut perturbations = Vec::new();
    for Condition { context, perturbation } in conditions {
        contexts.entry(context).or_default().push(perturbations.len());
        perturbations.push(perturbation);
    }
    (contexts, perturbations)
}
