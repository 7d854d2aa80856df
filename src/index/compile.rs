use rayon::prelude::*;

use super::builder::IndexBuilder;
use super::calibration::{MeasuredActivity, PlacedProfiles};
use super::describe::describe;
use super::manifest::{HeldOutFit, TrainingSummary};
use super::placement::StoredPlacement;
use super::provenance::Provenance;
use super::response::Responses;
use crate::calibrate::Activity;
use crate::dataset::Dataset;
use crate::embedding::{Embeddings, FoldIn, Placement};
use crate::error::{Error, Result};
use crate::experiment::{Annotation, Readout, Side};
use crate::model::{Ensemble, Fit, FitComparison, Head, Lpm, TrainingReport};

/// Perturbations whose responses are predicted at once, so that memory stays small.
const BLOCK: usize = 1024;

impl<'a> IndexBuilder<'a> {
    /// Takes everything an index holds from a dataset and the ensemble trained on it: the members'
    /// embeddings joined (of the product head by [`Placement`], of `concat` as trained), responses averaged over contexts and members, records, weights and provenance.
    ///
    /// # Errors
    /// When the ensemble was trained on another dataset, or its embeddings are not finite.
    pub fn from_ensemble(
        dataset: &Dataset,
        ensemble: &'a Ensemble,
        report: &TrainingReport,
    ) -> Result<Self> {
        let sides: Vec<Side> = dataset.perturbations.iter().map(|p| p.side()).collect();
        let (embeddings, placement) = embed(dataset, ensemble, &sides)?;
        let n_chemical = sides.iter().filter(|side| **side == Side::Chemical).count();
        let readouts = dataset.readouts.iter().map(|readout| readout.0.clone()).collect();
        let halves = [(Side::Chemical, 0..n_chemical), (Side::Genetic, n_chemical..sides.len())];
        let factorised =
            Responses::factorise(mean_responses(dataset, ensemble)?, readouts, &halves)?;
        let responses = Responses { also_called: also_called(dataset), ..factorised };
        let mut builder = Self::new(dataset.name.clone(), embeddings, describe(dataset))?;
        if let Some(stored) = &placement {
            builder = builder.activity(measure(dataset, &stored.placement, &responses)?);
        }
        Ok(builder
            .responses(responses)
            .placement(placement)
            .provenance(provenance(dataset, ensemble, report)?)
            .model(|folder| ensemble.save(folder)))
    }
}

/// Returns what each readout is also called, the name to show first.
fn also_called(dataset: &Dataset) -> Vec<Vec<String>> {
    let is_a_word = |name: &&String| !name.is_empty() && !name.contains(char::is_control);
    let names = |(readout, annotation): (&Readout, &Annotation)| {
        let shown = Some(&annotation.name).filter(is_a_word).unwrap_or(&readout.0);
        let others = annotation.synonyms.iter().chain(&annotation.identifiers);
        let others = others.filter(is_a_word).filter(|name| *name != shown);
        std::iter::once(shown).chain(others).cloned().collect()
    };
    dataset.readouts.iter().zip(&dataset.readout_annotations).map(names).collect()
}

/// Returns the unit vector of each perturbation and, for the product head, what places others.
fn embed(
    dataset: &Dataset,
    ensemble: &Ensemble,
    sides: &[Side],
) -> Result<(Embeddings, Option<StoredPlacement>)> {
    if ensemble.members().iter().any(|member| member.config().head == Head::Concat) {
        let members = ensemble.members().iter().map(Lpm::perturbation_embeddings);
        let members: Vec<Vec<f32>> = members.collect::<Result<_>>()?;
        let dim = members.first().map_or(0, Vec::len) / sides.len().max(1);
        return Ok((Embeddings::join(&members, dim, sides)?, None));
    }
    let members = ensemble.members().iter().map(FoldIn::of).collect::<Result<_>>()?;
    let (placement, embeddings) = Placement::fit(dataset, members)?;
    let placement = StoredPlacement {
        placement,
        readouts: dataset.readouts.iter().map(|readout| readout.0.clone()).collect(),
        contexts: dataset.contexts.iter().map(|context| context.0.clone()).collect(),
        removed_means: dataset.removed_means.clone(),
    };
    Ok((embeddings, Some(placement)))
}

