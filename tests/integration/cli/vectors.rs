//! Indexes of vectors that another program made.

use std::fs;
use std::path::{Path, PathBuf};

use phenocopy::index::Index;
use phenocopy::search::Query;

use super::{planted, run, text};

// numpy: i = arange(40)[:, None]; j = arange(8)[None, :]; m = sin(1 + 1.7 i + 0.9 j j + 0.31 i j)
// save("genes.npy", m.astype("<f4")); save("double.npy", m[:3].astype("<f8"))
// save("fortran.npy", asfortranarray(m[:3].astype("<f4"))); save("integers.npy", arange(6).reshape(3, 2))
// Rows are called GENE0, GENE1, … in `.ids.tsv`.
fn formats() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats")
}

fn value(gene: usize, dimension: usize) -> f64 {
    let (i, j) = (gene as f64, dimension as f64);
    (1.0 + i * 1.7 + j * j * 0.9 + i * j * 0.31).sin()
}

/// Compounds a little off the gene that each acts on, a missing value in each tenth; a table with what they are.
fn write_compounds(folder: &Path) {
    let mut table = "compound\td0\td1\td2\td3\td4\td5\td6\td7\n".to_owned();
    let mut drugs = "pert_iname\ttarget\tmoa\tclinical_phase\n".to_owned();
    for gene in 0..40 {
        let cell = |d: usize| match (gene % 10, d) {
            (3, 2) => "NA".to_owned(),
            _ => format!("{:.4}", 5.0 + value(gene, d) + 0.1 * value(gene + 7, d)),
        };
        let cells: Vec<String> = (0..8).map(cell).collect();
        table += &format!("drug-{gene}\t{}\n", cells.join("\t"));
        drugs += &format!("Drug {gene}\tGENE{gene}\tGENE{gene} inhibitor\tLaunched\n");
    }
    fs::write(folder.join("compounds.tsv"), table).unwrap();
    fs::write(folder.join("drugs.tsv"), drugs).unwrap();
}

#[test]
fn vectors_of_another_model_become_an_index_with_names_and_statistics() {
    let folder = tempfile::tempdir().unwrap();
    write_compounds(folder.path());
    let (compounds, drugs) = (folder.path().join("compounds.tsv"), folder.path().join("drugs.tsv"));
    let (genes, output) = (formats().join("genes.npy"), folder.path().join("index"));
    let compounds = format!("compound={}", compounds.display());
    let genes = format!("crispr-knockout={}", genes.display());
    let told =
        run(&["index", &compounds, &genes, "--annotations", text(&drugs), "-o", text(&output)])
            .success();
    assert!(told.contains("\nfingerprint ") && told.contains("40"), "{told}");
    let index = Index::open(&output).unwrap();
    let n_found = (0..40).filter(|gene| {
        let hits =
            index.search(&Query { k: 1, ..Query::new(format!("drug {gene}")) }).unwrap().hits;
        let hit = &hits[0];
        let is_found = hit.record.gene() == Some(&format!("GENE{gene}"));
        assert!(hit.significance.is_some() && hit.is_known == is_found);
        is_found
    });
    assert!(n_found.count() >= 36);
    let inspected = run(&["inspect", "--verify", text(&output)]).success();
    assert!(inspected.contains("vectors were given, not trained here"), "{inspected}");
    let unable = run(&["explain", "drug 1", "GENE1", "--index", text(&output)]).failure();
    assert!(unable.contains("it holds no responses to compare"), "{unable}");
}

#[test]
fn vectors_are_compared_as_they_are_when_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("index");
    let genes = format!("crispr-knockout={}", formats().join("genes.npy").display());
    run(&["index", &genes, "--as-they-are", "-o", text(&output)]).success();
    let index = Index::open(&output).unwrap();
    let row = |gene: &str| index.resolve(&Query::new(gene)).unwrap();
    let vector = |gene: usize| (0..8).map(|d| value(gene, d)).collect::<Vec<f64>>();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (a, b) = (vector(3), vector(31));
    let expected = dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt();
    let pairs = index.vector(row("GENE3")).iter().zip(index.vector(row("GENE31")));
    let found: f64 = pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    assert!((found - expected).abs() < 1e-6, "{found} {expected}");
}

#[test]
fn arrays_that_are_no_table_of_vectors_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("index");
    let refused = |source: &str| run(&["index", source, "-o", text(&output)]).failure();
    let of = |name: &str| format!("sirna={}", formats().join(name).display());
    let fortran = refused(&of("fortran.npy"));
    assert!(fortran.contains("ascontiguousarray"), "{fortran}");
    let copy = folder.path().join("lonely.npy");
    let whole = fs::read(formats().join("genes.npy")).unwrap();
    fs::write(&copy, &whole).unwrap();
    let nameless = refused(&format!("sirna={}", copy.display()));
    assert!(nameless.contains("ids.tsv"), "{nameless}");
    fs::copy(formats().join("genes.ids.tsv"), folder.path().join("ids.tsv")).unwrap();
    for cut in [7, 50, 130, whole.len() - 3] {
        fs::write(&copy, &whole[..cut]).unwrap();
        let message = refused(&format!("sirna={}", copy.display()));
        assert!(message.contains("lonely.npy"), "{cut}: {message}");
    }
    fs::copy(formats().join("double.npy"), &copy).unwrap();
    let few = refused(&format!("sirna={}", copy.display()));
    assert!(few.contains("a header and 3 rows") && few.contains("40 rows"), "{few}");
    fs::copy(formats().join("integers.npy"), &copy).unwrap();
    fs::write(folder.path().join("lonely.ids.tsv"), "name\na\nb\nc\n").unwrap();
    let integers = refused(&format!("sirna={}", copy.display()));
    assert!(integers.contains("astype"), "{integers}");
    let unknown = refused("drug=vectors.csv");
    assert!(unknown.contains("TYPE=FILE") && unknown.contains("crispr-knockout"), "{unknown}");
    assert!(!output.exists());
}

