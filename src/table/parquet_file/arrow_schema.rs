use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flatbuffers::{
    FlatBufferBuilder, ForwardsUOffset, TableFinishedWIPOffset, TableUnfinishedWIPOffset, Vector,
    WIPOffset,
};

use crate::table::ValueType;

/// The key under which Arrow readers (pyarrow, polars, R) look for their schema.
pub(super) const ARROW_SCHEMA: &str = "ARROW:schema";

/// Numbers of Arrow's `Message.fbs` and `Schema.fbs`.
mod number {
    pub(super) const VERSION_5: i16 = 4;
    pub(super) const HEADER_SCHEMA: u8 = 1;
    pub(super) const INT: u8 = 2;
    pub(super) const FLOATING_POINT: u8 = 3;
    pub(super) const UTF8: u8 = 5;
    pub(super) const FIXED_SIZE_LIST: u8 = 16;
    pub(super) const SINGLE: i16 = 1;
    pub(super) const DOUBLE: i16 = 2;
}

type Table = WIPOffset<TableFinishedWIPOffset>;
type Tables<'a> = WIPOffset<Vector<'a, ForwardsUOffset<TableFinishedWIPOffset>>>;

/// Returns the schema of columns as Arrow writes it into Parquet files: an encapsulated IPC message in base 64.
///
/// Parquet's own schema has no lists of one length, which readers give back as a matrix. Where this schema is, pyarrow
/// looks for the file's pairs of key and value in it, and not beside it.
pub(super) fn arrow_schema(columns: &[(&str, ValueType)], metadata: &[(&str, &str)]) -> String {
    let mut builder = FlatBufferBuilder::new();
    let fields: Vec<Table> =
        columns.iter().map(|(name, of)| field(&mut builder, name, *of)).collect();
    let fields: Tables<'_> = builder.create_vector(&fields);
    let pairs: Vec<Table> =
        metadata.iter().map(|(key, value)| pair(&mut builder, key, value)).collect();
    let pairs: Tables<'_> = builder.create_vector(&pairs);
    let schema = table(&mut builder, |builder| {
        builder.push_slot_always(slot(1), fields);
        builder.push_slot_always(slot(2), pairs);
    });
    let message = table(&mut builder, |builder| {
        builder.push_slot_always(slot(2), schema);
        builder.push_slot_always(slot(0), number::VERSION_5);
        builder.push_slot_always(slot(1), number::HEADER_SCHEMA);
    });
    builder.finish_minimal(message);
    BASE64_STANDARD.encode(encapsulated(builder.finished_data()))
}

/// A message behind the sign that one follows and its length, a multiple of 8 bytes.
fn encapsulated(message: &[u8]) -> Vec<u8> {
    let length = message.len().next_multiple_of(8);
    let mut bytes = vec![0xff; 4];
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    bytes.extend_from_slice(message);
    bytes.resize(8 + length, 0);
    bytes
}

fn pair(builder: &mut FlatBufferBuilder<'_>, key: &str, value: &str) -> Table {
    let (key, value) = (builder.create_string(key), builder.create_string(value));
    table(builder, |builder| {
        builder.push_slot_always(slot(0), key);
        builder.push_slot_always(slot(1), value);
    })
}

fn field(builder: &mut FlatBufferBuilder<'_>, name: &str, of: ValueType) -> Table {
    let kind = match of {
        ValueType::Text => (number::UTF8, table(builder, |_| {})),
        ValueType::Int32 => (number::INT, int32(builder)),
        ValueType::Float32 => (number::FLOATING_POINT, float(builder, number::SINGLE)),
        ValueType::Float64 => (number::FLOATING_POINT, float(builder, number::DOUBLE)),
        ValueType::Vector(length) => {
            let element = (number::FLOATING_POINT, float(builder, number::SINGLE));
            let element = described(builder, ("element", false), element, &[]);
            let list = table(builder, |builder| {
                builder.push_slot_always(slot(0), length as i32);
            });
            return described(builder, (name, false), (number::FIXED_SIZE_LIST, list), &[element]);
        }
    };
    described(builder, (name, true), kind, &[])
}

/// A field: its name, whether values may be missing, its type and the fields below it.
fn described(
    builder: &mut FlatBufferBuilder<'_>,
    (name, is_nullable): (&str, bool),
    (kind, of_kind): (u8, Table),
    children: &[Table],
) -> Table {
    let name = builder.create_string(name);
    let children: Tables<'_> = builder.create_vector(children);
    table(builder, |builder| {
        builder.push_slot_always(slot(0), name);
        builder.push_slot_always(slot(3), of_kind);
        builder.push_slot_always(slot(5), children);
        builder.push_slot_always(slot(1), is_nullable);
        builder.push_slot_always(slot(2), kind);
    })
}

fn int32(builder: &mut FlatBufferBuilder<'_>) -> Table {
    table(builder, |builder| {
        builder.push_slot_always(slot(0), 32_i32);
        builder.push_slot_always(slot(1), true);
    })
}

fn float(builder: &mut FlatBufferBuilder<'_>, precision: i16) -> Table {
    table(builder, |builder| builder.push_slot_always(slot(0), precision))
}

fn table<'a>(
    builder: &mut FlatBufferBuilder<'a>,
    fill: impl FnOnce(&mut FlatBufferBuilder<'a>),
) -> Table {
    let start: WIPOffset<TableUnfinishedWIPOffset> = builder.start_table();
    fill(builder);
    builder.end_table(start)
}

/// Where the vtable of a table has its field of a number.
const fn slot(field: u16) -> u16 {
    4 + 2 * field
}
