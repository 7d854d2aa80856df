use serde::{Deserialize, Serialize};

use super::prediction::{DirectedPrediction, JudgedEdge};
use super::task::DirectedTask;
use crate::dataset::unit_ranks;
use crate::error::{Error, Result};
use crate::evaluate::{Bootstrap, Estimate};

/// Names of the figures, in their order: the share of the strongest 100 and 1,000 predictions whose sign was measured, the
/// correlation and the rank correlation over all pairs, and the share of the strongest twentieth of measured values, whichever
/// sign, that lies in the strongest twentieth of predictions.
pub const DIRECTED_METRICS: [&str; 5] =
    ["sign of 100", "sign of 1000", "Pearson", "Spearman", "recall of 5 %"];

const TOPS: [f64; 2] = [100.0, 1_000.0];
const TAIL: f64 = 0.05;
/// Edges up to these p-values, and up to a q-value, are judged by their signs.
const P_VALUES: [f64; 3] = [0.05, 0.01, 0.001];
const Q_VALUE: f64 = 0.05;

/// One method's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectedMethod {
    /// The method.
    pub name: String,
    /// In the order of [`DIRECTED_METRICS`].
    pub metrics: [Estimate; 5],
    /// Share of the pairs that it says anything of.
    pub coverage: f64,
    /// Perturbed genes that are readouts of which it says something, and how many of them move as was measured.
    pub own: (usize, usize),
}

/// By how much the candidate is above another method, on the same pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectedDifference {
    /// The other method.
    pub baseline: String,
    /// Correlation, rank correlation and recall; signs are of other pairs for each method, so that they have none.
    pub metrics: [Estimate; 3],
}

/// How often edges up to a p-value or q-value have the measured sign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeAgreement {
    /// Such as `p ≤ 0.01`.
    pub name: String,
    /// Edges that the assay held out measured.
    pub n: usize,
    /// Genes that they start at.
    pub n_genes: usize,
    /// Share of them with the measured sign; none of no edge.
    pub agreement: Option<Estimate>,
}

/// How well methods know what an assay measured that they never saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectedReport {
    /// The context held out.
    pub context: String,
    /// Perturbed genes.
    pub n_genes: usize,
    /// Measured pairs, those of a gene with itself left out.
    pub n_pairs: usize,
    /// Measured pairs of a gene with itself.
    pub n_self: usize,
    /// Those of them that were measured to move as the perturbation must move them.
    pub n_self_expected: usize,
    /// The last is the candidate.
    pub methods: Vec<DirectedMethod>,
    /// The candidate against each of the others.
    pub differences: Vec<DirectedDifference>,
    /// Of the candidate's edges, those of a gene with itself left out.
    pub edges: Vec<EdgeAgreement>,
}

/// Compares methods with what an assay measured that none of them saw; the last is the candidate, whose edges are judged
/// by their p-values, too.
///
/// A prediction of 0 has either sign by half, and of equally strong ones at a threshold each counts in part. Intervals come
/// from genes drawn again; thresholds, ranks and means stay those of the data.
///
/// # Errors
/// When a method is of other pairs, nothing was measured, or the bootstrap's parameters cannot be used.
pub fn evaluate_directed(
    task: &DirectedTask,
    methods: &[DirectedPrediction],
    edges: &[JudgedEdge],
    bootstrap: &Bootstrap,
) -> Result<DirectedReport> {
    let n_values = task.truth().len();
    if let Some(other) = methods.iter().find(|method| method.values.len() != n_values) {
        let problem = format!("`{}` says {} values of {n_values}", other.name, other.values.len());
        return Err(Error::data("the directed task", problem, "predict its genes and readouts"));
    }
    let measured = Measured::of(task);
    if measured.pairs.is_empty() {
        let advice = "hold out an assay of other genes";
        return Err(Error::data("the directed task", "no pair of two genes was measured", advice));
    }
    let judged: Vec<Vec<Sums>> = methods.iter().map(|method| measured.judge(method)).collect();
    let method = |(method, sums): (&DirectedPrediction, &Vec<Sums>)| {
        let is_said = |at: &&usize| method.values[**at].abs() > 0.0;
        let n_said = measured.pairs.iter().filter(is_said).count();
        let own = || measured.own.iter().filter(is_said);
        let agrees = |at: &&usize| method.values[**at] * f64::from(task.truth()[**at]) > 0.0;
        Ok(DirectedMethod {
            name: method.name.clone(),
            metrics: bootstrap.estimate_ratios(sums)?,
            coverage: n_said as f64 / measured.pairs.len() as f64,
            own: (own().count(), own().filter(agrees).count()),
        })
    };
    let n_others = methods.len().saturating_sub(1);
    let difference = |(other, sums): (&DirectedPrediction, &Vec<Sums>)| {
        let candidate = judged.last().map_or(&[][..], Vec::as_slice);
        let groups: Vec<[(f64, f64); 3]> = candidate.iter().zip(sums).map(less).collect();
        let metrics = bootstrap.estimate_ratios(&groups)?;
        Ok(DirectedDifference { baseline: other.name.clone(), metrics })
    };
    let expected = task.perturbation_type().gene_activity().unwrap_or_default();
    let is_expected = |at: &&usize| f64::from(task.truth()[**at]) * expected > 0.0;
    Ok(DirectedReport {
        context: task.context().to_owned(),
        n_genes: task.genes().len(),
        n_pairs: measured.pairs.len(),
        n_self: measured.own.len(),
        n_self_expected: measured.own.iter().filter(is_expected).count(),
        methods: methods.iter().zip(&judged).map(method).collect::<Result<_>>()?,
        differences: methods
            .iter()
            .zip(&judged)
            .take(n_others)
            .map(difference)
            .collect::<Result<_>>()?,
        edges: agreements(task, edges, bootstrap)?,
    })
}

