use std::path::{Path, PathBuf};

use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions};

use super::array::Hdf5Array;
use super::element::for_element;
use super::error::{hdf5_error, is_absent, refuse_other_than};
use super::lzf;
use super::matrix::Hdf5Matrix;
use crate::error::{Error, Result};
use crate::table::text::whole_file;

/// An open file.
pub(in crate::table) struct Hdf5 {
    path: PathBuf,
    file: Hdf5File,
}

/// What an object in a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::table) enum Node {
    Group,
    Dataset,
}

impl Hdf5 {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, is no HDF5, or ends too early.
    pub(in crate::table) fn open(path: &Path) -> Result<Self> {
        /// What a damaged shape may ask for at once; blocks of whole files are far smaller.
        const MOST_BYTES: usize = 1 << 32;
        let mut options = OpenOptions::default().with_max_read_bytes(MOST_BYTES);
        options.filter_registry = Some(lzf::filters());
        let file = Hdf5File::open_with_options(path, options)
            .map_err(|error| hdf5_error(path, "the file", error))?;
        let (end, length) = (file.superblock().eof_address, file.storage().len());
        if length < end {
            let received = format!("{length} bytes of {end}");
            let advice = "fetch or write the file again";
            return Err(whole_file(path, "a whole HDF5 file", received, advice));
        }
        Ok(Self { path: path.to_path_buf(), file })
    }

    pub(in crate::table) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the names of a group's members, and what they are: groups first.
    pub(in crate::table) fn members(&self, group: &str) -> Result<Vec<(String, Node)>> {
        let names = self.file.group(group).and_then(|group| group.member_names());
        let (groups, datasets) = names.map_err(self.refuse(group))?;
        let groups = groups.into_iter().map(|name| (name, Node::Group));
        Ok(groups.chain(datasets.into_iter().map(|name| (name, Node::Dataset))).collect())
    }

    /// Returns the names of a group's datasets.
    pub(in crate::table) fn columns(&self, group: &str) -> Result<Vec<String>> {
        let members = self.members(group)?.into_iter();
        Ok(members.filter(|(_, node)| *node == Node::Dataset).map(|(name, _)| name).collect())
    }

    /// Returns what lies at a path; none if nothing does.
    pub(in crate::table) fn node(&self, path: &str) -> Result<Option<Node>> {
        let found = |node, error: Option<hdf5_reader::error::Error>| match error {
            None => Ok(Some(node)),
            Some(error) if is_absent(&error) => Ok(None),
            Some(error) => Err(hdf5_error(&self.path, path, error)),
        };
        match found(Node::Group, self.file.group(path).err())? {
            None => found(Node::Dataset, self.file.dataset(path).err()),
            group => Ok(group),
        }
    }

    /// Returns a group's attribute of one text; none if it has no such attribute.
    pub(in crate::table) fn text_attribute(&self, group: &str, name: &str) -> Option<String> {
        self.file.group(group).and_then(|group| group.attribute(name)?.read_string()).ok()
    }

    /// Returns a group's attribute of whole numbers; none if it has no such attribute.
    pub(in crate::table) fn count_attribute(&self, group: &str, name: &str) -> Option<Vec<usize>> {
        let attribute = self.file.group(group).and_then(|group| group.attribute(name)).ok()?;
        #[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "one line for ten types")]
        let counts = for_element!(&attribute.datatype, Element => {
            let counts = attribute.read_1d::<Element>().ok()?;
            counts.into_iter().map(|count| count as i64).collect::<Vec<_>>()
        }, else return None);
        counts.into_iter().map(|count| usize::try_from(count).ok()).collect()
    }

    /// Returns how long a dataset is.
    pub(in crate::table) fn length(&self, name: &str) -> Result<usize> {
        let dataset = self.dataset(name)?;
        let length = dataset.num_elements().map_err(self.refuse(name))?;
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Returns a dataset of strings (of fixed or variable length), numbers or booleans (`True`, `False`) as texts,
    /// blanks trimmed.
    pub(in crate::table) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let dataset = self.dataset(name)?;
        let texts = match dataset.dtype() {
            Datatype::Enum { base, .. }
                if matches!(**base, Datatype::FixedPoint { size: 1, .. }) =>
            {
                dataset.read_raw_bytes().map(|bytes| bytes.into_iter().map(boolean).collect())
            }
            datatype => for_element!(datatype, Element => {
                let values = dataset.read_array::<Element>();
                values.map(|values| values.iter().map(ToString::to_string).collect())
            }, else dataset.read_strings()),
        };
        let trimmed = |text: String| text.trim_matches([' ', '\0', '\t', '\r', '\n']).to_owned();
        let texts: Vec<String> = texts.map_err(self.refuse(name))?;
        Ok(texts.into_iter().map(trimmed).collect())
    }

    /// Returns the texts of a dataset that has one for each of `n` rows, as [`Hdf5::texts`].
    ///
    /// # Errors
    /// When it has more or fewer, or is damaged.
    pub(in crate::table) fn texts_of(&self, name: &str, n: usize) -> Result<Vec<String>> {
        let texts = self.texts(name)?;
        refuse_other_than(&self.path, name, n, texts.len())?;
        Ok(texts)
    }

    /// Returns the numbers of a dataset that has one for each of `n` rows.
    ///
    /// # Errors
    /// When it has more or fewer, or is damaged.
    pub(in crate::table) fn numbers_of(&self, name: &str, n: usize) -> Result<Vec<f64>> {
        let array = self.array(name)?;
        refuse_other_than(&self.path, name, n, array.length)?;
        array.read(0..n)
    }

    /// Returns a matrix, whose values are read when they are asked for.
    pub(in crate::table) fn matrix(&self, name: &str) -> Result<Hdf5Matrix> {
        Hdf5Matrix::new(&self.path, name, self.dataset(name)?)
    }

    /// Returns a row of numbers, which are read when they are asked for.
    pub(in crate::table) fn array(&self, name: &str) -> Result<Hdf5Array> {
        Hdf5Array::new(&self.path, name, self.dataset(name)?)
    }

    fn dataset(&self, name: &str) -> Result<Dataset> {
        self.file.dataset(name).map_err(self.refuse(name))
    }

    fn refuse<'a>(&'a self, part: &'a str) -> impl Fn(hdf5_reader::error::Error) -> Error + 'a {
        move |error| hdf5_error(&self.path, part, error)
    }
}

/// Returns a boolean as pandas writes it.
fn boolean(byte: u8) -> String {
    if byte == 0 { "False" } else { "True" }.to_owned()
}
