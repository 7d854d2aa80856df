use crate::search::{Answer, Hit};

/// The columns of a hit, in their stable order.
///
/// Of the contract's columns those of calibrated significance (z, tau, pvalue, evalue, qvalue,
/// prob, support, activities, flags) are absent until they are computed; `asked` (the name as it was
/// typed, to join with a list of one's own) and `index` (its fingerprint) come last.
pub const HIT_COLUMNS: [&str; 15] = [
    "query",
    "query_type",
    "hit",
    "hit_name",
    "hit_type",
    "hit_gene",
    "rank",
    "direction",
    "similarity",
    "response_similarity",
    "moa",
    "targets",
    "known",
    "asked",
    "index",
];

/// One cell: text, a whole number, or a measured number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Count(usize),
    Number(f32),
    Missing,
}

impl Cell {
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => significant(f64::from(*number)),
            Self::Missing => String::new(),
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Count(count) => (*count).into(),
            Self::Number(number) => significant(f64::from(*number))
                .parse::<f64>()
                .map_or(serde_json::Value::Null, serde_json::Value::from),
            Self::Missing => serde_json::Value::Null,
        }
    }
}

/// Returns the cells of a hit in the order of [`HIT_COLUMNS`].
pub(super) fn cells(answer: &Answer, hit: &Hit, fingerprint: &str) -> [Cell; 15] {
    let text = |text: &str| Cell::Text(text.to_owned());
    let query = &answer.query;
    let annotation = &hit.record.annotation;
    let moas: Vec<&str> = annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
    [
        text(query.name()),
        text(query.perturbation.perturbation_type().cmap_code()),
        Cell::Text(hit.record.perturbation.symbol()),
        text(hit.record.name()),
        text(hit.record.perturbation.perturbation_type().cmap_code()),
        hit.record.gene().map_or(Cell::Missing, text),
        Cell::Count(hit.rank),
        text("mimic"),
        Cell::Number(hit.similarity),
        hit.response_similarity.map_or(Cell::Missing, Cell::Number),
        Cell::Text(moas.join("|")),
        Cell::Text(hit.record.acts_on().join("|")),
        Cell::Count(usize::from(hit.is_known)),
        text(&answer.asked),
        text(fingerprint),
    ]
}

/// Returns a number with six significant digits, in the shortest decimal form.
///
/// ```
/// assert_eq!(phenocopy::report::significant(0.123456789), "0.123457");
/// assert_eq!(phenocopy::report::significant(-2.5), "-2.5");
/// assert_eq!(phenocopy::report::significant(f64::NAN), "");
/// ```
#[must_use]
pub fn significant(number: f64) -> String {
    if !number.is_finite() {
        return String::new();
    }
    format!("{number:.5e}").parse::<f64>().map_or_else(|_| String::new(), |short| short.to_string())
}
