use crate::embedding::RowSet;
use crate::error::{Error, Result};
use crate::index::{Index, NameKind};

/// The perturbations of an index that a list names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picklist {
    /// Their rows: what [`Filter::rows`](crate::index::Filter::rows) takes.
    pub rows: RowSet,
    /// Names that no perturbation has, in their order.
    pub unknown: Vec<String>,
}

impl Index {
    /// Finds what names, symbols, synonyms and identifiers stand for; a name of several perturbations, such as a gene's
    /// knock-out and its siRNA, picks all of them.
    ///
    /// ```no_run
    /// use phenocopy::index::{Filter, Index};
    /// use phenocopy::search::Query;
    ///
    /// let index = Index::open("index/cancer-viability")?;
    /// let picked = index.picklist(&["BCL2".to_owned(), "MCL1".to_owned()])?;
    /// let filter = Filter { rows: Some(picked.rows), ..Filter::default() };
    /// let answer = index.search(&Query { filter, ..Query::new("venetoclax") })?;
    /// assert!(answer.hits.len() <= 2);
    /// # Ok::<(), phenocopy::Error>(())
    /// ```
    ///
    /// # Errors
    /// When no name is known, or the metadata cannot be read.
    pub fn picklist(&self, names: &[String]) -> Result<Picklist> {
        let mut picked = Picklist { rows: RowSet::new(self.n_rows()), unknown: Vec::new() };
        for name in names {
            let rows = self.rows_called(name)?;
            if rows.is_empty() {
                picked.unknown.push(name.clone());
            }
            for row in rows {
                picked.rows.insert(row);
            }
        }
        if picked.rows.is_empty() {
            let problem = format!("none of its {} names is known to this index", names.len());
            let advice = "look for some with `phenocopy find`, or name another column";
            return Err(Error::data("picklist", problem, advice));
        }
        Ok(picked)
    }

    /// The rows of the first kind of name that fits.
    fn rows_called(&self, name: &str) -> Result<Vec<u32>> {
        for kind in [NameKind::Name, NameKind::Synonym, NameKind::Identifier] {
            let rows = self.metadata().rows_named(name, kind)?;
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        Ok(Vec::new())
    }
}
