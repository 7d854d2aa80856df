use std::io::{self, Write};

use npyz::{WriteOptions, WriterBuilder};

/// A matrix of f32 that is written row by row as a NumPy array (`.npy`, C order, little-endian).
///
/// ```
/// use phenocopy::table::NpyMatrix;
///
/// let mut bytes = Vec::new();
/// let mut matrix = NpyMatrix::new(&mut bytes, [2, 3])?;
/// matrix.push(&[1.0, 2.0, 3.0])?;
/// matrix.push(&[4.0, 5.0, 6.0])?;
/// matrix.finish()?;
/// assert!(bytes.starts_with(b"\x93NUMPY") && bytes.ends_with(&6.0_f32.to_le_bytes()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct NpyMatrix<W: Write>(npyz::NpyWriter<f32, W>);

impl<W: Write> NpyMatrix<W> {
    /// Begins a matrix of so many rows and columns.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(out: W, [n_rows, n_columns]: [usize; 2]) -> io::Result<Self> {
        let shape = [n_rows as u64, n_columns as u64];
        WriteOptions::new().default_dtype().shape(&shape).writer(out).begin_nd().map(Self)
    }

    /// Adds a row: a number for each column.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn push(&mut self, row: &[f32]) -> io::Result<()> {
        row.iter().try_for_each(|number| self.0.push(number))
    }

    /// Ends the matrix.
    ///
    /// # Errors
    /// When the output cannot be written, or there are more or fewer numbers than the shape says.
    pub fn finish(self) -> io::Result<()> {
        self.0.finish()
    }
}
