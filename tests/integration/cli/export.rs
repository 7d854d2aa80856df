//! Vectors and responses for other programs: what is written is what the index holds, and reads back.

use std::fs;
use std::path::Path;

use hdf5_reader::Hdf5File;
use parquet::file::reader::{FileReader, SerializedFileReader};
use phenocopy::index::{Filter, Index};
use phenocopy::search::{PredictedResponses, Query};
use phenocopy::table::{Measurements, Orientation, TextFormat, Wanted, read_matrix};

use super::{listing, planted, run, text};

fn export(arguments: &[&str]) -> super::Outcome {
    run(&[&["export"], arguments, &["--index", planted()]].concat())
}

fn read(path: &Path) -> Measurements {
    read_matrix(path, TextFormat::Detect, Orientation::PerturbationRows, None, Wanted::ALL).unwrap()
}

fn row(measurements: &Measurements, at: usize) -> Vec<f32> {
    let mut row = Vec::new();
    measurements.for_each_value(at, |_, value| row.push(value));
    row
}

/// The texts of a dataset.
fn texts(file: &Hdf5File, name: &str) -> Vec<String> {
    file.dataset(name).unwrap().read_strings().unwrap()
}

fn numbers(file: &Hdf5File, name: &str) -> Vec<f32> {
    file.dataset(name).unwrap().read_array::<f32>().unwrap().iter().copied().collect()
}

#[test]
fn vectors_of_every_form_are_those_of_the_index_to_the_last_bit() {
    let home = tempfile::tempdir().unwrap();
    let index = Index::open(planted()).unwrap();
    for name in ["v.parquet", "v.npy", "v.h5ad"] {
        export(&["embeddings", "-o", text(&home.path().join(name))]).success();
    }
    let projector = home.path().join("p.vectors.tsv");
    export(&["embeddings", "--format", "projector", "-o", text(&projector)]).success();
    let expected = [
        "p.json",
        "p.metadata.tsv",
        "p.vectors.tsv",
        "v.h5ad",
        "v.ids.tsv",
        "v.json",
        "v.npy",
        "v.parquet",
    ];
    assert_eq!(listing(home.path()), expected);
    let [table, matrix] = ["v.parquet", "v.npy"].map(|name| read(&home.path().join(name)));
    let vectors = fs::read_to_string(projector).unwrap();
    let file = Hdf5File::open(home.path().join("v.h5ad")).unwrap();
    let (x, embedding) = (numbers(&file, "X"), numbers(&file, "obsm/X_phenocopy"));
    let symbols = texts(&file, "obs/symbol");
    let mut lines = vectors.lines();
    for entry in index.entries(&Filter::default()).unwrap() {
        let entry = entry.unwrap();
        let (at, own) = (entry.row as usize, entry.embedding);
        let place = at * own.len()..(at + 1) * own.len();
        let line = lines.next().unwrap().split('\t').map(|cell| cell.parse().unwrap());
        for found in [row(&table, at), row(&matrix, at), line.collect(), x[place.clone()].to_vec()]
        {
            assert_eq!(found, own, "row {at}");
        }
        assert_eq!(embedding[place], *own);
        let symbol = entry.record.perturbation.symbol();
        for found in [&table.perturbations[at], &matrix.perturbations[at], &symbols[at]] {
            assert_eq!(*found, symbol);
        }
    }
    assert_eq!((lines.next(), table.n_profiles()), (None, index.n_rows()));
}