#[test]
fn a_vector_that_says_nothing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("v.csv");
    fs::write(&table, "gene,d0,d1\nA,1,2\nB,3,1\nC,2,1.5\n").unwrap();
    let source = format!("crispr-knockout={}", table.display());
    let message = run(&["index", &source, "-o", text(&folder.path().join("index"))]).failure();
    assert!(message.contains("`CRISPR-KO_C`") && message.contains("no direction"), "{message}");
}

/// An index of 40 compounds and 40 genes, and where more go.
fn given_index(folder: &Path) -> PathBuf {
    write_compounds(folder);
    let compounds = format!("compound={}", folder.join("compounds.tsv").display());
    let genes = format!("crispr-knockout={}", formats().join("genes.npy").display());
    let (drugs, output) = (folder.join("drugs.tsv"), folder.join("index"));
    run(&["index", &compounds, &genes, "--annotations", text(&drugs), "-o", text(&output)])
        .success();
    output
}

#[test]
fn vectors_are_added_to_an_index_of_vectors_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let index = given_index(folder.path());
    let table = fs::read_to_string(folder.path().join("compounds.tsv")).unwrap();
    let mut lines = table.lines();
    let header = lines.next().unwrap();
    let twin = |line: &str| format!("our {line}\n").replace("drug-", "");
    let twins: String = lines.take(12).map(twin).collect();
    let ours = folder.path().join("ours.tsv");
    fs::write(&ours, format!("{header}\n{twins}")).unwrap();
    let annotation = folder.path().join("ours-drugs.tsv");
    fs::write(&annotation, "name\ttarget\nour 7\tGENE7\n").unwrap();
    let source = format!("compound={}", ours.display());
    let (add, notes) = (text(&index), text(&annotation));
    let mut arguments = vec!["index", &source, "--add", add, "--annotations", notes, "-o", add];
    let unsaid = run(&arguments).failure();
    assert!(unsaid.contains("context `ours`") && unsaid.contains("compounds"), "{unsaid}");
    arguments.extend(["--context", "Compounds"]);
    let added = run(&arguments);
    assert!(added.stderr.contains("13 % of the rows were added"), "{}", added.stderr);
    let told = added.success();
    assert!(told.contains("12 rows of 12 profiles in compounds, given"), "{told}");
    let inspected = run(&["inspect", "--verify", add]).success();
    for part in [
        "format 2",
        "12 of 92 rows were not trained on; a rebuild is due",
        "learnt before rows were added",
        "ours.tsv sha256",
    ] {
        assert!(inspected.contains(part), "{part}: {inspected}");
    }
    let larger = Index::open(&index).unwrap();
    let row = |name: &str| larger.resolve(&Query::new(name)).unwrap();
    assert_eq!(larger.vector(row("our 7")), larger.vector(row("drug-7")));
    assert!(larger.is_added(row("our 7")) && !larger.is_added(row("drug-7")));
    let found = run(&["search", "GENE7", "-k", "2", "--index", add]).success();
    assert!(found.contains("our 7+") && found.contains("+ added to this index"), "{found}");
    let asked = run(&["search", "our 7", "-k", "1", "--format", "tsv", "--index", add]).success();
    let line = asked.lines().nth(1).unwrap();
    assert!(line.contains("GENE7") && line.contains("folded_in_query"), "{line}");
    let again = run(&arguments).failure();
    assert!(again.contains("`our 0` is `our 0` by `our 0`"), "{again}");
}

#[test]
fn rows_that_an_index_cannot_take_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let index = given_index(folder.path());
    let before = fs::read(index.join("manifest.json")).unwrap();
    let ours = folder.path().join("compounds.csv");
    let source = format!("compound={}", ours.display());
    let refused = |table: &str, more: &[&str]| {
        fs::write(&ours, table).unwrap();
        let arguments =
            [&["index", &source, "--add", text(&index), "-o", text(&index)], more].concat();
        run(&arguments).failure()
    };
    let others = refused("name,x0,x1\nours,1,2\n", &[]);
    assert!(
        others.contains("2 of 2 readouts are not the index's") && others.contains("`d0`"),
        "{others}"
    );
    let few = refused("name,d0,d1\nours,1,2\n", &[]);
    assert!(few.contains("none is left") && few.contains("4 are needed"), "{few}");
    let held = refused("name,d0,d1,d2,d3,d4,d5,d6,d7\ndrug 5,1,2,3,4,5,6,7,8\n", &[]);
    assert!(held.contains("`drug 5` is `Drug 5`"), "{held}");
    let normalised = refused("name,d0,d1\nours,1,2\n", &["--normalised"]);
    assert!(normalised.contains("leave `--normalised` out"), "{normalised}");
    let nowhere = text(&folder.path().join("nowhere")).to_owned();
    let missing = run(&["index", "compound=none.csv", "--add", &nowhere, "-o", &nowhere]).failure();
    assert!(missing.contains("nowhere") && !missing.contains("none.csv"), "{missing}");
    let unable = run(&["index", &source, "--add", planted(), "-o", text(&index)]).failure();
    assert!(unable.contains("it cannot place new rows"), "{unable}");
    assert_eq!(fs::read(index.join("manifest.json")).unwrap(), before);
}
