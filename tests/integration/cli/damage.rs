use std::fs;
use std::path::{Path, PathBuf};

use phenocopy::index::FORMAT_VERSION;

use super::{planted, run, text};
use crate::fixture;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_damaged_file_of_an_index_is_named_and_the_way_out_said() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    fixture::write(&path, 7);
    for file in files(&path) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        for command in ["search GENE3 --index", "find GENE3 --index", "inspect"] {
            let arguments: Vec<&str> = command.split(' ').chain([text(&path)]).collect();
            let message = run(&arguments).failure();
            assert!(message.contains(name) || message.contains("metadata"), "{name}: {message}");
            assert!(message.contains("rebuild the index"), "{name}: {message}");
        }
        let mut edited = whole.clone();
        edited[whole.len() / 2] ^= 0x04;
        fs::write(&file, edited).unwrap();
        // An edited letter in the manifest is legal text; everything else has a digest.
        if name != "manifest.json" {
            let message = run(&["inspect", "--verify", text(&path)]).failure();
            assert!(message.contains("is damaged"), "{name}: {message}");
        }
        fs::remove_file(&file).unwrap();
        run(&["search", "GENE3", "--index", text(&path)]).failure();
        fs::write(&file, &whole).unwrap();
    }
    run(&["inspect", "--verify", text(&path)]).success();
}

#[test]
fn a_newer_format_asks_for_a_newer_phenocopy() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("index");
    fixture::write(&path, 7);
    let manifest = path.join("manifest.json");
    let version = |number| format!("\"format_version\": {number}");
    let written = fs::read_to_string(&manifest).unwrap();
    let newer = written.replace(&version(1), &version(FORMAT_VERSION + 1));
    fs::write(&manifest, newer).unwrap();
    let message = run(&["search", "GENE3", "--index", text(&path)]).failure();
    assert!(message.contains("has format version 3, this phenocopy reads up to 2"), "{message}");
    assert!(message.contains("update phenocopy or rebuild the index"), "{message}");
}

#[test]
fn a_folder_that_is_no_index_is_called_missing() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    for name in ["", "nowhere", "file", "file/below"] {
        let path = home.path().join(name);
        let message = run(&["search", "GENE3", "--index", text(&path)]).failure();
        assert!(message.contains("there is no index at"), "{name}: {message}");
        assert!(message.contains("--index"), "{name}: {message}");
    }
}

/// Returns the message of a search that must fail.
fn refusal(arguments: &[&str]) -> String {
    run(&[&["search", "--index", planted()], arguments].concat()).failure()
}

#[test]
fn a_query_that_cannot_be_answered_says_what_to_do() {
    let cases: [(&[&str], &str); 9] = [
        (&["compond-3a"], "did you mean `compound-3a`"),
        (&["zzzzqqqq"], "look for a part of it with `phenocopy find`"),
        (&[""], "look for a part"),
        (&["\u{1F9EC}"], "look for a part"),
        (&["GENE3", "-k", "0"], "`k` must be at least 1, but is 0"),
        (&["GENE3", "--filter", "moa:\"open"], "fields are name, synonym"),
        (&["GENE3", "--filter", "mao:x"], "'mao'; fields are name, synonym"),
        (&["GENE3", "--filter", "AND AND"], "fields are name, synonym"),
        (&["GENE3", "--query-type", "trt_cp"], "is trt_xpr, not trt_cp; leave out --query-type"),
    ];
    for (arguments, expected) in cases {
        let message = refusal(arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
    let none = run(&["find", "GENE3", "-k", "0", "--index", planted()]).failure();
    assert!(none.contains("`k` must be at least 1"), "{none}");
    let unknown = run(&["find", "compond-3a", "--index", planted()]).failure();
    assert!(unknown.contains("did you mean `compound-3a`"), "{unknown}");
}

#[test]
fn an_index_without_a_recipe_cannot_be_evaluated_and_says_so() {
    let home = text(Path::new(env!("CARGO_MANIFEST_DIR")));
    let message = run(&["evaluate", "retrieval", planted(), "--data", home]).failure();
    assert!(message.contains("not made from a recipe"), "{message}");
}
