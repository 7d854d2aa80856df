use rayon::prelude::*;

use super::ResponseModel;
use super::profile::{
    PredictedProfile, PredictionFlag, PredictionStatus, over_members, positions_of,
};
use crate::error::{Error, Result};
use crate::experiment::PerturbationType;
use crate::index::{Index, Record};
use crate::search::query::Query;
use crate::search::subject::joined_record;
use crate::search::untrained::untrained;

/// Which responses are predicted: those of a perturbation in a context.
///
/// ```
/// use phenocopy::search::PredictionQuery;
///
/// let readouts = vec!["MOLM-13".to_owned()];
/// let query = PredictionQuery { readouts, ..PredictionQuery::new("venetoclax", "GDSC2") };
/// assert_eq!((query.context.as_str(), query.k), ("GDSC2", None));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionQuery {
    /// A symbol, name, synonym or identifier in the index; `A+B` for a combination.
    pub perturbation: String,
    /// The type the name must have; needed when it stands for several.
    pub perturbation_type: Option<PerturbationType>,
    /// A context that the model was trained on.
    pub context: String,
    /// Readouts by any name; none for all.
    pub readouts: Vec<String>,
    /// How many of them, the largest first, whichever sign; none for all, in order.
    pub k: Option<usize>,
}

impl PredictionQuery {
    /// Creates a query for all responses of a perturbation in a context.
    #[must_use]
    pub fn new(perturbation: impl Into<String>, context: impl Into<String>) -> Self {
        Self {
            perturbation: perturbation.into(),
            perturbation_type: None,
            context: context.into(),
            readouts: Vec::new(),
            k: None,
        }
    }
}

/// A query whose names have been found.
struct Resolved<'a> {
    record: Record,
    /// Positions among the model's perturbations: one, or those of a combination's members.
    members: Vec<u32>,
    context: (u32, &'a str),
    readouts: Vec<u32>,
    status: PredictionStatus,
}

impl<'a> Resolved<'a> {
    fn of(index: &Index, model: &'a ResponseModel, query: &PredictionQuery) -> Result<Self> {
        let context = model.find_context(&query.context)?;
        let readouts = positions_of(&model.names, &query.readouts)?;
        let name = Query {
            perturbation_type: query.perturbation_type,
            ..Query::new(query.perturbation.as_str())
        };
        let rows = index.resolve_members(&name)?;
        let records: Vec<Record> =
            rows.iter().map(|row| index.record(*row)).collect::<Result<_>>()?;
        let members = rows.iter().zip(&records).map(|(row, record)| {
            let symbol = record.perturbation.symbol();
            if index.is_added(*row) {
                return Err(untrained(&symbol, true));
            }
            model.position(&symbol)
        });
        let members: Vec<u32> = members.collect::<Result<_>>()?;
        let record = match <[Record; 1]>::try_from(records) {
            Ok([record]) => record,
            Err(records) => joined_record(&records),
        };
        let status = match record.contexts.iter().any(|measured| measured == context.1) {
            true => PredictionStatus::Measured,
            false => PredictionStatus::Interpolated,
        };
        Ok(Self { record, members, context, readouts, status })
    }

    /// Joins what each member predicts for all readouts.
    fn profile(
        self,
        model: &ResponseModel,
        query: &PredictionQuery,
        members: &[&[f32]],
    ) -> PredictedProfile {
        let context = self.context.1.to_owned();
        let is_seen = model.sides.has(&context, self.record.perturbation.side());
        PredictedProfile {
            asked: query.perturbation.clone(),
            record: self.record,
            context,
            status: self.status,
            flags: if is_seen { Vec::new() } else { vec![PredictionFlag::OtherSide] },
            n_members: members.len(),
            values: over_members(members, &self.readouts, query.k),
        }
    }
}

impl Index {
    /// Predicts the responses of a perturbation in a context, whether or not it was measured there.
    ///
    /// The values are those of the trained model, the mean over its members, whether or not one was measured: an index
    /// holds no measured values. They are in the normalised units of the context's profiles (its recipe's steps; with
    /// `unit-spread`, 1 is the spread of a profile). The embedding of a combination is the mean of its members'.
    ///
    /// ```
    /// use phenocopy::index::Index;
    /// use phenocopy::search::{PredictionQuery, PredictionStatus, ResponseModel};
    ///
    /// let index = Index::open("tests/fixtures/index-v1")?;
    /// let model = ResponseModel::open(&index)?;
    /// let query = PredictionQuery::new("compound-0+compound-1", "assay one");
    /// let profile = index.predict(&model, &query)?;
    /// assert_eq!(profile.status, PredictionStatus::Interpolated);
    /// assert_eq!((profile.values.len(), profile.n_members), (6, 2));
    /// # Ok::<(), phenocopy::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownName`] with suggestions, or [`Error::AmbiguousName`], for the perturbation; [`Error::Data`] for a
    /// context that the model was not trained on, a row that was added after training, an unknown readout, or a
    /// combination of compounds with genes.
    pub fn predict(
        &self,
        model: &ResponseModel,
        query: &PredictionQuery,
    ) -> Result<PredictedProfile> {
        let lost = || Error::data("prediction", "it gave no profile", "report this as a defect");
        self.predict_batch(model, std::slice::from_ref(query))?.pop().unwrap_or_else(|| Err(lost()))
    }

    /// Predicts for many queries at once, as [`predict`](Self::predict) does for one: a result for each, in order.
    /// Memory grows with the number of queries times that of readouts; give a long list in parts.
    ///
    /// # Errors
    /// When the model cannot be evaluated; what concerns one query is in its place.
    pub fn predict_batch(
        &self,
        model: &ResponseModel,
        queries: &[PredictionQuery],
    ) -> Result<Vec<Result<PredictedProfile>>> {
        let resolved: Vec<Result<Resolved<'_>>> =
            queries.par_iter().map(|query| Resolved::of(self, model, query)).collect();
        let known = resolved.iter().flatten();
        let pairs: Vec<(&[u32], u32)> =
            known.map(|known| (known.members.as_slice(), known.context.0)).collect();
        let blocks = model.ensemble.predict_pairs(&pairs)?;
        let n_readouts = model.readouts().len();
        let mut n_known = 0..;
        let mut places = Vec::with_capacity(queries.len());
        for result in resolved {
            places.push(result.map(|resolved| (resolved, n_known.next().unwrap_or_default())));
        }
        let profiles = places.into_par_iter().zip(queries).map(|(place, query)| {
            let (resolved, at): (Resolved<'_>, usize) = place?;
            let own = at * n_readouts..(at + 1) * n_readouts;
            let rows = blocks.iter().map(|block| block.get(own.clone()).unwrap_or_default());
            Ok(resolved.profile(model, query, &rows.collect::<Vec<_>>()))
        });
        Ok(profiles.collect())
    }
}
