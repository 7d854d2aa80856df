use super::table::{MetricRow, MetricTable, MetricValue};
use crate::evaluate::Estimate;
use crate::evaluate::directed::{DIRECTED_METRICS, DirectedReport};

/// Returns how well methods know what an assay measured that none saw: their figures, the candidate's differences to the
/// others, its edges by significance, and what perturbed genes do to themselves.
#[must_use]
pub fn directed_tables(report: &DirectedReport) -> [MetricTable; 4] {
    [methods(report), differences(report), edges(report), own(report)]
}

fn methods(report: &DirectedReport) -> MetricTable {
    let title = format!("responses in {}, which was held out", report.context);
    let columns = DIRECTED_METRICS.into_iter().chain(["coverage"]);
    let mut table = MetricTable::new(title, "method", columns);
    let random = [0.5, 0.5, 0.0, 0.0, 0.05].map(|expected| Some(MetricValue::new(expected)));
    table.rows.push(MetricRow::new("random", random.into_iter().chain([None])));
    for method in &report.methods {
        let coverage = Some(MetricValue::new(method.coverage));
        let values = method.metrics.iter().map(value_of).chain([coverage]);
        table.rows.push(MetricRow::new(&method.name, values));
    }
    table.notes = vec![
        format!(
            "{} measured pairs of {} perturbed genes with other genes, less what readouts do on average",
            report.n_pairs, report.n_genes
        ),
        "intervals from perturbed genes drawn again".to_owned(),
    ];
    table
}

fn differences(report: &DirectedReport) -> MetricTable {
    let title = format!("paired differences in {}", report.context);
    let columns = [DIRECTED_METRICS[2], DIRECTED_METRICS[3], DIRECTED_METRICS[4]];
    let mut table = MetricTable::new(title, "difference", columns);
    let candidate = report.methods.last().map_or("", |method| method.name.as_str());
    for difference in &report.differences {
        let name = format!("{candidate} - {}", difference.baseline);
        table.rows.push(MetricRow::new(name, difference.metrics.iter().map(value_of)));
    }
    table
}

fn edges(report: &DirectedReport) -> MetricTable {
    let title = format!("edges that {} measured, by significance", report.context);
    let mut table = MetricTable::new(title, "edges", ["n", "genes", "same sign"]);
    for edges in &report.edges {
        let counts = [edges.n, edges.n_genes].map(|n| Some(MetricValue::count(n)));
        let agreement = edges.agreement.as_ref().and_then(value_of);
        table.rows.push(MetricRow::new(&edges.name, counts.into_iter().chain([agreement])));
    }
    table.notes = vec!["by chance half have the same sign".to_owned()];
    table
}

fn own(report: &DirectedReport) -> MetricTable {
    let title = format!("what perturbed genes do to themselves in {}", report.context);
    let mut table = MetricTable::new(title, "method", ["n", "as measured"]);
    for method in &report.methods {
        let (n, n_agreeing) = method.own;
        let share = (n > 0).then(|| MetricValue::new(n_agreeing as f64 / n as f64));
        table.rows.push(MetricRow::new(&method.name, [Some(MetricValue::count(n)), share]));
    }
    table.notes = vec![format!(
        "{} of {} measured ones move as the perturbation must move them",
        report.n_self_expected, report.n_self
    )];
    table
}

fn value_of(estimate: &Estimate) -> Option<MetricValue> {
    let Estimate { value, lower, upper } = *estimate;
    value.is_finite().then(|| MetricValue::with_interval(value, lower, upper))
}
