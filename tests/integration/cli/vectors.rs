//! Indexes of vectors that another program made.

use std::fs;
use std::path::{Path, PathBuf};

use phenocopy::index::Index;
use phenocopy::search::Query;

use super::{run, text};

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
