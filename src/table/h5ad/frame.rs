use crate::error::{Error, Result};
use crate::table::hdf5::{Hdf5, Node};
use crate::table::text::{find_column, whole_file};

/// A data frame of an AnnData file: `obs` describes its rows, `var` its columns.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    file: &'a Hdf5,
    group: &'a str,
    /// How many rows it has.
    pub(super) n_rows: usize,
}

/// A column of a frame, as texts.
pub(super) enum Column {
    /// A code of each row (negative where nothing is known) and what the codes mean.
    Categorical { codes: Vec<i32>, categories: Vec<String> },
    /// A text of each row.
    Texts(Vec<String>),
}

impl Column {
    /// Returns a row's text; empty if it is not known.
    pub(super) fn cell(&self, row: usize) -> &str {
        let text = match self {
            Self::Categorical { codes, categories } => {
                let code = codes.get(row).and_then(|code| usize::try_from(*code).ok());
                code.and_then(|code| categories.get(code))
            }
            Self::Texts(texts) => texts.get(row),
        };
        text.map_or("", String::as_str)
    }

    /// Returns a code that means nothing.
    fn wrong_code(&self) -> Option<String> {
        let Self::Categorical { codes, categories } = self else { return None };
        let is_wrong = |code: &&i32| usize::try_from(**code).is_ok_and(|at| at >= categories.len());
        codes.iter().find(is_wrong).map(i32::to_string)
    }
}

/// Where anndata 0.7 put what codes mean.
const OLD_CATEGORIES: &str = "__categories";

impl<'a> Frame<'a> {
    /// Finds a frame.
    ///
    /// # Errors
    /// When the file has none, or one that anndata older than 0.7 wrote: a compound dataset.
    pub(super) fn new(file: &'a Hdf5, group: &'a str) -> Result<Self> {
        match file.node(group)? {
            Some(Node::Group) => {
                let frame = Self { file, group, n_rows: 0 };
                Ok(Self { n_rows: frame.count_rows()?, ..frame })
            }
            Some(Node::Dataset) => Err(whole_file(
                file.path(),
                format!("`{group}` as a group, which anndata 0.7 and later write"),
                "a dataset of records",
                "read the file with a current anndata and write it again",
            )),
            None => Err(whole_file(
                file.path(),
                format!("an AnnData file with `{group}`"),
                "none",
                "check that it is a .h5ad file",
            )),
        }
    }

    /// Returns the names of its columns, the index among them.
    pub(super) fn columns(&self) -> Result<Vec<String>> {
        let names = self.file.members(self.group)?.into_iter().map(|(name, _)| name);
        Ok(names.filter(|name| name != OLD_CATEGORIES).collect())
    }

    /// Reads a column that a recipe names.
    ///
    /// # Errors
    /// When there is none of this name, with a suggestion, and as [`Frame::read`].
    pub(super) fn read_named(&self, name: &str) -> Result<Column> {
        find_column(self.file.path(), &self.columns()?, name)?;
        self.read(name)
    }

    /// Returns the name of the column that names its rows.
    pub(super) fn index(&self) -> String {
        let named = self.file.text_attribute(self.group, "_index");
        named.unwrap_or_else(|| "_index".to_owned())
    }

    /// Counts the rows by its index.
    fn count_rows(&self) -> Result<usize> {
        let path = self.path(&self.index());
        match self.file.node(&path)? {
            Some(Node::Group) => {
                let [codes, values] = ["codes", "values"].map(|part| format!("{path}/{part}"));
                let is_nullable = self.file.node(&values)?.is_some();
                self.file.length(if is_nullable { &values } else { &codes })
            }
            _ => self.file.length(&path),
        }
    }

    /// Reads a column: texts, numbers, booleans (`True`, `False`), categories, and the nullable ones of these.
    ///
    /// # Errors
    /// When it is of another kind, has more or fewer values than there are rows, or is damaged.
    pub(super) fn read(&self, name: &str) -> Result<Column> {
        let column = self.read_any(name)?;
        let Some(code) = column.wrong_code() else { return Ok(column) };
        let expected = format!("codes of categories in `{}`", self.path(name));
        let advice = "the file is damaged: write it again";
        Err(whole_file(self.file.path(), expected, code, advice))
    }

    fn read_any(&self, name: &str) -> Result<Column> {
        let path = self.path(name);
        if self.file.node(&path)? == Some(Node::Group) {
            let parts = self.file.columns(&path)?;
            let has = |part: &str| parts.iter().any(|own| own == part);
            return if has("codes") && has("categories") {
                self.categorical(&format!("{path}/codes"), &format!("{path}/categories"))
            } else if has("values") && has("mask") {
                self.nullable(&path)
            } else {
                Err(self.unknown(name, &parts))
            };
        }
        let categories = format!("{}/{OLD_CATEGORIES}/{name}", self.group);
        if self.file.node(&categories)?.is_some() {
            return self.categorical(&path, &categories);
        }
        Ok(Column::Texts(self.file.texts_of(&path, self.n_rows)?))
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.group)
    }

    fn categorical(&self, codes: &str, categories: &str) -> Result<Column> {
        let categories = self.file.texts(categories)?;
        let codes = self.file.numbers_of(codes, self.n_rows)?;
        let codes = codes.into_iter().map(|code| code as i32).collect();
        Ok(Column::Categorical { codes, categories })
    }

    fn nullable(&self, path: &str) -> Result<Column> {
        let mut values = self.file.texts_of(&format!("{path}/values"), self.n_rows)?;
        let mask = self.file.texts_of(&format!("{path}/mask"), self.n_rows)?;
        for (value, _) in values.iter_mut().zip(&mask).filter(|(_, is_masked)| *is_masked == "True")
        {
            value.clear();
        }
        Ok(Column::Texts(values))
    }

    fn unknown(&self, name: &str, parts: &[String]) -> Error {
        whole_file(
            self.file.path(),
            format!("text, numbers, booleans or categories in `{}`", self.path(name)),
            format!("a group of {}", parts.join(", ")),
            "write the column again as one of these",
        )
    }
}
