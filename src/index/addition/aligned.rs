use std::collections::BTreeSet;

use super::way::Way;
use crate::dataset::Dataset;
use crate::error::{Error, Result};

/// Names that a notice lists.
const LISTED: usize = 5;

/// A perturbation of a dataset at the readouts and in the contexts of an index.
pub(super) struct AlignedRow {
    /// Its position in the dataset.
    pub(super) position: usize,
    /// Position of the context and values as the model knows them, one for each readout of the index, NaN for missing.
    pub(super) profiles: Vec<(u32, Vec<f32>)>,
    /// Names of the contexts.
    pub(super) contexts: Vec<String>,
    /// Values at readouts of the index.
    pub(super) n_values: usize,
}

/// What of a dataset can be placed, and what cannot.
pub(super) struct Aligned {
    pub(super) rows: Vec<AlignedRow>,
    /// What was left out, a sentence each.
    pub(super) notices: Vec<String>,
}

impl Aligned {
    pub(super) fn of(way: &Way<'_>, dataset: &Dataset) -> Result<Self> {
        let contexts = dataset.contexts.iter().map(|context| way.context(&context.0));
        let contexts: Vec<(u32, String)> = contexts.collect::<Result<_>>()?;
        let names = way.readout_names();
        let readouts = || dataset.readouts.iter().map(|readout| readout.0.as_str());
        let mut aligned = Self { rows: Vec::new(), notices: unknown(readouts(), &names)? };
        for (profile, key) in dataset.profiles.keys().iter().enumerate() {
            let position = key.perturbation as usize;
            let (context, name) = &contexts[key.context as usize];
            let symbol = dataset.perturbations[position].symbol();
            check_side(way, dataset, position, (*context, name))?;
            let own = names.align(readouts().zip(dataset.profiles.row(profile)));
            let (n_values, fewest) = (own.n_matched, way.fewest());
            if n_values < fewest {
                aligned.notices.push(format!(
                    "left out: `{symbol}` in {name} has values at {n_values} readouts of the index, and {fewest} are needed"
                ));
                continue;
            }
            let values = way.normalise(*context, own.values).map_err(|error| {
                let what = format!("`{symbol}` in {name}");
                let advice = "give values in the units of that screen, or say `--normalised`";
                Error::data(what, format!("it cannot be normalised: {error}"), advice)
            })?;
            aligned.add(position, (*context, name), values, n_values).map_err(|()| {
                let problem = format!("several files have profiles of it in {name}");
                Error::data(format!("`{symbol}`"), problem, "keep one, or their mean")
            })?;
        }
        Ok(aligned)
    }

    /// Adds a profile to its perturbation; an error where that has one in the context.
    fn add(
        &mut self,
        position: usize,
        (context, name): (u32, &str),
        values: Vec<f32>,
        n_values: usize,
    ) -> std::result::Result<(), ()> {
        // A dataset's profiles are sorted by perturbation.
        if self.rows.last().is_none_or(|row| row.position != position) {
            let (profiles, contexts) = (Vec::new(), Vec::new());
            self.rows.push(AlignedRow { position, profiles, contexts, n_values: 0 });
        }
        let Some(row) = self.rows.last_mut() else { return Err(()) };
        if row.profiles.iter().any(|(other, _)| *other == context) {
            return Err(());
        }
        row.profiles.push((context, values));
        row.contexts.push(name.to_owned());
        row.n_values += n_values;
        Ok(())
    }
}

/// Says which readouts the index does not know.
///
/// # Errors
/// When it knows none.
fn unknown<'a>(
    readouts: impl Iterator<Item = &'a str>,
    names: &crate::index::ReadoutNames,
) -> Result<Vec<String>> {
    let all: BTreeSet<&str> = readouts.collect();
    let n_all = all.len();
    let unknown: Vec<&str> =
        all.into_iter().filter(|name| names.position(name).is_none()).collect();
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    let some: Vec<String> = unknown.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let more = if unknown.len() > LISTED { ", …" } else { "" };
    let notice = format!(
        "{} of {n_all} readouts are not the index's: {}{more}",
        unknown.len(),
        some.join(", ")
    );
    if unknown.len() < n_all {
        return Ok(vec![notice]);
    }
    let example = names.symbols().first().map_or("", String::as_str);
    let advice =
        format!("its rows are perturbations; name columns as the index does, such as `{example}`");
    Err(Error::data("profiles", notice, advice))
}

/// Refuses a compound in a context of genes, and the other way round: the model centres them apart.
fn check_side(
    way: &Way<'_>,
    dataset: &Dataset,
    position: usize,
    (context, name): (u32, &str),
) -> Result<()> {
    let perturbation = &dataset.perturbations[position];
    let (own, measured) = (perturbation.perturbation_type(), way.measured_in(context));
    match measured.filter(|kind| kind.side() != own.side()) {
        None => Ok(()),
        Some(kind) => {
            let problem = format!("it is a {own}, and {name} is a screen of the type {kind}");
            let advice = "name the context that it was measured in";
            Err(Error::data(format!("`{}`", perturbation.symbol()), problem, advice))
        }
    }
}
