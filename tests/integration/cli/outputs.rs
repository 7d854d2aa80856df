//! Where results go: nothing of the user's is replaced unasked, and what is given up leaves nothing behind.

use std::fs;

use super::{listing, planted, run, text};

const READY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/index/cancer-viability");

fn network(arguments: &[&str]) -> super::Outcome {
    run(&[&["network"], arguments, &["--index", READY]].concat())
}

#[test]
fn files_that_the_user_did_not_name_are_not_replaced() {
    let home = tempfile::tempdir().unwrap();
    let export = |name: &str, format: &str| {
        let output = home.path().join(name);
        run(&[
            "export",
            "embeddings",
            "--format",
            format,
            "-o",
            text(&output),
            "--index",
            planted(),
        ])
    };
    fs::write(home.path().join("v.json"), "mine").unwrap();
    let message = export("v.npy", "npy").failure();
    assert!(message.contains("v.json`, which is there and may be yours"), "{message}");
    assert_eq!(listing(home.path()), ["v.json"]);
    fs::remove_file(home.path().join("v.json")).unwrap();
    export("v.npy", "npy").success();
    export("v.npy", "npy").success();
    export("p", "projector").success();
    let whole = ["p.json", "p.metadata.tsv", "p.vectors.tsv", "v.ids.tsv", "v.json", "v.npy"];
    assert_eq!(listing(home.path()), whole, "the same again replaces its own");
}

#[test]
fn names_with_points_and_other_endings_keep_their_files_apart() {
    let home = tempfile::tempdir().unwrap();
    for name in ["my.v1", "my.v2", "y.json"] {
        let output = home.path().join(name);
        let arguments = ["export", "embeddings", "--format", "npy", "-o", text(&output)];
        run(&[&arguments[..], &["--index", planted()]].concat()).success();
    }
    let files = listing(home.path());
    assert_eq!(files.len(), 9, "{files:?}");
    assert!(
        files.contains(&"my.v1.ids.tsv".to_owned()) && files.contains(&"y.json.npy".to_owned())
    );
}

#[test]
fn a_dash_is_stdout_and_two_outputs_do_not_share_a_file() {
    let home = tempfile::tempdir().unwrap();
    let genes = home.path().join("genes.txt");
    fs::write(&genes, "TP53\nMDM2\nTSC1\nTSC2\nnobody\n").unwrap();
    let few = ["--genes", text(&genes), "--format", "tsv", "-o", "-"];
    let outcome = network(&few);
    assert!(
        outcome.stderr.contains("1 of 5 names of --genes are unknown: `nobody`"),
        "{outcome:?}"
    );
    let shown = outcome.success();
    assert!(shown.starts_with("source\ttarget\t") && shown.lines().count() == 3, "{shown}");
    assert_eq!(listing(home.path()), ["genes.txt"]);
    let both = home.path().join("both.tsv");
    for more in [["--nodes", text(&both)], ["--communities", "-"]] {
        let message = network(&[&["-o", text(&both)], &more[..]].concat()).failure();
        assert!(message.contains("another file for each of -o"), "{message}");
    }
    let message = network(&["-o", text(&home.path().join("x.png"))]).failure();
    assert!(message.contains(".tsv, .graphml, .sif, .svg, .txt"), "{message}");
}

#[test]
fn the_columns_of_a_network_are_described() {
    let schema = run(&["schema", "network", "--format", "tsv"]).success();
    let home = tempfile::tempdir().unwrap();
    let [nodes, groups] = ["nodes.tsv", "groups.tsv"].map(|name| home.path().join(name));
    let others = ["--nodes", text(&nodes), "--communities", text(&groups), "--format", "tsv"];
    let edges = network(&others).success();
    let files = [("edge", edges), ("node", read(&nodes)), ("community", read(&groups))];
    for (of, file) in files {
        let header = file.lines().next().unwrap();
        for column in header.split('\t') {
            assert!(schema.contains(&format!("\n{of}.{column}\t")), "{of}.{column}");
        }
    }
    let bcl2 =
        read(&nodes).lines().find(|line| line.starts_with("CRISPR-KO_BCL2\t")).map(str::to_owned);
    assert_eq!(
        bcl2.unwrap().split('\t').nth(7),
        Some("BCL2"),
        "a gene's target is itself, as of hits"
    );
}