/// Part and whole of each figure, of one gene.
type Sums = [(f64, f64); 5];

/// By how much one method's parts are above another's, of the figures with equal wholes.
fn less((a, b): (&Sums, &Sums)) -> [(f64, f64); 3] {
    [2, 3, 4].map(|k| (a[k].0 - b[k].0, a[k].1))
}

/// The measured pairs of a task, and what of them does not depend on a method.
struct Measured<'a> {
    task: &'a DirectedTask,
    /// Positions of pairs of two genes, and of a gene with itself.
    pairs: Vec<usize>,
    own: Vec<usize>,
    truth: Vec<f32>,
    /// Centred, of unit length over the pairs.
    standard: [Vec<f64>; 2],
    /// How much of each pair is in the strongest twentieth.
    strong: Vec<f64>,
}

impl<'a> Measured<'a> {
    fn of(task: &'a DirectedTask) -> Self {
        let is_measured = |at: &usize| !task.truth()[*at].is_nan();
        let all = (0..task.truth().len()).filter(is_measured);
        let (own, pairs): (Vec<usize>, Vec<usize>) = all.partition(|at| task.is_self(*at));
        let truth: Vec<f32> = pairs.iter().map(|at| task.truth()[*at]).collect();
        let sizes: Vec<f64> = truth.iter().map(|value| f64::from(value.abs())).collect();
        let strong = shares_of_top(&sizes, TAIL * sizes.len() as f64);
        Self { task, own, standard: [unit(&truth), unit_ranks(&truth)], strong, truth, pairs }
    }

    /// Returns of each gene what a method's figures are made of.
    fn judge(&self, method: &DirectedPrediction) -> Vec<Sums> {
        let predicted: Vec<f32> = self.pairs.iter().map(|at| method.values[*at] as f32).collect();
        let sizes: Vec<f64> = predicted.iter().map(|value| f64::from(value.abs())).collect();
        let tops = TOPS.map(|n| shares_of_top(&sizes, n));
        let strong = shares_of_top(&sizes, TAIL * sizes.len() as f64);
        // A method without any differences has no correlation: 0, not the NaN of its unit vector.
        let standard = [unit(&predicted), unit_ranks(&predicted)]
            .map(|line| line.into_iter().map(|x| if x.is_nan() { 0.0 } else { x }).collect());
        let standard: [Vec<f64>; 2] = standard;
        let n = self.pairs.len() as f64;
        let n_readouts = self.task.readouts().len().max(1);
        let mut sums = vec![[(0.0, 0.0); 5]; self.task.genes().len()];
        for (i, at) in self.pairs.iter().enumerate() {
            let sum = &mut sums[at / n_readouts];
            let agrees = agreement(predicted[i], self.truth[i]);
            let figures = [
                (tops[0][i] * agrees, tops[0][i]),
                (tops[1][i] * agrees, tops[1][i]),
                (n * standard[0][i] * self.standard[0][i], 1.0),
                (n * standard[1][i] * self.standard[1][i], 1.0),
                (strong[i] * self.strong[i], self.strong[i]),
            ];
            sum.iter_mut().zip(figures).for_each(|(sum, own)| {
                *sum = (sum.0 + own.0, sum.1 + own.1);
            });
        }
        sums
    }
}

