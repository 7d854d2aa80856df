//! Parquet files of other writers, and those that `search` writes.
//!
//! The files in `tests/fixtures/formats` were written by pyarrow 26.0.1 and pandas 3.1.1 with this program:
//!
//! ```python
//! import datetime as dt, decimal, pandas as pd, pyarrow as pa, pyarrow.parquet as pq
//!
//! folder = "tests/fixtures/formats/"
//! wide = pa.table({
//!     "line": ["A375", "MCF7", "HT29"],
//!     "BRAF": pa.array([1.5, None, float("nan")], pa.float32()),
//!     "MDM2": pa.array([-2.0, 0.03, 1e-9], pa.float64()),
//! })
//! for codec in ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]:
//!     pq.write_table(wide, folder + f"wide-{codec}.parquet", compression=codec)
//! moment = dt.datetime(2024, 2, 29, 12, 30, 0, 250000)
//! kinds = pa.table({
//!     "dictionary": pa.array(["a", "b", None], pa.string()).dictionary_encode(),
//!     "int8": pa.array([-1, 2, None], pa.int8()),
//!     "uint64": pa.array([2**64 - 1, 0, None], pa.uint64()),
//!     "half": pa.array([0.5, -2.0, None], pa.float16()),
//!     "single": pa.array([0.1, 1e-7, None], pa.float32()),
//!     "double": pa.array([0.1, 1e300, None], pa.float64()),
//!     "bool": pa.array([True, False, None]),
//!     "date": pa.array([moment.date(), dt.date(1969, 12, 31), None]),
//!     "milliseconds": pa.array([moment, moment, None], pa.timestamp("ms")),
//!     "nanoseconds": pa.array([moment, moment, None], pa.timestamp("ns", "UTC")),
//!     "decimal": pa.array([decimal.Decimal("12.50"), decimal.Decimal("-0.07"), None], pa.decimal128(9, 2)),
//!     "bytes": pa.array([b"text", b"more", None], pa.binary()),
//!     "nothing": pa.nulls(3),
//! })
//! pq.write_table(kinds, folder + "kinds.parquet", row_group_size=2, data_page_version="2.0", version="2.6")
//! jump = pd.DataFrame({
//!     "Metadata_Plate": ["P1", "P1", "P2"],
//!     "Metadata_Well": ["A01", "A02", "A01"],
//!     "Metadata_pert_iname": ["venetoclax", "nutlin-3a", "venetoclax"],
//!     "Cells_Area": [1.0, 2.0, 3.0],
//!     "Nuclei_Area": [0.5, None, 1.5],
//! })
//! jump.to_parquet(folder + "profiles.parquet", index=False)
//! jump.set_index("Metadata_pert_iname")[["Cells_Area", "Nuclei_Area"]].to_parquet(folder + "index.parquet")
//! long = pa.table({
//!     "context": ["A375", "A375", "MCF7"], "perturbation": ["BRAF", "MDM2", "BRAF"],
//!     "readout": ["EGR1", "EGR1", "EGR1"], "value": [-1.0, 2.0, 0.5],
//! })
//! pq.write_table(long, folder + "long.parquet")
//! pq.write_table(pa.table({"name": ["a"], "doses": [["1", "2"]]}), folder + "nested.parquet")
//! pq.write_table(pa.table({"name": ["a"], "read_at": pa.array([dt.time(12, 0)])}), folder + "time.parquet")
//! pq.write_table(pa.table({"name": ["a", "b"], "score": ["1", "high"]}), folder + "words.parquet")
//! vectors = {
//!     "fixed": pa.array([[0.6, 0.8], [-1e-9, 1.5], [0.0, -2.0]], pa.list_(pa.float32(), 2)),
//!     "lists": pa.array([[0.6, 0.8], [None, 1.5], [0.0, -2.0]], pa.large_list(pa.float64())),
//!     "uneven": pa.array([[0.6, 0.8], [1.0], [1.0, 2.0, 3.0]], pa.list_(pa.float32())),
//!     "absent": pa.array([[0.6, 0.8], None, [1.0, 2.0, 3.0]], pa.list_(pa.float32())),
//! }
//! for name, column in vectors.items():
//!     table = pa.table({"name": ["A", "B", "C"], "moa": ["x", None, "z"], "vector": column})
//!     pq.write_table(table, folder + f"vectors-{name}.parquet", row_group_size=2, use_dictionary=False)
//! two = pa.table({"name": ["A", "B", "C"], "a": vectors["fixed"], "b": vectors["lists"]})
//! pq.write_table(two, folder + "vectors-two.parquet")
//! ```

use std::path::{Path, PathBuf};

use phenocopy::table::{
    Duplicates, LongColumns, Measurements, NameList, Orientation, RowNames, Rows, TextFormat,
    Wanted, read_features, read_long, read_matrix, read_query_list, read_signature,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats").join(name)
}

