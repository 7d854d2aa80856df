use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::normalise::NormalisationStep;
use super::samples::Samples;
use super::value_columns::ValueColumns;
use crate::error::{Error, Result};
use crate::experiment::PerturbationType;
use crate::table::{
    AnnotationColumns, Duplicates, NameChain, Orientation, Pattern, RowFilter, RowNames, Shards,
    TextFormat,
};

/// What a dataset is made of: a TOML file that names assays, annotations and how to normalise.
///
/// It is data, not code: the manifest of an index carries it, so that an index can be rebuilt.
///
/// ```
/// use phenocopy::dataset::Recipe;
///
/// let text = r#"
///     name = "tiny"
///     licence = "CC0"
///     readout = "cell line"
///     [[assay]]
///     file = "knockouts.csv"
///     layout = "wide-readout-rows"
///     type = "crispr-knockout"
///     context = "CRISPR"
///     normalisation = ["median-centre", "unit-spread"]
/// "#;
/// let recipe = Recipe::parse(text, "tiny.toml".as_ref())?;
/// assert_eq!(recipe.assays[0].context.as_str(), "CRISPR");
/// assert!(Recipe::parse("nmae = \"typo\"", "bad.toml".as_ref()).is_err());
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Short name, also of the index: `cancer-viability`.
    pub name: String,
    /// What the data are, for people.
    #[serde(default)]
    pub description: String,
    /// Terms of the data, for people.
    #[serde(default)]
    pub licence: String,
    /// What a readout is: `cell line`, `gene`.
    #[serde(rename = "readout")]
    pub readout_kind: String,
    /// Which readouts are kept.
    #[serde(default)]
    pub readouts: ReadoutChoice,
    /// What happens to profiles of one perturbation that collide within one assay.
    #[serde(default)]
    pub duplicates: Duplicates,
    /// Profiles with fewer values at the kept readouts are left out, unless the assay says otherwise.
    #[serde(default = "one")]
    pub min_values: usize,
    /// Steps of each assay that names none, in order.
    #[serde(default)]
    pub normalisation: Vec<NormalisationStep>,
    /// Known compound–target pairs, for evaluation only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// The screens, in the order of their contexts.
    #[serde(rename = "assay", default)]
    pub assays: Vec<Assay>,
    /// Tables with names and knowledge of compounds and genes.
    #[serde(rename = "annotation", default)]
    pub annotations: Vec<AnnotationTable>,
    /// Where the recipe was read from; paths start here unless a data folder is given.
    #[serde(skip)]
    pub path: PathBuf,
}

/// Which readouts of the assays are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadoutChoice {
    /// Those measured in at least one chemical and one genetic assay; all if there is only one side.
    #[default]
    Shared,
    /// All.
    All,
}

/// One screen: a file, how to read it, and how to normalise it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assay {
    /// The file, relative to the data folder; of the layout `lists` several, where `*` stands for any text in the name.
    pub file: PathBuf,
    /// How the file is laid out.
    pub layout: AssayLayout,
    /// What its perturbations are.
    #[serde(rename = "type")]
    pub perturbation_type: PerturbationType,
    /// Where it was measured: a name, or a pattern of the sample table's columns that gives each of their
    /// values a context of its own.
    pub context: Pattern,
    /// The separator, where detection fails.
    #[serde(default, skip_serializing_if = "TextFormat::is_detected")]
    pub format: TextFormat,
    /// Steps in order, in place of the recipe's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalisation: Option<Vec<NormalisationStep>>,
    /// In place of the recipe's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_values: Option<usize>,
    /// In place of the recipe's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Duplicates>,
    /// Columns of a long table, or of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<ValueColumns>,
    /// Which column of a wide table names its rows, where that is not the first, and which hold no values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_names: Option<RowNames>,
    /// Rows of a long table to keep.
    #[serde(default, rename = "filter", skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<RowFilter>,
    /// The matrix of an AnnData file that is read: a layer, or `raw/X`; `X` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// The column of what the file itself knows of its readouts that names them, where that is not their id: of `var`
    /// (h5ad), of the row metadata (GCT, GCTX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readout_column: Option<String>,
    /// A table that says what each sample (signature, well, profile) holds: samples it does not name are
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<Samples>,
    /// Tables that turn the file's perturbation ids into names; ids they do not name stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perturbation_names: Option<NameChain>,
    /// Tables that turn the file's readout ids into names; ids they do not name stay. Readouts that get one name
    /// are one, the mean of them where the recipe averages duplicates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readout_names: Option<NameChain>,
}

