use super::choice::Choice;
use super::features::FeaturePlacement;
use super::hit::{Answer, Hit, RankedBy};
use super::mechanism::{mechanisms, untested};
use super::plan::{Engine, nearest};
use super::query::{Correction, Direction, Query};
use super::signature::SignatureQuery;
use super::significance::{Flag, Line, PanelStatistics, QueryActivity, support};
use super::subject::{Origin, Subject};
use crate::calibrate::PValueCounts;
use crate::embedding::{Neighbour, RowSet, TopK, similarity, similarity_matrix};
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::{Filter, Index};

/// What can be a hit of one query.
struct Panel {
    sides: Vec<Side>,
    searched: RowSet,
    rows: RowSet,
    n_passing: usize,
}

impl Index {
    /// Returns the nearest perturbations of a query's panel, always `k` of them if the panel has as many, each with
    /// what its similarity is worth.
    ///
    /// A name `A+B` that the index does not hold is a combination: the mean of its members' embeddings.
    ///
    /// # Errors
    /// When the name is unknown or ambiguous, `k` is zero, or the filter cannot be parsed.
    pub fn search(&self, query: &Query) -> Result<Answer> {
        let subject = Subject::find(self, query)?;
        self.answer(subject, &query.into())
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
        self.answer(subject, &query.into())
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
        self.answer(subject, &query.into())
    }

    pub(super) fn answer(&self, subject: Subject, choice: &Choice) -> Result<Answer> {
        // Statistics need the similarity to every row; classes are compounds, whatever side is searched.
        let is_wanted = choice.correction != Correction::Skip && self.calibration().is_some();
        let line =
            |side| similarity_matrix(self.vectors(self.range(side)), self.dim(), &subject.vector);
        let sides = choice.scope.sides(subject.side);
        let is_compared = |side| is_wanted && (side == Side::Chemical || sides.contains(&side));
        let [chemical, genetic] = [Side::Chemical, Side::Genetic]
            .map(|side| if is_compared(side) { line(side) } else { Vec::new() });
        let line = Line { chemical: &chemical, genetic: &genetic };
        let line = Some(line).filter(|_| is_wanted);
        self.answer_line(subject, choice, line, &mut PValueCounts::default())
    }

    /// Answers a query whose similarities to the rows are known, or without statistics.
    pub(super) fn answer_line(
        &self,
        subject: Subject,
        choice: &Choice,
        line: Option<Line<'_>>,
        counts: &mut PValueCounts,
    ) -> Result<Answer> {
        if choice.k == 0 {
            return Err(Error::parameter("k", "at least 1", choice.k));
        }
        let panel = self.panel(&subject, choice)?;
        let responses = self.response_line(&subject, choice, &panel)?;
        let (neighbours, engine) = match responses.line() {
            Some(responses) => (self.farthest(responses, choice, &panel), Engine::Scan),
            None => self.nearest_of(&subject, choice, &panel, line)?,
        };
        let line = line.filter(|_| choice.correction != Correction::Skip);
        let activity = self.query_activity(&subject);
        let ranked_by = line.map(|line| responses.line().unwrap_or(line));
        let within = (&panel.rows, panel.sides.as_slice());
        let statistics = ranked_by.and_then(|ranked_by| {
            PanelStatistics::new(self, &subject, within, (ranked_by, choice.direction))
        });
        if let (Some(statistics), Correction::Batch) = (&statistics, choice.correction) {
            statistics.count(counts);
        }
        let is_added = subject.rows.iter().any(|row| self.is_added(*row));
        let flags = query_flags(&subject, is_added, activity, statistics.as_ref());
        let mut hits = self.hits(&subject, &neighbours, choice)?;
        for hit in &mut hits {
            hit.flags.splice(0..0, flags.iter().copied());
        }
        if line.is_some() {
            judge(&mut hits, &subject, statistics.as_ref());
            // Support is counted among the nearest, which opposites are not.
            if choice.direction.ranked_by() == RankedBy::Vectors {
                let rows: Vec<u32> = hits.iter().map(|hit| hit.row).collect();
                let supports = support(self, &subject, &panel.rows, &rows).unwrap_or_default();
                hits.iter_mut().zip(supports).for_each(|(hit, of)| hit.support = Some(of));
            }
        } else if choice.correction != Correction::Skip {
            judge(&mut hits, &subject, None);
        }
        let conditions = if panel.rows.is_empty() && !panel.searched.is_empty() {
            self.passing_alone(&choice.filter, &panel.searched)?
        } else {
            Vec::new()
        };
        let mechanisms = line.map(|line| mechanisms(self, &subject, line)).transpose()?;
        Ok(Answer {
            hits,
            types: self.types_within(&panel.sides),
            n_searched: panel.searched.len(),
            n_panel: panel.rows.len(),
            n_passing: panel.n_passing,
            conditions,
            activity,
            ranked_by: choice.direction.ranked_by(),
            untested: line.map(|_| untested(self, &subject)).unwrap_or_default(),
            mechanisms: mechanisms.unwrap_or_default(),
            n_classes: self.calibration().map_or(0, |table| table.classes().len()),
            flags,
            engine,
            asked: subject.asked,
            query: subject.record,
            origin: subject.origin,
        })
    }

