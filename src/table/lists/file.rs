use std::path::PathBuf;

use csv::ByteRecord;

use super::selection::ListsSelection;
use super::shards::Shards;
use super::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::table::parquet_file::{ElementKind, PairedLists, ParquetRows};
use crate::table::sample::{ChosenReadouts, SampleColumns, SampleSheet, SheetBuilder};
use crate::table::text::{find_column, whole_file};
use crate::table::wanted::{LeftOut, Wanted};

/// Which columns of a table of lists are read, and what their values are.
#[derive(Debug, Clone, Copy)]
pub struct ListsPart<'a> {
    /// The column whose lists name the readouts, by whole numbers or texts.
    pub readout: &'a str,
    /// The column whose lists hold a value for each of them.
    pub value: &'a str,
    /// Whether values are counts. Then a first value below 0 belongs to a special token and not to a readout
    /// (Tahoe-100M begins its lists with gene 1 and −2), and is left out.
    pub are_counts: bool,
}

/// A table of lists whose schema has been read and whose values have not.
///
/// ```
/// use phenocopy::table::{ListsFile, ListsPart, Shards, Wanted};
///
/// let shards = Shards::find("tests/fixtures/formats/lists-0*.parquet".as_ref())?;
/// let part = ListsPart { readout: "genes", value: "expressions", are_counts: true };
/// let chosen = ListsFile::open(shards, part)?.select(Wanted { readout: &|id| id == "5", ..Wanted::ALL })?;
/// let mut values = Vec::new();
/// chosen.for_each_sample(|cell| {
///     values.push((cell.values[0], cell.total));
///     Ok(())
/// })?;
/// assert_eq!(values[0], (2.0, 20.0));
/// # Ok::<(), phenocopy::Error>(())
/// ```
pub struct ListsFile {
    pub(super) path: PathBuf,
    pub(super) shards: Vec<Shard>,
    pub(super) columns: [String; 2],
    pub(super) are_counts: bool,
}

/// One of the files.
pub(super) struct Shard {
    pub(super) path: PathBuf,
    pub(super) n_rows: usize,
}

impl ListsFile {
    /// Opens the files.
    ///
    /// # Errors
    /// When one of them cannot be read, is no Parquet or is damaged, lacks a column of lists, or names its readouts by numbers
    /// and the first by texts, or the other way round; when they have no rows.
    pub fn open(shards: Shards, part: ListsPart<'_>) -> Result<Self> {
        let mut kind = None;
        let read = |path: PathBuf| {
            let lists = PairedLists::open(&path, part.readout, part.value)?;
            if *kind.get_or_insert(lists.kind()) == lists.kind() {
                let n_rows = lists.n_rows();
                return Ok(Shard { path, n_rows });
            }
            let (one, other) = match lists.kind() {
                ElementKind::Text => ("whole numbers", "texts"),
                _ => ("texts", "whole numbers"),
            };
            let expected = format!("{one} in `{}`, as in the first file", part.readout);
            let advice = "write all files with the same columns";
            Err(whole_file(&path, expected, other, advice))
        };
        let files = shards.files.into_iter().map(read).collect::<Result<Vec<Shard>>>()?;
        if files.iter().all(|shard| shard.n_rows == 0) {
            return Err(whole_file(
                &shards.path,
                "rows",
                "none",
                "check that it is the right file",
            ));
        }
        let columns = [part.readout, part.value].map(str::to_owned);
        Ok(Self { path: shards.path, shards: files, columns, are_counts: part.are_counts })
    }

    /// Returns what the other columns say of the samples, in the order of the rows; only the columns that are needed are read.
    ///
    /// # Errors
    /// When a file is damaged or lacks a column, or a cell cannot be compared with a filter's bound.
    pub fn sample_sheet(&self, columns: SampleColumns<'_>) -> Result<SampleSheet> {
        let Some(first) = self.shards.first() else { return Ok(SampleSheet::default()) };
        let (header, _) = ParquetRows::open_flat(&first.path)?;
        let columns = SampleColumns { id: None, ..columns };
        let mut builder = SheetBuilder::new(&self.path, &header, columns)?;
        let mut needed = builder.needed_columns();
        needed.sort_unstable();
        needed.dedup();
        let names: Vec<&String> = needed.iter().filter_map(|at| header.get(*at)).collect();
        for shard in &self.shards {
            let (own, mut rows) = ParquetRows::open_flat(&shard.path)?;
            let find = |name: &&String| find_column(&shard.path, &own, name);
            rows.choose(&names.iter().map(find).collect::<Result<Vec<usize>>>()?);
            let mut record = ByteRecord::new();
            while rows.read(&mut record)? {
                let place = |at: usize| needed.iter().position(|needed| *needed == at);
                let cell = |at: usize| place(at).and_then(|at| record.get(at)).unwrap_or_default();
                let pushed = builder.push(cell);
                pushed.map_err(|problem| problem.in_row(rows.n_rows()).of_file(&shard.path))?;
            }
        }
        Ok(builder.finish())
    }

    /// Chooses what to read. Which readouts there are is read from all files first: from the dictionaries of the column,
    /// where it has them throughout, else from the column itself.
    ///
    /// # Errors
    /// When a file is damaged.
    pub fn select(self, wanted: Wanted<'_>) -> Result<ListsSelection> {
        let mut vocabulary = Vocabulary::default();
        for shard in &self.shards {
            self.lists(shard)?.for_each_name(|name| vocabulary.learn(name))?;
        }
        let readouts = wanted.readout_positions(&vocabulary.names);
        let n_samples = self.shards.iter().map(|shard| shard.n_rows).sum();
        let samples = wanted.sample_rows(n_samples);
        let left_out = LeftOut {
            samples: n_samples - samples.len(),
            readouts: vocabulary.names.len() - readouts.len(),
        };
        let chosen = ChosenReadouts::new(&vocabulary.names, &readouts);
        Ok(ListsSelection::new(self, samples, vocabulary, chosen, left_out))
    }

    /// Opens one of the files again.
    ///
    /// # Errors
    /// When it changed meanwhile.
    pub(super) fn lists(&self, shard: &Shard) -> Result<PairedLists> {
        let [readout, value] = &self.columns;
        let lists = PairedLists::open(&shard.path, readout, value)?;
        if lists.n_rows() == shard.n_rows {
            return Ok(lists);
        }
        let what = format!("file `{}`", shard.path.display());
        let advice = "wait until whatever writes it is done, and start again";
        Err(Error::data(what, "it changed while it was read", advice))
    }
}
