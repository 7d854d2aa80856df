use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::table::{MetricRow, MetricTable, MetricValue};
use crate::report::tsv::single_line;

/// Widest line of a terminal table.
const WIDTH: usize = 80;
/// Narrowest column of row names before columns are squeezed.
const MIN_NAME_WIDTH: usize = 12;
/// Names of columns are broken beyond this, behind a blank or a hyphen.
const HEADER_WIDTH: usize = 14;

/// How a table of metrics is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricFormat {
    /// For people at a terminal: three decimals, at most 80 columns.
    Table,
    /// Tab-separated: six significant digits, intervals in columns of their own, missing is empty.
    Tsv,
    /// One JSON object a line.
    Ndjson,
    /// For documents.
    Markdown,
}

impl MetricTable {
    /// Returns the table as text that ends in a line feed.
    #[must_use]
    pub fn render(&self, format: MetricFormat) -> String {
        match format {
            MetricFormat::Table => self.to_terminal(),
            MetricFormat::Tsv => self.to_tsv(),
            MetricFormat::Ndjson => self.to_ndjson(),
            MetricFormat::Markdown => self.to_markdown(),
        }
    }

    fn to_terminal(&self) -> String {
        let cells: Vec<Vec<String>> =
            self.rows.iter().map(|row| self.cells(row, ["\n", ""])).collect();
        let name_width = self.name_width(&cells);
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(WIDTH as u16);
        let headers = self.columns.iter().map(|name| wrap(name, HEADER_WIDTH));
        table.set_header(std::iter::once(self.row_name.clone()).chain(headers));
        for (row, cells) in self.rows.iter().zip(cells) {
            table.add_row(std::iter::once(wrap(&single_line(&row.name), name_width)).chain(cells));
        }
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, u16::from(at < self.columns.len())));
            if at > 0 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut text = format!("{}\n{}\n", self.title, table.trim_fmt());
        for note in self.footers() {
            text.push_str(&format!("{}\n", wrap(note, WIDTH)));
        }
        text
    }

    fn footers(&self) -> impl Iterator<Item = &String> {
        self.notes.iter().chain(Some(&self.source).filter(|source| !source.is_empty()))
    }

    /// Returns how wide row names may be so that no figure needs to be broken.
    fn name_width(&self, cells: &[Vec<String>]) -> usize {
        let width = |column: usize| {
            let header = self.columns.get(column).map(|name| wrap(name, HEADER_WIDTH));
            let cells = cells.iter().filter_map(|row| row.get(column)).chain(&header);
            let lines = cells.flat_map(|cell| cell.lines());
            lines.map(|line| line.chars().count()).max().unwrap_or_default() + 1
        };
        let figures: usize = (0..self.columns.len()).map(width).sum();
        WIDTH.saturating_sub(figures).max(MIN_NAME_WIDTH)
    }

    fn cells(&self, row: &MetricRow, around: [&str; 2]) -> Vec<String> {
        let cell = |value: &Option<MetricValue>| value.map_or(String::new(), |v| short(v, around));
        row.values.iter().map(cell).collect()
    }

    fn to_tsv(&self) -> String {
        let mut text = format!("table\t{}", single_line(&self.row_name));
        for (at, column) in self.columns.iter().enumerate() {
            let column = single_line(column);
            text.push_str(&format!("\t{column}"));
            if self.has_intervals(at) {
                text.push_str(&format!("\t{column}_lower\t{column}_upper"));
            }
        }
        let source = if self.source.is_empty() { None } else { Some(single_line(&self.source)) };
        text.push_str(if source.is_some() { "\tindex\n" } else { "\n" });
        for row in &self.rows {
            text.push_str(&format!("{}\t{}", single_line(&self.title), single_line(&row.name)));
            for at in 0..self.columns.len() {
                let value = row.values.get(at).copied().flatten();
                let (lower, upper) = value.and_then(|v| v.interval).unzip();
                let ends = if self.has_intervals(at) { vec![lower, upper] } else { Vec::new() };
                for number in std::iter::once(value.map(|v| v.value)).chain(ends) {
                    let _ = write!(text, "\t{}", number.map_or(String::new(), six_digits));
                }
            }
            source.iter().for_each(|source| text.push_str(&format!("\t{source}")));
            text.push('\n');
        }
        text
    }

    fn to_ndjson(&self) -> String {
        let line = |row: &MetricRow| {
            let mut data =
                vec![member("table", &json!(self.title)), member(&self.row_name, &json!(row.name))];
            for (column, value) in self.columns.iter().zip(&row.values) {
                data.push(member(column, &number(value.map(|value| value.value))));
                if let Some((lower, upper)) = value.and_then(|value| value.interval) {
                    data.push(member(&format!("{column}_lower"), &number(Some(lower))));
                    data.push(member(&format!("{column}_upper"), &number(Some(upper))));
                }
            }
            if !self.source.is_empty() {
                data.push(member("index", &json!(self.source)));
            }
            let data = data.join(",");
            format!("{{\"type\":\"metric\",\"schema_version\":1,\"data\":{{{data}}}}}\n")
        };
        self.rows.iter().map(line).collect()
    }

    fn to_markdown(&self) -> String {
        let escape = |text: &str| single_line(text).replace('|', "\\|");
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let names = std::iter::once(&self.row_name).chain(&self.columns);
        let mut text = format!("### {}\n\n", single_line(&self.title));
        text.push_str(&line(names.map(|name| escape(name)).collect()));
        text.push_str(&format!("|---|{}\n", "---:|".repeat(self.columns.len())));
        for row in &self.rows {
            let mut cells = vec![escape(&row.name)];
            cells.extend(self.cells(row, [" (", ")"]).iter().map(|cell| escape(cell)));
            text.push_str(&line(cells));
        }
        for note in self.footers() {
            text.push_str(&format!("\n{}\n", single_line(note)));
        }
        text
    }
}

