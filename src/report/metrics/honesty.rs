use super::table::{MetricRow, MetricTable, MetricValue};
use crate::evaluate::honesty::{HonestyReport, LEVEL, Share};

/// Returns who has a significant hit, and which target genes are found.
#[must_use]
pub fn honesty_tables(report: &HonestyReport) -> [MetricTable; 2] {
    let title = format!("honesty: queries with any q-value of at most {LEVEL}");
    let mut table = MetricTable::new(title, "queries", ["share", "of"]);
    let rows = [
        ("shuffled profiles, folded in", report.controls),
        ("the least active tenth of compounds", report.least_active),
        ("all compounds", report.compounds),
        ("labelled compounds: a known target", report.known),
    ];
    table.rows.extend(rows.map(|(name, share)| row(name, share)));
    let verdict = if report.is_honest() { "HONEST" } else { "NOT HONEST: do not trust q-values" };
    table.notes = vec![
        format!(
            "{verdict}: of shuffled profiles {:.3} may have one, {LEVEL} and the binomial error",
            report.controls.limit(LEVEL)
        ),
        format!("q-values over the {} genes of the panel, query by query", report.n_panel),
    ];
    let title = "compounds with a significant known target, by gene of three or more";
    let mut genes = MetricTable::new(title, "gene", ["share", "of"]);
    let found = report.by_gene.iter().filter(|(_, share)| share.count > 0);
    genes.rows = found.map(|(gene, share)| row(gene, *share)).collect();
    let n_without = report.by_gene.len() - genes.rows.len();
    genes.notes = vec![format!("and {n_without} genes whose compounds do not find them")];
    [table, genes]
}

fn row(name: &str, share: Share) -> MetricRow {
    let values = [share.value(), share.total as f64];
    MetricRow::new(name, values.map(|value| Some(MetricValue::new(value))))
}
