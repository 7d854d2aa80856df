use std::collections::{BTreeMap, HashMap, HashSet};

use super::collapse::Joining;
use super::contrast::{Contrast, factor};
use super::recipe::Assay;
use super::report::DroppedProfile;
use super::samples::{Joint, SampleScale};
use crate::error::{Error, Result};
use crate::experiment::Perturbation;
use crate::table::{Condition, Measurements, SampleValues};

/// What the samples of a file measured, in their order: each condition once, as samples may be millions.
#[derive(Default)]
pub(super) struct Measured {
    conditions: Vec<Condition>,
    of_samples: Vec<u32>,
}

impl FromIterator<Condition> for Measured {
    fn from_iter<I: IntoIterator<Item = Condition>>(samples: I) -> Self {
        let mut positions = HashMap::new();
        let mut measured = Self::default();
        for condition in samples {
            let position = *positions.entry(condition).or_insert_with_key(|condition| {
                measured.conditions.push(condition.clone());
                measured.conditions.len() as u32 - 1
            });
            measured.of_samples.push(position);
        }
        measured
    }
}

impl Measured {
    /// Returns the conditions that were measured, each once.
    pub(super) fn distinct(&self) -> &[Condition] {
        &self.conditions
    }

    /// Returns the position of a sample's condition among the distinct ones.
    pub(super) fn of(&self, sample: usize) -> Option<usize> {
        self.of_samples.get(sample).map(|position| *position as usize)
    }

    /// Returns the condition of each sample.
    pub(super) fn conditions(&self) -> impl Iterator<Item = Condition> {
        let of = |position: &u32| self.conditions.get(*position as usize).cloned();
        self.of_samples.iter().filter_map(of)
    }
}

/// The condition of samples that are left out: they may be 100 million, and an `Option` would take twice the bytes.
const LEFT_OUT: u32 = u32::MAX;

/// Samples on their way to profiles, in the order of the file: those of one condition are joined as
/// they come, and become a profile when the last of them has come, so that few are held at a time.
pub(super) struct Gathering<'a> {
    joint: Joint<'a>,
    n_readouts: usize,
    conditions: Vec<Condition>,
    /// The condition of each sample; [`LEFT_OUT`] of those that are left out.
    condition_of: Vec<u32>,
    /// How many samples of each condition are still to come.
    n_awaited: Vec<u32>,
    /// What has come of conditions that are not complete.
    held: HashMap<u32, Joining>,
    profiles: Vec<u32>,
    values: Vec<f32>,
    too_few: Vec<TooFew>,
    /// Samples without counts.
    n_empty: u64,
    /// Samples with values among their counts that are none.
    n_odd: u64,
}

/// A condition of which there are not enough samples.
pub(super) struct TooFew {
    pub(super) condition: Condition,
    pub(super) n_samples: u32,
}

impl TooFew {
    /// Returns the error about samples of which no condition has enough.
    fn alone(&self, n_least: u32) -> Error {
        Error::data(
            format!("context `{}`", self.condition.context),
            format!("no perturbation of its assay has {n_least} samples"),
            "set a smaller `min_samples`, or check the columns of `perturbation` and `context`",
        )
    }

    /// Returns what the report says of it.
    pub(super) fn dropped(self, assay: &Assay) -> DroppedProfile {
        let n_least = assay.samples.as_ref().map_or(0, |samples| samples.min_samples);
        let Condition { context, perturbation, .. } = self.condition;
        DroppedProfile {
            context,
            perturbation: Perturbation::new(assay.perturbation_type, perturbation).symbol(),
            reason: format!("{} samples, fewer than {n_least}", self.n_samples),
        }
    }
}

/// What became of the samples.
pub(super) struct Gathered {
    pub(super) measurements: Measurements,
    /// Which profiles are of which context.
    pub(super) contexts: BTreeMap<String, Vec<usize>>,
    pub(super) too_few: Vec<TooFew>,
    /// What to tell of the samples.
    pub(super) notices: Vec<String>,
}

impl<'a> Gathering<'a> {
    /// Begins with what the samples of the file measured, in their order.
    ///
    /// # Errors
    /// When a context has fewer controls than it must.
    pub(super) fn new(measured: Measured, n_readouts: usize, joint: Joint<'a>) -> Result<Self> {
        let Measured { conditions, of_samples } = measured;
        let mut n_awaited = vec![0; conditions.len()];
        of_samples.iter().for_each(|position| n_awaited[*position as usize] += 1);
        let mut gathering = Self {
            joint,
            n_readouts,
            conditions,
            condition_of: of_samples,
            n_awaited,
            held: HashMap::new(),
            profiles: Vec::new(),
            values: Vec::new(),
            too_few: Vec::new(),
            n_empty: 0,
            n_odd: 0,
        };
        gathering.leave_out()?;
        gathering.reserve();
        Ok(gathering)
    }

    /// Leaves out conditions with too few samples, and controls that nothing is compared with.
    fn leave_out(&mut self) -> Result<()> {
        let compares = self.joint.compares();
        let mut is_kept = vec![true; self.conditions.len()];
        let mut with_controls = HashSet::new();
        let counted = self.conditions.iter().zip(&self.n_awaited);
        for ((condition, n_samples), is_kept) in counted.zip(&mut is_kept) {
            *is_kept = *n_samples >= self.joint.min_samples && (compares || !condition.is_control);
            if condition.is_control && *is_kept {
                with_controls.insert(condition.context.as_str());
            } else if !condition.is_control && !*is_kept {
                let (condition, n_samples) = (condition.clone(), *n_samples);
                self.too_few.push(TooFew { condition, n_samples });
            }
        }
        let mut kept = self.conditions.iter().zip(&is_kept).filter(|(_, is_kept)| **is_kept);
        let alone = kept.find(|(condition, _)| !with_controls.contains(condition.context.as_str()));
        if let Some((condition, _)) = alone.filter(|_| compares) {
            return Err(self.contrast().no_controls(&condition.context));
        }
        self.refuse_too_few()?;
        for condition in &mut self.condition_of {
            if !is_kept.get(*condition as usize).is_some_and(|kept| *kept) {
                *condition = LEFT_OUT;
            }
        }
        Ok(())
    }

