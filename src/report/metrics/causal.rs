use crate::evaluate::causal::{CAUSAL_METRICS, CausalReport};

use super::of_report::value_of;
use super::table::{MetricRow, MetricTable, MetricValue};

/// Returns how far the edges of each method change in held-out cells, and by how much the candidate is above the others: two
/// tables for each context, and where there are several one of their means. All reports are of equally many edges.
#[must_use]
pub fn causal_tables(reports: &[CausalReport]) -> Vec<MetricTable> {
    let of_context = |report| [figures(report), differences(report)];
    let tables = reports.iter().flat_map(of_context);
    tables.chain((reports.len() > 1).then(|| means(reports))).collect()
}

fn figures(report: &CausalReport) -> MetricTable {
    let title = format!("{} edges on held-out cells: {}", report.n_edges, report.context);
    let columns = std::iter::once("edges").chain(CAUSAL_METRICS);
    let mut table = MetricTable::new(title, "method", columns);
    for method in &report.methods {
        let metrics = method.metrics.iter().map(|metric| value_of(metric).filter(is_known));
        let n_edges = method.n_edges.map(MetricValue::count);
        table.rows.push(MetricRow::new(&method.name, std::iter::once(n_edges).chain(metrics)));
    }
    let share = 100.0 * report.n_significant as f64 / report.n_pairs.max(1) as f64;
    table.notes = vec![
        format!(
            "{} genes that are perturbed and measured, {} others in too few held-out cells (--min-cells): {} directed pairs, {share:.1} % of them significant; {} held-out cells and {} controls",
            report.n_genes, report.n_left_out, report.n_pairs, report.n_cells.0, report.n_cells.1
        ),
        "mean Wasserstein and significant: higher is better; false omission rate, over all pairs that are not returned: lower is better; without any effect 5 % of pairs are significant".to_owned(),
    ];
    table
}

fn differences(report: &CausalReport) -> MetricTable {
    let candidate = report.methods.last().map_or("", |method| method.name.as_str());
    let title = format!("paired differences of {} edges: {}", report.n_edges, report.context);
    let mut table = MetricTable::new(title, "difference", CAUSAL_METRICS);
    for difference in &report.differences {
        let name = format!("{candidate} - {}", difference.baseline);
        let metrics = difference.metrics.iter().map(|metric| value_of(metric).filter(is_known));
        table.rows.push(MetricRow::new(name, metrics));
    }
    table.notes = vec!["intervals from perturbed genes drawn again".to_owned()];
    table
}

/// Returns the means over contexts, of methods that have a figure in each.
fn means(reports: &[CausalReport]) -> MetricTable {
    let n_edges = reports.iter().map(|report| report.n_edges).max().unwrap_or_default();
    let title = format!("{n_edges} edges on held-out cells: mean over {} contexts", reports.len());
    let mut table = MetricTable::new(title, "method", CAUSAL_METRICS);
    // All contexts have the same methods.
    for method in reports.iter().take(1).flat_map(|report| &report.methods) {
        let of_method = |report: &CausalReport| {
            let same = report.methods.iter().find(|of| of.name == method.name)?;
            Some(same.metrics.map(|metric| metric.value))
        };
        let metrics: Vec<[f64; 3]> = reports.iter().filter_map(of_method).collect();
        let mean = |at: usize| {
            let sum: f64 = metrics.iter().map(|metrics| metrics[at]).sum();
            Some(MetricValue::new(sum / metrics.len() as f64)).filter(is_known)
        };
        table.rows.push(MetricRow::new(&method.name, (0..CAUSAL_METRICS.len()).map(mean)));
    }
    table
}

fn is_known(value: &MetricValue) -> bool {
    value.value.is_finite()
}
