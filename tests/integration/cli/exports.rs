//! Files for other programs, and what describes them.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use parquet::basic::Type;
use parquet::file::reader::{FileReader, SerializedFileReader};
use phenocopy::report::significant;
use phenocopy::table::{Rows, TextFormat};

use super::{listing, planted, run, text};

fn search(arguments: &[&str]) -> super::Outcome {
    run(&[&["search", "--index", planted()], arguments].concat())
}

/// All rows of a table, the header first.
fn table(path: &Path) -> Vec<Vec<String>> {
    let mut rows = Rows::open(path, TextFormat::Detect).unwrap();
    let mut all = vec![rows.header().to_vec()];
    while let Some(row) = rows.next_row().unwrap() {
        all.push(row);
    }
    all
}

fn open(path: &Path) -> SerializedFileReader<fs::File> {
    SerializedFileReader::new(fs::File::open(path).unwrap()).unwrap()
}

fn lines(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split('\t').collect()).collect()
}

#[test]
fn parquet_holds_the_cells_of_tsv_in_columns_of_types() {
    let home = tempfile::tempdir().unwrap();
    for rows in
        [&["compound-0a", "GENE7", "-k", "70", "--to", "all"][..], &["compound-0a", "--mechanisms"]]
    {
        let path = home.path().join("hits.parquet");
        let output = ["--format", "parquet", "-o", text(&path)];
        assert_eq!(search(&[rows, &output].concat()).success(), "");
        let tsv = search(&[rows, &["--format", "tsv"]].concat()).success();
        let (read, written) = (table(&path), lines(&tsv));
        assert_eq!(read.len(), written.len());
        assert_eq!(read[0], written[0]);
        let file = open(&path);
        let columns = file.metadata().file_metadata().schema_descr().columns();
        for (read, written) in read.iter().zip(&written).skip(1) {
            for ((read, written), column) in read.iter().zip(written).zip(columns) {
                let read = match column.physical_type() {
                    // What is missing has no number.
                    Type::FLOAT => read.parse::<f32>().map_or(f64::NAN, f64::from),
                    Type::DOUBLE => read.parse().unwrap_or(f64::NAN),
                    _ => {
                        assert_eq!(read, written, "{}", column.name());
                        continue;
                    }
                };
                assert_eq!(&significant(read), written, "{}", column.name());
            }
        }
    }
}

#[test]
fn a_parquet_file_says_where_its_rows_come_from_and_what_its_columns_are() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("hits.parquet");
    search(&["GENE3", "-k", "2", "--format", "parquet", "-o", text(&path)]).success();
    let file = open(&path);
    let metadata = file.metadata().file_metadata();
    let said = metadata.key_value_metadata().unwrap();
    let fact =
        |key: &str| said.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone());
    let inspected = run(&["inspect", planted()]).success();
    assert!(inspected.contains(&fact("phenocopy.fingerprint").unwrap()));
    assert!(fact("phenocopy.command").unwrap().ends_with(text(&path)));
    assert_eq!(fact("phenocopy.version").unwrap(), env!("CARGO_PKG_VERSION"));
    let schema = run(&["schema", "parquet", "--format", "tsv"]).success();
    let described: Vec<[&str; 2]> =
        lines(&schema)[1..].iter().map(|line| [line[0], line[1]]).collect();
    let columns = metadata.schema_descr().columns().iter().map(|column| {
        let of = match column.physical_type() {
            Type::BYTE_ARRAY => "string",
            Type::INT32 => "int32",
            Type::FLOAT => "float",
            Type::DOUBLE => "double",
            other => panic!("{other}"),
        };
        [column.name(), of]
    });
    let facts = said.iter().map(|pair| [pair.key.as_str(), "metadata"]);
    assert_eq!(columns.chain(facts).collect::<Vec<_>>(), described);
}

#[test]
fn a_long_list_is_written_in_row_groups_of_bounded_size() {
    let home = tempfile::tempdir().unwrap();
    let [list, path] = ["list.csv", "hits.parquet"].map(|name| home.path().join(name));
    let names: Vec<String> = (0..1200).map(|i| format!("{i},compound-{}a", i % 60)).collect();
    fs::write(&list, format!("id,name\n{}", names.join("\n"))).unwrap();
    let queries = format!("{}:name", text(&list));
    let options = ["--queries", &queries, "-k", "60", "--correct", "none", "--format", "parquet"];
    search(&[&options[..], &["-o", text(&path)]].concat()).success();
    let rows: Vec<i64> =
        open(&path).metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [65_536, 72_000 - 65_536]);
    assert_eq!(table(&path).len(), 72_001);
    let refused = search(&[&options[..], &["-o", text(&path), "--resume"]].concat()).failure();
    assert!(refused.contains("it needs --format tsv"), "{refused}");
}

