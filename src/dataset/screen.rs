use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::agents::Agents;
use super::normalise::{AssayMatrix, NormalisationStep, Normalised, normalise};
use super::recipe::Assay;
use super::report::{AssaySummary, DroppedProfile, ReadingReport};
use crate::error::{Error, Result};
use crate::experiment::Perturbation;
use crate::table::{Duplicates, Measurements};

/// The profiles of one assay's file.
pub(super) struct RawAssay {
    pub(super) measurements: Measurements,
    /// How profiles of one perturbation in one context are joined.
    pub(super) duplicates: Duplicates,
    /// Which profiles are of which context.
    pub(super) contexts: BTreeMap<String, Vec<usize>>,
}

/// What the names in an assay's file became in the dataset, in one context.
pub(super) struct FileAxes {
    /// The perturbation of each name.
    pub(super) perturbations: HashMap<String, Perturbation>,
    /// Position in the dataset of each readout of the file that was read.
    pub(super) columns: Vec<Option<usize>>,
}

/// One context of an assay on its way into the dataset: raw profiles under their perturbations.
pub(super) struct Screen<'a> {
    assay: &'a Assay,
    context: &'a str,
    n_read: usize,
    steps: &'a [NormalisationStep],
    measurements: &'a Measurements,
    /// Sorted perturbations, each with its profiles in the file.
    groups: Vec<(Perturbation, Vec<usize>)>,
    /// Position in the dataset of each readout of the file.
    columns: Vec<Option<usize>>,
    n_readouts: usize,
}

impl<'a> Screen<'a> {
    /// Groups a context's profiles by perturbation.
    ///
    /// # Errors
    /// When several belong to one perturbation and the recipe refuses that.
    pub(super) fn gather(
        assay: &'a Assay,
        raw: &'a RawAssay,
        context: &'a str,
        profiles: &[usize],
        steps: &'a [NormalisationStep],
        agents: &Agents,
    ) -> Result<Self> {
        let measurements = &raw.measurements;
        let mut groups: BTreeMap<Perturbation, Vec<usize>> = BTreeMap::new();
        for profile in profiles.iter().copied() {
            let Some(name) = measurements.perturbations.get(profile) else { continue };
            let perturbation = agents.perturbation(assay.perturbation_type, name);
            groups.entry(perturbation).or_default().push(profile);
        }
        let groups = groups.into_iter().collect();
        let screen = Self {
            assay,
            context,
            n_read: profiles.len(),
            steps,
            measurements,
            groups,
            columns: Vec::new(),
            n_readouts: 0,
        };
        if raw.duplicates == Duplicates::Error {
            screen.refuse_duplicates()?;
        }
        Ok(screen)
    }

    /// Restricts the screen to the dataset's readouts.
    pub(super) fn at(self, readouts: &BTreeMap<String, usize>) -> Self {
        let position = |readout: &String| readouts.get(readout).copied();
        let columns = self.measurements.readouts.iter().map(position).collect();
        Self { columns, n_readouts: readouts.len(), ..self }
    }

