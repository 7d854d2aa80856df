use std::ops::Range;

use super::sparse::Sparse;
use crate::error::Result;
use crate::table::hdf5::{Hdf5, Hdf5Matrix, Node};
use crate::table::sample::Visit;
use crate::table::text::whole_file;

/// The matrix of an AnnData file.
pub(super) enum Values {
    Dense(Hdf5Matrix),
    /// CSR: the entries of a row lie together.
    Rows(Sparse),
    /// CSC: the entries of a column lie together.
    Columns(Sparse),
}

impl Values {
    /// Finds a matrix.
    ///
    /// # Errors
    /// When there is none of this name, or it is of another kind.
    pub(super) fn open(file: &Hdf5, path: &str) -> Result<Self> {
        match file.node(path)? {
            Some(Node::Dataset) => file.matrix(path).map(Self::Dense),
            Some(Node::Group) => Self::open_sparse(file, path),
            None => {
                let layers = layer_names(file)?.into_iter().map(|name| format!("`{name}`"));
                let layers: Vec<String> = layers.collect();
                let received = format!("none; its layers are: {}", layers.join(", "));
                let advice = "correct the `layer` in the recipe, or leave it out to read `X`";
                Err(whole_file(file.path(), format!("a matrix `{path}`"), received, advice))
            }
        }
    }

    fn open_sparse(file: &Hdf5, path: &str) -> Result<Self> {
        // anndata 0.7 and later; h5sparse of earlier ones.
        let encoding = file.text_attribute(path, "encoding-type");
        let encoding = encoding.or_else(|| file.text_attribute(path, "h5sparse_format"));
        let encoding = encoding.unwrap_or_default();
        let shape = file.count_attribute(path, "shape");
        let shape = shape.or_else(|| file.count_attribute(path, "h5sparse_shape"));
        let shape = match shape.as_deref() {
            Some(&[n_rows, n_columns]) => Some([n_rows, n_columns]),
            _ => None,
        };
        match (encoding.as_str(), shape) {
            ("csr_matrix" | "csr", Some(shape)) => {
                Sparse::open(file, path, shape, 0).map(Self::Rows)
            }
            ("csc_matrix" | "csc", Some(shape)) => {
                Sparse::open(file, path, shape, 1).map(Self::Columns)
            }
            _ => {
                let expected = format!("a dense, CSR or CSC matrix in `{path}`");
                let received = format!("a group of encoding `{encoding}`");
                let advice = "write the matrix again as one of these";
                Err(whole_file(file.path(), expected, received, advice))
            }
        }
    }

    /// Returns how many rows and columns there are.
    pub(super) fn shape(&self) -> [usize; 2] {
        match self {
            Self::Dense(matrix) => matrix.shape,
            Self::Rows(sparse) | Self::Columns(sparse) => sparse.shape,
        }
    }

    pub(super) fn storage(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Rows(_) => "CSR",
            Self::Columns(_) => "CSC",
        }
    }

    /// Reads some of the first stored values: 65,536, of a dense matrix rounded to whole rows.
    pub(super) fn read_first(&self) -> Result<Vec<f32>> {
        const MOST: usize = 1 << 16;
        match self {
            Self::Dense(matrix) => {
                let [n_rows, n_columns] = matrix.shape;
                let n_read = n_rows.min((MOST / n_columns.max(1)).max(1));
                matrix.read(0..n_read, &(0..n_columns).collect::<Vec<usize>>())
            }
            Self::Rows(sparse) | Self::Columns(sparse) => sparse.read_first(MOST),
        }
    }

    /// Calls `visit(column, value)` for each stored value of each row (sorted), then `end()`.
    ///
    /// Held at a time: of a dense matrix 2^21 values (a row, if it is longer); of CSR 2^22 entries; of CSC 2^25 entries, for which
    /// the whole matrix is passed over once for the counts and then once for each 2^25 entries of the rows.
    pub(super) fn for_each_row(&self, rows: &[usize], visit: &mut impl Visit) -> Result<()> {
        match self {
            Self::Dense(matrix) => for_each_dense_row(matrix, rows, visit),
            Self::Rows(sparse) => sparse.for_each_row(rows, visit),
            Self::Columns(sparse) => sparse.for_each_row_by_columns(rows, visit),
        }
    }
}

/// Returns the names of the layers beside `X`, as recipes name them: `raw/X` is the last.
pub(super) fn layer_names(file: &Hdf5) -> Result<Vec<String>> {
    const RAW: &str = "raw/X";
    let layers = file.members("layers").unwrap_or_default().into_iter().map(|(name, _)| name);
    let raw = file.node(RAW)?.map(|_| RAW.to_owned());
    Ok(layers.chain(raw).collect())
}

fn for_each_dense_row(matrix: &Hdf5Matrix, rows: &[usize], visit: &mut impl Visit) -> Result<()> {
    let [_, n_columns] = matrix.shape;
    let columns: Vec<usize> = (0..n_columns).collect();
    let block = matrix.block(0, n_columns);
    for rows in rows.chunk_by(|one, other| one / block == other / block) {
        let Some(range) = span(rows) else { continue };
        let values = matrix.read(range.clone(), &columns)?;
        for row in rows {
            let start = (row - range.start) * n_columns;
            let values = values.get(start..start + n_columns).unwrap_or_default();
            values.iter().enumerate().for_each(|(column, value)| visit.value(column, *value));
            visit.end()?;
        }
    }
    Ok(())
}

/// Returns the range from the first to the last of sorted rows.
pub(super) fn span(rows: &[usize]) -> Option<Range<usize>> {
    Some(*rows.first()?..rows.last()? + 1)
}
