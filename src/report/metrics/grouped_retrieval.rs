use super::table::{MetricRow, MetricTable, MetricValue};
use crate::evaluate::Estimate;
use crate::evaluate::retrieval::{
    GroupResult, GroupedReport, Grouping, METRICS, MIN_GROUP_QUERIES, MIN_INTERVAL_GENES,
    MethodResult, RetrievalReport, Role,
};

/// The metrics that have a table.
const SHOWN: [&str; 3] = ["hit@10", "MRR", "AUROC"];
/// Of the baselines, what every comparison in a narrow table needs.
const BASELINES: [&str; 3] = ["random", "correlation", "whitened-correlation"];
/// The strongest baseline that needs no model; differences are to it.
const REFERENCE: &str = "whitened-correlation";

/// Returns a table for each of hit@10, MRR and AUROC: groups as rows, methods as columns, and the candidates'
/// paired difference to `whitened-correlation`.
///
/// Candidates and differences have intervals where the group has enough target genes
/// ([`GroupResult::has_intervals`]). Notes, below the last table, say what was left out.
#[must_use]
pub fn grouped_retrieval_tables(report: &GroupedReport) -> Vec<MetricTable> {
    let mut tables: Vec<MetricTable> =
        SHOWN.iter().filter_map(|metric| table(report, metric)).collect();
    if let Some(last) = tables.last_mut() {
        last.notes = notes(report);
    }
    tables
}

fn table(report: &GroupedReport, metric: &str) -> Option<MetricTable> {
    let at = METRICS.iter().position(|name| *name == metric)?;
    let grouping = report.groups.grouping.as_str();
    let title = format!("{metric} by {grouping} ({} queries)", report.groups.half.as_str());
    let columns = report.results.first().map_or(Vec::new(), |result| columns(&result.report));
    let names = ["queries", "genes"].into_iter().chain(columns.iter().map(String::as_str));
    let mut table = MetricTable::new(title, grouping, names);
    let rows = report.groups.groups.iter().zip(&report.results);
    table.rows = rows.map(|(group, result)| row(&group.name, result, at)).collect();
    Some(table)
}

fn columns(report: &RetrievalReport) -> Vec<String> {
    let methods = shown_methods(report).map(|method| method.name.clone());
    let differences = report.differences.iter().filter(|other| other.baseline == REFERENCE);
    methods
        .chain(differences.map(|pair| format!("{} - {}", pair.candidate, pair.baseline)))
        .collect()
}

fn shown_methods(report: &RetrievalReport) -> impl Iterator<Item = &MethodResult> {
    let is_shown = |method: &&MethodResult| {
        method.role == Role::Candidate || BASELINES.contains(&method.name.as_str())
    };
    report.methods.iter().filter(is_shown)
}

fn row(name: &str, result: &GroupResult, metric: usize) -> MetricRow {
    let report = &result.report;
    let with_interval = |estimate: &Estimate| match result.has_intervals() {
        true => MetricValue::with_interval(estimate.value, estimate.lower, estimate.upper),
        false => MetricValue::new(estimate.value),
    };
    let counts = [report.n_queries, result.n_genes].map(MetricValue::count);
    let methods = shown_methods(report).map(|method| match method.role {
        Role::Candidate => with_interval(&method.metrics[metric]),
        Role::Baseline => MetricValue::new(method.metrics[metric].value),
    });
    let differences = report.differences.iter().filter(|other| other.baseline == REFERENCE);
    let differences = differences.map(|pair| with_interval(&pair.metrics[metric]));
    MetricRow::new(name, counts.into_iter().chain(methods).chain(differences).map(Some))
}

fn notes(report: &GroupedReport) -> Vec<String> {
    let counted = match report.groups.grouping {
        Grouping::Assay => "a compound counts in each assay that it was measured in",
        Grouping::Mechanism => "a compound counts in each mechanism that it is annotated with",
        Grouping::Half => "a compound with targets in both halves counts in neither",
    };
    let mut notes = vec![format!(
        "{counted}; genes: their labelled targets, ranked among all genes of the panel"
    )];
    notes.extend(left_out(report));
    notes.push(format!(
        "no interval below {MIN_INTERVAL_GENES} target genes; of five it covers about 84 % and not 95, of ten 90 %; where all compounds are alike it has no width; of many groups some miss by chance"
    ));
    notes
}

/// Says how many groups and queries no row shows, if any.
fn left_out(report: &GroupedReport) -> Option<String> {
    let groups = &report.groups;
    let plural = match groups.grouping {
        Grouping::Assay => "assays",
        Grouping::Mechanism => "mechanisms",
        Grouping::Half => "halves",
    };
    let small =
        format!("{plural} of fewer than {MIN_GROUP_QUERIES} queries: {}", groups.n_small_groups);
    let queries = format!(
        "queries in none of the {plural} shown: {} ({} of them in none at all)",
        groups.n_left_out, groups.n_ungrouped
    );
    match (groups.n_small_groups, groups.n_left_out) {
        (0, 0) => None,
        (0, _) => Some(format!("left out: {queries}")),
        (_, 0) => Some(format!("left out: {small}")),
        _ => Some(format!("left out: {small}; {queries}")),
    }
}
