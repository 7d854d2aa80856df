use std::collections::{BTreeSet, HashMap};

use super::features::named_twice;
use super::query::Query;
use super::untrained::untrained;
use crate::embedding::feature_map::fold_of;
use crate::embedding::{FeatureMap, FeatureQuality};
use crate::error::{Error, Result};
use crate::index::{Index, ReadoutNames, Record};
use crate::model::{Ensemble, Vocabularies};
use crate::table::{FeatureTable, lookup_key};

/// Readouts or contexts of an index that a table must name, to learn what its features mean.
pub const FEWEST_KNOWN: usize = 10;
/// Responses have about unit spread: what is larger than this is no prediction.
const LARGEST: f32 = 1e6;

/// What the rows of a table of features are to an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureAxis {
    /// Readouts: cell lines of a viability screen.
    Readout,
    /// Contexts: cell lines of a transcriptome screen.
    Context,
}

/// Which responses are predicted for the rows of a table that an index does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnmeasuredQuery {
    /// Perturbations by name; where none is named, all that were measured in the context and trained on.
    pub perturbations: Vec<String>,
    /// For a new readout: the context in which it responds. A new context is one itself.
    pub context: Option<String>,
    /// How many responses of each row are kept, the largest first; none keeps all.
    pub k: Option<usize>,
}

/// Predicted responses of readouts or contexts that were never measured.
#[derive(Debug, Clone, PartialEq)]
pub struct UnmeasuredAnswer {
    /// What the table's rows are.
    pub axis: FeatureAxis,
    /// The context of new readouts.
    pub context: Option<String>,
    /// How near the responses of known rows come that are left out, and what chance reaches.
    pub quality: FeatureQuality,
    /// The perturbations that were learnt from, those asked for among them.
    pub perturbations: Vec<Record>,
    /// The rows that the index does not hold, in the table's order.
    pub rows: Vec<UnmeasuredRow>,
}

/// The predicted responses of one row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct UnmeasuredRow {
    /// Its name.
    pub name: String,
    /// The responses, the largest first, whichever sign.
    pub responses: Vec<PredictedResponse>,
}

/// What a perturbation is predicted to do to a readout.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedResponse {
    /// The perturbation, by its place in [`UnmeasuredAnswer::perturbations`].
    pub perturbation: usize,
    /// The readout in a new context; none where the row itself is the readout.
    pub readout: Option<String>,
    /// In the normalised units of the context's profiles.
    pub value: f32,
}

impl Index {
    /// Predicts the responses of cell lines (readouts, or contexts) that no screen of the index holds, from
    /// features of theirs and of those it holds.
    ///
    /// The ensemble's predictions for known rows are regressed onto features by [`FeatureMap`]. For the product
    /// head that is the ridge regression of zR, or of a(C) and b(C), on features, as ŷ is linear in each.
    ///
    /// # Errors
    /// When the index holds no model, the table names fewer than [`FEWEST_KNOWN`] readouts or contexts of it or
    /// nothing else, a perturbation or context is unknown, or a row is named that was added after training.
    pub fn predict_unmeasured(
        &self,
        table: &FeatureTable,
        query: &UnmeasuredQuery,
    ) -> Result<UnmeasuredAnswer> {
        let ensemble = Ensemble::open(self.folder().join("model"))?;
        let vocabularies = ensemble.vocabularies().ok_or_else(|| {
            Error::data("model of the index", "it has no member", "rebuild the index")
        })?;
        let matches = Matches::of(table, vocabularies, self.readout_names())?;
        let context = match matches.axis {
            FeatureAxis::Readout => Some(position_of_context(vocabularies, query)?),
            FeatureAxis::Context => None,
        };
        let name_of = |at: u32| vocabularies.contexts[at as usize].0.clone();
        // All of a context teach what features mean, whichever are asked for: one says nothing of a quality.
        let (records, is_asked) = self.perturbations(query, context.map(name_of).as_deref())?;
        let targets = Targets::predict(&ensemble, &positions(vocabularies, &records)?, context)?;
        let map = matches.learn(table, &targets)?;
        let rows = matches.unknown.iter().map(|at| {
            let name = table.names[*at].clone();
            let values = map.predict(table.row(*at));
            if values.iter().any(|value| value.is_nan() || value.abs() > LARGEST) {
                let advice = "check its features against those of the other rows";
                let problem = "its features are too far from those of the rows learnt from";
                return Err(Error::data(format!("`{name}`"), problem, advice));
            }
            let mut responses = responses(&values, &is_asked, vocabularies);
            responses.truncate(query.k.unwrap_or(usize::MAX));
            responses.shrink_to_fit();
            Ok(UnmeasuredRow { name, responses })
        });
        Ok(UnmeasuredAnswer {
            axis: matches.axis,
            context: context.map(name_of),
            quality: map.quality(),
            rows: rows.collect::<Result<_>>()?,
            perturbations: records,
        })
    }

