use insta::assert_snapshot;
use serde_json::Value;

use super::{planted, redact, run};

const COLUMNS: [&str; 25] = [
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

fn search(arguments: &[&str]) -> String {
    redact(&run(&[&["search", "--index", planted()], arguments].concat()).success())
}

#[test]
fn a_compound_is_answered_by_genes_in_a_table() {
    assert_snapshot!(search(&["compound-0a", "-k", "3"]), @r"
    compound-0a: compound, Launched
    GENE0 inhibitor; annotated with GENE0
    60 perturbations compared (exact scan); measured in assay one

    #  hit     similarity      q  known  mechanism         compounds
    1  GENE0        0.993  0.008  yes    GENE0 inhibitor
    2  GENE38       0.488  0.384         GENE38 inhibitor
    3  GENE15       0.419  0.384         GENE15 inhibitor

    not tested, of fewer than 3 or more than 200 compounds: GENE0 inhibitor

    index planted 0123456789abcdef; ranked by similarity, not significance
    ");
}

#[test]
fn a_gene_is_answered_by_compounds_in_a_table() {
    assert_snapshot!(search(&["GENE12", "-k", "3"]), @r"
    GENE12: CRISPR knock-out
    GENE12 inhibitor
    120 perturbations compared (exact scan); measured in assay one

    #  hit           similarity      q  known  mechanism         targets
    1  compound-12a       0.991  0.008  yes    GENE12 inhibitor  GENE12
    2  compound-12b       0.990  0.008  yes    GENE12 inhibitor  GENE12
    3  compound-54b       0.375  0.794         GENE54 inhibitor  GENE54

    index planted 0123456789abcdef; ranked by similarity, not significance
    ");
}

#[test]
fn hits_of_several_types_say_which() {
    assert_snapshot!(search(&["compound-0a", "--to", "all", "-k", "3"]), @r"
    compound-0a: compound, Launched
    GENE0 inhibitor; annotated with GENE0
    179 perturbations compared (exact scan); measured in assay one

    #  hit          type     similarity      q  known  mechanism         annotation
    1  compound-0b  trt_cp        0.995  0.013  yes    GENE0 inhibitor   GENE0
    2  GENE0        trt_xpr       0.993  0.013  yes    GENE0 inhibitor
    3  GENE38       trt_xpr       0.488  0.378         GENE38 inhibitor

    not tested, of fewer than 3 or more than 200 compounds: GENE0 inhibitor

    index planted 0123456789abcdef; ranked by similarity, not significance
    ");
}

#[test]
fn a_filter_that_only_the_other_side_passes_says_so() {
    let text = search(&["compound-0a", "--phase", "Launched"]);
    assert!(text.contains("None of the 60 perturbations on the searched side passes"), "{text}");
    assert!(text.contains("1 on the other side do"), "{text}");
}

#[test]
fn a_filter_that_nothing_passes_is_an_answer() {
    assert_snapshot!(search(&["compound-0a", "--filter", "moa:nothing"]), @r"
    compound-0a: compound, Launched
    GENE0 inhibitor; annotated with GENE0
    0 perturbations compared (exact scan); measured in assay one

    No perturbation of this index passes the filter.

    index planted 0123456789abcdef; ranked by similarity, not significance
    ");
}

#[test]
fn no_line_of_a_table_is_longer_than_80_columns() {
    for arguments in [
        &["compound-0a", "GENE4", "-k", "200"][..],
        &["compound-0a", "--to", "all", "-k", "200"],
        &["GENE7", "--to", "genetic", "-k", "200"],
    ] {
        for line in search(arguments).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn tsv_has_the_contracts_columns_and_six_significant_digits() {
    let text = search(&["compound-3a", "--format", "tsv"]);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0], COLUMNS);
    assert_eq!(rows.len(), 11);
    let mut previous = f64::INFINITY;
    for (rank, row) in rows[1..].iter().enumerate() {
        assert_eq!(row.len(), COLUMNS.len());
        assert_eq!(row[6], (rank + 1).to_string());
        let similarity: f64 = row[8].parse().unwrap();
        assert!(similarity <= previous && similarity.abs() <= 1.0, "{row:?}");
        let digits = row[8].trim_start_matches(['-', '0', '.']).replace('.', "");
        assert!(digits.len() <= 6, "{}", row[8]);
        previous = similarity;
    }
    // Measured numbers differ between processors in the last digit.
    let is_number = |column: usize| column == 8 || (10..15).contains(&column);
    let first = rows[1].iter().enumerate().filter(|(column, _)| !is_number(*column));
    let first: Vec<&str> = first.map(|(_, cell)| *cell).collect();
    assert_snapshot!(first.join("|"), @"compound-3a|trt_cp|CRISPR-KO_GENE3|GENE3|trt_xpr|GENE3|1|mimic|||1/1|||GENE3 inhibitor|GENE3|1||compound-3a|0123456789abcdef");
}

#[test]
fn ndjson_frames_each_query_and_sums_up() {
    let text = search(&["compound-3a", "GENE4", "-k", "2", "--format", "ndjson"]);
    let objects: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = objects.iter().map(|object| object["type"].as_str().unwrap()).collect();
    let kinds: Vec<&str> = kinds.into_iter().filter(|kind| *kind != "class").collect();
    let query = ["begin", "hit", "hit", "end"];
    assert_eq!(kinds, [&query[..], &query[..], &["summary"]].concat());
    assert!(objects.iter().all(|object| object["schema_version"] == 1));
    assert_eq!(objects[0]["data"]["query"], "compound-3a");
    assert_eq!(objects[0]["data"]["panel"], 60);
    let mut keys: Vec<&str> =
        objects[1]["data"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut columns = COLUMNS;
    keys.sort_unstable();
    columns.sort_unstable();
    assert_eq!(keys, columns, "a hit has the columns of TSV");
    assert_eq!(objects[1]["data"]["hit_gene"], "GENE3");
    assert_eq!(objects[1]["data"]["known"], 1);
    assert!(objects[1]["data"]["similarity"].is_f64());
    let of_gene = objects.iter().rfind(|object| object["type"] == "hit").unwrap();
    assert_eq!(of_gene["data"]["hit_gene"], Value::Null, "a compound is no gene");
    assert_snapshot!(text.lines().last().unwrap(), @r#"{"data":{"answered":2,"command":"phenocopy search --index PLANTED compound-3a GENE4 -k 2 --format ndjson","fingerprint":"0123456789abcdef","hits":4,"index":"planted","queries":2,"unanswered":[],"version":"VERSION"},"schema_version":1,"type":"summary"}"#);
}

#[test]
fn one_misspelt_query_among_several_costs_only_its_own_answer() {
    let queries = ["compound-3a", "compond-4a", "GENE5"];
    let outcome = run(&[&["search", "--index", planted(), "-k", "1"], &queries[..]].concat());
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stdout.contains("compound-3a: compound"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("GENE5: CRISPR knock-out"), "{}", outcome.stdout);
    assert_snapshot!(outcome.stderr, @r"
    error: nothing here is called `compond-4a`; did you mean `compound-4a`, `compound-14a`, `compound-24a`?
    error: 1 of 3 queries were not answered
    ");
    let queries = ["GENE5", "compond-4a", "--format", "ndjson"];
    let ndjson = [&["search", "--index", planted()], &queries[..]].concat();
    let last: Value = serde_json::from_str(run(&ndjson).stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["data"]["queries"], &last["data"]["answered"]), (&2.into(), &1.into()));
    assert_eq!(last["data"]["unanswered"][0]["asked"], "compond-4a");
}

#[test]
fn filters_flags_and_engines_reach_the_search() {
    let hits = |arguments: &[&str]| {
        let text = search(&[&["--format", "tsv"], arguments].concat());
        let names = text.lines().skip(1).map(|line| line.split('\t').nth(3).unwrap().to_owned());
        names.collect::<Vec<String>>()
    };
    assert_eq!(hits(&["GENE3", "--target", "GENE9"]).len(), 2);
    assert_eq!(hits(&["GENE3", "--moa", "GENE9 inhibitor"]).len(), 2);
    assert_eq!(hits(&["GENE3", "--phase", "Launched"]), ["compound-0a", "compound-0b"]);
    assert_eq!(hits(&["GENE3", "--to", "all", "--type", "trt_xpr", "-k", "99"]).len(), 59);
    assert_eq!(hits(&["GENE3", "-k", "5000"]).len(), 120, "more than the panel is the panel");
    let exact = hits(&["GENE3", "--via", "scan"]);
    assert_eq!(hits(&["GENE3", "--via", "graph"]), exact);
    assert_eq!(hits(&["alias-GENE3", "--query-type", "trt_xpr"]), exact);
}

/// The repository's own index, which holds responses.
const READY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/index/cancer-viability");

#[test]
fn explain_lists_the_readouts_that_make_two_perturbations_alike() {
    let table = run(&["explain", "ABT-199", "BCL2", "-k", "5", "--index", READY]).success();
    assert!(table.starts_with("venetoclax and BCL2\nsimilarity 0."), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert_eq!(table.matches(" (ACH-").count(), 5, "{table}");
    let arguments = ["explain", "venetoclax", "BCL2", "--format", "tsv", "--index", READY];
    let tsv = run(&arguments).success();
    assert_eq!(tsv.lines().count(), 1 + 647);
    assert!(tsv.lines().skip(1).all(|line| line.starts_with("venetoclax\tCRISPR-KO_BCL2\tACH-")));
    assert!(table.contains("\nmeasured in: venetoclax GDSC2, CTRPv2; BCL2 CRISPR\n"), "{table}");
}

#[cfg(feature = "train")]
#[test]
fn explain_compares_single_contexts_and_says_who_was_measured_there() {
    let explain = |arguments: &[&str]| {
        run(&[&["explain", "venetoclax", "BCL2", "-k", "1", "--index", READY], arguments].concat())
    };
    let average = explain(&[]).success();
    assert!(average.contains("\nresponses by context: GDSC1 0."), "{average}");
    for (context, measured) in [
        ("gdsc2", "venetoclax was measured in GDSC2, BCL2 was not: predicted"),
        ("CRISPR", "BCL2 was measured in CRISPR, venetoclax was not: predicted"),
        ("GDSC1", "neither was measured in GDSC1: predicted"),
    ] {
        let table = explain(&["--context", context]).success();
        let place = format!("; predicted responses in {} 0.", context.to_uppercase());
        assert!(table.contains(&place) && table.contains(measured), "{table}");
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    }
    let tsv = |arguments: &[&str]| explain(&[&["--format", "tsv"], arguments].concat()).success();
    assert!(tsv(&["--context", "GDSC2"]).lines().skip(1).all(|line| line.contains("\tGDSC2\t")));
    let averages = tsv(&[]);
    assert!(
        averages
            .lines()
            .next()
            .unwrap()
            .ends_with("\tcumulative_share\tindex\tcontext\treadout_name")
    );
    assert!(averages.lines().skip(1).all(|line| line.contains("\t\t")));
    let unknown = explain(&["--context", "GDSC3"]).failure();
    let expected = "`context` must be one of GDSC1, GDSC2, CTRPv2, CRISPR, but is GDSC3";
    assert!(unknown.contains(expected), "{unknown}");
    let arguments =
        ["explain", "compound-0a", "GENE0", "--context", "assay one", "--index", planted()];
    let none = run(&arguments).failure();
    assert!(none.contains("it cannot explain a single context"), "{none}");
}

#[cfg(not(feature = "train"))]
#[test]
fn explain_without_the_model_compares_averages_only() {
    let arguments = ["explain", "venetoclax", "BCL2", "--context", "GDSC2", "--index", READY];
    let refused = run(&arguments).failure();
    assert!(refused.contains("compile it with the feature `train`"), "{refused}");
}

#[test]
fn explain_says_what_it_cannot_explain() {
    let none = run(&["explain", "compound-0a", "GENE0", "--index", planted()]).failure();
    assert!(none.contains("no responses"), "{none}");
    let unknown = run(&["explain", "venetoclaxx", "BCL2", "--index", READY]).failure();
    assert!(unknown.contains("venetoclax"), "{unknown}");
    let nothing = run(&["explain", "venetoclax", "BCL2", "-k", "0", "--index", READY]).failure();
    assert!(nothing.contains("at least 1"), "{nothing}");
}

#[test]
fn find_lists_what_the_index_holds_under_a_text() {
    let table = redact(&run(&["find", "GENE12", "inhibitor", "--index", planted()]).success());
    assert_snapshot!(table, @r"
    name          type     phase  mechanism         targets
    GENE12        trt_xpr         GENE12 inhibitor  GENE12
    compound-12a  trt_cp          GENE12 inhibitor  GENE12
    compound-12b  trt_cp          GENE12 inhibitor  GENE12
    ");
    let tsv = run(&["find", "GENE0", "--format", "tsv", "-k", "1", "--index", planted()]).success();
    assert_snapshot!(redact(&tsv).replace('\t', "|"), @r"
    symbol|name|type|moa|targets|phase|synonyms|index
    CRISPR-KO_GENE0|GENE0|trt_xpr|GENE0 inhibitor|GENE0||alias-GENE0|0123456789abcdef
    ");
}

#[test]
fn inspect_says_what_an_index_holds_and_whether_it_is_healthy() {
    assert_snapshot!(redact(&run(&["inspect", planted()]).success()), @r"
    planted (PLANTED)
    fingerprint   0123456789abcdef
    health        opened, files up to 16 MiB intact; --verify reads all, and the model
    made by       phenocopy VERSION, format 1
    perturbations 180 (120 trt_cp, 60 trt_xpr)
    size          0.2 MB, vectors of 24 numbers
    chemical graph: recall@10 1.0000 at ef 16, 60 queries of the other side
    genetic graph: recall@10 1.0000 at ef 16, 120 queries of the other side
    calibration   4 nulls of at most 2000 references; 0 mechanism classes
      queries with a hit of q ≤ 0.05 among trt_cp:
        all compounds            0.992  (119 of 120)
        annotated: what is known 0.992  (119 of 120)
      queries with a hit of q ≤ 0.05 among trt_xpr:
        all compounds            1.000  (120 of 120)
        annotated: what is known 1.000  (120 of 120)
    ");
    let verified = run(&["inspect", "--verify", "--index", planted()]).success();
    let health = verified.lines().find(|line| line.starts_with("health")).unwrap();
    assert_snapshot!(health, @"health        healthy: every file has the digest the manifest says, every record is valid");
}

#[test]
fn a_list_of_queries_is_answered_as_they_are_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("compounds.txt");
    let names: Vec<String> = (0..60).map(|i| format!("compound-{i}a")).collect();
    std::fs::write(&list, names.join("\r\n")).unwrap();
    let list = list.to_str().unwrap();
    let together = search(&["--queries", list, "--format", "tsv", "-k", "4"]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(together, search(&[&names[..], &["--format", "tsv", "-k", "4"]].concat()));
    for name in ["compound-0a", "compound-41a"] {
        let alone = search(&[name, "--format", "tsv", "-k", "4"]);
        for row in alone.lines() {
            assert!(together.lines().any(|other| other == row), "{row}");
        }
    }
    assert_eq!(together.lines().count(), 241);
}

#[test]
fn q_values_of_a_batch_are_corrected_over_all_of_it() {
    let q = |arguments: &[&str]| -> Vec<f64> {
        let text = search(&[arguments, &["--format", "tsv", "-k", "2"]].concat());
        let cells = text.lines().skip(1).map(|row| row.split('\t').nth(14).unwrap());
        cells.map(|cell| cell.parse().unwrap()).collect()
    };
    let alone = q(&["compound-0a", "--correct", "batch"]);
    let among_themselves = q(&["compound-0a"]);
    assert!((alone[0] / among_themselves[0] - 1.0).abs() < 0.003, "{alone:?} {among_themselves:?}");
    // Half of the pairs of this batch are without a target among its hits: true ones weigh less.
    let batch = q(&["compound-0a", "compound-1a", "compound-2a", "--correct", "batch"]);
    assert_eq!(batch.len(), 6);
    assert!(batch[0] <= 0.05 && batch[1] > 0.05, "{batch:?}");
    assert_eq!(q_cells(&["compound-0a", "--correct", "none"]), ["", ""]);
}

fn q_cells(arguments: &[&str]) -> Vec<String> {
    let text = search(&[arguments, &["--format", "tsv", "-k", "2"]].concat());
    let cells = text.lines().skip(1).map(|row| row.split('\t').nth(14).unwrap().to_owned());
    cells.collect()
}

#[test]
fn an_interrupted_list_goes_on_where_it_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (list, whole, cut) = (path("list.txt"), path("whole.tsv"), path("cut.tsv"));
    let names: Vec<String> = (0..20_000).map(|i| format!("compound-{}a", i % 60)).collect();
    std::fs::write(&list, names.join("\n")).unwrap();
    let options = ["--format", "tsv", "-k", "1", "-o"];
    let arguments = |list: &str, output: &str, more: &[&str]| -> Vec<String> {
        let head = ["search", "--index", planted(), "--queries", list];
        let all = [&head[..], &options[..], &[output], more].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let search = |list: &str, output: &str, more: &[&str]| {
        let all = arguments(list, output, more);
        run(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    search(&list, &whole, &[]).success();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_phenocopy"))
        .args(arguments(&list, &cut, &[]))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let has_begun = || {
        let state = std::fs::read_to_string(path("cut.tsv.part.json"));
        state.is_ok_and(|state| !state.contains("\"done\":0,"))
    };
    while !has_begun() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!std::path::Path::new(&cut).exists(), "it was too fast to be cut off");
    let foreign = path("mine.tsv");
    std::fs::write(path("mine.tsv.part"), "notes of years").unwrap();
    let refused = search(&list, &foreign, &[]).failure();
    assert!(refused.contains("no interrupted run made it"), "{refused}");
    std::fs::remove_file(path("mine.tsv.part")).unwrap();
    let refused = search(&list, &cut, &[]).failure();
    assert!(refused.contains("go on from it with --resume"), "{refused}");
    let (shorter, half) = (path("shorter.txt"), names[..9_000].join("\n"));
    std::fs::write(&shorter, half).unwrap();
    let other = search(&shorter, &cut, &["--resume"]).failure();
    assert!(other.contains("another index, list of queries or set of options"), "{other}");
    let resumed = search(&list, &cut, &["--resume"]);
    assert!(resumed.stderr.contains("going on after "), "{}", resumed.stderr);
    let [whole, cut] = [whole, cut].map(|path| std::fs::read_to_string(path).unwrap());
    assert!(whole == cut && whole.lines().count() == 20_001);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "nothing is left beside");
}