#[test]
fn exported_vectors_become_an_index_that_gives_the_same_hits() {
    let home = tempfile::tempdir().unwrap();
    let before = Index::open(planted()).unwrap();
    for form in ["parquet", "npy"] {
        let [compounds, genes] =
            ["compounds", "genes"].map(|n| home.path().join(n).with_extension(form));
        export(&["embeddings", "--type", "trt_cp", "-o", text(&compounds)]).success();
        export(&["embeddings", "--type", "trt_xpr", "-o", text(&genes)]).success();
        let output = home.path().join(format!("index-{form}"));
        let sources =
            [format!("compound={}", text(&compounds)), format!("crispr-knockout={}", text(&genes))];
        run(&["index", &sources[0], &sources[1], "--as-they-are", "-o", text(&output)]).success();
        let after = Index::open(&output).unwrap();
        for name in ["compound-0a", "compound-31b", "GENE7"] {
            let [before, after] = [&before, &after].map(|index| {
                let hits = index.search(&Query::new(name)).unwrap().hits;
                hits.into_iter()
                    .map(|hit| (hit.record.perturbation, hit.similarity))
                    .collect::<Vec<_>>()
            });
            assert_eq!(before.len(), 10);
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before.0, after.0, "{name} as {form}");
                assert!((before.1 - after.1).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn responses_are_those_that_similarities_and_explanations_are_made_of() {
    let ready = Path::new(env!("CARGO_MANIFEST_DIR")).join("index/cancer-viability");
    let home = tempfile::tempdir().unwrap();
    let [list, path, npy] = ["list.grp", "r.parquet", "r.npy"].map(|n| home.path().join(n));
    fs::write(&list, "venetoclax\nBCL2\n").unwrap();
    let chosen = ["--picklist", text(&list), "--index", text(&ready)];
    for output in [&path, &npy] {
        run(&[&["export", "responses", "-o", text(output)], &chosen[..]].concat()).success();
    }
    let index = Index::open(&ready).unwrap();
    let read = read(&path);
    assert_eq!(read.perturbations, ["venetoclax", "CRISPR-KO_BCL2"]);
    assert_eq!(read.readouts, index.response_readouts().collect::<Vec<_>>(), "named in the file");
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let rows = [row(&read, 0), row(&read, 1)];
    let [a, b] = ["venetoclax", "BCL2"].map(|name| index.resolve(&Query::new(name)).unwrap());
    let expected = index.response_similarity(a, b).unwrap();
    assert!((dot(&rows[0], &rows[1]) - expected).abs() < 1e-5);
    let said: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(npy.with_extension("json")).unwrap()).unwrap();
    assert_eq!(said["numbers"], "response");
    assert_eq!(said["fingerprint"], index.manifest().fingerprint.as_str());
    assert_eq!(said["readouts"].as_array().unwrap().len(), read.n_readouts());
    let responses = PredictedResponses::averaged(&index).unwrap();
    assert_eq!(said["readout_names"][0], responses.readouts()[0].1.as_str());
}

#[cfg(feature = "train")]
#[test]
fn responses_in_one_context_are_what_explain_multiplies_there() {
    let ready = Path::new(env!("CARGO_MANIFEST_DIR")).join("index/cancer-viability");
    let home = tempfile::tempdir().unwrap();
    let [list, path] = ["list.grp", "r.h5ad"].map(|name| home.path().join(name));
    fs::write(&list, "venetoclax\nBCL2\n").unwrap();
    let common = ["--picklist", text(&list), "--index", text(&ready), "-o", text(&path)];
    run(&[&["export", "responses", "--context", "gdsc-2"], &common[..]].concat()).success();
    let file = Hdf5File::open(&path).unwrap();
    let (x, readouts) = (numbers(&file, "X"), texts(&file, "var/symbol"));
    assert_eq!(texts(&file, "uns/phenocopy/context"), ["GDSC2"]);
    assert_eq!(texts(&file, "uns/phenocopy/numbers"), ["response"]);
    let index = Index::open(&ready).unwrap();
    let responses = phenocopy::search::ContextResponses::open(&index).unwrap().unwrap();
    let [query, hit] = ["venetoclax", "BCL2"].map(Query::new);
    let why = index.explain_in(&responses, &query, &hit, "GDSC2").unwrap();
    assert_eq!(x.len(), 2 * readouts.len());
    for term in why.terms {
        let at = readouts.iter().position(|readout| *readout == term.readout).unwrap();
        assert!((f64::from(x[at]) - term.query).abs() < 1e-6);
        assert!((f64::from(x[readouts.len() + at]) - term.hit).abs() < 1e-6);
    }
    let refused = run(&[&["export", "responses", "--context", "GDSC9"], &common[..]].concat());
    assert!(refused.failure().contains("must be one of GDSC1, GDSC2, CTRPv2"));
}

#[test]
fn annotation_is_categories_and_what_is_missing_is_none() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("v.h5ad");
    export(&["embeddings", "-o", text(&path)]).success();
    let file = Hdf5File::open(&path).unwrap();
    let categories = texts(&file, "obs/type/categories");
    assert_eq!(categories, ["trt_cp", "trt_xpr"]);
    let codes = |name: &str| {
        let dataset = file.dataset(name).unwrap();
        dataset.read_array::<i8>().unwrap().iter().copied().collect::<Vec<i8>>()
    };
    assert_eq!((codes("obs/type/codes")[0], codes("obs/type/codes")[179]), (0, 1));
    assert_eq!(codes("obs/phase/codes")[..2], [0, -1], "the second compound has no phase");
    assert_eq!(codes("obs/gene/codes")[..2], [-1, -1]);
    assert_eq!(texts(&file, "var/symbol")[..2], ["d0", "d1"]);
    export(&["embeddings", "--type", "trt_cp", "-o", text(&path)]).success();
    let compounds = Hdf5File::open(&path).unwrap();
    assert_eq!(
        texts(&compounds, "obs/gene/categories"),
        [""],
        "libhdf5 reads no empty dataset of texts"
    );
    assert!(texts(&file, "uns/phenocopy/command")[0].ends_with(planted()));
}

#[test]
fn parquet_and_the_tables_name_the_index_and_are_what_the_schema_says() {
    let home = tempfile::tempdir().unwrap();
    let [path, npy] = ["v.parquet", "v.npy"].map(|name| home.path().join(name));
    for output in [&path, &npy] {
        export(&["embeddings", "--target", "GENE3", "-o", text(output)]).success();
    }
    let file = SerializedFileReader::new(fs::File::open(&path).unwrap()).unwrap();
    let metadata = file.metadata().file_metadata();
    let said = metadata.key_value_metadata().unwrap();
    let schema = run(&["schema", "export", "--format", "tsv"]).success();
    let described: Vec<&str> =
        schema.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
    let columns = metadata.schema_descr().columns().iter().map(|c| c.path().parts()[0].as_str());
    let columns: Vec<&str> = columns.collect();
    assert_eq!(columns, described[..15]);
    assert_eq!(described[15], "response");
    let keys = said.iter().map(|pair| pair.key.as_str()).filter(|key| *key != "ARROW:schema");
    let keys: Vec<&str> = keys.collect();
    assert!(keys.len() == 6 && keys.iter().all(|key| described[16..].contains(key)), "{keys:?}");
    let ids = fs::read_to_string(npy.with_extension("ids.tsv")).unwrap();
    let lines: Vec<Vec<&str>> = ids.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines[0], columns[..14]);
    let fingerprint = &Index::open(planted()).unwrap().manifest().fingerprint.clone();
    let symbols: Vec<&str> = lines[1..].iter().map(|line| line[0]).collect();
    assert_eq!(symbols, ["compound-3a", "compound-3b", "CRISPR-KO_GENE3"]);
    assert!(lines[1..].iter().all(|line| line[13] == fingerprint && line[4] == "GENE3 inhibitor"));
}

