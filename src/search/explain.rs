use super::query::Query;
use crate::embedding::similarity;
use crate::error::{Error, Result};
use crate::index::{Index, ReadoutNames, Record};

/// Which readouts make two perturbations alike, or unlike.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Who was asked for.
    pub query: Record,
    /// Whom it is compared with.
    pub hit: Record,
    /// Cosine of the vectors: what hits are ranked by.
    pub similarity: f32,
    /// Cosine of the predicted responses: what the terms add up to, to the rounding of f32. Of averages over contexts
    /// it is what a hit shows.
    pub response_similarity: f32,
    /// The context in which responses are predicted; none where they are averages over all.
    pub context: Option<String>,
    /// The same cosine in each context of the model, in its order; empty where its weights were not read.
    pub by_context: Vec<ContextSimilarity>,
    /// One per readout, the largest contribution first, whichever sign.
    pub terms: Vec<ExplanationTerm>,
}

/// How alike two perturbations are predicted to be in one context, measured there or not.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextSimilarity {
    /// The context.
    pub context: String,
    /// Cosine of the responses predicted there.
    pub response_similarity: f32,
}

/// What one readout adds to the response similarity.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplanationTerm {
    /// The readout: a cell line of a viability screen, a gene of a transcriptome.
    pub readout: String,
    /// What people call it: the name of the cell line.
    pub readout_name: String,
    /// The query's predicted response there, centred over readouts and over its side, of unit length over readouts.
    pub query: f64,
    /// The hit's.
    pub hit: f64,
    /// Their product.
    pub contribution: f64,
    /// Share of this and all larger contributions in the sum of all absolute ones, 0 to 1.
    pub cumulative_share: f64,
}

impl Index {
    /// Takes the similarity of two perturbations' predicted responses apart: `Σ_r q̂_r ĥ_r`, a term per readout.
    ///
    /// ```no_run
    /// use phenocopy::index::Index;
    /// use phenocopy::search::Query;
    ///
    /// let index = Index::open("index/cancer-viability")?;
    /// let why = index.explain(&Query::new("venetoclax"), &Query::new("BCL2"))?;
    /// let sum: f64 = why.terms.iter().map(|term| term.contribution).sum();
    /// assert!((sum - f64::from(why.response_similarity)).abs() < 1e-5);
    /// # Ok::<(), phenocopy::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a name is unknown or ambiguous, or the index holds no responses.
    pub fn explain(&self, query: &Query, hit: &Query) -> Result<Explanation> {
        let (query, hit) = (self.resolve(query)?, self.resolve(hit)?);
        let none = || {
            let what = format!("index `{}`", self.manifest().name);
            Error::data(what, "it holds no responses to compare", "build one from screens")
        };
        let response = |row| self.predicted_response(row).ok_or_else(none);
        let (of_query, of_hit) = (response(query)?, response(hit)?);
        let response_similarity = self.response_similarity(query, hit).ok_or_else(none)?;
        Ok(Explanation {
            query: self.record(query)?,
            hit: self.record(hit)?,
            similarity: similarity(self.vector(query), self.vector(hit)),
            response_similarity,
            context: None,
            by_context: Vec::new(),
            terms: take_apart(self.response_readouts(), self.readout_names(), [&of_query, &of_hit]),
        })
    }
}

/// Multiplies two unit responses readout by readout; the largest products first.
pub(super) fn take_apart<'a>(
    readouts: impl Iterator<Item = &'a str>,
    names: &ReadoutNames,
    [query, hit]: [&[f64]; 2],
) -> Vec<ExplanationTerm> {
    let term = |(readout, (query, hit)): (&str, (&f64, &f64))| ExplanationTerm {
        readout: readout.to_owned(),
        readout_name: names.display(readout).to_owned(),
        query: *query,
        hit: *hit,
        contribution: query * hit,
        cumulative_share: 0.0,
    };
    let mut terms: Vec<ExplanationTerm> = readouts.zip(query.iter().zip(hit)).map(term).collect();
    terms.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    let total: f64 = terms.iter().map(|term| term.contribution.abs()).sum();
    let mut so_far = 0.0;
    for term in &mut terms {
        so_far += term.contribution.abs();
        term.cumulative_share = if total > 0.0 { so_far / total } else { 0.0 };
    }
    terms
}