#[test]
fn directed_edges_need_genes_as_readouts_and_their_own_directions() {
    let message = network(&["--directed"]).failure();
    assert!(message.contains("of the kind `cell line`") && message.contains("transcriptomes"));
    let message = network(&["--directed", "--direction", "mimic"]).failure();
    assert!(message.contains("raises, lowers or both"), "{message}");
    let message = network(&["--direction", "raises"]).failure();
    assert!(message.contains("mimic, oppose or both"), "{message}");
    assert_eq!(network(&["--directed", "--mutual", "3"]).code, Some(2));
    let message = network(&["--directed", "--format", "svg"]).failure();
    assert!(message.contains("table, tsv, graphml or sif"), "{message}");
}

fn read(path: &std::path::Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_half_of_an_output() {
    let home = tempfile::tempdir().unwrap();
    let output = home.path().join("edges.tsv");
    fs::write(&output, "old\n").unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_phenocopy"))
        .args(["network", "--max-q", "1", "-o", text(&output), "--index", READY])
        .spawn()
        .unwrap();
    let is_writing = || {
        fs::read_dir(home.path()).unwrap().any(|entry| {
            let entry = entry.unwrap();
            entry.file_name() != "edges.tsv" && entry.metadata().is_ok_and(|file| file.len() > 0)
        })
    };
    while !is_writing() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was interrupted");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let process = child.id().to_string();
    assert!(
        std::process::Command::new("kill").args(["-INT", &process]).status().unwrap().success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(listing(home.path()), ["edges.tsv"]);
    assert_eq!(read(&output), "old\n");
}

#[test]
fn the_ending_of_an_output_tells_its_form_and_one_that_tells_none_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let write = |arguments: &[&str], name: &str| {
        let output = home.path().join(name);
        run(&[arguments, &["--index", planted(), "-o", text(&output)]].concat()).success();
        fs::read(&output).unwrap()
    };
    let begins = |bytes: &[u8], start: &str| bytes.starts_with(start.as_bytes());
    let search = ["search", "GENE3"];
    assert!(begins(&write(&search, "hits.tsv"), "query\tquery_type\t"));
    assert!(begins(&write(&search, "hits.TSV"), "query\tquery_type\t"));
    assert!(begins(&write(&search, "hits.jsonl"), "{\"data\":"));
    assert!(begins(&write(&search, "hits.parquet"), "PAR1"));
    assert_eq!(write(&search, "hits.txt"), write(&search, "hits"));
    let asked = [&search[..], &["--format", "tsv"]].concat();
    assert!(begins(&write(&asked, "hits.csv"), "query\tquery_type\t"));
    assert!(write(&["find", "GENE3"], "found.tsv").contains(&b'\t'));
    for arguments in [&search[..], &["find", "GENE3"], &["evaluate", "honesty", "--data", "."]] {
        let output = home.path().join("x.csv");
        let more = ["--index", planted(), "-o", text(&output)];
        let message = run(&[arguments, &more].concat()).failure();
        assert!(message.contains(".txt, .tsv") && message.contains("is .csv"), "{message}");
        assert!(!output.exists());
    }
}

#[test]
fn what_is_read_is_not_written_over() {
    let home = tempfile::tempdir().unwrap();
    let names = home.path().join("names.tsv");
    fs::write(&names, "GENE3\nGENE4\n").unwrap();
    let search = ["search", "--index", planted(), "--queries", text(&names), "-o", text(&names)];
    let message = run(&search).failure();
    assert!(message.contains("another file than one that is read"), "{message}");
    assert_eq!(fs::read_to_string(&names).unwrap(), "GENE3\nGENE4\n");
    let recipe = home.path().join("r.toml");
    fs::write(&recipe, "name = \"mine\"\n").unwrap();
    let message = run(&["check", text(&recipe), "--rejects", text(&recipe)]).failure();
    assert!(message.contains("another file than one that is read"), "{message}");
    assert_eq!(fs::read_to_string(&recipe).unwrap(), "name = \"mine\"\n");
}
