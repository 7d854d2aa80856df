use std::io::{self, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::columns::{Description, Rows, SCHEMA_VERSION};
use super::export::{EXPORT_FACTS, export_columns};
use super::ndjson_fields::{BEGIN, END, Field, SUMMARY};
use super::network::{COMMUNITY_COLUMNS, DIRECTED_COLUMNS, EDGE_COLUMNS, NODE_COLUMNS};
use super::predicted::PREDICTED_COLUMNS;
use super::source::{FACTS, Fact};
use super::tsv::write_line;
use crate::table::ValueType;

/// An output whose columns or fields can be described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Rows of hits as TSV.
    Hits,
    /// Rows of mechanisms as TSV.
    Mechanisms,
    /// Objects, one a line.
    Ndjson,
    /// Rows of hits as Parquet, and what the file's metadata say.
    Parquet,
    /// Rows of exported perturbations as Parquet, and what the file's metadata say.
    Export,
    /// Rows of predicted values, as TSV or Parquet.
    Predictions,
    /// Edges, nodes and communities of a network, and directed edges, as TSV.
    Network,
}

/// How a schema is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaFormat {
    /// Aligned columns, folded to a width.
    Table(u16),
    /// Tab-separated values with a header line.
    Tsv,
    /// One JSON document.
    Json,
}

/// A column or field: name, type, unit or range, meaning.
type Line = [String; 4];

const HEADER: [&str; 4] = ["name", "type", "range", "meaning"];

/// Writes what the columns or fields of an output are, from the same lists that the output is made of.
///
/// ```
/// use phenocopy::report::{Schema, SchemaFormat, write_schema};
///
/// let mut out = Vec::new();
/// write_schema(&mut out, Schema::Hits, SchemaFormat::Tsv)?;
/// let text = String::from_utf8_lossy(&out);
/// assert!(text.contains("\nsimilarity\tnumber\t-1 to 1\tcosine of the learned vectors"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When the output cannot be written.
pub fn write_schema(out: &mut dyn Write, schema: Schema, format: SchemaFormat) -> io::Result<()> {
    let lines = lines(schema);
    match format {
        SchemaFormat::Table(width) => write_table(out, schema, &lines, width)?,
        SchemaFormat::Tsv => {
            write_line(out, HEADER.map(str::to_owned).into_iter())?;
            lines.iter().try_for_each(|line| write_line(out, line.iter().cloned()))?;
        }
        SchemaFormat::Json => writeln!(out, "{:#}", document(schema, &lines))?,
    }
    out.flush()
}

impl Schema {
    fn name(self) -> &'static str {
        match self {
            Self::Hits => "hits",
            Self::Mechanisms => "mechanisms",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
            Self::Export => "export",
            Self::Predictions => "predictions",
            Self::Network => "network",
        }
    }
}

fn lines(schema: Schema) -> Vec<Line> {
    let lines_of = |columns: &[Description], prefix: &str, name: fn(ValueType) -> &'static str| {
        columns.iter().map(|column| column_line(column, prefix, name)).collect::<Vec<Line>>()
    };
    let rows = |rows: Rows, prefix: &str, name| lines_of(&rows.columns(), prefix, name);
    match schema {
        Schema::Hits => rows(Rows::Hits, "", text_type),
        Schema::Mechanisms => rows(Rows::Mechanisms, "", text_type),
        Schema::Ndjson => [
            field_lines("begin", &BEGIN),
            rows(Rows::Hits, "hit.", json_type),
            rows(Rows::Mechanisms, "class.", json_type),
            field_lines("end", &END),
            field_lines("summary", &SUMMARY),
        ]
        .concat(),
        Schema::Predictions => lines_of(&PREDICTED_COLUMNS, "", text_type),
        Schema::Network => [
            lines_of(&EDGE_COLUMNS, "edge.", text_type),
            lines_of(&NODE_COLUMNS, "node.", text_type),
            lines_of(&COMMUNITY_COLUMNS, "community.", text_type),
            lines_of(&DIRECTED_COLUMNS, "directed.", text_type),
        ]
        .concat(),
        Schema::Parquet => {
            [rows(Rows::Hits, "", parquet_type), FACTS.map(fact_line).to_vec()].concat()
        }
        Schema::Export => {
            let columns = export_columns();
            let columns = columns.iter().map(|column| column_line(column, "", parquet_type));
            columns.chain(FACTS.map(fact_line)).chain(EXPORT_FACTS.map(fact_line)).collect()
        }
    }
}

fn fact_line<S>((key, meaning, _): Fact<S>) -> Line {
    [key, "metadata", "", meaning].map(str::to_owned)
}

fn column_line(column: &Description, prefix: &str, name: fn(ValueType) -> &'static str) -> Line {
    let Description { range, meaning, .. } = *column;
    [format!("{prefix}{}", column.name), name(column.of).into(), range.into(), meaning.into()]
}

fn field_lines<R>(object: &str, fields: &[Field<R>]) -> Vec<Line> {
    let line = |field: &Field<R>| {
        let name = format!("{object}.{}", field.name);
        [name, field.of.to_owned(), String::new(), field.meaning.to_owned()]
    };
    fields.iter().map(line).collect()
}

fn text_type(of: ValueType) -> &'static str {
    match of {
        ValueType::Text => "text",
        ValueType::Int32 => "integer",
        ValueType::Float32 | ValueType::Float64 => "number",
        ValueType::Vector(_) => "numbers",
    }
}

fn json_type(of: ValueType) -> &'static str {
    match of {
        ValueType::Text => "string",
        ValueType::Int32 => "integer",
        ValueType::Float32 | ValueType::Float64 => "number",
        ValueType::Vector(_) => "array",
    }
}

fn parquet_type(of: ValueType) -> &'static str {
    match of {
        ValueType::Text => "string",
        ValueType::Int32 => "int32",
        ValueType::Float32 => "float",
        ValueType::Float64 => "double",
        ValueType::Vector(_) => "list<float>",
    }
}

/// What holds for all columns of a format, in lines.
fn notes(schema: Schema) -> &'static [&'static str] {
    match schema {
        Schema::Hits | Schema::Mechanisms | Schema::Predictions | Schema::Network => {
            &["a cell is empty where nothing can be told; numbers have six significant digits"]
        }
        Schema::Ndjson => &[
            "objects {\"type\", \"schema_version\", \"data\"}, one a line: begin, hit, class and",
            "end for each query, then summary; null where nothing can be told;",
            "numbers have six significant digits",
        ],
        Schema::Parquet => &["null where nothing can be told; numbers are not rounded"],
        Schema::Export => &[
            "`embedding` or `response`, as was asked for; numbers are not rounded;",
            "the other columns are those of ids.tsv, metadata.tsv and obs, too, and",
            "the metadata are in X.json and uns[\"phenocopy\"]",
        ],
    }
}

fn write_table(out: &mut dyn Write, schema: Schema, lines: &[Line], width: u16) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width).set_header(HEADER).add_rows(lines);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        // A name that is folded is another name.
        if at == 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))?;
    writeln!(out, "\n{}, schema version {SCHEMA_VERSION}", schema.name())?;
    notes(schema).iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn document(schema: Schema, lines: &[Line]) -> Value {
    let column = |[name, of, range, meaning]: &Line| json!({ "name": name, "type": of, "range": range, "meaning": meaning });
    json!({
        "schema": schema.name(),
        "schema_version": SCHEMA_VERSION,
        "note": notes(schema).join(" "),
        "columns": lines.iter().map(column).collect::<Vec<Value>>(),
    })
}