    /// The perturbations that are named and all of a context, and which of them are asked for.
    fn perturbations(
        &self,
        query: &UnmeasuredQuery,
        context: Option<&str>,
    ) -> Result<(Vec<Record>, Vec<bool>)> {
        let named = query.perturbations.iter().map(|name| self.resolve(&Query::new(name)));
        let named: BTreeSet<u32> = named.collect::<Result<_>>()?;
        if named.is_empty() && context.is_none() {
            let received = "none, and the rows of the table are contexts";
            return Err(Error::parameter("QUERY", "at least one perturbation", received));
        }
        if let Some(row) = named.iter().find(|row| self.is_added(**row)) {
            return Err(untrained(&self.record(*row)?.perturbation.symbol(), true));
        }
        let (mut records, mut is_asked) = (Vec::new(), Vec::new());
        for row in (0..self.n_rows() as u32).filter(|row| !self.is_added(*row)) {
            let record = self.record(row)?;
            let is_here =
                context.is_some_and(|context| record.contexts.iter().any(|c| c == context));
            if is_here || named.contains(&row) {
                records.push(record);
                is_asked.push(named.is_empty() || named.contains(&row));
            }
        }
        Ok((records, is_asked))
    }
}

/// Which rows of a table an index holds, and as what.
struct Matches {
    axis: FeatureAxis,
    /// Row of the table, position in the vocabulary.
    known: Vec<(usize, u32)>,
    unknown: Vec<usize>,
}

impl Matches {
    fn of(table: &FeatureTable, vocabularies: &Vocabularies, names: &ReadoutNames) -> Result<Self> {
        let spelt: Vec<&str> = table.names.iter().map(String::as_str).collect();
        let symbols: Vec<&str> =
            spelt.iter().map(|name| names.symbol(name).unwrap_or(name)).collect();
        let readouts = find(&symbols, vocabularies.readouts.iter().map(|r| r.0.as_str()));
        let contexts = find(&spelt, vocabularies.contexts.iter().map(|c| c.0.as_str()));
        let (n_readouts, n_contexts) = (readouts.len(), contexts.len());
        let (axis, known) = match n_readouts >= n_contexts {
            true => (FeatureAxis::Readout, readouts),
            false => (FeatureAxis::Context, contexts),
        };
        let refuse = |problem: String, advice: String| {
            Err(Error::data("table of features", problem, advice))
        };
        if known.len() < FEWEST_KNOWN {
            let example = vocabularies.readouts.first().map_or("", |readout| readout.0.as_str());
            return refuse(
                format!("it names {n_readouts} readouts and {n_contexts} contexts of the index"),
                format!(
                    "add features of at least {FEWEST_KNOWN} that were measured, spelt as the recipe's tables do (`{example}`)"
                ),
            );
        }
        let mut rows: HashMap<u32, usize> = HashMap::new();
        for (row, position) in &known {
            if let Some(other) = rows.insert(*position, *row) {
                return Err(named_twice(&table.names[other], &table.names[*row]));
            }
        }
        let known_rows: BTreeSet<usize> = known.iter().map(|(row, _)| *row).collect();
        let is_known = |at: &usize| known_rows.contains(at);
        let unknown: Vec<usize> = (0..table.names.len()).filter(|at| !is_known(at)).collect();
        if unknown.is_empty() {
            return refuse(
                "all of its rows were measured".to_owned(),
                "add rows of cell lines that the index does not hold".to_owned(),
            );
        }
        Ok(Self { axis, known, unknown })
    }

