use std::path::PathBuf;

use super::assemble::Dataset;
use super::profiles::Profiles;
use super::recipe::{ReadoutChoice, Recipe};
use super::report::ReadingReport;
use crate::error::{Error, Result};
use crate::experiment::{Annotation, Context, Perturbation, Readout};
use crate::table::Duplicates;

impl Dataset {
    /// Makes a dataset of profiles that a program already holds, normalised as it sees fit.
    ///
    /// Annotations know only the agents' names; fill [`Dataset::annotations`] to add to them.
    ///
    /// # Errors
    /// When a profile's key or width does not fit the vocabularies, or a chemical perturbation
    /// follows a genetic one.
    pub fn from_profiles(
        name: &str,
        perturbations: Vec<Perturbation>,
        contexts: Vec<Context>,
        readouts: Vec<Readout>,
        profiles: Profiles,
    ) -> Result<Self> {
        let fits = profiles.keys().iter().all(|key| {
            (key.perturbation as usize) < perturbations.len()
                && (key.context as usize) < contexts.len()
        });
        if !fits || profiles.n_readouts() != readouts.len() {
            return Err(Error::data(
                format!("dataset `{name}`"),
                "its profiles do not fit its perturbations, contexts and readouts",
                "give each profile the positions of its perturbation and context, and a value or NaN per readout",
            ));
        }
        if !perturbations.is_sorted_by_key(Perturbation::side) {
            return Err(Error::data(
                format!("dataset `{name}`"),
                "a chemical perturbation follows a genetic one",
                "sort the perturbations by side, compounds first",
            ));
        }
        let named =
            |p: &Perturbation| Annotation { name: p.agent().to_owned(), ..Annotation::default() };
        Ok(Self {
            name: name.to_owned(),
            annotations: perturbations.iter().map(named).collect(),
            spread: vec![1.0; profiles.n_profiles()],
            removed_means: vec![Vec::new(); contexts.len()],
            recipe: recipe_of_nothing(name),
            inputs: Vec::new(),
            report: ReadingReport::default(),
            readout_annotations: readouts.iter().map(only_name).collect(),
            perturbations,
            contexts,
            readouts,
            profiles,
        })
    }
}

fn only_name(readout: &Readout) -> Annotation {
    Annotation { name: readout.0.clone(), ..Annotation::default() }
}

fn recipe_of_nothing(name: &str) -> Recipe {
    Recipe {
        name: name.to_owned(),
        description: "profiles given by a program".to_owned(),
        licence: String::new(),
        readout_kind: String::new(),
        readouts: ReadoutChoice::All,
        duplicates: Duplicates::Error,
        min_values: 1,
        normalisation: Vec::new(),
        labels: None,
        assays: Vec::new(),
        annotations: Vec::new(),
        path: PathBuf::new(),
    }
}