#[test]
fn parquet_goes_through_a_pipe() {
    let output =
        super::phenocopy(&["search", "GENE3", "--format", "parquet", "--index", planted()]);
    let bytes = { output }.output().unwrap().stdout;
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn the_schema_is_that_of_what_is_written() {
    let names = |schema: &str| -> Vec<String> {
        let text = run(&["schema", schema, "--format", "tsv"]).success();
        lines(&text)[1..].iter().map(|line| line[0].to_owned()).collect()
    };
    let header = |arguments: &[&str]| {
        let text = search(&[arguments, &["--format", "tsv"]].concat()).success();
        lines(&text)[0].iter().map(|name| (*name).to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(names("hits"), header(&["GENE3"]));
    assert_eq!(names("mechanisms"), header(&["compound-0a", "--mechanisms"]));
    let mut written = std::collections::BTreeSet::new();
    for line in search(&["compound-0a", "--format", "ndjson"]).success().lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["schema_version"], 1);
        let fields = object["data"].as_object().unwrap().keys();
        written.extend(fields.map(|key| format!("{}.{key}", object["type"].as_str().unwrap())));
    }
    let described: std::collections::BTreeSet<String> = names("ndjson").into_iter().collect();
    let unwritten = described.difference(&written).filter(|name| !name.starts_with("class."));
    assert_eq!(unwritten.collect::<Vec<_>>(), [""; 0], "no class has a null in this index");
    assert!(written.is_subset(&described), "{written:?}");
}

#[test]
fn the_schema_of_hits() {
    assert_snapshot!(run(&["schema", "--format", "tsv"]).success().replace('\t', " | "), @r"
    name | type | range | meaning
    query | text |  | display name of the query
    query_type | text | trt_cp, trt_xpr, trt_sh, trt_si, trt_oe | type of the query, as CMap names it
    hit | text |  | unique symbol of the hit, such as CRISPR-KO_BCL2
    hit_name | text |  | display name of the hit
    hit_type | text | trt_cp, trt_xpr, trt_sh, trt_si, trt_oe | type of the hit, as CMap names it
    hit_gene | text |  | HGNC symbol of a genetic hit's gene
    rank | integer | 1 and up | place in the order that was asked for
    direction | text | mimic, oppose | whether the hit's effect is the query's or the opposite
    similarity | number | -1 to 1 | cosine of the learned vectors; mimics are ranked by it
    response_similarity | number | -1 to 1 | cosine of the predicted responses; opposites are ranked by it
    z | number | standard deviations | the similarity standardised by what reference queries have with this hit
    tau | number | 0 to 100 % | share of perturbations of the query's type that are less alike to this hit
    pvalue | number | 0 to 1 | chance of such a z without a connection
    evalue | number | hits | how many such hits chance gives in the panel
    qvalue | number | 0 to 1 | share of hits up to this one that chance gives (Benjamini-Hochberg, over the panel or the batch)
    prob | number | 0 to 1 | probability of an annotated target pair, given that the query has one in the panel
    support | text | a/b | of the b contexts of the query, a whose profile alone puts the hit among the nearest twentieth
    query_activity | number | 0 to 100 % | percentile of the query's strength within its type
    hit_activity | number | 0 to 100 % | percentile of the hit's strength within its type
    moa | text | joined by | | mechanisms of the hit
    targets | text | joined by | | genes that the hit acts on
    known | integer | 0, 1 | 1 if the annotation links query and hit, 0 if it does not or there is none
    flags | text | inactive_query, promiscuous_query, folded_in_query, inactive_hit, folded_in_hit, predicted, uncalibrated, joined by ; | what to be wary of
    asked | text |  | the query as it was typed
    index | text |  | fingerprint of the index
    ");
    for output in ["hits", "mechanisms", "ndjson", "parquet", "export"] {
        let table = run(&["schema", output]).success();
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&run(&["schema", "parquet", "--format", "json"]).success()).unwrap();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["columns"][8]["type"], "float");
}

fn hit_names(arguments: &[&str]) -> Vec<String> {
    let text = search(&[arguments, &["--format", "tsv"]].concat()).success();
    lines(&text)[1..].iter().map(|line| line[3].to_owned()).collect()
}

#[test]
fn a_picklist_narrows_the_panel_by_any_name() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let (grp, csv) = (path("genes.grp"), path("genes.csv"));
    fs::write(&grp, "# ours\nGENE5\r\nCRISPR-KO_GENE7\nalias-GENE9\n").unwrap();
    fs::write(&csv, "gene,id\nGENE5,NA\n,IDGENE8\n").unwrap();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(
        sorted(hit_names(&["compound-5a", "--picklist", &grp])),
        ["GENE5", "GENE7", "GENE9"]
    );
    let columns = format!("{csv}:gene,id");
    assert_eq!(sorted(hit_names(&["compound-5a", "--picklist", &columns])), ["GENE5", "GENE8"]);
    let both =
        ["compound-5a", "--picklist", &grp, "--picklist", &columns, "--moa", "GENE8 inhibitor"];
    assert_eq!(hit_names(&both), ["GENE8"], "lists are joined, other filters narrow them");
    let column = search(&["compound-5a", "--picklist", &format!("{csv}:genes")]).failure();
    assert!(column.contains("did you mean `gene`?"), "{column}");
}

