use crate::evaluate::Estimate;
use crate::evaluate::network::{NETWORK_METRICS, NetworkReport};
use crate::evaluate::prediction::{NoiseCeiling, PredictionReport, PredictionRow};
use crate::evaluate::retrieval::{METRICS, RetrievalReport};
use crate::evaluate::scaling::ScalingPoint;

use super::table::{MetricRow, MetricTable, MetricValue};

/// Returns every method's retrieval figures with their intervals.
#[must_use]
pub fn retrieval_table(report: &RetrievalReport) -> MetricTable {
    let title = format!("retrieval of known targets ({} queries)", report.half.as_str());
    let mut table = MetricTable::new(title, "method", METRICS);
    for method in &report.methods {
        table.rows.push(MetricRow::new(&method.name, method.metrics.iter().map(value_of)));
    }
    table.notes = vec![
        format!(
            "{} compounds with a labelled target among {} genes",
            report.n_queries, report.n_panel
        ),
        format!(
            "{} % bootstrap intervals, {} clusters of target genes",
            100.0 * report.level,
            report.n_clusters
        ),
    ];
    table
}

/// Returns each candidate's paired differences to the baselines.
#[must_use]
pub fn retrieval_difference_table(report: &RetrievalReport) -> MetricTable {
    let title = format!("paired differences ({} queries)", report.half.as_str());
    let mut table = MetricTable::new(title, "difference", METRICS);
    for difference in &report.differences {
        let name = format!("{} - {}", difference.candidate, difference.baseline);
        table.rows.push(MetricRow::new(name, difference.metrics.iter().map(value_of)));
    }
    table
}

/// Returns how well methods find pairs of genes that are known to work together, and by how much the network is above the
/// others.
#[must_use]
pub fn network_tables(report: &NetworkReport) -> [MetricTable; 2] {
    let title = format!("pairs known to {}", report.name);
    let mut table = MetricTable::new(title, "method", NETWORK_METRICS);
    let base_rate = report.n_known as f64 / report.n_pairs.max(1) as f64;
    let random = [0.10, 0.05, base_rate, base_rate, base_rate];
    let random = random.map(|expected| Some(MetricValue::new(expected)));
    table.rows.push(MetricRow::new("random", random));
    for method in &report.methods {
        table.rows.push(MetricRow::new(&method.name, method.metrics.iter().map(value_of)));
    }
    table.notes = vec![format!(
        "{} known pairs among all {} pairs of {} genes; {} given pairs name other genes",
        report.n_known, report.n_pairs, report.n_genes, report.n_outside
    )];
    let candidate = report.methods.last().map_or("", |method| method.name.as_str());
    let columns = [NETWORK_METRICS[0], NETWORK_METRICS[1], NETWORK_METRICS[4]];
    let title = format!("paired differences on {}", report.name);
    let mut differences = MetricTable::new(title, "difference", columns);
    for difference in &report.differences {
        let name = format!("{candidate} - {}", difference.baseline);
        differences.rows.push(MetricRow::new(name, difference.metrics.iter().map(value_of)));
    }
    differences.notes = vec!["intervals from genes drawn again".to_owned()];
    [table, differences]
}

/// Returns what each amount of data buys.
#[must_use]
pub fn scaling_table(title: &str, points: &[ScalingPoint]) -> MetricTable {
    let columns = ["profiles", "values", "hit@10", "MRR", "RMSE", "Pearson"];
    let mut table = MetricTable::new(title, "learnt from", columns);
    for point in points {
        let plain = |value: f64| Some(MetricValue::new(value));
        let counts = [point.n_profiles, point.n_values].map(|n| plain(n as f64));
        let retrieval = [value_of(&point.hit_at_10), value_of(&point.mrr)];
        let prediction = [plain(point.rmse), plain(point.pearson)];
        table.rows.push(MetricRow::new(
            &point.name,
            counts.into_iter().chain(retrieval).chain(prediction),
        ));
    }
    if let Some(point) = points.first() {
        table.notes = vec![
            format!(
                "{} compounds with a labelled target; the same queries and genes in each row, those not learnt from folded in",
                point.n_queries
            ),
            "RMSE and Pearson on the same tenth of the chemical values, held out of everything"
                .to_owned(),
        ];
    }
    table
}

/// Returns one table of held-out errors per scope: all values, then each context.
#[must_use]
pub fn prediction_table(report: &PredictionReport) -> Vec<MetricTable> {
    let columns = ["n", "RMSE", "R2", "MAE", "Pearson", "coverage"];
    let mut tables: Vec<(String, MetricTable)> = Vec::new();
    for row in &report.rows {
        if tables.last().is_none_or(|(scope, _)| *scope != row.scope) {
            let title = format!("held-out values: {}", row.scope);
            tables.push((row.scope.clone(), MetricTable::new(title, "method", columns)));
        }
        if let Some((_, table)) = tables.last_mut() {
            table.rows.push(prediction_row(row));
        }
    }
    tables.into_iter().map(|(_, table)| table).collect()
}

fn prediction_row(row: &PredictionRow) -> MetricRow {
    let scores = &row.scores;
    let n_values = scores.n_values as f64;
    let values = [n_values, scores.rmse, scores.r2, scores.mae, scores.pearson, scores.coverage];
    MetricRow::new(&row.method, values.map(known))
}

/// Returns how well contexts agree on the perturbations they share.
#[must_use]
pub fn noise_ceiling_table(ceilings: &[NoiseCeiling]) -> MetricTable {
    let columns = ["perturbations", "values", "Pearson", "median Pearson"];
    let mut table = MetricTable::new("agreement between contexts", "contexts", columns);
    for ceiling in ceilings {
        let values = [
            ceiling.n_perturbations as f64,
            ceiling.n_values as f64,
            ceiling.pearson,
            ceiling.median_pearson,
        ];
        let name = format!("{} / {}", ceiling.contexts.0, ceiling.contexts.1);
        table.rows.push(MetricRow::new(name, values.map(known)));
    }
    table
}

pub(super) fn value_of(estimate: &Estimate) -> Option<MetricValue> {
    Some(MetricValue::with_interval(estimate.value, estimate.lower, estimate.upper))
}

fn known(value: f64) -> Option<MetricValue> {
    value.is_finite().then(|| MetricValue::new(value))
}