fn read(path: &Path) -> phenocopy::Result<(Vec<String>, Vec<Vec<String>>)> {
    let mut rows = Rows::open(path, TextFormat::Detect)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next_row()? {
        all.push(row);
    }
    Ok((rows.header().to_vec(), all))
}

fn refusal(name: &str) -> String {
    read(&fixture(name)).unwrap_err().to_string()
}

fn profile(measurements: &Measurements, at: usize) -> Vec<(usize, f32)> {
    let mut row = Vec::new();
    measurements.for_each_value(at, |readout, value| row.push((readout, value)));
    row
}

#[test]
fn a_wide_matrix_is_read_whatever_its_codec() {
    for codec in ["none", "snappy", "gzip", "zstd", "lz4"] {
        let path = fixture(&format!("wide-{codec}.parquet"));
        let screen =
            read_matrix(&path, TextFormat::Detect, Orientation::ReadoutRows, None, Wanted::ALL)
                .unwrap();
        assert_eq!(screen.perturbations, ["BRAF", "MDM2"], "{codec}");
        assert_eq!(screen.readouts, ["A375", "MCF7", "HT29"]);
        assert_eq!(profile(&screen, 0), [(0, 1.5)]);
        assert_eq!(profile(&screen, 1), [(0, -2.0), (1, 0.03), (2, 1e-9)]);
    }
    let refused = refusal("wide-brotli.parquet");
    assert!(
        refused.contains("column `line`: expected snappy, zstd, gzip, lz4 or none"),
        "{refused}"
    );
}

#[test]
fn cells_of_every_type_are_read_as_text_that_says_the_same() {
    let (header, rows) = read(&fixture("kinds.parquet")).unwrap();
    let of = |row: usize| -> Vec<(&str, &str)> {
        header.iter().map(String::as_str).zip(rows[row].iter().map(String::as_str)).collect()
    };
    assert_eq!(
        of(0),
        [
            ("dictionary", "a"),
            ("int8", "-1"),
            ("uint64", "18446744073709551615"),
            ("half", "0.5"),
            ("single", "0.1"),
            ("double", "0.1"),
            ("bool", "true"),
            ("date", "2024-02-29"),
            ("milliseconds", "2024-02-29T12:30:00.250"),
            ("nanoseconds", "2024-02-29T12:30:00.250"),
            ("decimal", "12.50"),
            ("bytes", "text"),
            ("nothing", ""),
        ]
    );
    let second: Vec<&str> = of(1).into_iter().map(|(_, cell)| cell).collect();
    assert_eq!(second[..4], ["b", "2", "0", "-2"]);
    assert_eq!(second[4].parse::<f32>().unwrap().to_bits(), 1e-7_f32.to_bits());
    assert_eq!(second[5].parse::<f64>().unwrap().to_bits(), 1e300_f64.to_bits());
    assert_eq!((second[6], second[7], second[10]), ("false", "1969-12-31", "-0.07"));
    assert_eq!(rows.len(), 3, "of two row groups");
    assert!(rows[2].iter().all(String::is_empty), "what is null is missing: {:?}", rows[2]);
}

#[test]
fn profiles_with_columns_of_metadata_are_read_by_the_name_of_theirs() {
    let names = RowNames { column: "Metadata_pert_iname".into(), skip: vec!["Metadata_".into()] };
    let rows = Orientation::PerturbationRows;
    let path = fixture("profiles.parquet");
    let screen = read_matrix(&path, TextFormat::Detect, rows, Some(&names), Wanted::ALL).unwrap();
    assert_eq!(screen.perturbations, ["venetoclax", "nutlin-3a", "venetoclax"]);
    assert_eq!(screen.readouts, ["Cells_Area", "Nuclei_Area"]);
    assert_eq!(profile(&screen, 1), [(0, 2.0)]);
    let unskipped = RowNames { skip: Vec::new(), ..names };
    let error =
        read_matrix(&path, TextFormat::Detect, rows, Some(&unskipped), Wanted::ALL).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("column `Metadata_Plate`: expected a number, found `P1` in row 1"),
        "{error}"
    );
    // pandas writes an index last; it names the rows all the same.
    let indexed =
        read_matrix(&fixture("index.parquet"), TextFormat::Detect, rows, None, Wanted::ALL)
            .unwrap();
    assert_eq!(
        (&indexed.perturbations, &indexed.readouts),
        (&screen.perturbations, &screen.readouts)
    );
    assert_eq!(profile(&indexed, 2), profile(&screen, 2));
}

