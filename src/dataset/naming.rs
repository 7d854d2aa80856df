use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::recipe::Assay;
use super::reject::Reject;
use super::report::Place;
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
    /// Names that were asked for and have no meaning.
    unknown: RefCell<BTreeSet<String>>,
}

/// Names that an assay's table of names does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untranslated {
    /// The assay's context, as the recipe names it.
    pub context: String,
    /// The table, as the recipe names it.
    pub file: PathBuf,
    /// `perturbation` or `readout`: what they should name.
    pub axis: String,
    /// Whether they were left out; else they stay as they are.
    pub is_left_out: bool,
    /// The names, sorted.
    pub names: Vec<String>,
}

impl fmt::Display for Untranslated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, axis, names, .. } = self;
        let (n_names, file) = (names.len(), self.file.display());
        if self.is_left_out {
            return write!(f, "{context}: {n_names} {axis}s are not in `{file}`: left out");
        }
        let first = names.first().map_or("", String::as_str);
        write!(
            f,
            "{context}: {n_names} names are not in `{file}` and stay as they are, such as {first}"
        )
    }
}

impl Untranslated {
    /// Returns each name as something that was not taken as the file has it.
    pub(super) fn rejects(&self) -> impl Iterator<Item = Reject> {
        let fate = if self.is_left_out { "left out" } else { "kept as it is" };
        let outcome = format!("{fate}: not in `{}`", self.file.display());
        self.names.iter().map(move |name| {
            let place = Place { name: name.clone(), assays: vec![self.context.clone()] };
            let reject = Reject::warning(&self.axis, &place, outcome.clone(), "");
            // The recipe asked for leaving out.
            Reject { is_warning: !self.is_left_out, ..reject }
        })
    }
}

impl<'a> Translation<'a> {
    pub(super) fn new(mapping: &'a NameMapping, meanings: BTreeMap<String, String>) -> Self {
        Self { mapping, meanings, unknown: RefCell::default() }
    }

    /// Returns what a name means; none where names without meaning are left out.
    fn get<'b>(&'b self, name: &'b str) -> Option<&'b str> {
        let meaning = self.meanings.get(name).map(String::as_str);
        if meaning.is_none() && !self.unknown.borrow().contains(name) {
            self.unknown.borrow_mut().insert(name.to_owned());
        }
        meaning.or((self.mapping.unnamed == Unnamed::Keep).then_some(name))
    }

    fn file(&self) -> String {
        format!("`{}`", self.mapping.file.display())
    }

    /// Returns the names that were asked for and have no meaning; none if all have one.
    fn untranslated(&self, context: &str, axis: &str) -> Option<Untranslated> {
        let names: Vec<String> = self.unknown.borrow().iter().cloned().collect();
        (!names.is_empty()).then(|| Untranslated {
            context: context.to_owned(),
            file: self.mapping.file.clone(),
            axis: axis.to_owned(),
            is_left_out: self.mapping.unnamed == Unnamed::Drop,
            names,
        })
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
        let of = |translation: &Option<Translation>, axis| {
            translation.as_ref()?.untranslated(self.assay.context.as_str(), axis)
        };
        let found = [of(&self.perturbations, "perturbation"), of(&self.readouts, "readout")];
        found.into_iter().flatten().collect()
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