    fn learn(&self, table: &FeatureTable, targets: &Targets) -> Result<FeatureMap> {
        let features: Vec<f32> =
            self.known.iter().flat_map(|(at, _)| table.row(*at).iter().copied()).collect();
        let vectors: Vec<f32> =
            self.known.iter().flat_map(|(_, position)| targets.of(*position)).collect();
        let folds: Vec<u64> = self.known.iter().map(|(at, _)| fold_of(&table.names[*at])).collect();
        FeatureMap::fit(&features, &vectors, vectors.len() / folds.len().max(1), &folds)
    }
}

/// Rows of a table and the positions of their names, compared by identifier key; a key that two names share is
/// no name.
fn find<'a>(spelt: &[&str], names: impl Iterator<Item = &'a str>) -> Vec<(usize, u32)> {
    let mut positions: HashMap<String, Option<u32>> = HashMap::new();
    for (name, at) in names.zip(0..) {
        positions.entry(lookup_key(name)).and_modify(|known| *known = None).or_insert(Some(at));
    }
    let found = spelt.iter().enumerate().filter_map(|(row, name)| {
        Some((row, positions.get(&lookup_key(name)).copied().flatten()?))
    });
    found.collect()
}

fn position_of_context(vocabularies: &Vocabularies, query: &UnmeasuredQuery) -> Result<u32> {
    let names = || vocabularies.contexts.iter().map(|context| context.0.as_str());
    let expected = || format!("one of {}", names().collect::<Vec<_>>().join(", "));
    match &query.context {
        None if vocabularies.contexts.len() == 1 => Ok(0),
        None => Err(Error::parameter("context", expected(), "not given")),
        Some(wanted) => names()
            .position(|name| lookup_key(name) == lookup_key(wanted))
            .map(|at| at as u32)
            .ok_or_else(|| Error::parameter("context", expected(), wanted)),
    }
}

/// The records' positions in the model's vocabulary.
fn positions(vocabularies: &Vocabularies, records: &[Record]) -> Result<Vec<u32>> {
    let known = vocabularies.perturbations.iter().map(|p| p.symbol()).zip(0..);
    let known: HashMap<String, u32> = known.collect();
    let position = |record: &Record| {
        let symbol = record.perturbation.symbol();
        known.get(&symbol).copied().ok_or_else(|| untrained(&symbol, false))
    };
    records.iter().map(position).collect()
}

/// Predictions for known readouts or contexts.
struct Targets {
    /// One block per context, each perturbations × readouts.
    blocks: Vec<Vec<f32>>,
    n_readouts: usize,
    axis: FeatureAxis,
}

impl Targets {
    fn predict(ensemble: &Ensemble, perturbations: &[u32], context: Option<u32>) -> Result<Self> {
        let vocabularies = ensemble.vocabularies();
        let n_contexts = vocabularies.map_or(0, |v| v.contexts.len() as u32);
        let contexts = context.map_or(0..n_contexts, |context| context..context + 1);
        let blocks = contexts.map(|context| ensemble.predict(perturbations, context));
        Ok(Self {
            blocks: blocks.collect::<Result<_>>()?,
            n_readouts: vocabularies.map_or(0, |v| v.readouts.len()),
            axis: context.map_or(FeatureAxis::Context, |_| FeatureAxis::Readout),
        })
    }

    /// Returns all responses of a known readout or context.
    fn of(&self, position: u32) -> Vec<f32> {
        match self.axis {
            FeatureAxis::Context => self.blocks[position as usize].clone(),
            FeatureAxis::Readout => {
                let column = self.blocks.iter().flat_map(|block| block.chunks(self.n_readouts));
                column.map(|row| row[position as usize]).collect()
            }
        }
    }
}

/// Names predicted values, perturbation after perturbation, and sorts them.
fn responses(
    values: &[f32],
    is_asked: &[bool],
    vocabularies: &Vocabularies,
) -> Vec<PredictedResponse> {
    let n_each = (values.len() / is_asked.len().max(1)).max(1);
    let readout = |at: usize| vocabularies.readouts.get(at).map(|readout| readout.0.clone());
    let response = |(at, value): (usize, &f32)| PredictedResponse {
        perturbation: at / n_each,
        readout: if n_each > 1 { readout(at % n_each) } else { None },
        value: *value,
    };
    let asked = values.iter().enumerate().filter(|(at, _)| is_asked[at / n_each]);
    let mut responses: Vec<PredictedResponse> = asked.map(response).collect();
    responses.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
    responses
}