impl Assay {
    /// Returns which of its keys contradict each other, if any do.
    fn contradiction(&self) -> Option<&'static str> {
        let is_long = self.layout == AssayLayout::Long;
        let is_h5ad = self.layout == AssayLayout::H5ad;
        let is_lists = self.layout == AssayLayout::Lists;
        let has_cells = is_h5ad || is_lists;
        let knows_readouts =
            matches!(self.layout, AssayLayout::Gct | AssayLayout::Gctx | AssayLayout::H5ad);
        let has_metadata = knows_readouts || is_lists || self.row_names.is_some();
        let columns = self.columns.as_ref();
        let samples = self.samples.as_ref();
        let problems = [
            (
                (is_long || is_lists) != columns.is_some(),
                "`columns` goes with `layout = \"long\"` or `\"lists\"`, and only with them",
            ),
            (
                columns.is_some_and(|columns| columns.perturbation.is_some() != is_long),
                "`columns.perturbation` goes with `layout = \"long\"` and only with it: of lists it is that of `[assay.samples]`",
            ),
            (
                !is_lists && Shards::are_named_by(&self.file),
                "only `layout = \"lists\"` takes several files by `*`: write an assay for each of them, with a context of its own",
            ),
            (
                !is_long && !self.filters.is_empty(),
                "only long tables have a `filter`; samples have `[[assay.samples.filter]]`",
            ),
            (
                self.layout.orientation().is_none() && self.row_names.is_some(),
                "only wide tables have `row_names`",
            ),
            (
                self.samples.is_none() && !self.context.is_fixed(),
                "columns in its `context` are those of `[assay.samples]`, which it lacks",
            ),
            (
                samples.is_some_and(|samples| samples.perturbation.is_fixed()),
                "`samples.perturbation` names no column: write it as `{column}`",
            ),
            (
                samples.is_some_and(|samples| samples.file.is_none()) && !has_metadata,
                "`samples.file` is left out, and its layout holds no sample table",
            ),
            (
                has_cells && samples.is_none_or(|samples| samples.file.is_some()),
                "the layouts `h5ad` and `lists` go with `[assay.samples]` without a `file`: the sample table is `obs`, or the other columns",
            ),
            (!is_h5ad && self.layer.is_some(), "only `layout = \"h5ad\"` has a `layer`"),
            (
                !knows_readouts && self.readout_column.is_some(),
                "only the layouts `gct`, `gctx` and `h5ad` have a `readout_column`",
            ),
            (
                !has_cells && samples.is_some_and(Samples::are_counts),
                "`samples.values = \"counts\"` goes with the layouts `h5ad` and `lists`: the depth of a sample is the sum over all readouts",
            ),
        ];
        let problems = problems.into_iter().find(|(is_wrong, _)| *is_wrong);
        problems.map(|(_, problem)| problem).or_else(|| samples?.contradiction())
    }
}

/// How a file of values is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssayLayout {
    /// A matrix: a row is a readout, a column a perturbation.
    WideReadoutRows,
    /// A matrix: a row is a perturbation, a column a readout.
    WidePerturbationRows,
    /// A table with one value in each row.
    Long,
    /// CMap's GCT 1.2 or 1.3: a row is a readout, a column a sample.
    Gct,
    /// CMap's GCTX 1.0, in HDF5.
    Gctx,
    /// AnnData, in HDF5: a row is a cell or another sample, a column a readout.
    H5ad,
    /// Parquet, in one file or several: a row is a cell or another sample, with a list of readouts and one of values.
    Lists,
}

impl AssayLayout {
    /// Returns which way a matrix of text lies; none for other layouts.
    #[must_use]
    pub fn orientation(self) -> Option<Orientation> {
        match self {
            Self::WideReadoutRows => Some(Orientation::ReadoutRows),
            Self::WidePerturbationRows => Some(Orientation::PerturbationRows),
            Self::Long | Self::Gct | Self::Gctx | Self::H5ad | Self::Lists => None,
        }
    }
}

/// What the agents of an annotation table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    /// Compounds.
    Compound,
    /// Genes; synonyms are aliases and previous symbols.
    Gene,
    /// Readouts, for instance cell lines: what else they are called. Where readouts are genes and no such table is
    /// named, those of genes serve.
    Readout,
}

