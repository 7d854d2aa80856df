use crate::error::{Error, Result};
use crate::index::{Filter, Index, Record};

/// A perturbation of an index and its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// Row in the index.
    pub row: u32,
    /// Names and annotation.
    pub record: Record,
    /// The unit vector: its dot product with another is their similarity.
    pub embedding: &'a [f32],
    /// How active it is: percentile of its strength within its type, 0 to 100; none where the index does not know.
    pub activity: Option<f32>,
}

/// The perturbations of an index that pass a filter, in the order of its rows.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    index: &'a Index,
    rows: std::vec::IntoIter<u32>,
}

impl Index {
    /// Returns the perturbations that pass a filter, one at a time, in the order of rows: compounds first.
    ///
    /// [`PredictedResponses`](super::PredictedResponses) gives their responses.
    ///
    /// ```no_run
    /// use phenocopy::experiment::PerturbationType;
    /// use phenocopy::index::{Filter, Index};
    ///
    /// let index = Index::open("index/cancer-viability")?;
    /// let filter = Filter { types: vec![PerturbationType::Compound], ..Filter::default() };
    /// for entry in index.entries(&filter)? {
    ///     let entry = entry?;
    ///     println!("{} {:?}", entry.record.perturbation.symbol(), &entry.embedding[..3]);
    /// }
    /// # Ok::<(), phenocopy::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the filter cannot be parsed, or nothing passes it.
    pub fn entries(&self, filter: &Filter) -> Result<Entries<'_>> {
        let rows: Vec<u32> = match self.passing(filter)? {
            Some(rows) => rows.iter().collect(),
            None => (0..self.n_rows() as u32).collect(),
        };
        if rows.is_empty() {
            let conditions: Vec<String> =
                filter.conditions().into_iter().map(|(condition, _)| condition).collect();
            let what = format!("index `{}`", self.manifest().name);
            let problem = format!("nothing passes {}", conditions.join(" and "));
            return Err(Error::data(what, problem, "leave out one of them"));
        }
        Ok(Entries { index: self, rows: rows.into_iter() })
    }
}

impl Entries<'_> {
    /// Leaves out the rows that were added after training: they have no response in a single context.
    #[must_use]
    pub fn trained(self) -> Self {
        let Self { index, rows } = self;
        let rows: Vec<u32> = rows.filter(|row| !index.is_added(*row)).collect();
        Self { index, rows: rows.into_iter() }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        let index = self.index;
        let entry = |record| Entry {
            row,
            record,
            embedding: index.vector(row),
            activity: index.calibration().and_then(|table| table.activity(row)),
        };
        Some(index.record(row).map(entry))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl ExactSizeIterator for Entries<'_> {}