    /// Refuses samples of which no perturbation has enough.
    fn refuse_too_few(&self) -> Result<()> {
        let n_perturbations = self.conditions.iter().filter(|of| !of.is_control).count();
        match self.too_few.first() {
            Some(few) if self.too_few.len() == n_perturbations => {
                Err(few.alone(self.joint.min_samples))
            }
            _ => Ok(()),
        }
    }

    fn reserve(&mut self) {
        let n_profiles = match self.joint.collapse {
            Some(_) => self.conditions.len() - self.too_few.len(),
            None => self.condition_of.iter().filter(|of| **of != LEFT_OUT).count(),
        };
        self.profiles.reserve(n_profiles);
        self.values.reserve(n_profiles * self.n_readouts);
    }

    fn contrast(&self) -> Contrast<'a> {
        Contrast { joint: self.joint, n_readouts: self.n_readouts }
    }

    /// Takes in a sample.
    ///
    /// # Errors
    /// Names its context, if it has negative counts.
    pub(super) fn push(&mut self, sample: SampleValues<'_>) -> Result<()> {
        let SampleValues { place, values, total, odd } = sample;
        let condition = self.condition_of.get(place).copied();
        let Some(condition) = condition.filter(|of| *of != LEFT_OUT) else { return Ok(()) };
        if let (Some(odd), Some(SampleScale::Counts)) = (odd, self.joint.scale) {
            self.check_count(condition, odd)?;
        }
        let factor = factor(self.joint.scale, total);
        self.n_empty += u64::from(factor.is_none());
        let Some(collapse) = self.joint.collapse else {
            self.profiles.push(condition);
            self.values.extend_from_slice(values);
            return Ok(());
        };
        let n_readouts = self.n_readouts;
        let held = self.held.entry(condition).or_insert_with(|| Joining::new(collapse, n_readouts));
        if let Some(factor) = factor {
            held.push(values, factor);
        }
        if let Some(n_awaited) = self.n_awaited.get_mut(condition as usize) {
            *n_awaited -= 1;
            if *n_awaited == 0 {
                self.complete(condition);
            }
        }
        Ok(())
    }

    /// Makes a profile of what has come of a condition, if that is enough: samples without counts are none.
    fn complete(&mut self, condition: u32) {
        let (Some(held), Some(of)) =
            (self.held.remove(&condition), self.conditions.get(condition as usize))
        else {
            return;
        };
        let n_samples = held.n_samples();
        if n_samples >= self.joint.min_samples {
            self.profiles.push(condition);
            self.values.extend(held.finish());
        } else if !of.is_control {
            self.too_few.push(TooFew { condition: of.clone(), n_samples });
        }
    }

    /// Refuses what is below 0 among the counts of a sample, and counts samples with NaN or infinity.
    fn check_count(&mut self, condition: u32, odd: f32) -> Result<()> {
        if odd >= 0.0 || odd.is_nan() {
            self.n_odd += 1;
            return Ok(());
        }
        let condition = self.conditions.get(condition as usize);
        Err(no_count(condition.map_or("", |condition| condition.context.as_str()), odd))
    }

    /// Returns the profiles, and which of them are of which context.
    ///
    /// # Errors
    /// Names a context without controls, or when no perturbation has enough samples.
    pub(super) fn finish(mut self, readouts: Vec<String>) -> Result<Gathered> {
        self.refuse_too_few()?;
        let of = |profile: &u32| self.conditions.get(*profile as usize).cloned();
        let mut conditions: Vec<Condition> = self.profiles.iter().filter_map(of).collect();
        let mut values = std::mem::take(&mut self.values);
        if self.joint.compares() {
            self.contrast().apply(&mut conditions, &mut values)?;
        }
        let (contexts, perturbations) = by_context(conditions.into_iter());
        let measurements = Measurements::dense(perturbations, readouts, values);
        let notices = self.notices();
        Ok(Gathered { measurements, contexts, too_few: self.too_few, notices })
    }

    fn notices(&self) -> Vec<String> {
        let told = [
            (self.n_empty, "samples without counts are left out"),
            (
                self.n_odd,
                "samples have NaN or infinite values among their counts: missing, and not part of their depth",
            ),
        ];
        let told = told.into_iter().filter(|(n, _)| *n > 0);
        told.map(|(n, what)| format!("{n} {what}")).collect()
    }
}

/// Says that a sample of a context has what is no count.
pub(super) fn no_count(context: &str, odd: f32) -> Error {
    Error::data(
        format!("context `{context}`"),
        format!("{odd} among its counts"),
        "say `values = \"log\"` if they are logarithms, and of AnnData name the `layer` with the counts, if there is one",
    )
}

/// Returns which profiles each context has, and the perturbation of each profile.
pub(super) fn by_context(
    conditions: impl Iterator<Item = Condition>,
) -> (BTreeMap<String, Vec<usize>>, Vec<String>) {
    let mut contexts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut perturbations = Vec::new();
    for Condition { context, perturbation, .. } in conditions {
        contexts.entry(context).or_default().push(perturbations.len());
        perturbations.push(perturbation);
    }
    (contexts, perturbations)
}