    fn panel(&self, subject: &Subject, choice: &Choice) -> Result<Panel> {
        let sides = choice.scope.sides(subject.side);
        let searched = self.searched(&sides, &subject.rows);
        let passing = self.passing(&choice.filter)?;
        let rows =
            passing.as_ref().map_or_else(|| searched.clone(), |rows| searched.intersect(rows));
        let n_own = |rows: &RowSet| subject.rows.iter().filter(|row| rows.contains(**row)).count();
        let all = self.n_rows() - subject.rows.len();
        let n_passing = passing.map_or(all, |rows| rows.len() - n_own(&rows));
        Ok(Panel { sides, searched, rows, n_passing })
    }

    /// The nearest rows of a panel: by graph or scan, or from similarities that are known.
    fn nearest_of(
        &self,
        subject: &Subject,
        choice: &Choice,
        panel: &Panel,
        line: Option<Line<'_>>,
    ) -> Result<(Vec<Neighbour>, Engine)> {
        let k = choice.k.min(panel.rows.len());
        let is_scanned = panel.sides.iter().all(|side| {
            let n_allowed = panel.rows.slice(self.range(*side)).len();
            Engine::choose(choice.via, n_allowed, self.range(*side).len()) == Engine::Scan
        });
        match line.filter(|_| is_scanned) {
            Some(line) => Ok((self.best_of(line, panel, k, |similarity| similarity), Engine::Scan)),
            None => nearest(self, &subject.vector, &panel.sides, &panel.rows, (k, choice.via)),
        }
    }

    /// The rows of the panel with the best of what a line says.
    fn best_of(
        &self,
        line: Line<'_>,
        panel: &Panel,
        k: usize,
        worth: impl Fn(f32) -> f32,
    ) -> Vec<Neighbour> {
        let mut top = TopK::new(k);
        for row in panel.rows.iter() {
            let side = if self.range(Side::Chemical).contains(&(row as usize)) {
                Side::Chemical
            } else {
                Side::Genetic
            };
            let at = row as usize - self.range(side).start;
            if let Some(similarity) = line.of(side).get(at) {
                top.offer(Neighbour { row, similarity: worth(*similarity) });
            }
        }
        top.into_sorted()
    }

    /// The rows with the lowest response similarity or, for either direction, the farthest from 0.
    fn farthest(&self, line: Line<'_>, choice: &Choice, panel: &Panel) -> Vec<Neighbour> {
        let k = choice.k.min(panel.rows.len());
        let worth = |similarity: f32| match choice.direction {
            Direction::Both => similarity.abs(),
            Direction::Mimic | Direction::Oppose => -similarity,
        };
        self.best_of(line, panel, k, worth)
    }

    /// The response similarities to all rows of the searched sides, where the search ranks by them.
    fn response_line(
        &self,
        subject: &Subject,
        choice: &Choice,
        panel: &Panel,
    ) -> Result<ResponseLine> {
        if choice.direction.ranked_by() == RankedBy::Vectors {
            return Ok(ResponseLine::default());
        }
        let response = subject.response.as_deref().ok_or_else(|| {
            Error::data(
                format!("`{}`", subject.asked),
                "the index holds no response of it to compare, which a search for opposites ranks by",
                "search for mimics, or for something that was measured",
            )
        })?;
        let line = |side: Side| -> Vec<f32> {
            let rows = self.range(side).filter(|_| panel.sides.contains(&side));
            let of_row = |row: usize| self.response(row as u32).map(|r| similarity(response, r));
            rows.map(|row| of_row(row).unwrap_or(0.0)).collect()
        };
        Ok(ResponseLine(Some([line(Side::Chemical), line(Side::Genetic)])))
    }

