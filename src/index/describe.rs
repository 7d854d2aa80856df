use std::collections::{HashMap, HashSet};

use super::record::Record;
use crate::dataset::Dataset;
use crate::experiment::{Annotation, Moa, Perturbation, Side};

/// Returns the record of each perturbation of a dataset, in the dataset's order.
///
/// A gene gets the names of the compounds annotated with it, the most selective (fewest targets)
/// first, and their mechanism classes, the most frequent first.
#[must_use]
pub fn describe(dataset: &Dataset) -> Vec<Record> {
    let rows = dataset.perturbations.iter().zip(&dataset.annotations);
    let compounds = compounds_by_target(rows);
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

/// Tells genes anew which compounds act on them: those that are named by compounds that were added, and those that were
/// added themselves. What is told of others does not change.
pub(super) fn describe_genes_anew(records: &mut [Record], is_added: impl Fn(usize) -> bool) {
    let all = records.to_vec();
    let rows = || all.iter().map(|record| (&record.perturbation, &record.annotation));
    let compounds = compounds_by_target(rows());
    let added = all.iter().enumerate().filter(|(row, _)| is_added(*row));
    let concerned: HashSet<&str> = added.flat_map(|(_, record)| record.acts_on()).collect();
    for (record, known) in records.iter_mut().zip(&all) {
        let Some(gene) = known.gene().filter(|gene| concerned.contains(gene)) else { continue };
        let known = compounds.get(gene).map_or(&[][..], Vec::as_slice);
        record.targeted_by = known.iter().map(|compound| compound.name.clone()).collect();
        record.annotation.moas = frequent_moas(known);
    }
}

fn compounds_by_target<'a>(
    rows: impl Iterator<Item = (&'a Perturbation, &'a Annotation)>,
) -> HashMap<&'a str, Vec<&'a Annotation>> {
    let mut compounds: HashMap<&str, Vec<&Annotation>> = HashMap::new();
    for (perturbation, annotation) in rows {
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
