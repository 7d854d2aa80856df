use std::fs;
use std::process::{Command, Stdio};

use super::{listing, phenocopy, planted, run, text};

const COMMANDS: &[&[&str]] = &[
    &[],
    &["search"],
    &["find"],
    &["explain"],
    &["inspect"],
    &["schema"],
    &["completions"],
    &["man"],
    &["evaluate"],
    &["evaluate", "retrieval"],
    &["evaluate", "network"],
    &["network"],
    &["index"],
    &["check"],
    &["export"],
    &["databases"],
    &["databases", "list"],
    #[cfg(feature = "download")]
    &["databases", "get"],
    #[cfg(feature = "train")]
    &["evaluate", "causal"],
    #[cfg(feature = "train")]
    &["evaluate", "prediction"],
    #[cfg(feature = "train")]
    &["evaluate", "directed"],
    #[cfg(feature = "train")]
    &["build"],
    #[cfg(feature = "train")]
    &["predict"],
];

#[test]
fn every_help_ends_with_an_example() {
    for command in COMMANDS {
        let help = run(&[command, &["--help"][..]].concat()).success();
        let (_, after) = help.rsplit_once("Example").unwrap_or_else(|| panic!("{command:?}"));
        let examples: Vec<&str> = after.lines().skip(1).collect();
        assert!(!examples.is_empty(), "{command:?}");
        let full = [&["phenocopy"], *command].concat().join(" ");
        assert!(examples[0].trim_start().starts_with(&full), "{command:?}: {examples:?}");
        assert!(examples.iter().all(|line| line.starts_with("  ")), "{command:?}: {examples:?}");
    }
}

#[test]
fn wrong_usage_is_exit_2_with_a_hint() {
    for arguments in [
        &[][..],
        &["search"],
        &["find"],
        &["serach", "venetoclax"],
        &["search", "GENE3", "--type", "drug"],
        &["search", "GENE3", "-k", "many"],
        &["search", "GENE3", "--via", "magic"],
        &["search", "GENE3", "--format", "xml"],
    ] {
        let outcome = run(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}");
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        assert!(outcome.stderr.contains("--help"), "{arguments:?}: {}", outcome.stderr);
    }
    let drug = run(&["search", "GENE3", "--type", "drug"]).stderr;
    assert!(drug.contains("trt_cp, trt_xpr"), "{drug}");
}

#[test]
fn results_go_to_stdout_and_nothing_else_does() {
    let good = run(&["search", "GENE3", "--index", planted()]);
    assert_eq!(good.stderr, "");
    assert!(!good.success().contains('\u{1b}'), "no colour where no terminal is");
    let bad = run(&["search", "no-such-name", "--index", planted()]);
    assert_eq!(bad.stdout, "");
    let listed = run(&["find", "inhibitor", "-k", "2", "--index", planted()]);
    assert_eq!(listed.stderr, "2 of 180 shown; list more with -k 180\n");
    assert_eq!(listed.success().lines().count(), 3);
}

#[test]
fn the_index_is_named_by_flag_or_environment_and_the_flag_wins() {
    let home = tempfile::tempdir().unwrap();
    let searched = |variable: &str, flag: Option<&str>| {
        let mut command = phenocopy(&["search", "GENE3"]);
        command.current_dir(home.path()).env("PHENOCOPY_INDEX", variable);
        command.args(flag.iter().flat_map(|index| ["--index", index]));
        super::Outcome::of(command.output().unwrap())
    };
    assert!(searched(planted(), None).success().contains("compound-3a"));
    assert!(searched("nowhere", Some(planted())).success().contains("compound-3a"));
    let missing = searched("nowhere", None).failure();
    assert!(missing.contains("no index at `nowhere`; name one with --index"), "{missing}");
    let mut nothing_said = phenocopy(&["search", "GENE3"]);
    nothing_said.current_dir(home.path());
    let outcome = super::Outcome::of(nothing_said.output().unwrap());
    // Beside the program there may be the ready index, which has no such gene.
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for format in ["table", "tsv", "ndjson", "parquet", "grp"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_phenocopy"))
            .args(["search", "GENE3", "GENE4", "-k", "1000", "--to", "all"])
            .args(["--format", format, "--index", planted()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let outcome = super::Outcome::of(child.wait_with_output().unwrap());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_stdout_says_so() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_phenocopy"))
        .args(["search", "GENE3", "--index", planted()])
        .stdout(full)
        .output()
        .unwrap();
    let message = super::Outcome::of(output).failure();
    assert!(message.contains("cannot write `standard output`"), "{message}");
    assert!(message.ends_with("free some space and run the command again"), "{message}");
}

#[test]
fn an_output_file_appears_whole_or_not_at_all() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("hits.tsv");
    let search = |name: &str| {
        let file = text(&file);
        run(&["search", name, "--format", "tsv", "--index", planted(), "-o", file])
    };
    search("no-such-name").failure();
    assert_eq!(listing(home.path()), [""; 0], "a failed command leaves nothing");
    assert_eq!(search("GENE3").success(), "", "the file has it all");
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(written, run(&["search", "GENE3", "--format", "tsv", "--index", planted()]).stdout);
    search("no-such-name").failure();
    assert_eq!(fs::read_to_string(&file).unwrap(), written, "a failed command changes nothing");
    assert_eq!(listing(home.path()), ["hits.tsv"], "nothing is left beside it");
}

#[test]
#[cfg(unix)]
fn an_output_file_is_readable_like_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let (ours, usual) = (home.path().join("ours"), home.path().join("usual"));
    run(&["inspect", planted(), "-o", text(&ours)]).success();
    fs::write(&usual, "").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&usual));
}

#[test]
fn an_output_that_cannot_be_written_is_named_with_advice() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "mine").unwrap();
    let cases = [
        (file.join("hits.tsv"), "one of its folders is a file: check the path"),
        (home.path().join("nowhere/hits.tsv"), "check the path"),
        (home.path().to_path_buf(), "name a file"),
    ];
    for (output, advice) in cases {
        let message =
            run(&["search", "GENE3", "--index", planted(), "-o", text(&output)]).failure();
        assert!(message.contains(text(&output)) && message.contains(advice), "{message}");
        assert!(!message.contains(" at path "), "a name the user never chose: {message}");
        assert!(message.matches("os error").count() <= 1, "said twice: {message}");
    }
    assert_eq!(listing(home.path()), ["file"]);
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}
