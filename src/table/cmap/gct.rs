use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::table::matrix::{Positions, read_readout_rows};
use crate::table::measurements::Measurements;
use crate::table::sample::{SampleColumns, SampleSheet, SheetBuilder};
use crate::table::text::UnixLines;
use crate::table::text::{Rows, broken_stream, find_column, open_text, whole_file};
use crate::table::text::{TextFormat, TextWriting, Writing};
use crate::table::wanted::Wanted;

/// A GCT file (1.2 or 1.3, plain or gzip) whose head has been read: rows are readouts, columns samples.
///
/// ```
/// use phenocopy::table::{GctFile, Wanted};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("small.gct");
/// std::fs::write(&path, "#1.2\n1\t2\nNAME\tDescription\tS1\tS2\nBRAF\tna\t0.5\t-666\n").unwrap();
/// let read = GctFile::open(&path)?.read(None, Wanted::ALL)?;
/// assert_eq!(read.perturbations, ["S1", "S2"]);
/// assert_eq!(read.n_values(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct GctFile {
    path: PathBuf,
    rows: Rows,
    n_readouts: usize,
    /// Columns before the values: ids and row metadata.
    n_leading: usize,
    samples: Vec<String>,
    /// Each column of sample metadata: its name and a value per sample.
    metadata: Vec<(String, Vec<String>)>,
}

/// The counts in the second line of a GCT file.
struct Shape {
    n_readouts: usize,
    n_samples: usize,
    /// Columns of readout metadata, between the names and the values.
    n_readout_metadata: usize,
    /// Rows of sample metadata, between the header and the values.
    n_sample_metadata: usize,
}

impl GctFile {
    /// Opens a file and reads its head: counts, samples and what it says of them.
    ///
    /// # Errors
    /// When the file cannot be read, is no GCT, or its header does not fit its counts.
    pub fn open(path: &Path) -> Result<Self> {
        let (mut text, writing) = open_text(path)?;
        let shape = Shape::read(path, &mut text)?;
        let writing = Writing::Text(TextWriting { separator: TextFormat::Tab, ..writing });
        let mut rows = Rows::of(path, Box::new(UnixLines::new(text)), writing, 2)?;
        let n_leading = 1 + shape.n_readout_metadata;
        let samples = rows.header().get(n_leading..).unwrap_or_default().to_vec();
        if samples.len() != shape.n_samples {
            return Err(whole_file(
                path,
                format!("{} samples in the header, as the second line says", shape.n_samples),
                samples.len().to_string(),
                "correct the second line, or write the file again",
            ));
        }
        let mut metadata = Vec::with_capacity(shape.n_sample_metadata);
        while metadata.len() < shape.n_sample_metadata {
            let Some(mut row) = rows.next_row()? else { return Err(too_short(path)) };
            let values = row.split_off(n_leading.min(row.len()));
            metadata.push((row.into_iter().next().unwrap_or_default(), values));
        }
        let (path, n_readouts) = (path.to_path_buf(), shape.n_readouts);
        Ok(Self { path, rows, n_readouts, n_leading, samples, metadata })
    }

    /// Returns what the file's own metadata say of its samples; their names are the column `id`.
    ///
    /// # Errors
    /// When a column is missing, or a cell cannot be compared with a filter's bound.
    pub fn sample_sheet(&self, columns: SampleColumns<'_>) -> Result<SampleSheet> {
        let mut header = vec!["id".to_owned()];
        header.extend(self.metadata.iter().map(|(name, _)| name.clone()));
        let values = |at: usize| match at.checked_sub(1) {
            None => Some(&self.samples),
            Some(at) => self.metadata.get(at).map(|(_, values)| values),
        };
        let mut builder = SheetBuilder::new(&self.path, &header, columns)?;
        for sample in 0..self.samples.len() {
            let cell = |at| values(at).and_then(|values| values.get(sample));
            let pushed = builder.push(|at| cell(at).map_or(&[], |cell: &String| cell.as_bytes()));
            pushed.map_err(|problem| problem.of_file(&self.path))?;
        }
        Ok(builder.finish())
    }

    /// Reads what is wanted of the values. Readouts are called by their ids, or by what a column of the row metadata
    /// calls them where it does.
    ///
    /// # Errors
    /// As [`read_matrix`](crate::table::read_matrix), when there is no such column, and when there are not as many rows as the head says.
    pub fn read(
        mut self,
        readout_column: Option<&str>,
        wanted: Wanted<'_>,
    ) -> Result<Measurements> {
        let metadata = self.rows.header().get(..self.n_leading).unwrap_or_default();
        let column = readout_column.map(|column| find_column(&self.path, metadata, column));
        let positions =
            Positions::last(&self.rows, self.samples.len()).named_by(column.transpose()?);
        let read = read_readout_rows(&mut self.rows, &self.samples, &positions, wanted)?;
        let n_rows = read.n_readouts() + read.left_out.readouts;
        if n_rows == self.n_readouts {
            return Ok(read);
        }
        let expected = format!("{} rows of values, as the second line says", self.n_readouts);
        let advice = "fetch or write the file again";
        Err(whole_file(&self.path, expected, n_rows.to_string(), advice))
    }
}

impl Shape {
    /// Reads the first two lines.
    fn read(path: &Path, text: &mut impl BufRead) -> Result<Self> {
        let version = read_line(path, text)?;
        let is_old = version == "#1.2";
        if !is_old && version != "#1.3" {
            let received: String = version.chars().take(40).collect();
            let received = format!("`{}`", received.replace(char::is_control, " "));
            let advice = "write the file as GCT, or correct the `layout` in the recipe";
            return Err(whole_file(path, "`#1.2` or `#1.3` in the first line", received, advice));
        }
        let line = read_line(path, text)?;
        let counts: Vec<Option<usize>> =
            line.split_whitespace().map(|count| count.parse().ok()).collect();
        let shape = match *counts.as_slice() {
            [Some(n_readouts), Some(n_samples)] if is_old => {
                Some(Self { n_readouts, n_samples, n_readout_metadata: 1, n_sample_metadata: 0 })
            }
            [Some(n_readouts), Some(n_samples), Some(readout), Some(sample)] if !is_old => {
                let (n_readout_metadata, n_sample_metadata) = (readout, sample);
                Some(Self { n_readouts, n_samples, n_readout_metadata, n_sample_metadata })
            }
            _ => None,
        };
        let n_counts = if is_old { 2 } else { 4 };
        shape.ok_or_else(|| {
            let expected = format!("{n_counts} counts in the second line");
            whole_file(path, expected, format!("`{line}`"), "write the file again as GCT")
        })
    }
}

/// Reads a short line, without its end.
fn read_line(path: &Path, text: &mut impl BufRead) -> Result<String> {
    /// No version and no counts are longer; a file of another kind may have no line end at all.
    const LONGEST: u64 = 1 << 10;
    let mut line = Vec::new();
    let read = text.by_ref().take(LONGEST).read_until(b'\n', &mut line);
    read.map_err(|error| broken_stream(path, None, &error))?;
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}

fn too_short(path: &Path) -> crate::error::Error {
    whole_file(
        path,
        "as many rows of sample metadata as the second line says",
        "fewer rows",
        "fetch or write the file again",
    )
}
