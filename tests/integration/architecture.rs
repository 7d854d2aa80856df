//! DESIGN.md §3 as a test: rooms import to their left only, each engine has one door.
//!
//! The checker reads words, not types: comments, strings and character literals are cut away, then
//! every path that starts at `crate`, `phenocopy` or a chain of `super` is followed through its braces.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms in the order data flows; a room may import itself and those before it.
const ROOMS: [&str; 13] = [
    "error",
    "experiment",
    "table",
    "dataset",
    "model",
    "embedding",
    "calibrate",
    "index",
    "search",
    "network",
    "evaluate",
    "report",
    "cli",
];

/// Engine crates and the only paths under `src/` that may name them.
const DOORS: [(&str, &[&str]); 29] = [
    ("csv", &["table/"]),
    ("npyz", &["table/npy"]),
    ("flate2", &["table/"]),
    ("calamine", &["table/text/workbook"]),
    ("hdf5_reader", &["table/hdf5"]),
    ("rust_hdf5", &["table/h5ad/write"]),
    ("parquet", &["table/parquet_file/"]),
    ("chrono", &["table/parquet_file/"]),
    ("flatbuffers", &["table/parquet_file/"]),
    ("base64", &["table/parquet_file/"]),
    ("chematic_fp", &["table/structure"]),
    ("chematic_perception", &["table/structure"]),
    ("chematic_smiles", &["table/structure"]),
    ("candle_core", &["model/"]),
    ("candle_nn", &["model/"]),
    ("gemm", &["model/"]),
    ("hnsw_rs", &["index/vector"]),
    ("tantivy", &["index/metadata"]),
    ("rkyv", &["index/record"]),
    ("leiden_rs", &["network/community"]),
    ("quick_xml", &["report/network/graphml"]),
    ("ureq", &["cli/databases/download"]),
    ("zip", &["cli/databases/archive"]),
    ("clap", &["cli/", "main.rs"]),
    ("clap_complete", &["cli/completions"]),
    ("clap_mangen", &["cli/man"]),
    ("indicatif", &["cli/", "main.rs"]),
    ("ctrlc", &["cli/", "main.rs"]),
    ("anyhow", &["cli/", "main.rs"]),
];

const FORBIDDEN_NAMES: [&str; 5] = ["utils", "common", "helpers", "types", "prelude"];
const MAX_ROOT_LINES: usize = 60;

#[test]
fn rooms_import_only_rooms_to_their_left() {
    assert_eq!(violations(wrong_imports), Vec::<String>::new());
}

#[test]
fn each_engine_is_named_behind_its_door_only() {
    assert_eq!(violations(engines_outside_their_doors), Vec::<String>::new());
}

#[test]
fn no_file_is_a_catch_all() {
    assert_eq!(violations(|file, _| catch_all_names(file)), Vec::<String>::new());
}

#[test]
fn module_roots_are_short() {
    assert_eq!(violations(long_root), Vec::<String>::new());
}

/// Applies a rule to every file under `src/`: (path below `src/`, text) → what is wrong.
fn violations(rule: impl Fn(&str, &str) -> Vec<String>) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect_rust_files(&source, &mut files);
    assert!(files.len() > 10, "the source folder was not found");
    let check = |path: &PathBuf| {
        let name = path.strip_prefix(&source).unwrap().to_string_lossy().replace('\\', "/");
        let found = rule(&name, &fs::read_to_string(path).unwrap());
        found.into_iter().map(move |problem| format!("src/{name}: {problem}"))
    };
    files.iter().flat_map(check).collect()
}

fn collect_rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect_rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn wrong_imports(file: &str, text: &str) -> Vec<String> {
    let Some(own) = room_of(file) else { return Vec::new() };
    let position = |room: &str| ROOMS.iter().position(|other| *other == room);
    let imported = imported_names(file, &words(text));
    let is_wrong = |name: &String| position(name).is_some_and(|at| Some(at) > position(own));
    let mut wrong: Vec<String> = imported.into_iter().filter(is_wrong).collect();
    wrong.sort();
    wrong.dedup();
    wrong.into_iter().map(|room| format!("room `{own}` imports `{room}`")).collect()
}

