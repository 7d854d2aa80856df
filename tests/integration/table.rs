use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use phenocopy::table::{
    AnnotationColumns, Duplicates, InputFile, LongColumns, Measurements, NameMapping, Orientation,
    RowFilter, TextFormat, Unnamed, Wanted, read_annotations, read_long, read_mapping, read_matrix,
    write_matrix,
};
use proptest::prelude::*;

/// A folder of its own with one file in it.
struct Scratch {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn file(name: &str, bytes: impl AsRef<[u8]>) -> Scratch {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    Scratch { _folder: folder, path }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn matrix(path: &Path) -> phenocopy::Result<Measurements> {
    read_matrix(path, TextFormat::Detect, Orientation::ReadoutRows, None, Wanted::ALL)
}

fn rows(measurements: &Measurements) -> Vec<Vec<(usize, f32)>> {
    let row = |profile| {
        let mut row = Vec::new();
        measurements.for_each_value(profile, |readout, value| row.push((readout, value)));
        row
    };
    (0..measurements.n_profiles()).map(row).collect()
}

/// Asserts that reading a matrix of this text fails and says all of `parts`.
fn assert_refused(text: &str, parts: &[&str]) {
    let scratch = file("screen.csv", text);
    let message = matrix(&scratch.path).unwrap_err().to_string();
    for part in parts.iter().chain(&["screen.csv"]) {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn text_is_read_whatever_its_separator_line_ends_mark_and_compression() {
    let expected = vec![vec![(0, 1.5), (1, -2.0)], vec![(1, 3e-2)]];
    let comma = "line,BRAF,\"MDM2\"\nA375,1.5,NA\nMCF7,-2,0.03\n";
    let texts: [(&str, Vec<u8>); 7] = [
        ("a.csv", comma.into()),
        ("a.csv", format!("\u{feff}{}", comma.replace('\n', "\r\n")).into()),
        ("a.csv", comma.replace(',', ";").into()),
        ("a.tsv", comma.replace(',', "\t").into()),
        ("a.unknown", comma.replace(',', "\t").into()),
        ("a.csv", gzip(comma)),
        ("a.txt.gz", gzip(&comma.replace(',', "\t"))),
    ];
    for (name, bytes) in texts {
        let scratch = file(name, bytes);
        let read = matrix(&scratch.path).unwrap();
        assert_eq!(
            (read.perturbations.clone(), read.readouts.clone()),
            (
                vec!["BRAF".to_owned(), "MDM2".to_owned()],
                vec!["A375".to_owned(), "MCF7".to_owned()]
            )
        );
        assert_eq!(rows(&read), expected, "{name}");
    }
}

#[test]
fn bad_cells_are_named_by_file_line_and_column() {
    assert_refused("line,BRAF\nA,1\nB,high\n", &["line 3", "`BRAF`", "`high`", "a number"]);
    assert_refused("line,BRAF\nA,inf\n", &["line 2", "`BRAF`", "a finite number"]);
    assert_refused("line,BRAF\nA,1\nB,1,2\n", &["line 3", "2 cells", "found 3"]);
    assert_refused("line,BRAF\nA,1,\n", &["line 2", "2 cells", "found 3"]);
    assert_refused("BRAF,MDM2\nA,1,2\nB,1\n", &["line 3", "3 cells", "found 2"]);
    assert_refused("line,BRAF\nnan,1\n", &["line 2", "a name"]);
    assert_refused("line,nan\nA,1\n", &["line 1", "a name"]);
    assert_refused("line,BRAF\nA,1\nA,2\n", &["each readout once", "`A` as row 1 and 2"]);
}

#[test]
fn names_of_rows_that_r_gives_no_header_are_the_first_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.txt");
    std::fs::write(&path, "\"logFC\"\t\"t\"\n\"TP53\"\t-1\t-8\n\"MDM2\"\t0.5\t2\n").unwrap();
    let signature = phenocopy::table::read_signature(&path, None).unwrap();
    assert_eq!(signature.value_column, "t");
    assert_eq!(signature.values, [("TP53".to_owned(), -8.0), ("MDM2".to_owned(), 2.0)]);
    let features = phenocopy::table::read_features(&path).unwrap();
    assert_eq!((features.names[1].as_str(), features.row(1)), ("MDM2", &[0.5, 2.0][..]));
    assert_eq!(features.features, ["logFC", "t"]);
}

#[test]
fn lines_are_counted_right_whatever_ends_them() {
    for end in ["\n", "\r\n"] {
        let text = ["line,BRAF", "A375,1", "HT29,high", ""].join(end);
        assert_refused(&text, &["line 3", "`high`"]);
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_line() {
    for (bytes, line) in
        [(&b"line,BRAF\nA375,1\nK\xe9,2\n"[..], "line 3"), (b"line,BR\xe9\nA375,1\n", "line 1")]
    {
        let scratch = file("latin-1.csv", bytes);
        let message = matrix(&scratch.path).unwrap_err().to_string();
        assert!(message.contains(line) && message.contains("save the table as UTF-8"), "{message}");
    }
}

#[test]
fn empty_matrices_and_archives_are_refused() {
    assert_refused("", &["an empty file"]);
    assert_refused("line,BRAF\n", &["0 rows"]);
    assert_refused("line\nA\n", &["0 columns", "separator"]);
    assert_refused("PK\u{3}\u{4}rest", &["Excel", "export it as CSV"]);
}

#[test]
fn a_truncated_gzip_file_is_named() {
    let lines: String =
        (0..5_000).map(|line| format!("L{line},{}\n", line * 7919 % 1000)).collect();
    let whole = gzip(&format!("line,BRAF\n{lines}"));
    let scratch = file("cut.csv.gz", &whole[..whole.len() / 2]);
    let message = matrix(&scratch.path).unwrap_err().to_string();
    assert!(message.contains("cut.csv.gz") && message.contains("ends too early"), "{message}");
}

#[test]
fn a_missing_file_is_named_with_advice() {
    let message = matrix(Path::new("no/such/screen.csv")).unwrap_err().to_string();
    assert!(message.contains("no/such/screen.csv") && message.contains("check the path"));
}

const LONG: &str = "drug,gene,z,status\nA,X,1,ok\nA,Y,2,ok\nB,X,5,bad\nB,Y,NaN,ok\nA,X,4,ok\n";

fn read_long_text(text: &str, duplicates: Duplicates) -> phenocopy::Result<Measurements> {
    let scratch = file("long.csv", text);
    let columns =
        LongColumns { perturbation: "drug".into(), readout: "gene".into(), value: "z".into() };
    let filters = [RowFilter::one_of("status", ["ok"])];
    read_long(&scratch.path, TextFormat::Detect, &columns, &filters, duplicates, Wanted::ALL)
}

#[test]
fn long_tables_are_filtered_and_averaged_or_refused() {
    let read = read_long_text(LONG, Duplicates::Mean).unwrap();
    assert_eq!(read.perturbations, ["A"]);
    assert_eq!(rows(&read), [vec![(0, 2.5), (1, 2.0)]]);
    let message = read_long_text(LONG, Duplicates::Error).unwrap_err().to_string();
    assert!(message.contains("several for `A` at `X`"), "{message}");
    let message = read_long_text("drug,gene,z,status\nA,X,1,bad\n", Duplicates::Mean);
    assert!(message.unwrap_err().to_string().contains("filters"));
}

#[test]
fn an_unknown_column_gets_a_suggestion_and_the_list() {
    let text = LONG.replace("drug", "Drug");
    let message = read_long_text(&text, Duplicates::Mean).unwrap_err().to_string();
    assert!(message.contains("did you mean `Drug`?") && message.contains("`status`"), "{message}");
}

#[test]
fn annotation_tables_skip_comments_and_split_lists() {
    let text = "!Source\t\"x\"\npert_iname\talso\ttarget\tkey\nvemurafenib\tPLX4032|nan\tBRAF|RAF1\tnan\n\tghost\t\t\n";
    let scratch = file("drugs.txt", text);
    let columns = AnnotationColumns {
        name: vec!["pert_iname".into()],
        synonyms: vec!["also".into()],
        targets: Some("target".into()),
        inchi_key: Some("key".into()),
        ..AnnotationColumns::default()
    };
    let rows = read_annotations(&scratch.path, TextFormat::Detect, &columns, "|").unwrap();
    assert_eq!(rows.len(), 1);
    let annotation = &rows[0].annotation;
    assert_eq!(annotation.synonyms, ["PLX4032"]);
    assert_eq!(annotation.targets.len(), 2);
    assert_eq!(annotation.inchi_key, "");
}

fn mapping() -> NameMapping {
    NameMapping {
        file: "sheet.csv".into(),
        from: "well".into(),
        to: "gene".into(),
        filters: vec![RowFilter::one_of("type", ["trt_oe"])],
        cut_at: Some("_".into()),
        unnamed: Unnamed::Keep,
        format: TextFormat::Detect,
    }
}

#[test]
fn a_sheet_leaves_controls_out_and_joins_alleles() {
    let scratch = file(
        "sheet.csv",
        "well,gene,type\nA1,KRAS_G12V,trt_oe\nA2,EMPTY,ctl_untrt\nA3,KRAS,trt_oe\n",
    );
    let meanings = read_mapping(&mapping(), &scratch.path).unwrap();
    let pairs: Vec<(&str, &str)> =
        meanings.meanings.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(pairs, [("A1", "KRAS"), ("A3", "KRAS")]);
}

#[test]
fn a_name_with_two_meanings_is_refused() {
    let scratch = file("sheet.csv", "well,gene,type\nA1,KRAS,trt_oe\nA1,BRAF,trt_oe\n");
    let message = read_mapping(&mapping(), &scratch.path).unwrap_err().to_string();
    assert!(message.contains("line 3") && message.contains("`KRAS` and as `BRAF`"), "{message}");
}

#[test]
fn a_fingerprint_is_the_sha256_of_the_bytes() {
    let scratch = file("abc", "abc");
    let input = InputFile::fingerprint(Path::new("abc"), &scratch.path).unwrap();
    assert_eq!(input.bytes, 3);
    assert_eq!(input.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_matrix_written_and_read_back_is_the_same(
        (n_profiles, n_readouts, values) in (1_usize..6, 1_usize..8).prop_flat_map(|(p, r)| {
            (Just(p), Just(r), prop::collection::vec(prop::option::of(-1e6_f32..1e6), p * r))
        })
    ) {
        let names = |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect();
        // -666 is the one number that stands for "not known".
        let known = |value: &Option<f32>| value.filter(|v| v.to_bits() != (-666.0_f32).to_bits());
        let values = values.iter().map(|value| known(value).unwrap_or(f32::NAN)).collect();
        let written = Measurements::dense(names("p", n_profiles), names("r", n_readouts), values);
        let scratch = file("screen.csv", "");
        write_matrix(&scratch.path, "line", &written).unwrap();
        let read = matrix(&scratch.path).unwrap();
        prop_assert_eq!(rows(&read), rows(&written));
        prop_assert_eq!(read.readouts, written.readouts);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let scratch = file("noise.csv", bytes);
        let _ = matrix(&scratch.path);
    }
}
