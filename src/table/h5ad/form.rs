use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use super::file::{H5adFile, H5adPart};
use super::frame::{Column, Frame};
use super::values::layer_names;
use crate::error::Result;
use crate::table::sample::KNOWN_CONTROLS;

/// What an AnnData file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct H5adForm {
    /// Rows: cells or profiles.
    pub n_samples: usize,
    /// Columns: readouts.
    pub n_readouts: usize,
    /// How `X` is stored: `dense`, `CSR` or `CSC`.
    pub storage: &'static str,
    /// What the first values look like.
    pub values: ValuesForm,
    /// The column of `obs` that names its rows.
    pub index: String,
    /// The columns of `obs`, the index among them.
    pub obs: Vec<ObsColumn>,
    /// The columns of `var`, the index among them.
    pub var: Vec<String>,
    /// The layers beside `X`, and `raw/X`.
    pub layers: Vec<String>,
}

/// What values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValuesForm {
    /// Whole numbers, none below 0.
    Counts,
    /// Other numbers, none below 0.
    Positive,
    /// Numbers of both signs.
    Signed,
}

impl ValuesForm {
    /// Returns what the finite ones of these values look like.
    pub(in crate::table) fn of(values: &[f32]) -> Self {
        let has =
            |is_so: fn(f32) -> bool| values.iter().any(|value| value.is_finite() && is_so(*value));
        if has(|value| value < 0.0) {
            Self::Signed
        } else if has(|value| value.fract() != 0.0) {
            Self::Positive
        } else {
            Self::Counts
        }
    }
}

/// A column of `obs`, or of another table of samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObsColumn {
    /// Its name.
    pub name: String,
    /// How many different values it has.
    pub n_values: usize,
    /// Some of them, in alphabetical order.
    pub examples: Vec<String>,
    /// Those that published screens call their controls.
    pub controls: Vec<String>,
}

/// Examples of a column that are kept.
const N_EXAMPLES: usize = 3;

impl H5adForm {
    /// Reads what a file says of itself, all but the values.
    ///
    /// # Errors
    /// As [`H5adFile::open`].
    pub(in crate::table) fn read(path: &Path) -> Result<Self> {
        let file = H5adFile::open(path, H5adPart::default())?;
        let obs = Frame::new(&file.file, "obs")?;
        let index = obs.index();
        let columns = obs.columns()?;
        let [n_samples, n_readouts] = file.values.shape();
        Ok(Self {
            n_samples,
            n_readouts,
            storage: file.values.storage(),
            values: ValuesForm::of(&file.values.read_first()?),
            index,
            // A column of a kind that no reader knows is as good as none.
            obs: columns.into_iter().filter_map(|name| ObsColumn::read(obs, name).ok()).collect(),
            var: Frame::new(&file.file, "var")?.columns()?,
            layers: layer_names(&file.file)?,
        })
    }

    /// Returns the first of these columns that `obs` has, in any case.
    #[must_use]
    pub fn obs_column(&self, names: &[&str]) -> Option<&ObsColumn> {
        ObsColumn::find(&self.obs, names)
    }
}

impl ObsColumn {
    fn read(obs: Frame<'_>, name: String) -> Result<Self> {
        let column = obs.read(&name)?;
        let values: BTreeSet<&str> = match &column {
            Column::Categorical { categories, .. } => {
                categories.iter().map(String::as_str).collect()
            }
            Column::Texts(texts) => texts.iter().map(String::as_str).collect(),
        };
        Ok(Self::new(name, &values))
    }

    /// Describes a column by its different values.
    pub(in crate::table) fn new(name: String, values: &BTreeSet<&str>) -> Self {
        let controls = values.iter().filter(|value| KNOWN_CONTROLS.contains(value));
        let controls = controls.map(|value| (*value).to_owned()).collect();
        let examples = values.iter().take(N_EXAMPLES).map(|value| (*value).to_owned()).collect();
        Self { n_values: values.len(), name, examples, controls }
    }

    /// Returns the first of these names that a column has, in any case.
    #[must_use]
    pub fn find<'a>(columns: &'a [Self], names: &[&str]) -> Option<&'a Self> {
        let named = |name: &&str| columns.iter().find(|own| own.name.eq_ignore_ascii_case(name));
        names.iter().find_map(named)
    }
}