/// Returns the room a file belongs to; `lib.rs` and `main.rs` stand above all rooms.
fn room_of(file: &str) -> Option<&str> {
    let first = file.split('/').next()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    if matches!(room, "lib" | "main") {
        return None;
    }
    assert!(ROOMS.contains(&room), "src/{file} is in no room of DESIGN.md");
    Some(room)
}

/// Returns the first names below the crate's root of all paths in a file.
fn imported_names(file: &str, words: &[String]) -> Vec<String> {
    let depth = module_depth(file);
    let mut names = Vec::new();
    for at in 0..words.len() {
        let starts_path = at == 0 || words[at - 1] != "::";
        let root = match words[at].as_str() {
            "crate" | "phenocopy" if starts_path => Some(at + 1),
            "super" if starts_path => climb_to_root(words, at, depth),
            _ => None,
        };
        if let Some(after) = root {
            first_names(words, after, &mut names);
        }
    }
    names
}

/// `index/mod.rs` is one module below the root, `index/vector.rs` two.
fn module_depth(file: &str) -> usize {
    file.split('/').filter(|part| *part != "mod.rs").count()
}

/// Follows `super::super::…`; returns where it reaches the root, if it climbs that far.
///
/// An inline test module climbs once more than its file; it then reaches the root one step later,
/// and the step before is read as the root too, which only makes the rule stricter.
fn climb_to_root(words: &[String], start: usize, depth: usize) -> Option<usize> {
    let mut at = start;
    let mut steps = 0;
    while words.get(at).is_some_and(|word| word == "super") {
        steps += 1;
        at += 1;
        if words.get(at + 1).is_some_and(|word| word == "super") {
            at += 1;
        }
    }
    (steps >= depth).then_some(at)
}

/// Collects the names behind `::` at `at`: one, or each first name within braces.
fn first_names(words: &[String], at: usize, names: &mut Vec<String>) {
    if words.get(at).is_none_or(|word| word != "::") {
        return;
    }
    let Some(next) = words.get(at + 1) else { return };
    if next != "{" {
        names.push(next.clone());
        return;
    }
    let mut nesting = 0;
    for (position, word) in words.iter().enumerate().skip(at + 1) {
        match word.as_str() {
            "{" => nesting += 1,
            "}" => nesting -= 1,
            _ if nesting == 1 && matches!(words[position - 1].as_str(), "{" | ",") => {
                names.push(word.clone());
            }
            _ => {}
        }
        if nesting == 0 {
            return;
        }
    }
}

fn engines_outside_their_doors(file: &str, text: &str) -> Vec<String> {
    let words = words(text);
    let is_closed = |doors: &[&str]| !doors.iter().any(|door| file.starts_with(door));
    let foreign = DOORS.iter().filter(|(_, doors)| is_closed(doors));
    let named = foreign.filter(|(engine, _)| names_crate(&words, engine));
    named.map(|(engine, _)| format!("names `{engine}`")).collect()
}

/// Returns whether a crate is named: at the head of a path, or whole in a `use` or `extern crate`.
fn names_crate(words: &[String], name: &str) -> bool {
    (0..words.len()).filter(|at| words[*at] == name).any(|at| {
        let before = if at > 0 { words[at - 1].as_str() } else { "" };
        let after = words.get(at + 1).map_or("", String::as_str);
        before != "::" && after == "::" || matches!(before, "use" | "crate")
    })
}

fn catch_all_names(file: &str) -> Vec<String> {
    let parts = file.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let bad = parts.filter(|part| FORBIDDEN_NAMES.contains(part));
    bad.map(|part| format!("`{part}` says nothing: a helper lives with its noun")).collect()
}

fn long_root(file: &str, text: &str) -> Vec<String> {
    if !file.ends_with("mod.rs") {
        return Vec::new();
    }
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let n_lines = text.lines().filter(is_code).count();
    let is_long = n_lines > MAX_ROOT_LINES;
    is_long.then(|| format!("{n_lines} lines of code in a module root")).into_iter().collect()
}