/// Returns each profile placed by itself, shuffled ones, and what each perturbation does at all.
fn measure(
    dataset: &Dataset,
    placement: &Placement,
    responses: &Responses,
) -> Result<MeasuredActivity> {
    let folded = placement.fold_in_profiles(dataset)?;
    let placed = placement.place_profiles(dataset, &folded);
    let activity = Activity::measure(dataset, placement, &placed)?;
    let respond = |profile: usize, perturbation: u32| {
        let side = dataset.perturbations.get(perturbation as usize)?.side();
        responses.project(&placement.respond_to(&folded, profile), side)
    };
    let keys = dataset.profiles.keys();
    let coefficients: Vec<Option<Vec<f32>>> = keys
        .par_iter()
        .enumerate()
        .map(|(profile, key)| respond(profile, key.perturbation))
        .collect();
    let mut profiles = PlacedProfiles::default();
    for ((key, placed), response) in keys.iter().zip(placed).zip(coefficients) {
        if let Some((placed, response)) = placed.zip(response) {
            profiles.owners.push(key.perturbation);
            profiles.vectors.extend(placed.vector);
            profiles.responses.extend(response);
        }
    }
    Ok(MeasuredActivity {
        profiles,
        controls: place(&activity.controls, placement, responses)?,
        without_effect: place(&activity.without_effect, placement, responses)?,
        activity: Some(activity),
    })
}

/// Places profiles that no perturbation owns as compounds'.
fn place(
    controls: &[(u32, Vec<f32>)],
    placement: &Placement,
    responses: &Responses,
) -> Result<PlacedProfiles> {
    let mut placed = PlacedProfiles::default();
    for (context, values) in controls {
        let profile = [(*context, values.as_slice())];
        let response = responses.project(&placement.respond(&profile)?, Side::Chemical);
        placed.vectors.extend(placement.place(Side::Chemical, &profile)?);
        placed.responses.extend(response.unwrap_or_default());
    }
    Ok(placed)
}

/// Returns predicted responses averaged over all contexts, `n_perturbations × n_readouts`.
fn mean_responses(dataset: &Dataset, ensemble: &Ensemble) -> Result<Vec<f32>> {
    let n_perturbations = dataset.perturbations.len() as u32;
    let n_contexts = dataset.contexts.len() as u32;
    let mut responses = Vec::with_capacity(dataset.perturbations.len() * dataset.readouts.len());
    for first in (0..n_perturbations).step_by(BLOCK) {
        let block: Vec<u32> = (first..n_perturbations.min(first + BLOCK as u32)).collect();
        let mut sum = ensemble.predict(&block, 0)?;
        for context in 1..n_contexts {
            let predicted = ensemble.predict(&block, context)?;
            sum.iter_mut().zip(predicted).for_each(|(sum, value)| *sum += value);
        }
        responses.extend(sum.into_iter().map(|sum| sum / n_contexts as f32));
    }
    Ok(responses)
}

fn provenance(
    dataset: &Dataset,
    ensemble: &Ensemble,
    report: &TrainingReport,
) -> Result<Provenance> {
    let config = ensemble.members().first().map(|member| serde_json::to_value(member.config()));
    let model = config
        .transpose()
        .map_err(Error::engine("serde_json", "write the model's configuration"))?;
    Ok(Provenance {
        recipe: Some(dataset.recipe.clone()),
        inputs: dataset.inputs.clone(),
        notes: dataset.report.sentences(),
        contexts: dataset.contexts.iter().map(|context| context.0.clone()).collect(),
        readouts: dataset.readouts.len(),
        profiles: dataset.profiles.n_profiles(),
        observations: dataset.profiles.n_observed(),
        seeds: ensemble.seeds(),
        model,
        training: Some(summary(report)),
        ..Provenance::default()
    })
}

fn summary(report: &TrainingReport) -> TrainingSummary {
    let tables = [
        (HeldOutFit::ALL, report.overall),
        (HeldOutFit::WITHOUT_KNOCKOUTS, report.without_knockouts),
    ];
    let held_out = tables.iter().filter_map(|(entries, fit)| Some((entries, fit.as_ref()?)));
    TrainingSummary {
        epochs: report.epochs,
        held_out: held_out.flat_map(|(entries, fit)| rows(entries, fit)).collect(),
    }
}

fn rows(entries: &str, comparison: &FitComparison) -> [HeldOutFit; 3] {
    let row = |method: &str, fit: &Fit| HeldOutFit {
        method: method.to_owned(),
        entries: entries.to_owned(),
        count: fit.n as usize,
        rmse: fit.rmse,
        r2: fit.r2,
        mae: fit.mae,
        pearson: fit.pearson,
    };
    [
        row(HeldOutFit::MODEL, &comparison.model),
        row("perturbation mean", &comparison.perturbation_mean),
        row("readout mean", &comparison.readout_mean),
    ]
}
