use rayon::prelude::*;

use super::choice::Choice;
use super::hit::Answer;
use super::query::{Correction, Query, Via};
use super::significance::{Line, correct_over_batch};
use super::subject::Subject;
use crate::calibrate::PValueCounts;
use crate::embedding::similarity_matrix;
use crate::error::Result;
use crate::experiment::Side;
use crate::index::Index;

/// Queries that are compared with all rows at once.
const BATCH_BLOCK: usize = 16;

impl Index {
    /// Answers many queries, in their order, on all cores; with [`Correction::Batch`] in the first query, q-values are
    /// corrected over the pairs of all of them.
    ///
    /// The answers are those of [`search`](Self::search), found by comparing blocks of queries with every row.
    ///
    /// ```no_run
    /// use phenocopy::index::Index;
    /// use phenocopy::search::{Correction, Query};
    ///
    /// let index = Index::open("index/cancer-viability")?;
    /// let query = |name| Query { correction: Correction::Batch, ..Query::new(name) };
    /// for answer in index.search_batch(&["venetoclax", "nutlin-3a"].map(query)) {
    ///     println!("{}", answer?.hits[0].record.name());
    /// }
    /// # Ok::<(), phenocopy::Error>(())
    /// ```
    #[must_use]
    pub fn search_batch(&self, queries: &[Query]) -> Vec<Result<Answer>> {
        let block = |queries: &[Query]| self.answer_block(queries);
        let blocks: Vec<(Vec<Result<Answer>>, PValueCounts)> =
            queries.par_chunks(BATCH_BLOCK).map(block).collect();
        let mut counts = PValueCounts::default();
        let mut answers = Vec::with_capacity(queries.len());
        for (block, of_block) in blocks {
            counts.merge(&of_block);
            answers.extend(block);
        }
        if queries.first().is_some_and(|query| query.correction == Correction::Batch) {
            let q_values = counts.step_up();
            let hits = answers.iter_mut().flatten().flat_map(|answer| &mut answer.hits);
            correct_over_batch(hits.filter_map(|hit| hit.significance.as_mut()), &q_values);
        }
        answers
    }

    /// Answers queries that are compared with the rows together.
    fn answer_block(&self, queries: &[Query]) -> (Vec<Result<Answer>>, PValueCounts) {
        let subjects: Vec<Result<Subject>> =
            queries.iter().map(|query| Subject::find(self, query)).collect();
        let found: Vec<&[f32]> =
            subjects.iter().flatten().map(|subject| subject.vector.as_slice()).collect();
        let found = found.concat();
        let matrix = |side| similarity_matrix(self.vectors(self.range(side)), self.dim(), &found);
        let (chemical, genetic) = (matrix(Side::Chemical), matrix(Side::Genetic));
        let mut lines = {
            let [chemical, genetic] = [(Side::Chemical, &chemical), (Side::Genetic, &genetic)]
                .map(|(side, all)| all.chunks(self.range(side).len().max(1)));
            let pad = || std::iter::repeat(&[][..]);
            chemical.chain(pad()).zip(genetic.chain(pad()))
        };
        let mut counts = PValueCounts::default();
        let answer = |(query, subject): (&Query, Result<Subject>)| {
            let subject = subject?;
            let (chemical, genetic) = lines.next().unwrap_or_default();
            let choice = Choice { via: Via::Scan, ..query.into() };
            self.answer_line(subject, &choice, Some(Line { chemical, genetic }), &mut counts)
        };
        let answers = queries.iter().zip(subjects).map(answer).collect();
        (answers, counts)
    }
}