/// Splits code into identifiers, `::` and single punctuation marks, without comments and literals.
fn words(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().take_while(|c| **c != '\n').count(),
            ['/', '*', ..] => block_comment(rest),
            ['r', '#', '"', ..] | ['r', '#', '#', ..] | ['r', '"', ..] => raw_string(rest),
            ['"', ..] => quoted(rest),
            ['\'', '\\', ..] | ['\'', _, '\'', ..] => quoted(rest),
            [':', ':', ..] => 2,
            [c, ..] if is_word(*c) => rest.iter().take_while(|c| is_word(**c)).count(),
            _ => 1,
        };
        let length = length.max(1);
        let is_literal =
            matches!(rest[0], '"' | '\'') || rest[0] == 'r' && !is_word_only(rest, length);
        let is_comment = matches!(rest, ['/', '/' | '*', ..]);
        if !is_literal && !is_comment && !rest[0].is_whitespace() {
            words.push(rest[..length].iter().collect());
        }
        at += length;
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_word_only(rest: &[char], length: usize) -> bool {
    rest.iter().take(length).all(|c| is_word(*c))
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn raw_string(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return rest.iter().take_while(|c| is_word(**c)).count(); // a raw identifier
    }
    let mut end = vec!['"'];
    end.extend(std::iter::repeat_n('#', hashes));
    let body = &rest[hashes + 2..];
    let found = body.windows(end.len()).position(|window| window == end);
    hashes + 2 + found.map_or(body.len(), |at| at + end.len())
}

fn quoted(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != rest[0] {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

#[test]
fn a_planted_import_to_the_right_is_found() {
    let planted = [
        "use crate::search::Hit;",
        "use crate::{error::{Error, Result}, search::Hit};",
        "use phenocopy::{error, search};",
        "use super::super::search::Hit;",
        "fn f() -> crate::search::Hit { todo() }",
        "use super::super::{dataset, search};",
    ];
    for text in planted {
        let found = wrong_imports("index/vector.rs", text);
        assert_eq!(found, ["room `index` imports `search`"], "{text}");
    }
}

#[test]
fn lawful_imports_comments_and_strings_pass() {
    let lawful = [
        "use crate::dataset::Dataset; use super::super::error::Error; use super::search_order;",
        "use crate::{Error, experiment::{Context, search}};",
        "// crate::search is to the right\n/* crate::search /* crate::cli */ */",
        "let text = \"crate::search::Hit\"; let raw = r#\"use crate::cli;\"#; let c = '\\'';",
        "fn f<'a>(x: &'a str) {} use super::search::order;",
    ];
    for text in lawful {
        assert_eq!(wrong_imports("index/vector.rs", text), Vec::<String>::new(), "{text}");
    }
    let climbs = wrong_imports("index/mod.rs", "use super::search::Hit;");
    assert_eq!(climbs, ["room `index` imports `search`"]);
}

#[test]
fn a_planted_engine_is_found_outside_its_door() {
    let text = "use hnsw_rs::prelude::Hnsw; fn f() { csv::Reader::new() } let tantivy = 1;";
    let found = engines_outside_their_doors("search/query.rs", text);
    assert_eq!(found, ["names `csv`", "names `hnsw_rs`"]);
    assert_eq!(engines_outside_their_doors("index/vector/build.rs", text), ["names `csv`"]);
    let lawful = "mod csv; fn f(csv: u8) { self::csv::write(csv) }";
    assert_eq!(engines_outside_their_doors("report/mod.rs", lawful), Vec::<String>::new());
}

#[test]
fn a_planted_catch_all_and_a_long_root_are_found() {
    assert_eq!(catch_all_names("index/utils/read.rs").len(), 1);
    assert_eq!(catch_all_names("report/common.rs").len(), 1);
    assert_eq!(catch_all_names("report/table.rs").len(), 0);
    let long = "mod a;\n".repeat(MAX_ROOT_LINES + 1);
    assert_eq!(long_root("index/mod.rs", &long).len(), 1);
    assert_eq!(long_root("index/vector.rs", &long).len(), 0);
}