#[test]
fn what_cannot_be_exported_is_refused_and_leaves_what_was_there() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("v.npy");
    fs::write(&path, "mine").unwrap();
    let refused = |arguments: &[&str]| export(arguments).failure();
    let without = refused(&["responses", "-o", text(&path)]);
    assert!(without.contains("it holds no responses; build one from screens"), "{without}");
    let none =
        refused(&["embeddings", "--type", "trt_cp", "--filter", "name:GENE3", "-o", text(&path)]);
    assert!(none.contains("nothing passes type trt_cp and filter name:GENE3"), "{none}");
    let unsaid = refused(&["embeddings", "-o", text(&home.path().join("v.csv"))]);
    assert!(unsaid.contains(".npy, .h5ad, or a --format, but is .csv"), "{unsaid}");
    let stream = refused(&["embeddings", "--format", "h5ad"]);
    assert!(stream.contains("name a file with -o FILE"), "{stream}");
    let folder = home.path().join("folder");
    fs::create_dir(&folder).unwrap();
    for form in ["npy", "h5ad"] {
        let message = refused(&["embeddings", "--format", form, "-o", text(&folder)]);
        assert!(message.contains("`-o` must be a file, as this form needs"), "{message}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(listing(home.path()), ["folder", "v.npy"], "nothing half written");
}
