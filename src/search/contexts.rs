use std::collections::{HashMap, HashSet};

use super::explain::{ContextSimilarity, Explanation, take_apart};
use super::query::Query;
use super::untrained::untrained;
use crate::embedding::{FoldIn, similarity};
use crate::error::{Error, Result};
use crate::experiment::Side;
use crate::index::{Index, Record};
use crate::model::{Ensemble, Head};
use crate::table::lookup_key;

/// What predicts responses in single contexts: the weights of an index's model.
///
/// An index holds averages over contexts, in low rank. Here the response of a perturbation in a context is exact:
/// `Σ_members zR · (a(C) ∘ (z − z̄))`, less its mean over readouts, at unit length. z̄ is the mean of the
/// perturbation's side: the head is linear in z, so that the responses of a side have the mean zero in each context.
///
/// ```no_run
/// use phenocopy::index::Index;
/// use phenocopy::search::{ContextResponses, Query};
///
/// let index = Index::open("index/cancer-viability")?;
/// if let Some(responses) = ContextResponses::open(&index)? {
///     let (query, hit) = (Query::new("venetoclax"), Query::new("BCL2"));
///     let why = index.explain_in(&responses, &query, &hit, "GDSC2")?;
///     println!("{:.3} in GDSC2", why.response_similarity);
/// }
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug)]
pub struct ContextResponses {
    members: Vec<Member>,
    /// Place of each symbol among the model's perturbations.
    positions: HashMap<String, usize>,
    /// Symbols of the rows that were added after training.
    added: HashSet<String>,
    contexts: Vec<String>,
    readouts: Vec<String>,
}

impl ContextResponses {
    /// Reads the weights of an index's model; none where it holds no model of the product head. Of the `concat` head
    /// all responses of a side would have to be predicted to know their mean.
    ///
    /// # Errors
    /// When the model is damaged.
    pub fn open(index: &Index) -> Result<Option<Self>> {
        if !index.manifest().files.contains_key("model/ensemble.json") {
            return Ok(None);
        }
        let ensemble = Ensemble::open(index.folder().join("model"))?;
        let is_product = ensemble.members().iter().all(|m| m.config().head == Head::Product);
        let Some(vocabularies) = ensemble.vocabularies().filter(|_| is_product) else {
            return Ok(None);
        };
        let perturbations = &vocabularies.perturbations;
        let sides: Vec<Side> = perturbations.iter().map(|p| p.side()).collect();
        let members = ensemble.members().iter().map(|member| {
            let embeddings = member.perturbation_embeddings()?;
            Ok(Member::new(FoldIn::of(member)?, embeddings, &sides))
        });
        let added = (0..index.n_rows() as u32).filter(|row| index.is_added(*row));
        let symbol = |row| Ok(index.record(row)?.perturbation.symbol());
        Ok(Some(Self {
            members: members.collect::<Result<_>>()?,
            added: added.map(symbol).collect::<Result<_>>()?,
            positions: perturbations.iter().map(|p| p.symbol()).zip(0..).collect(),
            contexts: vocabularies.contexts.iter().map(|context| context.0.clone()).collect(),
            readouts: vocabularies.readouts.iter().map(|readout| readout.0.clone()).collect(),
        }))
    }

    /// Returns whether the model was trained on a record's perturbation: rows that were added have no response in a
    /// single context.
    #[must_use]
    pub fn knows(&self, record: &Record) -> bool {
        self.position(record).is_ok()
    }

    /// Compares the predicted responses of two perturbations in each context of the model, in its order.
    ///
    /// # Errors
    /// When the model does not know one of them.
    pub fn compare(&self, query: &Record, hit: &Record) -> Result<Vec<ContextSimilarity>> {
        let [query, hit] = [self.position(query)?, self.position(hit)?];
        let compare = |(at, context): (usize, &String)| ContextSimilarity {
            context: context.clone(),
            response_similarity: dot(&self.response(query, at), &self.response(hit, at)) as f32,
        };
        Ok(self.contexts.iter().enumerate().map(compare).collect())
    }

    /// Returns the response of a perturbation predicted in a context, measured there or not: a value for each of
    /// the readouts, centred over them and over its side, of unit length.
    ///
    /// # Errors
    /// When the model does not know the perturbation or the context.
    pub fn response_in(&self, record: &Record, context: &str) -> Result<Vec<f64>> {
        let context = self.position_of_context(context)?;
        Ok(self.response(self.position(record)?, context))
    }

    /// Returns the names of the readouts, in the order of a response's values.
    pub(super) fn readouts(&self) -> &[String] {
        &self.readouts
    }

