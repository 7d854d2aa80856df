use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::recipe::Assay;
use crate::error::{Error, Result};
use crate::table::{Condition, LeftOut, NameMapping, SampleSheet, Unnamed};

/// What the names in an assay's file mean, and which of them are wanted.
pub(super) struct Naming<'a> {
    pub(super) assay: &'a Assay,
    pub(super) sheet: Option<SampleSheet>,
    pub(super) perturbations: Option<Translation<'a>>,
    pub(super) readouts: Option<Translation<'a>>,
    /// Readouts that the table of samples names: the matrix may lie the other way round.
    pub(super) n_turned: Cell<usize>,
}

/// The names in an assay's file that are wanted.
pub(super) struct Names<'a> {
    pub(super) samples: &'a [String],
    pub(super) readouts: &'a [String],
    pub(super) left_out: LeftOut,
}

/// A table of names, as it was read.
pub(super) struct Translation<'a> {
    pub(super) mapping: &'a NameMapping,
    pub(super) meanings: BTreeMap<String, String>,
}

impl Translation<'_> {
    /// Returns what a name means; none where names without meaning are left out.
    fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let meaning = self.meanings.get(name).map(String::as_str);
        meaning.or((self.mapping.unnamed == Unnamed::Keep).then_some(name))
    }

    fn file(&self) -> String {
        format!("`{}`", self.mapping.file.display())
    }

    /// Says how many names stay as they are for want of a meaning.
    fn notice<'a>(&self, names: impl Iterator<Item = &'a str>) -> Option<String> {
        let unknown: BTreeSet<&str> =
            names.filter(|name| !self.meanings.contains_key(*name)).collect();
        let first = unknown.first()?;
        let (n_unknown, file) = (unknown.len(), self.file());
        Some(format!("{n_unknown} names are not in {file} and stay as they are, such as {first}"))
    }
}

impl Naming<'_> {
    /// Returns what a sample measured; none if it is not wanted.
    pub(super) fn condition(&self, sample: &str) -> Option<Condition> {
        let raw = self.raw_condition(sample)?;
        let name = match &self.perturbations {
            Some(translation) => translation.get(&raw.perturbation)?.to_owned(),
            None => raw.perturbation,
        };
        Some(Condition { perturbation: name, ..raw })
    }

    /// Returns a readout's name; none if it is not wanted.
    pub(super) fn readout<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if self.sheet.as_ref().is_some_and(|sheet| sheet.condition(name).is_some()) {
            self.n_turned.set(self.n_turned.get() + 1);
        }
        match &self.readouts {
            Some(translation) => translation.get(name),
            None => Some(name),
        }
    }

    fn raw_condition(&self, sample: &str) -> Option<Condition> {
        match &self.sheet {
            Some(sheet) => sheet.condition(sample).cloned(),
            None => {
                let context = self.assay.context.as_str().to_owned();
                Some(Condition { context, perturbation: sample.to_owned() })
            }
        }
    }

    /// Returns the notices about what was read under the names of the file: nothing is left out silently.
    pub(super) fn notices(&self, read: &Names<'_>) -> Vec<String> {
        let mut notices = Vec::new();
        let left_out = read.left_out;
        if left_out.samples > 0 {
            let n_all = left_out.samples + read.samples.len();
            let tables = self.sample_tables();
            notices.push(format!("{} of {n_all} samples are not in {tables}", left_out.samples));
        }
        if let Some(translation) = &self.perturbations {
            let raw = read.samples.iter().filter_map(|sample| self.raw_condition(sample));
            let raw: BTreeSet<String> = raw.map(|condition| condition.perturbation).collect();
            notices.extend(translation.notice(raw.iter().map(String::as_str)));
        }
        if let Some(translation) = &self.readouts {
            if left_out.readouts > 0 {
                let (n_left_out, file) = (left_out.readouts, translation.file());
                notices.push(format!("{n_left_out} readouts are not in {file}: left out"));
            }
            notices.extend(translation.notice(read.readouts.iter().map(String::as_str)));
        }
        let context = &self.assay.context;
        notices.into_iter().map(|notice| format!("{context}: {notice}")).collect()
    }

    /// Refuses a file that holds a sample twice: nothing says which of them the table means.
    pub(super) fn refuse_repeated_samples(&self, samples: &[String]) -> Result<()> {
        let mut seen = HashSet::new();
        let repeated = samples.iter().find(|sample| !seen.insert(*sample));
        let Some(repeated) = repeated.filter(|_| self.sheet.is_some()) else { return Ok(()) };
        let what = format!("assay `{}`", self.assay.context);
        let advice = "remove or rename one of them";
        Err(Error::data(what, format!("sample `{repeated}` occurs twice in its file"), advice))
    }

    /// Refuses a file none of whose samples or readouts is wanted.
    pub(super) fn refuse_nothing(&self, read: &Names<'_>) -> Result<()> {
        let (problem, advice) = if read.samples.is_empty() {
            let tables = self.sample_tables();
            (
                format!("none of its {} samples is in {tables}", read.left_out.samples),
                "the columns named in the recipe and the filters",
            )
        } else if read.readouts.is_empty() {
            let tables = self.readouts.as_ref().map_or(String::new(), Translation::file);
            (
                format!("none of its {} readouts is in {tables}", read.left_out.readouts),
                "its column `from` and its filters",
            )
        } else {
            return Ok(());
        };
        let is_turned = self.n_turned.get() > 0;
        let advice =
            if is_turned { "its `layout`: its readouts are samples there" } else { advice };
        let what = format!("assay `{}`", self.assay.context);
        Err(Error::data(what, problem, format!("check {advice}")))
    }

    /// Puts the names' meanings in the place of the readouts' names in the file.
    pub(super) fn rename_readouts(&self, readouts: &mut [String]) -> Result<()> {
        for name in readouts.iter_mut() {
            *name = self.readout(name).unwrap_or(name).to_owned();
        }
        let mut positions = BTreeMap::new();
        for (position, name) in readouts.iter().enumerate() {
            if let Some(other) = positions.insert(name, position) {
                return Err(Error::data(
                    format!("assay `{}`", self.assay.context),
                    format!("readouts {} and {} are both `{name}`", other + 1, position + 1),
                    "correct the table of `readout_names`",
                ));
            }
        }
        Ok(())
    }

    /// The tables that decide which samples are wanted.
    fn sample_tables(&self) -> String {
        let samples = self.assay.samples.as_ref();
        let sheet = samples.map(|samples| {
            let file = samples.file.as_ref().unwrap_or(&self.assay.file);
            let filtered = if samples.filters.is_empty() { "" } else { " as filtered" };
            format!("`{}`{filtered}", file.display())
        });
        let drops = |translation: &&Translation<'_>| translation.mapping.unnamed == Unnamed::Drop;
        let names = self.perturbations.as_ref().filter(drops).map(Translation::file);
        sheet.into_iter().chain(names).collect::<Vec<_>>().join(" and ")
    }
}