    pub(super) fn context(&self) -> &'a str {
        self.context
    }

    pub(super) fn assay(&self) -> &'a Assay {
        self.assay
    }

    pub(super) fn perturbations(&self) -> impl Iterator<Item = &Perturbation> {
        self.groups.iter().map(|(perturbation, _)| perturbation)
    }

    /// Returns each perturbation with its names in the file.
    pub(super) fn raw_names(&self) -> impl Iterator<Item = (&Perturbation, BTreeSet<&str>)> {
        let name = |profile: &usize| self.measurements.perturbations.get(*profile);
        self.groups.iter().map(move |(perturbation, profiles)| {
            (perturbation, profiles.iter().filter_map(name).map(String::as_str).collect())
        })
    }

    /// Returns what the names in its file became; those of profiles that were left out became nothing.
    pub(super) fn axes(&self) -> FileAxes {
        let named = |(perturbation, names): (&Perturbation, BTreeSet<&str>)| {
            let named = |name: &str| (name.to_owned(), perturbation.clone());
            names.into_iter().map(named).collect::<Vec<_>>()
        };
        let perturbations = self.raw_names().flat_map(named).collect();
        FileAxes { perturbations, columns: self.columns.clone() }
    }

    /// Leaves out profiles that cannot be trained on, and reports them: too few values, or constant.
    ///
    /// All values count, held out or not, so that positions do not depend on a split. Returns why no
    /// profile is left, if so.
    ///
    /// # Errors
    /// When a value cannot be normalised.
    pub(super) fn keep_usable(
        &mut self,
        min_values: usize,
        report: &mut ReadingReport,
    ) -> Result<Option<Error>> {
        let n_read = self.n_read;
        let n_averaged = n_read - self.groups.len();
        let matrix = self.matrix();
        let reasons: Vec<Option<String>> =
            matrix.rows().map(|row| reason_to_drop(row, min_values)).collect();
        let commonest = reasons.iter().flatten().next().cloned();
        self.drop_profiles(reasons, report);
        // Centring can make a profile constant that was not, which then leaves other means behind.
        loop {
            let done = self.normalise(|_, _| true)?;
            let sized: Vec<bool> = done.spread.iter().map(|spread| *spread > 0.0).collect();
            if sized.iter().all(|sized| *sized) {
                break;
            }
            let reason = |sized: bool| (!sized).then(|| "constant after centring".to_owned());
            self.drop_profiles(sized.into_iter().map(reason).collect(), report);
        }
        if self.groups.is_empty() {
            return Ok(Some(Error::data(
                format!("assay `{}`", self.context),
                format!(
                    "none of its {n_read} profiles can be used; the first is left out as: {}",
                    commonest.as_deref().unwrap_or("constant after centring")
                ),
                "check its `layout`, its values, `min_values`, and that its readouts are named as in the other assays",
            )));
        }
        report.assays.push(self.summary(n_read, n_averaged));
        Ok(None)
    }

    /// Normalises the profiles, in the order of [`Screen::perturbations`].
    pub(super) fn normalise(&self, trains: impl Fn(usize, usize) -> bool) -> Result<Normalised> {
        normalise(self.matrix(), self.steps, &format!("assay `{}`", self.context), trains)
    }

    /// Returns the raw values, the mean where several profiles belong to one perturbation.
    fn matrix(&self) -> AssayMatrix {
        let mut values = Vec::with_capacity(self.groups.len() * self.n_readouts);
        let mut sums = vec![(0.0_f64, 0_u32); self.n_readouts];
        for (_, profiles) in &self.groups {
            sums.fill((0.0, 0));
            for profile in profiles {
                self.measurements.for_each_value(*profile, |column, value| {
                    let position = self.columns.get(column).copied().flatten();
                    if let Some((sum, count)) = position.and_then(|p| sums.get_mut(p)) {
                        *sum += f64::from(value);
                        *count += 1;
                    }
                });
            }
            // 0 / 0 is NaN: a readout without values stays missing.
            values.extend(sums.iter().map(|(sum, count)| (sum / f64::from(*count)) as f32));
        }
        AssayMatrix { n_readouts: self.n_readouts, values }
    }

    fn drop_profiles(&mut self, reasons: Vec<Option<String>>, report: &mut ReadingReport) {
        let groups = std::mem::take(&mut self.groups);
        for (group, reason) in groups.into_iter().zip(reasons) {
            let Some(reason) = reason else {
                self.groups.push(group);
                continue;
            };
            let (context, perturbation) = (self.context.to_owned(), group.0.symbol());
            report.dropped.push(DroppedProfile { context, perturbation, reason });
        }
    }

    fn refuse_duplicates(&self) -> Result<()> {
        let Some((perturbation, profiles)) = self.groups.iter().find(|(_, p)| p.len() > 1) else {
            return Ok(());
        };
        let spelt =
            profiles.iter().filter_map(|profile| self.measurements.perturbations.get(*profile));
        let spelt: Vec<String> = spelt.map(|name| format!("`{name}`")).collect();
        Err(Error::data(
            format!("assay `{}`", self.context),
            format!("`{perturbation}` has {} profiles: {}", profiles.len(), spelt.join(", ")),
            "remove all but one, or set `duplicates = \"mean\"` (`collapse` where samples are replicates) in the recipe",
        ))
    }

    fn summary(&self, n_read: usize, n_averaged: usize) -> AssaySummary {
        let mut measured = vec![false; self.n_readouts];
        let mut n_values = 0;
        for row in self.matrix().rows() {
            for (seen, _) in measured.iter_mut().zip(row).filter(|(_, value)| !value.is_nan()) {
                *seen = true;
                n_values += 1;
            }
        }
        AssaySummary {
            context: self.context.to_owned(),
            file: self.assay.file.clone(),
            layout: self.assay.layout,
            n_read,
            n_averaged,
            n_profiles: self.groups.len(),
            n_readouts: measured.into_iter().filter(|seen| *seen).count(),
            n_values,
        }
    }
}

fn reason_to_drop(row: &[f32], min_values: usize) -> Option<String> {
    let mut measured = row.iter().filter(|value| !value.is_nan());
    let n_values = measured.clone().count();
    let first = measured.next().copied();
    match first {
        None => Some("no value at the kept readouts".to_owned()),
        Some(_) if n_values < min_values => Some(format!("fewer than {min_values} values")),
        Some(first) if measured.all(|value| value.to_bits() == first.to_bits()) => {
            Some("constant".to_owned())
        }
        Some(_) => None,
    }
}