    /// How many of the searched rows pass each condition of a filter alone.
    fn passing_alone(&self, filter: &Filter, searched: &RowSet) -> Result<Vec<(String, usize)>> {
        let count = |(condition, filter): (String, Filter)| {
            let passing = self.passing(&filter)?;
            Ok((condition, passing.map_or(searched.len(), |rows| rows.intersect(searched).len())))
        };
        filter.conditions().into_iter().map(count).collect()
    }

    /// What a query does at all, where the index knows.
    fn query_activity(&self, subject: &Subject) -> Option<QueryActivity> {
        match (&subject.origin, subject.rows.as_slice()) {
            (Origin::Row, [row]) => {
                let table = self.calibration()?;
                Some(QueryActivity {
                    percentile: table.activity(*row)?,
                    strength: table.strength(*row)?,
                    agreement: table.agreement(*row),
                })
            }
            _ => subject.activity,
        }
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
    pub(super) fn passing(&self, filter: &Filter) -> Result<Option<RowSet>> {
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

    /// The hits, best first, not judged yet.
    fn hits(
        &self,
        subject: &Subject,
        neighbours: &[Neighbour],
        choice: &Choice,
    ) -> Result<Vec<Hit>> {
        let hits = (1..).zip(neighbours);
        hits.map(|(rank, neighbour)| self.hit(rank, subject, neighbour.row, choice.direction))
            .collect()
    }

    fn hit(&self, rank: usize, subject: &Subject, row: u32, asked: Direction) -> Result<Hit> {
        let record = self.record(row)?;
        let responses = subject.response.as_deref().zip(self.response(row));
        let response_similarity = responses.map(|(a, b)| similarity(a, b));
        let is_opposite = match asked {
            Direction::Mimic => false,
            Direction::Oppose => true,
            Direction::Both => response_similarity.is_some_and(|similarity| similarity < 0.0),
        };
        let strength = self.calibration().and_then(|table| table.strength(row));
        let is_inactive = strength.is_some_and(|strength| strength < 1.0);
        Ok(Hit {
            rank,
            row,
            similarity: similarity(&subject.vector, self.vector(row)),
            response_similarity,
            direction: if is_opposite { Direction::Oppose } else { Direction::Mimic },
            significance: None,
            support: None,
            activity: self.calibration().and_then(|table| table.activity(row)),
            flags: [(is_inactive, Flag::InactiveHit), (self.is_added(row), Flag::FoldedInHit)]
                .into_iter()
                .filter_map(|(is_set, flag)| is_set.then_some(flag))
                .collect(),
            is_known: subject.is_known_with(&record),
            record,
        })
    }
}

/// Says what each hit is worth, or that it cannot be told.
fn judge(hits: &mut [Hit], subject: &Subject, statistics: Option<&PanelStatistics<'_>>) {
    let ranked: Vec<(u32, f32)> = hits.iter().map(|hit| (hit.row, hit.similarity)).collect();
    let judged = statistics.map(|statistics| statistics.of_hits(subject, &ranked));
    for (at, hit) in hits.iter_mut().enumerate() {
        hit.significance = judged.as_ref().and_then(|judged| judged.get(at).copied().flatten());
        hit.flags.extend(hit.significance.is_none().then_some(Flag::Uncalibrated));
    }
}

/// Response similarities to the rows of both sides; none where the search does not rank by them.
#[derive(Debug, Default)]
struct ResponseLine(Option<[Vec<f32>; 2]>);

impl ResponseLine {
    fn line(&self) -> Option<Line<'_>> {
        let [chemical, genetic] = self.0.as_ref()?;
        Some(Line { chemical, genetic })
    }
}

/// What to be wary of in all hits of a query.
fn query_flags(
    subject: &Subject,
    is_added: bool,
    activity: Option<QueryActivity>,
    statistics: Option<&PanelStatistics<'_>>,
) -> Vec<Flag> {
    let is_promiscuous = statistics.is_some_and(|statistics| statistics.is_promiscuous);
    // The length of a signature's vector depends on its scale; whether its shape is explained does not.
    let is_explained = matches!(&subject.origin, Origin::Signature(fit) if fit.explains());
    let is_inactive = !is_explained && activity.is_some_and(|activity| activity.strength < 1.0);
    let is_predicted = matches!(subject.origin, Origin::Features(_) | Origin::Structure { .. });
    let flags = [
        (is_inactive, Flag::InactiveQuery),
        (is_promiscuous, Flag::PromiscuousQuery),
        (is_added, Flag::FoldedInQuery),
        (is_predicted, Flag::Predicted),
    ];
    flags.into_iter().filter_map(|(is_set, flag)| is_set.then_some(flag)).collect()
}