    /// Returns the name of a context as the model has it, however its letters and signs are written.
    ///
    /// # Errors
    /// When it is not one of the model's; the error lists them.
    pub(super) fn context(&self, wanted: &str) -> Result<&str> {
        Ok(&self.contexts[self.position_of_context(wanted)?])
    }

    /// The position of a record's perturbation among those of the model.
    fn position(&self, record: &Record) -> Result<usize> {
        let symbol = record.perturbation.symbol();
        let is_added = self.added.contains(&symbol);
        let position = self.positions.get(&symbol).filter(|_| !is_added);
        position.copied().ok_or_else(|| untrained(&symbol, is_added))
    }

    fn position_of_context(&self, wanted: &str) -> Result<usize> {
        let expected = || format!("one of {}", self.contexts.join(", "));
        let mut names = self.contexts.iter();
        let position = names.position(|name| lookup_key(name) == lookup_key(wanted));
        position.ok_or_else(|| Error::parameter("context", expected(), wanted))
    }

    /// The response of a perturbation in a context: centred over its side and over readouts, of unit length.
    fn response(&self, perturbation: usize, context: usize) -> Vec<f64> {
        let mut response = vec![0.0; self.readouts.len()];
        for member in &self.members {
            let predicted = member.fold_in.predict(context as u32, member.deviation(perturbation));
            response.iter_mut().zip(predicted).for_each(|(sum, value)| *sum += f64::from(value));
        }
        // b(C), which the mean of the side would take out, goes with the mean over readouts.
        centre_to_unit(&mut response);
        response
    }
}

/// One trained model: what is frozen, and its perturbations.
#[derive(Debug)]
struct Member {
    fold_in: FoldIn,
    /// z of each perturbation less the mean of its side.
    deviations: Vec<f32>,
}

impl Member {
    fn new(fold_in: FoldIn, mut embeddings: Vec<f32>, sides: &[Side]) -> Self {
        let dim = fold_in.dim();
        for side in [Side::Chemical, Side::Genetic] {
            let rows = embeddings.chunks_exact_mut(dim).zip(sides);
            let mut rows: Vec<&mut [f32]> =
                rows.filter(|(_, other)| **other == side).map(|(row, _)| row).collect();
            for k in 0..dim {
                let sum: f64 = rows.iter().map(|row| f64::from(row[k])).sum();
                let mean = (sum / rows.len() as f64) as f32;
                rows.iter_mut().for_each(|row| row[k] -= mean);
            }
        }
        Self { fold_in, deviations: embeddings }
    }

    fn deviation(&self, perturbation: usize) -> &[f32] {
        let dim = self.fold_in.dim();
        &self.deviations[perturbation * dim..(perturbation + 1) * dim]
    }
}

/// Takes the mean from a response and makes it unit; one without a spread becomes zero.
fn centre_to_unit(response: &mut [f64]) {
    let mean = response.iter().sum::<f64>() / response.len() as f64;
    response.iter_mut().for_each(|value| *value -= mean);
    let norm = dot(response, response).sqrt();
    let scale = if norm > 1e-12 { 1.0 / norm } else { 0.0 };
    response.iter_mut().for_each(|value| *value *= scale);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Index {
    /// Takes the similarity of two perturbations' predicted responses in one context apart, as
    /// [`explain`](Self::explain) does that of their averages over all. The model predicts in any of its contexts;
    /// where a perturbation was measured, its record says.
    ///
    /// # Errors
    /// When a name is unknown or ambiguous, or the context is not one of the model's.
    pub fn explain_in(
        &self,
        responses: &ContextResponses,
        query: &Query,
        hit: &Query,
        context: &str,
    ) -> Result<Explanation> {
        let context = responses.position_of_context(context)?;
        let rows = [self.resolve(query)?, self.resolve(hit)?];
        let [query, hit] = [self.record(rows[0])?, self.record(rows[1])?];
        let of_query = responses.response(responses.position(&query)?, context);
        let of_hit = responses.response(responses.position(&hit)?, context);
        Ok(Explanation {
            similarity: similarity(self.vector(rows[0]), self.vector(rows[1])),
            response_similarity: dot(&of_query, &of_hit) as f32,
            context: Some(responses.contexts[context].clone()),
            by_context: responses.compare(&query, &hit)?,
            terms: take_apart(
                responses.readouts.iter().map(String::as_str),
                self.readout_names(),
                [&of_query, &of_hit],
            ),
            query,
            hit,
        })
    }
}
