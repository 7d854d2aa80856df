use super::hit_columns::HIT_COLUMNS;
use super::mechanism_columns::MECHANISM_COLUMNS;
use crate::search::{Answer, Hit, MechanismHit};
use crate::table::{Value, ValueType};

/// The version of the columns and objects: it changes when one of them goes or means something else.
pub const SCHEMA_VERSION: u32 = 1;

/// A column of rows about an `R`: what it is called, what it holds, and how a row's cell comes about.
#[derive(Debug)]
pub(super) struct Column<R> {
    pub(super) name: &'static str,
    pub(super) of: ValueType,
    /// Unit, range or values.
    pub(super) range: &'static str,
    pub(super) meaning: &'static str,
    pub(super) value: fn(&Row<'_, R>) -> Value,
}

/// What a row is about, and where it stands.
pub(super) struct Row<'a, R> {
    pub(super) answer: &'a Answer,
    pub(super) item: &'a R,
    /// Its place in the answer, from 1.
    pub(super) place: usize,
    pub(super) fingerprint: &'a str,
}

/// What the rows of a table are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    Hits,
    Mechanisms,
}

/// A column of a format, as `phenocopy schema` describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) name: &'static str,
    pub(super) of: ValueType,
    pub(super) range: &'static str,
    pub(super) meaning: &'static str,
}

impl Description {
    pub(super) const fn new(
        name: &'static str,
        of: ValueType,
        range: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self { name, of, range, meaning }
    }
}

impl Rows {
    /// The columns in their stable order.
    pub(super) fn columns(self) -> Vec<Description> {
        match self {
            Self::Hits => HIT_COLUMNS.iter().map(Column::description).collect(),
            Self::Mechanisms => MECHANISM_COLUMNS.iter().map(Column::description).collect(),
        }
    }

    /// The rows of an answer: a cell for each column.
    pub(super) fn of(self, answer: &Answer, fingerprint: &str) -> Vec<Vec<Value>> {
        let hits = (answer.hits.as_slice(), HIT_COLUMNS.as_slice());
        let mechanisms = (answer.mechanisms.as_slice(), MECHANISM_COLUMNS.as_slice());
        match self {
            Self::Hits => rows::<Hit>(answer, hits, fingerprint),
            Self::Mechanisms => rows::<MechanismHit>(answer, mechanisms, fingerprint),
        }
    }
}

fn rows<R>(
    answer: &Answer,
    (items, columns): (&[R], &[Column<R>]),
    fingerprint: &str,
) -> Vec<Vec<Value>> {
    let row = |(place, item)| {
        let row = Row { answer, item, place, fingerprint };
        columns.iter().map(|column| (column.value)(&row)).collect()
    };
    (1..).zip(items).map(row).collect()
}

impl<R> Column<R> {
    fn description(&self) -> Description {
        let Self { name, of, range, meaning, .. } = *self;
        Description { name, of, range, meaning }
    }
}

impl<R> Row<'_, R> {
    pub(super) fn query(&self) -> Value {
        text(self.answer.query.name())
    }

    pub(super) fn query_type(&self) -> Value {
        text(self.answer.query.perturbation.perturbation_type().cmap_code())
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A cell as text: numbers have six significant digits, what is missing is empty.
pub(super) fn to_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Count(count) => count.to_string(),
        Value::Number(number) => significant(*number),
        Value::Numbers(numbers) => {
            let numbers = numbers.iter().map(f32::to_string);
            numbers.collect::<Vec<String>>().join(" ")
        }
        Value::Missing => String::new(),
    }
}

/// A cell as JSON: numbers have six significant digits, what is missing is null.
pub(super) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Count(count) => (*count).into(),
        Value::Number(number) => significant(*number)
            .parse::<f64>()
            .map_or(serde_json::Value::Null, serde_json::Value::from),
        Value::Numbers(numbers) => numbers.as_slice().into(),
        Value::Missing => serde_json::Value::Null,
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
