use std::collections::BTreeSet;
use std::path::Path;

use csv::ByteRecord;
use serde::Serialize;

use crate::error::Result;
use crate::table::h5ad::{ObsColumn, ValuesForm};
use crate::table::name::is_missing;
use crate::table::parquet_file::{ElementKind, ListName, PairedLists, ParquetRows, list_names};
use crate::table::sample::Visit;

/// What a Parquet file with lists holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListsForm {
    /// Rows: cells or profiles.
    pub n_samples: usize,
    /// The column of lists that seems to name the readouts.
    pub readout: String,
    /// The column of lists that seems to hold their values.
    pub value: String,
    /// Whether both are called as in published files; else they are a guess from what they hold.
    pub is_sure: bool,
    /// What the values of the first rows look like, without those of special tokens.
    pub values: ValuesForm,
    /// How many of the first rows begin with a special token: a value below 0 where all others are counts.
    pub n_tokens: usize,
    /// How many rows were looked at for the columns.
    pub n_surveyed: u64,
    /// The other columns.
    pub columns: Vec<ObsColumn>,
}

/// What published files call their lists: Tahoe-100M, then what others might.
const READOUTS: [&str; 4] = ["genes", "gene_ids", "gene", "indices"];
const VALUES: [&str; 4] = ["expressions", "expression", "counts", "values"];

impl ListsForm {
    /// Reads what a file says of itself, of its first 100,000 rows the columns that are no lists, and the values of its
    /// first 1,000; none if it has no two columns of lists that could belong together.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged, or a row has no list or lists of different lengths.
    pub(in crate::table) fn read(path: &Path) -> Result<Option<Self>> {
        const MOST_READ: usize = 1000;
        let lists = list_names(path)?;
        let Some((readout, value)) = pair(&lists) else { return Ok(None) };
        let pair = PairedLists::open(path, readout, value)?;
        let n_samples = pair.n_rows();
        let rows: Vec<usize> = (0..n_samples.min(MOST_READ)).collect();
        let mut seen = Seen::default();
        pair.for_each_row(&rows, |_| 0, &mut seen)?;
        let (n_surveyed, columns) = survey(path)?;
        // Of values of both signs the first may be below 0, too.
        let n_tokens = match ValuesForm::of(&seen.others) {
            ValuesForm::Signed => 0,
            _ => seen.first.iter().filter(|value| **value < 0.0).count(),
        };
        let first = seen.first.iter().filter(|value| n_tokens == 0 || **value >= 0.0);
        let all: Vec<f32> = first.chain(&seen.others).copied().collect();
        Ok(Some(Self {
            n_samples,
            is_sure: READOUTS.contains(&readout) && VALUES.contains(&value),
            readout: readout.to_owned(),
            value: value.to_owned(),
            values: ValuesForm::of(&all),
            n_tokens,
            n_surveyed,
            columns,
        }))
    }
}

/// Returns the columns of readouts and of values: those with the names of published files, else the first that fit.
fn pair(lists: &[ListName]) -> Option<(&str, &str)> {
    let find = |names: &[&str], fits: &dyn Fn(&&ListName) -> bool| {
        let named = |name: &&str| lists.iter().filter(fits).find(|list| list.name == **name);
        names.iter().find_map(named).or_else(|| lists.iter().find(fits))
    };
    let reals = |list: &&ListName| list.kind == ElementKind::Real;
    let numbers = |list: &&ListName| list.kind != ElementKind::Text;
    let names = |list: &&ListName| list.kind != ElementKind::Real;
    let readout = find(&READOUTS, &names)?;
    let others = |list: &&ListName| numbers(list) && list.name != readout.name;
    let value =
        find(&VALUES, &|list| others(list) && reals(list)).or_else(|| find(&VALUES, &others))?;
    Some((&readout.name, &value.name))
}

/// Values of the first rows: the first of each, and all others.
#[derive(Default)]
struct Seen {
    first: Vec<f32>,
    others: Vec<f32>,
    is_begun: bool,
}

impl Visit for Seen {
    fn value(&mut self, _: usize, value: f32) {
        let is_begun = std::mem::replace(&mut self.is_begun, true);
        if is_begun { self.others.push(value) } else { self.first.push(value) }
    }

    fn end(&mut self) -> Result<()> {
        self.is_begun = false;
        Ok(())
    }
}

/// Returns what the columns that are no lists hold, and of how many rows.
fn survey(path: &Path) -> Result<(u64, Vec<ObsColumn>)> {
    const MOST_SURVEYED: u64 = 100_000;
    let (header, mut rows) = ParquetRows::open_flat(path)?;
    let mut values = vec![BTreeSet::new(); header.len()];
    let mut record = ByteRecord::new();
    while rows.n_rows() < MOST_SURVEYED && rows.read(&mut record)? {
        for (values, cell) in values.iter_mut().zip(&record) {
            let cell = String::from_utf8_lossy(cell);
            if !is_missing(&cell) && !values.contains(cell.as_ref()) {
                values.insert(cell.into_owned());
            }
        }
    }
    let describe = |(name, values): (String, &BTreeSet<String>)| {
        ObsColumn::new(name, &values.iter().map(String::as_str).collect())
    };
    Ok((rows.n_rows(), header.into_iter().zip(&values).map(describe).collect()))
}
