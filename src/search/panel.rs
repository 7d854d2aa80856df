use super::hit::{Answer, Hit};
use super::plan::nearest;
use super::query::Query;
use crate::embedding::{Neighbour, RowSet};
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::{Filter, Index, Record};

impl Index {
    /// Returns the nearest perturbations of a query's panel, always `k` of them if the panel has as many.
    ///
    /// # Errors
    /// When the name is unknown or ambiguous, `k` is zero, or the filter cannot be parsed.
    pub fn search(&self, query: &Query) -> Result<Answer> {
        if query.k == 0 {
            return Err(Error::parameter("k", "at least 1", query.k));
        }
        let row = self.resolve(query)?;
        let record = self.record(row)?;
        let sides = query.scope.sides(record.perturbation.side());
        let searched = self.searched(&sides, row);
        let passing = self.passing(&query.filter)?;
        let panel =
            passing.as_ref().map_or_else(|| searched.clone(), |rows| searched.intersect(rows));
        let k = query.k.min(panel.len());
        let (neighbours, engine) = nearest(self, row, &sides, &panel, (k, query.via))?;
        let hits: Result<Vec<Hit>> = neighbours
            .into_iter()
            .enumerate()
            .map(|(i, neighbour)| self.hit(i + 1, row, &record, neighbour))
            .collect();
        Ok(Answer {
            asked: query.name.clone(),
            query: record,
            hits: hits?,
            types: self.types_within(&sides),
            n_searched: searched.len(),
            n_panel: panel.len(),
            n_passing: passing
                .map_or(self.n_rows() - 1, |rows| rows.len() - usize::from(rows.contains(row))),
            engine,
        })
    }

    /// The rows of the searched sides, less the query itself.
    fn searched(&self, sides: &[Side], row: u32) -> RowSet {
        let ranges = sides.iter().map(|side| self.range(*side)).flat_map(|range| {
            let row = row as usize;
            if range.contains(&row) {
                [range.start..row, row + 1..range.end]
            } else {
                [range, 0..0]
            }
        });
        RowSet::from_ranges(self.n_rows(), ranges)
    }

    /// The rows of the whole index that pass a filter; none for a filter that lets all pass.
    fn passing(&self, filter: &Filter) -> Result<Option<RowSet>> {
        if filter.is_empty() {
            return Ok(None);
        }
        let targets = filter.targets.iter().map(|gene| self.gene_symbol(gene));
        let targets = targets.collect::<Result<Vec<String>>>()?;
        let filter = Filter { targets, ..filter.clone() };
        self.metadata().rows_passing(&filter).map(Some)
    }

    /// The types of perturbation that the index holds on these sides.
    fn types_within(&self, sides: &[Side]) -> Vec<PerturbationType> {
        let codes = self.manifest().counts.by_type.keys();
        let types = codes.filter_map(|code| PerturbationType::parse(code));
        types.filter(|kind| sides.contains(&kind.side())).collect()
    }

    fn hit(&self, rank: usize, query: u32, of: &Record, neighbour: Neighbour) -> Result<Hit> {
        let record = self.record(neighbour.row)?;
        Ok(Hit {
            rank,
            row: neighbour.row,
            similarity: neighbour.similarity,
            response_similarity: self.response_similarity(query, neighbour.row),
            is_known: of.is_known_with(&record),
            record,
        })
    }
}