/// One annotation table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationTable {
    /// What its rows are about.
    #[serde(rename = "for")]
    pub agents: AgentKind,
    /// The file, relative to the data folder.
    pub file: PathBuf,
    /// The separator of columns, where detection fails.
    #[serde(default, skip_serializing_if = "TextFormat::is_detected")]
    pub format: TextFormat,
    /// What separates the values of a list in a cell.
    #[serde(default = "bar")]
    pub list_separator: String,
    /// Which columns hold what.
    pub columns: AnnotationColumns,
}

fn one() -> usize {
    1
}

fn bar() -> String {
    "|".to_owned()
}

impl Recipe {
    /// Reads a recipe from a TOML file.
    ///
    /// # Errors
    /// When the file cannot be read or [`Recipe::parse`] refuses it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
        Self::parse(&text, path)
    }

    /// Reads a recipe from text; `path` is where it came from.
    ///
    /// # Errors
    /// Names the line of a key that is unknown, missing or of the wrong kind, and an assay whose
    /// keys contradict each other.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let refuse = |error: &toml::de::Error| {
            let line = error.span().and_then(|span| text.get(..span.start));
            let line = line.map_or(String::new(), |before| {
                format!("line {}: ", before.matches('\n').count() + 1)
            });
            recipe_error(path, format!("{line}{}", error.message().replace('\n', " ")))
        };
        let mut recipe: Self = toml::from_str(text).map_err(|error| refuse(&error))?;
        recipe.path = path.to_path_buf();
        recipe.check()?;
        Ok(recipe)
    }

    /// Returns the recipe as TOML: what [`Recipe::parse`] reads back.
    ///
    /// # Errors
    /// When the recipe cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(Error::engine("toml", "write the recipe"))
    }

    /// Returns the folder that paths are relative to when no data folder is given.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Returns the text tables that it names, each once, with how they are written: values first, then tables of
    /// samples and names, then annotations.
    pub fn files(&self) -> impl Iterator<Item = (&Path, TextFormat)> {
        let assays = self.assays.iter().map(|assay| (&assay.file, assay.format));
        let samples = self.assays.iter().filter_map(|assay| assay.samples.as_ref());
        let samples = samples.filter_map(|samples| Some((samples.file.as_ref()?, samples.format)));
        let names = self.assays.iter().flat_map(|a| [&a.perturbation_names, &a.readout_names]);
        let names = names.flatten().flat_map(|chain| &chain.0);
        let names = names.map(|names| (&names.file, names.format));
        let annotations = self.annotations.iter().map(|table| (&table.file, table.format));
        let mut seen = HashSet::new();
        let all = assays.chain(samples).chain(names).chain(annotations);
        all.map(|(file, format)| (file.as_path(), format))
            .filter(move |(file, _)| seen.insert(*file))
    }

    /// Returns whether its readouts are genes.
    #[must_use]
    pub fn reads_genes(&self) -> bool {
        self.readout_kind.to_lowercase().contains("gene")
    }

    /// Returns the normalisation steps of an assay.
    #[must_use]
    pub fn steps<'a>(&'a self, assay: &'a Assay) -> &'a [NormalisationStep] {
        assay.normalisation.as_deref().unwrap_or(&self.normalisation)
    }

    /// Returns the assay that a context is of: the one of that name, else the one whose pattern says most of it.
    #[must_use]
    pub fn assay_of(&self, context: &str) -> Option<&Assay> {
        let fitting = self.assays.iter().filter(|assay| assay.context.fits(context));
        fitting.max_by_key(|assay| (assay.context.is_fixed(), assay.context.n_fixed()))
    }

    fn check(&self) -> Result<()> {
        let problem = |problem: String| Err(recipe_error(&self.path, problem));
        if self.name.trim().is_empty() {
            return problem("`name` is empty".into());
        }
        if self.assays.is_empty() {
            return problem("there is no `[[assay]]`".into());
        }
        for (position, assay) in self.assays.iter().enumerate() {
            let context = &assay.context;
            if self.assays.iter().take(position).any(|other| other.context == *context) {
                return problem(format!("two assays have the context `{context}`"));
            }
            if let Some(contradiction) = assay.contradiction() {
                return problem(format!("assay `{context}`: {contradiction}"));
            }
        }
        for table in &self.annotations {
            if table.columns.name.is_empty() || table.list_separator.is_empty() {
                return problem(format!(
                    "annotation `{}` needs `columns.name` and a `list_separator`",
                    table.file.display()
                ));
            }
        }
        Ok(())
    }
}

fn recipe_error(path: &Path, problem: String) -> Error {
    let advice = "correct the recipe; data/README.md describes every key".into();
    Error::Recipe { path: path.to_path_buf(), problem, advice }
}