/// Returns `.206`, and `.122–.291` between the two texts of `around` when there is an interval.
fn short(value: MetricValue, [before, after]: [&str; 2]) -> String {
    if value.is_count {
        return format!("{:.0}", value.value);
    }
    let interval = value.interval.map_or(String::new(), |(lower, upper)| {
        format!("{before}{}–{}{after}", decimals(lower), decimals(upper))
    });
    format!("{}{interval}", decimals(value.value))
}

/// Returns three decimals without the zero before the point; whole numbers from 2 on as they are.
fn decimals(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() >= 2.0 {
        return format!("{value:.0}");
    }
    let text = format!("{value:.3}");
    match text.strip_prefix("-0.") {
        Some("000") => ".000".to_owned(),
        Some(digits) => format!("-.{digits}"),
        None => text.strip_prefix('0').unwrap_or(&text).to_owned(),
    }
}

/// Returns six significant digits, empty for what is not finite.
fn six_digits(value: f64) -> String {
    if !value.is_finite() {
        return String::new();
    }
    let magnitude = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let text = format!("{value:.*}", (5 - magnitude).clamp(0, 17) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Returns a member of a JSON object; written by hand so that columns keep their order.
fn member(key: &str, value: &Value) -> String {
    format!("{}:{value}", json!(key))
}

/// Returns a JSON number of six significant digits, null for what is missing or not finite.
pub(super) fn number(value: Option<f64>) -> Value {
    let digits = value.map(six_digits).unwrap_or_default();
    digits.parse::<serde_json::Number>().map_or(Value::Null, Value::Number)
}

/// Breaks a text behind blanks and hyphens into lines of at most `width` characters where it can.
fn wrap(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for part in text.split_inclusive([' ', '-']) {
        let full = lines.last().is_some_and(|line| {
            !line.is_empty() && line.chars().count() + part.trim_end().chars().count() > width
        });
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(part);
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> MetricTable {
        let mut table = MetricTable::new("retrieval", "method", ["n", "hit@10", "MRR"]);
        let estimate = |value| Some(MetricValue::with_interval(value, value - 0.1, value + 0.07));
        let count = Some(MetricValue::new(261.0));
        table.rows = vec![
            MetricRow::new("index", [count, estimate(0.310_345), estimate(0.05)]),
            MetricRow::new("a|b\tc", [None, Some(MetricValue::new(1.0)), None]),
        ];
        table.notes.push("two rows".to_owned());
        table
    }

    #[test]
    fn a_terminal_table_is_aligned() {
        insta::assert_snapshot!(table().render(MetricFormat::Table), @r"
        retrieval
        method   n    hit@10        MRR
        index  261      .310       .050
                   .210–.380 -.050–.120
        a|b c          1.000
        two rows
        ");
    }

    #[test]
    fn tsv_has_six_digits_and_intervals_in_columns_of_their_own() {
        let expected = "table\tmethod\tn\thit@10\thit@10_lower\thit@10_upper\tMRR\tMRR_lower\tMRR_upper\n\
                        retrieval\tindex\t261\t0.310345\t0.210345\t0.380345\t0.05\t-0.05\t0.12\n\
                        retrieval\ta|b c\t\t1\t\t\t\t\t\n";
        assert_eq!(table().render(MetricFormat::Tsv), expected);
    }

    #[test]
    fn ndjson_has_one_object_a_line() {
        insta::assert_snapshot!(table().render(MetricFormat::Ndjson), @r#"
        {"type":"metric","schema_version":1,"data":{"table":"retrieval","method":"index","n":261,"hit@10":0.310345,"hit@10_lower":0.210345,"hit@10_upper":0.380345,"MRR":0.05,"MRR_lower":-0.05,"MRR_upper":0.12}}
        {"type":"metric","schema_version":1,"data":{"table":"retrieval","method":"a|b\tc","n":null,"hit@10":1,"MRR":null}}
        "#);
    }

    #[test]
    fn markdown_escapes_bars() {
        insta::assert_snapshot!(table().render(MetricFormat::Markdown), @r"
        ### retrieval

        | method | n | hit@10 | MRR |
        |---|---:|---:|---:|
        | index | 261 | .310 (.210–.380) | .050 (-.050–.120) |
        | a\|b c |  | 1.000 |  |

        two rows
        ");
    }

    #[test]
    fn no_line_of_a_wide_terminal_table_exceeds_eighty_columns() {
        let columns = ["hit@1", "hit@10", "hit@50", "AUROC", "MRR", "mAP"];
        let mut wide = MetricTable::new("differences", "difference", columns);
        let value = Some(MetricValue::with_interval(-0.123, -0.234, -0.012));
        for name in
            ["cancer-viability - whitened-correlation", "averyveryverylongnamewithoutabreak"]
        {
            wide.rows.push(MetricRow::new(name, [value; 6]));
        }
        let text = wide.render(MetricFormat::Table);
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= WIDTH, "{longest}:\n{text}");
        assert!(text.contains("-.234–-.012"), "{text}");
    }

    #[test]
    fn numbers_are_short_at_a_terminal_and_six_digits_in_files() {
        let short: Vec<String> =
            [0.2064, -0.0091, -0.0001, 1.0, 12.3456, 2732.0].map(decimals).to_vec();
        assert_eq!(short, [".206", "-.009", ".000", "1.000", "12.346", "2732"]);
        let long: Vec<String> =
            [1.0 / 3.0, 0.0, -12.5, 1_234_567.0, 1e-7, f64::NAN].map(six_digits).to_vec();
        assert_eq!(long, ["0.333333", "0", "-12.5", "1234567", "0.0000001", ""]);
    }
}
