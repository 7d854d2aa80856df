use crate::search::{Answer, Direction, Hit, MechanismHit, Significance, Support};

/// The columns of a hit, in their stable order.
///
/// `asked` (the name as it was typed, to join with a list of one's own) and `index` (its fingerprint) come last. A cell
/// is empty where its statistic cannot be told; `flags` says why.
pub const HIT_COLUMNS: [&str; 25] = [
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
    "z",
    "tau",
    "pvalue",
    "evalue",
    "qvalue",
    "prob",
    "support",
    "query_activity",
    "hit_activity",
    "moa",
    "targets",
    "known",
    "flags",
    "asked",
    "index",
];

/// The columns of a mechanism, in their stable order.
pub const MECHANISM_COLUMNS: [&str; 12] = [
    "query",
    "query_type",
    "kind",
    "mechanism",
    "rank",
    "n_members",
    "z",
    "pvalue",
    "qvalue",
    "members",
    "known",
    "index",
];

/// One cell: text, a whole number, or a measured number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Count(usize),
    Number(f64),
    Missing,
}

impl Cell {
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => significant(*number),
            Self::Missing => String::new(),
        }
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Count(count) => (*count).into(),
            Self::Number(number) => significant(*number)
                .parse::<f64>()
                .map_or(serde_json::Value::Null, serde_json::Value::from),
            Self::Missing => serde_json::Value::Null,
        }
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Missing, Self::Number)
    }
}

/// Returns the cells of a hit in the order of [`HIT_COLUMNS`].
pub(super) fn cells(answer: &Answer, hit: &Hit, fingerprint: &str) -> [Cell; 25] {
    let text = |text: &str| Cell::Text(text.to_owned());
    let query = &answer.query;
    let annotation = &hit.record.annotation;
    let moas: Vec<&str> = annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
    let flags: Vec<&str> = hit.flags.iter().map(|flag| flag.code()).collect();
    let worth = |of: &dyn Fn(&Significance) -> Option<f64>| {
        Cell::from(hit.significance.as_ref().and_then(of))
    };
    let support = |support: Support| format!("{}/{}", support.agreeing, support.measured);
    [
        text(query.name()),
        text(query_type(answer)),
        Cell::Text(hit.record.perturbation.symbol()),
        text(hit.record.name()),
        text(hit.record.perturbation.perturbation_type().cmap_code()),
        hit.record.gene().map_or(Cell::Missing, text),
        Cell::Count(hit.rank),
        text(direction_name(hit.direction)),
        Cell::Number(f64::from(hit.similarity)),
        hit.response_similarity.map(f64::from).into(),
        worth(&|worth| Some(worth.z)),
        worth(&|worth| worth.tau),
        worth(&|worth| Some(worth.p_value)),
        worth(&|worth| Some(worth.e_value)),
        worth(&|worth| Some(worth.q_value)),
        worth(&|worth| worth.probability),
        hit.support.map_or(Cell::Missing, |s| Cell::Text(support(s))),
        answer.activity.map(|activity| f64::from(activity.percentile)).into(),
        hit.activity.map(f64::from).into(),
        Cell::Text(moas.join("|")),
        Cell::Text(hit.record.acts_on().join("|")),
        Cell::Count(usize::from(hit.is_known)),
        Cell::Text(flags.join(";")),
        text(&answer.asked),
        text(fingerprint),
    ]
}

/// Returns the cells of a mechanism in the order of [`MECHANISM_COLUMNS`].
pub(super) fn mechanism_cells(
    answer: &Answer,
    (rank, mechanism): (usize, &MechanismHit),
    fingerprint: &str,
) -> [Cell; 12] {
    let members: Vec<&str> = mechanism.members.iter().map(|(name, _)| name.as_str()).collect();
    [
        Cell::Text(answer.query.name().to_owned()),
        Cell::Text(query_type(answer).to_owned()),
        Cell::Text(mechanism.kind.name().to_owned()),
        Cell::Text(mechanism.name.clone()),
        Cell::Count(rank),
        Cell::Count(mechanism.n_members),
        Cell::Number(mechanism.z),
        Cell::Number(mechanism.p_value),
        Cell::Number(mechanism.q_value),
        Cell::Text(members.join("|")),
        Cell::Count(usize::from(mechanism.is_known)),
        Cell::Text(fingerprint.to_owned()),
    ]
}

fn query_type(answer: &Answer) -> &'static str {
    answer.query.perturbation.perturbation_type().cmap_code()
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Oppose => "oppose",
        Direction::Mimic | Direction::Both => "mimic",
    }
}

/// Returns a number with six significant digits, in the shortest decimal form.
///
/// ```
/// assert_eq!(phenocopy::report::significant(0.123456789), "0.123457");
/// assert_eq!(phenocopy::report::significant(-2.5), "-2.5");
/// assert_eq!(phenocopy::report::significant(1.5e-9), "1.5e-9");
/// assert_eq!(phenocopy::report::significant(f64::NAN), "");
/// ```
#[must_use]
pub fn significant(number: f64) -> String {
    if !number.is_finite() {
        return String::new();
    }
    let short = |short: f64| match short.abs() {
        // A p-value would be a line of zeros.
        size if size > 0.0 && size < 1e-4 => format!("{short:e}"),
        _ => short.to_string(),
    };
    format!("{number:.5e}").parse::<f64>().map_or_else(|_| String::new(), short)
}
