use super::file::ListsFile;
use super::vocabulary::Vocabulary;
use crate::error::Result;
use crate::table::parquet_file::Element;
use crate::table::sample::{ChosenReadouts, SampleRow, SampleValues, Visit};
use crate::table::wanted::LeftOut;

/// The samples and readouts of a table of lists that are wanted.
pub struct ListsSelection {
    file: ListsFile,
    vocabulary: Vocabulary,
    /// The rows of the samples, counted over all files, in the order in which they are read.
    pub samples: Vec<usize>,
    /// The names of the readouts.
    pub readout_names: Vec<String>,
    /// What was not wanted.
    pub left_out: LeftOut,
    /// The place of each name of the vocabulary among the wanted readouts.
    places: Vec<Option<u32>>,
}

/// What there is to tell of the values that were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListsRead {
    /// Infinite values that were taken for missing ones.
    pub n_infinite: u64,
    /// Samples whose first value was that of a special token.
    pub n_tokens: u64,
}

impl ListsSelection {
    pub(super) fn new(
        file: ListsFile,
        samples: Vec<usize>,
        vocabulary: Vocabulary,
        chosen: ChosenReadouts,
        left_out: LeftOut,
    ) -> Self {
        let ChosenReadouts { names, places } = chosen;
        Self { file, vocabulary, samples, readout_names: names, left_out, places }
    }

    /// Calls `visit` for each sample: a readout that is not listed is 0, and one that is listed twice has the sum of its
    /// values. At a time some rows are held (2^20 elements, or one row, if it is longer), and pages of their two columns.
    ///
    /// # Errors
    /// When a file is damaged, lists of a row are missing or of different lengths, or one names no readout; the first error
    /// of `visit`, which ends the reading.
    pub fn for_each_sample(
        &self,
        visit: impl FnMut(SampleValues<'_>) -> Result<()>,
    ) -> Result<ListsRead> {
        let row = SampleRow::new(&self.places, self.readout_names.len(), visit);
        let drops_token = self.file.are_counts;
        let mut visit = TokenFree { row, drops_token, is_first: true, n_tokens: 0 };
        let (mut left, mut start) = (self.samples.as_slice(), 0);
        for shard in &self.file.shards {
            let end = start + shard.n_rows;
            let (own, others) = left.split_at(left.partition_point(|row| *row < end));
            left = others;
            if !own.is_empty() {
                let rows: Vec<usize> = own.iter().map(|row| row - start).collect();
                // What came into a file after the vocabulary was read is at no place.
                let position =
                    |name: Element<'_>| self.vocabulary.position(name).unwrap_or(self.places.len());
                self.file.lists(shard)?.for_each_row(&rows, position, &mut visit)?;
            }
            start = end;
        }
        Ok(ListsRead { n_infinite: visit.row.n_infinite, n_tokens: visit.n_tokens })
    }
}

/// Rows without the special token that they begin with.
struct TokenFree<V> {
    row: V,
    drops_token: bool,
    is_first: bool,
    n_tokens: u64,
}

impl<V: Visit> Visit for TokenFree<V> {
    fn value(&mut self, column: usize, value: f32) {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if self.drops_token && is_first && value < 0.0 {
            self.n_tokens += 1;
        } else {
            self.row.value(column, value);
        }
    }

    fn end(&mut self) -> Result<()> {
        self.is_first = true;
        self.row.end()
    }
}
