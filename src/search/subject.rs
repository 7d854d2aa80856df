use super::query::Query;
use super::signature::SignatureFit;
use super::significance::QueryActivity;
use crate::embedding::FeatureQuality;
use crate::error::{Error, Result};
use crate::experiment::{Annotation, Moa, Perturbation, PerturbationType, Side, Target};
use crate::index::{Index, Record};

/// Where a query's vector comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A row of the index.
    Row,
    /// The mean of rows that are named, of a combination that was not measured itself.
    Combination(Vec<String>),
    /// Values that were given, folded in with all weights frozen.
    Signature(SignatureFit),
    /// Features that were given, for a perturbation that was never measured: a prediction.
    Features(FeatureQuality),
    /// A structure that was given, for a compound that was never measured: a prediction.
    Structure {
        /// How well compounds as unlike all others are predicted from theirs when they are left out.
        quality: FeatureQuality,
        /// How many compounds were learnt from.
        n_known: usize,
        /// The compound of the index whose structure is most alike.
        nearest: String,
        /// How alike its fingerprint is, 0 to 1.
        tanimoto: f64,
    },
}

/// What is searched with: a vector and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    /// As it was typed.
    pub(super) asked: String,
    pub(super) record: Record,
    pub(super) side: Side,
    pub(super) vector: Vec<f32>,
    /// Unit coefficients of its predicted response.
    pub(super) response: Option<Vec<f32>>,
    /// What a folded-in profile does at all; that of rows is in the index.
    pub(super) activity: Option<QueryActivity>,
    /// Rows that are no answer: itself or its members.
    pub(super) rows: Vec<u32>,
    pub(super) origin: Origin,
}

impl Subject {
    /// Finds what a query names: a row or, joined by `+`, several.
    pub(super) fn find(index: &Index, query: &Query) -> Result<Self> {
        match index.resolve_members(query)?.as_slice() {
            [row] => Self::of_row(index, *row, query.name.clone()),
            rows => Self::combine(index, query, rows),
        }
    }

    /// Makes a subject of what the index does not hold: nothing is known of it but its vector.
    pub(super) fn unmeasured(
        asked: &str,
        kind: PerturbationType,
        name: &str,
        vector: Vec<f32>,
        origin: Origin,
    ) -> Self {
        Self {
            asked: asked.to_owned(),
            record: Record {
                perturbation: Perturbation::new(kind, name),
                annotation: Annotation { name: name.to_owned(), ..Annotation::default() },
                targeted_by: Vec::new(),
                contexts: Vec::new(),
            },
            side: kind.side(),
            vector,
            response: None,
            activity: None,
            rows: Vec::new(),
            origin,
        }
    }

    fn of_row(index: &Index, row: u32, asked: String) -> Result<Self> {
        let record = index.record(row)?;
        Ok(Self {
            asked,
            side: record.perturbation.side(),
            record,
            vector: index.vector(row).to_vec(),
            response: index.response(row).map(<[f32]>::to_vec),
            activity: None,
            rows: vec![row],
            origin: Origin::Row,
        })
    }

    /// Returns whether the annotation already links it to a record: they act on a gene in common.
    pub(super) fn is_known_with(&self, record: &Record) -> bool {
        let targets = self.record.annotation.targets.iter().map(|target| target.0.as_str());
        let own: Vec<&str> = match self.origin {
            Origin::Row => self.record.acts_on(),
            _ => targets.collect(),
        };
        record.acts_on().iter().any(|gene| own.contains(gene))
    }

    /// Takes the mean of the members' embeddings, as the model does for combinations it was trained on.
    fn combine(index: &Index, query: &Query, rows: &[u32]) -> Result<Self> {
        let records: Vec<Record> =
            rows.iter().map(|row| index.record(*row)).collect::<Result<_>>()?;
        let record = joined_record(&records);
        let vectors: Vec<&[f32]> = rows.iter().map(|row| index.vector(*row)).collect();
        let responses: Option<Vec<&[f32]>> = rows.iter().map(|row| index.response(*row)).collect();
        let vector = unit_mean(&vectors).ok_or_else(|| {
            let what = format!("combination `{}`", query.name);
            Error::data(what, "its members' embeddings cancel out", "search for its members")
        })?;
        let rows: std::collections::BTreeSet<u32> = rows.iter().copied().collect();
        Ok(Self {
            asked: query.name.clone(),
            side: record.perturbation.side(),
            record,
            vector,
            response: responses.and_then(|responses| unit_mean(&responses)),
            activity: None,
            rows: rows.into_iter().collect(),
            origin: Origin::Combination(
                records.iter().map(|record| record.name().to_owned()).collect(),
            ),
        })
    }
}

/// The mean of unit vectors at unit length; none if it is zero.
fn unit_mean(vectors: &[&[f32]]) -> Option<Vec<f32>> {
    let dim = vectors.first()?.len();
    let sum = |k: usize| vectors.iter().map(|vector| f64::from(vector[k])).sum::<f64>();
    let sums: Vec<f64> = (0..dim).map(sum).collect();
    let norm = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    (norm > 1e-6).then(|| sums.into_iter().map(|sum| (sum / norm) as f32).collect())
}

/// What is known of a combination: what is known of any member.
pub(super) fn joined_record(members: &[Record]) -> Record {
    let records = || members.iter();
    let names: Vec<&str> = records().map(Record::name).collect();
    let agents: Vec<&str> = records().map(|record| record.perturbation.agent()).collect();
    let kind = records().next().map(|record| record.perturbation.perturbation_type());
    let mut targets: Vec<Target> =
        records().flat_map(|record| record.acts_on()).map(|gene| Target(gene.to_owned())).collect();
    let mut moas: Vec<Moa> = records().flat_map(|r| r.annotation.moas.clone()).collect();
    targets.sort_unstable();
    targets.dedup();
    moas.sort_unstable();
    moas.dedup();
    Record {
        perturbation: Perturbation::new(
            kind.unwrap_or(PerturbationType::Compound),
            agents.join("+"),
        ),
        annotation: Annotation { name: names.join(" + "), targets, moas, ..Annotation::default() },
        targeted_by: Vec::new(),
        contexts: Vec::new(),
    }
}