#[test]
fn every_reader_of_tables_reads_parquet() {
    let columns = LongColumns {
        perturbation: "perturbation".into(),
        readout: "readout".into(),
        value: "value".into(),
    };
    let path = fixture("long.parquet");
    let long =
        read_long(&path, TextFormat::Detect, &columns, &[], Duplicates::Mean, Wanted::ALL).unwrap();
    assert_eq!(long.perturbations, ["BRAF", "MDM2"]);
    assert_eq!(profile(&long, 0), [(0, -0.25)]);
    let signature = read_signature(&path, None).unwrap();
    assert_eq!((signature.values.len(), signature.n_averaged), (1, 2));
    let wide = fixture("wide-zstd.parquet");
    let error = read_features(&wide).unwrap_err().to_string();
    assert!(error.contains("column `BRAF`: expected a number, found `` in row 2"), "{error}");
    let names = |list: String| read_query_list(&NameList::parse(&list));
    let listed = names(format!("{}:perturbation,context", path.display())).unwrap();
    assert_eq!(listed, ["BRAF", "A375", "MDM2", "A375", "BRAF", "MCF7"]);
    let advice = names(path.display().to_string()).unwrap_err().to_string();
    assert!(advice.ends_with("long.parquet:COLUMN"), "{advice}");
    let unknown = names(format!("{}:pertubation", path.display())).unwrap_err().to_string();
    assert!(unknown.contains("did you mean `perturbation`?"), "{unknown}");
}

#[test]
fn what_is_no_flat_table_is_refused_by_its_column() {
    for (name, column, received) in [
        ("nested.parquet", "`doses`", "other lists or structures"),
        ("time.parquet", "`read_at`", "Time"),
    ] {
        let refused = refusal(name);
        for part in [name, column, "expected text, numbers, booleans", received] {
            assert!(refused.contains(part), "`{part}` is not in: {refused}");
        }
    }
    let rows = Orientation::PerturbationRows;
    let words = read_matrix(&fixture("words.parquet"), TextFormat::Detect, rows, None, Wanted::ALL);
    let words = words.unwrap_err().to_string();
    assert!(
        words.contains("words.parquet`, column `score`: expected a number, found `high` in row 2"),
        "{words}"
    );
}

#[test]
fn vectors_are_read_by_the_first_column_whatever_list_they_are_in() {
    let rows = Orientation::PerturbationRows;
    for (name, second) in [("fixed", vec![(0, -1e-9), (1, 1.5)]), ("lists", vec![(1, 1.5)])] {
        let path = fixture(&format!("vectors-{name}.parquet"));
        let read = read_matrix(&path, TextFormat::Detect, rows, None, Wanted::ALL).unwrap();
        assert_eq!(
            (read.perturbations.as_slice(), read.n_readouts()),
            (["A", "B", "C"].map(str::to_owned).as_slice(), 2)
        );
        assert_eq!(read.readouts, ["d0", "d1"], "{name}");
        assert_eq!(profile(&read, 0), [(0, 0.6), (1, 0.8)]);
        assert_eq!(profile(&read, 1), second);
        assert_eq!(profile(&read, 2), [(0, 0.0), (1, -2.0)]);
    }
    let features = read_features(&fixture("vectors-fixed.parquet")).unwrap();
    assert_eq!((features.features.len(), features.row(2)), (2, &[0.0, -2.0][..]));
    let (header, cells) = read(&fixture("vectors-lists.parquet")).unwrap();
    assert_eq!(header, ["name", "moa", "d0", "d1"]);
    assert_eq!(cells[1], ["B", "", "", "1.5"]);
}

#[test]
fn vectors_that_differ_in_length_are_refused_by_their_column() {
    for (name, received) in [
        ("uneven", "lists of different lengths"),
        ("absent", "lists of different lengths"),
        ("two", "expected one column of vectors, found a second one"),
    ] {
        let refused = refusal(&format!("vectors-{name}.parquet"));
        assert!(refused.contains(received) && refused.contains("column `"), "{refused}");
    }
}

#[test]
fn damaged_files_are_refused_or_read_and_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.parquet");
    for name in
        ["wide-none.parquet", "wide-snappy.parquet", "kinds.parquet", "vectors-lists.parquet"]
    {
        let whole = std::fs::read(fixture(name)).unwrap();
        for length in (4..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = read(&path).expect_err("a file that ends too early").to_string();
            assert!(
                error.contains("damaged.parquet") && error.contains("fetch or write"),
                "{error}"
            );
        }
        let mut n_refused = 0;
        for at in 4..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= [0x01, 0x80, 0xff][at % 3];
            std::fs::write(&path, &bytes).unwrap();
            n_refused += usize::from(read(&path).is_err());
        }
        let mut random = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..1_000 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                let at = random.random_range(4..bytes.len());
                bytes[at] = random.random();
            }
            std::fs::write(&path, &bytes).unwrap();
            n_refused += usize::from(read(&path).is_err());
        }
        assert!(n_refused > whole.len() / 8, "{n_refused} in {name}");
    }
}
