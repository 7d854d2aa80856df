use super::features::FeaturePlacement;
use super::hit::{Answer, Hit};
use super::plan::nearest;
use super::query::{Query, Scope, Via};
use super::signature::SignatureQuery;
use super::subject::Subject;
use crate::embedding::{Neighbour, RowSet, similarity};
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::{Filter, Index};

impl Index {
    /// Returns the nearest perturbations of a query's panel, always `k` of them if the panel has as many.
    ///
    /// A name `A+B` that the index does not hold is a combination: the mean of its members' embeddings.
    ///
    /// # Errors
    /// When the name is unknown or ambiguous, `k` is zero, or the filter cannot be parsed.
    pub fn search(&self, query: &Query) -> Result<Answer> {
        let subject = Subject::find(self, query)?;
        self.answer(subject, query.scope, &query.filter, query.k, query.via)
    }

    /// Folds a signature in, all weights frozen, and returns its nearest perturbations: a search for
    /// what the index does not hold. Needs no candle.
    ///
    /// ```no_run
    /// use phenocopy::index::Index;
    /// use phenocopy::search::{Origin, Signature, SignatureQuery};
    ///
    /// let index = Index::open("index/cancer-viability")?;
    /// let values = vec![("ACH-000001".to_owned(), 0.61)]; // and at least 19 more
    /// let signature = Signature { name: "my compound".to_owned(), values };
    /// let answer = index.search_signature(&SignatureQuery::new(signature))?;
    /// if let Origin::Signature(fit) = &answer.origin {
    ///     println!("as {}: r {:.2} on held-out readouts", fit.context, fit.held_out_r);
    /// }
    /// # Ok::<(), phenocopy::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the index cannot fold in (it is not of the product head), too few readouts are known, the
    /// context is not, or a value cannot be normalised.
    pub fn search_signature(&self, query: &SignatureQuery) -> Result<Answer> {
        let subject = Subject::place(self, query)?;
        self.answer(subject, query.scope, &query.filter, query.k, query.via)
    }

    /// Searches like [`search`](Self::search); a name that the index does not hold is placed by its features,
    /// and its hits are predictions.
    ///
    /// # Errors
    /// As [`search`](Self::search), and when the features do not know the name either.
    pub fn search_features(&self, placement: &FeaturePlacement, query: &Query) -> Result<Answer> {
        let subject = match Subject::find(self, query) {
            Err(unknown @ Error::UnknownName { .. }) => placement.place(query, unknown)?,
            found => found?,
        };
        self.answer(subject, query.scope, &query.filter, query.k, query.via)
    }

    pub(super) fn answer(
        &self,
        subject: Subject,
        scope: Scope,
        filter: &Filter,
        k: usize,
        via: Via,
    ) -> Result<Answer> {
        if k == 0 {
            return Err(Error::parameter("k", "at least 1", k));
        }
        let sides = scope.sides(subject.side);
        let searched = self.searched(&sides, &subject.rows);
        let passing = self.passing(filter)?;
        let panel =
            passing.as_ref().map_or_else(|| searched.clone(), |rows| searched.intersect(rows));
        let k = k.min(panel.len());
        let (neighbours, engine) = nearest(self, &subject.vector, &sides, &panel, (k, via))?;
        let hits = neighbours.into_iter().enumerate();
        let hits: Result<Vec<Hit>> =
            hits.map(|(i, neighbour)| self.hit(i + 1, &subject, neighbour)).collect();
        let n_own = |rows: &RowSet| subject.rows.iter().filter(|row| rows.contains(**row)).count();
        Ok(Answer {
            hits: hits?,
            types: self.types_within(&sides),
            n_searched: searched.len(),
            n_panel: panel.len(),
            n_passing: passing
                .map_or(self.n_rows() - subject.rows.len(), |rows| rows.len() - n_own(&rows)),
            engine,
            asked: subject.asked,
            query: subject.record,
            origin: subject.origin,
        })
    }

    /// The rows of the searched sides, less those of the query itself.
    fn searched(&self, sides: &[Side], own: &[u32]) -> RowSet {
        let mut own: Vec<usize> = own.iter().map(|row| *row as usize).collect();
        own.sort_unstable();
        let mut ranges = Vec::new();
        for range in sides.iter().map(|side| self.range(*side)) {
            let mut start = range.start;
            for row in own.iter().copied().filter(|row| range.contains(row)) {
                ranges.push(start..row.max(start));
                start = row + 1;
            }
            ranges.push(start..range.end.max(start));
        }
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

    fn hit(&self, rank: usize, subject: &Subject, neighbour: Neighbour) -> Result<Hit> {
        let record = self.record(neighbour.row)?;
        let responses = subject.response.as_deref().zip(self.response(neighbour.row));
        Ok(Hit {
            rank,
            row: neighbour.row,
            similarity: neighbour.similarity,
            response_similarity: responses.map(|(a, b)| similarity(a, b)),
            is_known: subject.is_known_with(&record),
            record,
        })
    }
}