/// 1 where both have one sign, 0 where they have not, and half where one of them is 0.
fn agreement(a: f32, b: f32) -> f64 {
    match (f64::from(a) * f64::from(b)).partial_cmp(&0.0) {
        Some(std::cmp::Ordering::Greater) => 1.0,
        Some(std::cmp::Ordering::Less) => 0.0,
        _ => 0.5,
    }
}

/// The values less their mean, of unit length; NaN where all are equal.
fn unit(values: &[f32]) -> Vec<f64> {
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
    let centred: Vec<f64> = values.iter().map(|value| f64::from(*value) - mean).collect();
    let length = centred.iter().map(|value| value * value).sum::<f64>().sqrt();
    centred.into_iter().map(|value| value / length).collect()
}

/// How much of each value is among the `n` largest: 1 above the threshold, and of those at it each an equal part.
fn shares_of_top(values: &[f64], n: f64) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let Some(threshold) = sorted.get((n.ceil() as usize).max(1) - 1).copied() else {
        return vec![1.0; values.len()];
    };
    let n_above = values.iter().filter(|value| **value > threshold).count();
    let n_at = values.iter().filter(|value| value.total_cmp(&threshold).is_eq()).count();
    let part = (n - n_above as f64) / n_at as f64;
    let share = |value: &f64| match value.total_cmp(&threshold) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => part,
        std::cmp::Ordering::Less => 0.0,
    };
    values.iter().map(share).collect()
}

/// Says how often edges up to each level have the measured sign.
fn agreements(
    task: &DirectedTask,
    edges: &[JudgedEdge],
    bootstrap: &Bootstrap,
) -> Result<Vec<EdgeAgreement>> {
    let is_measured = |edge: &&JudgedEdge| {
        task.truth().get(edge.pair).is_some_and(|v| !v.is_nan()) && !task.is_self(edge.pair)
    };
    let measured: Vec<&JudgedEdge> = edges.iter().filter(is_measured).collect();
    let of_level = |name: String, passes: &dyn Fn(&JudgedEdge) -> bool| {
        let mut sums = vec![[(0.0, 0.0)]; task.genes().len()];
        let mut n = 0;
        for edge in measured.iter().filter(|edge| passes(edge)) {
            n += 1;
            let [sum] = &mut sums[edge.pair / task.readouts().len().max(1)];
            let agrees = agreement(edge.z as f32, task.truth()[edge.pair]);
            *sum = (sum.0 + agrees, sum.1 + 1.0);
        }
        let n_genes = sums.iter().filter(|[(_, whole)]| *whole > 0.0).count();
        let estimate = || bootstrap.estimate_ratios(&sums).map(|[agreement]| agreement);
        let agreement = if n > 0 { Some(estimate()?) } else { None };
        Ok(EdgeAgreement { name, n, n_genes, agreement })
    };
    let mut found = vec![of_level("all".to_owned(), &|_| true)?];
    for level in P_VALUES {
        found.push(of_level(format!("p ≤ {level}"), &|edge| edge.p_value <= level)?);
    }
    found.push(of_level(format!("q ≤ {Q_VALUE}"), &|edge| edge.q_value <= Q_VALUE)?);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_values_each_counts_in_part() {
        let shares = shares_of_top(&[3.0, 1.0, 1.0, 1.0, 0.5], 2.0);
        let expected = [1.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0];
        assert!(shares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{shares:?}");
        assert_eq!(shares_of_top(&[1.0, 2.0], 5.0), [1.0, 1.0]);
    }

    #[test]
    fn signs_agree_by_half_where_nothing_is_said() {
        for (a, b, expected) in [(0.0, 2.0, 0.5), (-1.0, -2.0, 1.0), (1.0, -2.0, 0.0)] {
            assert!((agreement(a, b) - expected).abs() < 1e-12, "{a} {b}");
        }
    }
}