#[test]
fn names_of_a_picklist_that_are_unknown_are_told_and_an_empty_one_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("list.txt");
    fs::write(&list, "GENE5\ncompund-5b\nnobody-1\n").unwrap();
    let some = search(&["compound-5a", "--picklist", text(&list)]);
    let expected =
        "2 of 3 names of --picklist are unknown: `compund-5b` (`compound-5b`?), `nobody-1`\n";
    assert_eq!(some.stderr, expected);
    assert!(some.success().contains("\n1  GENE5 "), "the others are searched");
    fs::write(&list, "nobody-1\nnobody-2\n").unwrap();
    let none = search(&["compound-5a", "--picklist", text(&list)]).failure();
    assert!(none.contains("picklist: none of its 2 names is known to this index"), "{none}");
    fs::write(&list, "compound-6a\n").unwrap();
    let elsewhere =
        search(&["compound-5a", "--picklist", text(&list), "--moa", "GENE6 inhibitor"]).success();
    assert!(elsewhere.contains("search there with --to chemical"), "{elsewhere}");
    assert!(elsewhere.contains("0 pass picklist of 1 perturbations"), "{elsewhere}");
}

#[test]
fn hits_written_as_a_set_are_a_picklist() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("hits.grp");
    search(&["compound-5a", "compound-5b", "-k", "4", "--format", "grp", "-o", text(&path)])
        .success();
    let set = fs::read_to_string(&path).unwrap();
    assert!(set.starts_with("# ") && set.contains("\n# index planted "), "{set}");
    let names: Vec<&str> = set.lines().filter(|line| !line.starts_with('#')).collect();
    let once: std::collections::BTreeSet<&&str> = names.iter().collect();
    assert_eq!((names[0], once.len()), ("GENE5", names.len()), "each once");
    let found = hit_names(&["compound-5a", "-k", "50", "--picklist", text(&path)]);
    assert_eq!(found.len(), names.len());
    let refused = search(&["compound-5a", "--format", "grp", "--mechanisms"]).failure();
    assert!(refused.contains("leave out --mechanisms"), "{refused}");
}

#[test]
fn shells_and_manuals_get_what_they_read() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).success();
        assert!(script.contains("picklist"), "{shell}");
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("man1");
    run(&["man", "--all", text(&folder)]).success();
    let pages = listing(&folder);
    for page in ["phenocopy.1", "phenocopy-search.1", "phenocopy-evaluate-retrieval.1"] {
        assert!(pages.iter().any(|other| other == page), "{pages:?}");
    }
    let page = run(&["man", "search"]).success();
    assert_eq!(page, fs::read_to_string(folder.join("phenocopy-search.1")).unwrap());
    assert!(page.contains("phenocopy search venetoclax"), "the examples are in it");
    let unknown = run(&["man", "serach"]).failure();
    assert!(unknown.contains("no subcommand is called `serach`; there are: search, "), "{unknown}");
}
