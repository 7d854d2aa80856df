use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use super::recipe::Assay;
use super::translation::{Translation, Untranslated, translate};
use crate::error::{Error, Result};
use crate::table::{Condition, Duplicates, LeftOut, SampleKey, SampleSheet};

/// What the names in an assay's file mean, and which of them are wanted.
pub(super) struct Naming<'a> {
    pub(super) assay: &'a Assay,
    pub(super) sheet: Option<SampleSheet>,
    /// One after another.
    pub(super) perturbations: Vec<Translation<'a>>,
    pub(super) readouts: Vec<Translation<'a>>,
    /// Readouts that the table of samples names: the matrix may lie the other way round.
    pub(super) n_turned: Cell<usize>,
}

/// The names in an assay's file that are wanted.
pub(super) struct Names<'a> {
    pub(super) samples: SampleKeys<'a>,
    pub(super) readouts: &'a [String],
    pub(super) left_out: LeftOut,
}

/// What tells the samples of a file apart.
#[derive(Clone, Copy)]
pub(super) enum SampleKeys<'a> {
    Names(&'a [String]),
    Rows(&'a [usize]),
}

impl<'a> SampleKeys<'a> {
    fn len(self) -> usize {
        match self {
            Self::Names(names) => names.len(),
            Self::Rows(rows) => rows.len(),
        }
    }

    fn key(self, at: usize) -> Option<SampleKey<'a>> {
        match self {
            Self::Names(names) => names.get(at).map(|name| SampleKey::Name(name)),
            Self::Rows(rows) => rows.get(at).map(|row| SampleKey::Row(*row)),
        }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = SampleKey<'a>> {
        (0..self.len()).filter_map(move |at| self.key(at))
    }
}

impl Naming<'_> {
    /// Returns what a sample measured; none if it is not wanted.
    pub(super) fn condition(&self, sample: SampleKey<'_>) -> Option<Condition> {
        let raw = self.raw_condition(sample)?;
        if raw.is_control {
            return Some(raw);
        }
        let name = translate(&self.perturbations, &raw.perturbation)?;
        let samples = self.assay.samples.as_ref();
        if samples.is_some_and(|samples| samples.agents().is_control(name)) {
            return Some(Condition { perturbation: String::new(), is_control: true, ..raw });
        }
        Some(Condition { perturbation: name.to_owned(), ..raw })
    }

    /// Returns a readout's name; none if it is not wanted.
    pub(super) fn readout<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if self.sheet.as_ref().is_some_and(|sheet| sheet.condition(SampleKey::Name(name)).is_some())
        {
            self.n_turned.set(self.n_turned.get() + 1);
        }
        translate(&self.readouts, name)
    }

    fn raw_condition(&self, sample: SampleKey<'_>) -> Option<Condition> {
        match (&self.sheet, sample) {
            (Some(sheet), sample) => sheet.condition(sample).cloned(),
            (None, SampleKey::Name(name)) => {
                let context = self.assay.context.as_str().to_owned();
                Some(Condition { context, perturbation: name.to_owned(), is_control: false })
            }
            (None, SampleKey::Row(_)) => None,
        }
    }

    /// Returns the notice about samples that were left out: nothing is left out silently.
    pub(super) fn notice(&self, read: &Names<'_>) -> Option<String> {
        let n_left_out = read.left_out.samples;
        let n_all = n_left_out + read.samples.len();
        let (context, tables) = (&self.assay.context, self.sample_tables());
        (n_left_out > 0)
            .then(|| format!("{context}: {n_left_out} of {n_all} samples are not in {tables}"))
    }

    /// Returns the names of the file that its tables of names do not know.
    pub(super) fn untranslated(&self) -> Vec<Untranslated> {
        let context = self.assay.context.as_str();
        let of = |steps: &[Translation], axis| -> Vec<Untranslated> {
            steps.iter().filter_map(|step| step.untranslated(context, axis)).collect()
        };
        [of(&self.perturbations, "perturbation"), of(&self.readouts, "readout")].concat()
    }

    /// Refuses a file that holds a sample twice: nothing says which of them the table means.
    pub(super) fn refuse_repeated_samples(&self, samples: SampleKeys<'_>) -> Result<()> {
        let SampleKeys::Names(samples) = samples else { return Ok(()) };
        let mut seen = HashSet::new();
        let repeated = samples.iter().find(|sample| !seen.insert(*sample));
        let Some(repeated) = repeated.filter(|_| self.sheet.is_some()) else { return Ok(()) };
        let what = format!("assay `{}`", self.assay.context);
        let advice = "remove or rename one of them";
        Err(Error::data(what, format!("sample `{repeated}` occurs twice in its file"), advice))
    }

    /// Refuses a file none of whose samples or readouts is wanted.
    pub(super) fn refuse_nothing(&self, read: &Names<'_>) -> Result<()> {
        let (problem, advice) = if read.samples.len() == 0 {
            let tables = self.sample_tables();
            (
                format!("none of its {} samples is in {tables}", read.left_out.samples),
                "the columns named in the recipe and the filters",
            )
        } else if read.readouts.is_empty() {
            let tables = listed(self.readouts.iter().map(Translation::file));
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

    /// Puts the names' meanings in the place of the readouts' names in the file. Where `duplicates` are averaged several
    /// may get one name, and become one; returns the notice about them.
    pub(super) fn rename_readouts(
        &self,
        readouts: &mut [String],
        duplicates: Duplicates,
    ) -> Result<Option<String>> {
        for name in readouts.iter_mut() {
            *name = self.readout(name).unwrap_or(name).to_owned();
        }
        let mut positions = BTreeMap::new();
        let mut repeated = Vec::new();
        for (position, name) in readouts.iter().enumerate() {
            let Some(other) = positions.insert(name, position) else { continue };
            if duplicates == Duplicates::Error {
                return Err(Error::data(
                    format!("assay `{}`", self.assay.context),
                    format!("readouts {} and {} are both `{name}`", other + 1, position + 1),
                    "correct the tables of `readout_names`, choose another `readout_column`, or set `duplicates = \"mean\"` in the recipe",
                ));
            }
            repeated.push(name);
        }
        let (context, n_repeated) = (&self.assay.context, repeated.len());
        Ok(repeated.first().map(|first| {
            format!("{context}: {n_repeated} readouts averaged with another of the same name, such as {first}")
        }))
    }

    /// The tables that decide which samples are wanted.
    fn sample_tables(&self) -> String {
        let samples = self.assay.samples.as_ref();
        let sheet = samples.map(|samples| {
            let file = samples.file.as_ref().unwrap_or(&self.assay.file);
            let filtered = if samples.filters.is_empty() { "" } else { " as filtered" };
            format!("`{}`{filtered}", file.display())
        });
        let names = self.perturbations.iter().filter(|step| step.drops()).map(Translation::file);
        listed(sheet.into_iter().chain(names))
    }
}

fn listed(tables: impl Iterator<Item = String>) -> String {
    tables.collect::<Vec<_>>().join(" and ")
}
