use std::collections::HashMap;

use super::record::Record;
use crate::dataset::Dataset;
use crate::experiment::{Annotation, Moa, Side};

/// Returns the record of each perturbation of a dataset, in the dataset's order.
///
/// A gene gets the names of the compounds annotated with it, the most selective (fewest targets)
/// first, and their mechanism classes, the most frequent first.
#[must_use]
pub fn describe(dataset: &Dataset) -> Vec<Record> {
    let compounds = compounds_by_target(dataset);
    let contexts = contexts_by_perturbation(dataset);
    let rows = dataset.perturbations.iter().zip(&dataset.annotations).zip(contexts);
    rows.map(|((perturbation, annotation), contexts)| {
        let mut annotation = annotation.clone();
        let mut targeted_by = Vec::new();
        if perturbation.side() == Side::Genetic {
            let known = compounds.get(perturbation.agent()).map_or(&[][..], Vec::as_slice);
            targeted_by = known.iter().map(|compound| compound.name.clone()).collect();
            annotation.moas = frequent_moas(known);
        }
        Record { perturbation: perturbation.clone(), annotation, targeted_by, contexts }
    })
    .collect()
}

fn compounds_by_target(dataset: &Dataset) -> HashMap<&str, Vec<&Annotation>> {
    let mut compounds: HashMap<&str, Vec<&Annotation>> = HashMap::new();
    for (perturbation, annotation) in dataset.perturbations.iter().zip(&dataset.annotations) {
        if perturbation.side() == Side::Chemical {
            for target in &annotation.targets {
                compounds.entry(&target.0).or_default().push(annotation);
            }
        }
    }
    for known in compounds.values_mut() {
        known.sort_by_key(|compound| (compound.targets.len(), compound.name.as_str()));
    }
    compounds
}

fn frequent_moas(compounds: &[&Annotation]) -> Vec<Moa> {
    let mut counts: Vec<(&Moa, usize)> = Vec::new();
    for moa in compounds.iter().flat_map(|compound| &compound.moas) {
        match counts.iter_mut().find(|(known, _)| *known == moa) {
            Some((_, count)) => *count += 1,
            None => counts.push((moa, 1)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    counts.into_iter().map(|(moa, _)| moa.clone()).collect()
}

fn contexts_by_perturbation(dataset: &Dataset) -> Vec<Vec<String>> {
    let mut contexts = vec![Vec::new(); dataset.perturbations.len()];
    for key in dataset.profiles.keys() {
        let name = dataset.contexts[key.context as usize].0.clone();
        let known: &mut Vec<String> = &mut contexts[key.perturbation as usize];
        if !known.contains(&name) {
            known.push(name);
        }
    }
    contexts
}
