use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use phenocopy::index::Index;
use phenocopy::search::Query;
use tempfile::TempDir;

use super::{Outcome, listing, phenocopy, run, text};

pub const RECIPE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo/recipe.toml");
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo");
/// Two epochs: enough to have been trained.
pub const QUICK: &str = "max_epochs = 2\n";
/// Some seconds of training, in which a test can interfere.
const LONG: &str = "max_epochs = 4000\nvalidation_share = 0.0\n";
/// The files that must not differ between two builds; tantivy's ids are random, seconds are measured.
const REPRODUCED: [&str; 6] = [
    "embeddings.bin",
    "graph-chemical.bin",
    "graph-genetic.bin",
    "responses.bin",
    "records.bin",
    "calibration.bin",
];

/// A folder in which the demo is built as `index`.
pub struct Workshop {
    home: TempDir,
    config: String,
}

impl Workshop {
    pub fn new(config: &str) -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = home.path().join("config.toml");
        fs::write(&path, config).unwrap();
        Self { config: text(&path).to_owned(), home }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn index(&self) -> PathBuf {
        self.path("index")
    }

    /// Returns the arguments of a build with one seed.
    pub fn arguments<'a>(&'a self, output: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
        let build = ["build", RECIPE, "-o", text(output), "--config", &self.config];
        [&build[..], if more.contains(&"--seeds") { &[] } else { &["--seeds", "1"] }, more].concat()
    }

    pub fn build(&self, more: &[&str]) -> Outcome {
        run(&self.arguments(&self.index(), more))
    }

    /// Starts a build that goes on by itself.
    pub fn start(&self, more: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_phenocopy"))
            .args(self.arguments(&self.index(), more))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Returns what lies in the folder beside the configuration.
    pub fn content(&self) -> Vec<String> {
        listing(self.home.path()).into_iter().filter(|name| name != "config.toml").collect()
    }
}

pub fn fingerprint(index: &Path) -> String {
    let index = Index::open(index).unwrap();
    index.verify().unwrap();
    assert_eq!(index.search(&Query::new("synthetic-001a")).unwrap().hits.len(), 10);
    index.manifest().fingerprint.clone()
}

/// Waits until a path is there; a build that never gets so far is a failure.
pub fn wait_for(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "{} never came", path.display());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_build_sums_up_what_it_made_and_leaves_only_the_index() {
    let workshop = Workshop::new(QUICK);
    let outcome = workshop.build(&[]);
    for line in [
        "synthetic-screen-a: 60 profiles read, 60 kept, 90 readouts, 4879 values",
        "merged: SYN-001-0 → synthetic-001a (alias in the annotation)",
        "training seed 1",
    ] {
        assert!(outcome.stderr.lines().any(|said| said == line), "{line}: {}", outcome.stderr);
    }
    let summary = outcome.success();
    let starts = [
        "synthetic-demo (",
        "fingerprint   ",
        "perturbations 160 (60 trt_cp, 100 trt_xpr)",
        "contexts      synthetic-screen-a, synthetic-screen-b, synthetic-knockout",
        "trained on    190 profiles × 90 readouts, 16287 values",
        "size          ",
        "chemical graph: recall@10 ",
        "genetic graph: recall@10 ",
        "model         2 epochs, seeds 1",
        "held-out entries",
        "  all                 model",
        "  all                 perturbation mean",
        "  all                 readout mean",
        "time          ",
    ];
    for start in starts {
        assert!(summary.lines().any(|line| line.starts_with(start)), "{start}: {summary}");
    }
    assert!(summary.contains(&fingerprint(&workshop.index())));
    assert_eq!(workshop.content(), ["index"], "checkpoints and locks are gone");
}

#[test]
fn the_planted_mechanisms_are_found() {
    let workshop = Workshop::new("");
    run(&["build", RECIPE, "-o", text(&workshop.index())]).success();
    let index = Index::open(workshop.index()).unwrap();
    let labels = phenocopy::table::read_labels(Path::new(DATA).join("labels.csv")).unwrap();
    let found_within = |k| {
        let is_found = |label: &&phenocopy::table::Label| {
            let query = Query { k, ..Query::new(&label.compound) };
            let hits = index.search(&query).unwrap().hits;
            hits.iter().any(|hit| hit.record.gene() == Some(&label.gene))
        };
        labels.iter().filter(is_found).count() as f64 / labels.len() as f64
    };
    // Among 100 genes chance finds 1 and 5 in 100.
    assert!(found_within(1) > 0.8, "first: {}", found_within(1));
    assert!(found_within(5) > 0.9, "among five: {}", found_within(5));
}

#[test]
fn a_rebuild_is_byte_identical_whatever_the_thread_count() {
    let workshop = Workshop::new(QUICK);
    let seeds = ["--seeds", "1,2,3"];
    workshop.build(&seeds).success();
    let read = |folder: &Path, name: &str| fs::read(folder.join(name)).unwrap();
    for threads in ["1", "2", "7"] {
        let other = workshop.path("other");
        let mut command = phenocopy(&workshop.arguments(&other, &seeds));
        command.env("RAYON_NUM_THREADS", threads).assert().success();
        for name in REPRODUCED {
            assert!(read(&workshop.index(), name) == read(&other, name), "{name}, {threads}");
        }
        assert_eq!(fingerprint(&workshop.index()), fingerprint(&other));
    }
    workshop.build(&["--seeds", "4"]).success();
    assert_ne!(fingerprint(&workshop.index()), fingerprint(&workshop.path("other")));
}

#[test]
#[cfg(unix)]
fn an_interrupted_build_says_how_to_go_on_and_ends_as_if_uninterrupted() {
    let workshop = Workshop::new("max_epochs = 300\nvalidation_share = 0.0\n");
    let seeds = ["--seeds", "1,2,3"];
    let expected = workshop.path("uninterrupted");
    run(&workshop.arguments(&expected, &seeds)).success();
    let child = workshop.start(&seeds);
    wait_for(&workshop.path("index.training/member-1.safetensors"));
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert!(outcome.stderr.contains("stopping once"), "{}", outcome.stderr);
    let message = outcome.failure();
    assert!(message.contains("stopped on request") && message.contains("resume"), "{message}");
    assert_eq!(workshop.content(), ["index.training", "uninterrupted"]);

    let refused = workshop.build(&seeds).failure();
    assert!(refused.contains("checkpoints of an interrupted build"), "{refused}");
    assert!(refused.contains("--resume, or remove the folder"), "{refused}");
    let other = workshop.build(&["--seeds", "1,2,3", "--resume", "--config", RECIPE]);
    assert_eq!(other.code, Some(2), "two configurations");

    workshop.build(&["--seeds", "1,2,3", "--resume"]).success();
    assert_eq!(fingerprint(&workshop.index()), fingerprint(&expected));
    assert_eq!(workshop.content(), ["index", "uninterrupted"]);
}

#[test]
fn checkpoints_of_another_configuration_are_not_resumed() {
    let workshop = Workshop::new(LONG);
    let mut child = workshop.start(&[]);
    wait_for(&workshop.path("index.training/member-1.safetensors"));
    child.kill().unwrap();
    child.wait().unwrap();
    fs::write(workshop.path("config.toml"), "dropout = 0.25\nvalidation_share = 0.0\n").unwrap();
    let message = workshop.build(&["--resume"]).failure();
    assert!(message.contains("it was made with another `"), "{message}");
    assert!(message.contains("give `--resume` what it was made with"), "{message}");
}

#[test]
fn two_builds_of_one_index_exclude_each_other() {
    let workshop = Workshop::new(LONG);
    let mut child = workshop.start(&[]);
    wait_for(&workshop.path("index.training/member-1.safetensors"));
    for more in [&[][..], &["--resume"]] {
        let message = workshop.build(more).failure();
        assert!(message.contains("another phenocopy is writing"), "{message}");
        assert!(message.contains("wait for it to end or choose another output"), "{message}");
    }
    assert!(child.try_wait().unwrap().is_none(), "the first goes on");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_no_index_is_never_replaced_nor_trained_for() {
    let workshop = Workshop::new(QUICK);
    let folder = workshop.path("thesis");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("chapter-1.txt"), "years of work").unwrap();
    let file = workshop.path("notes.txt");
    fs::write(&file, "mine").unwrap();
    for output in [&folder, &file] {
        let outcome = run(&workshop.arguments(output, &[]));
        assert!(!outcome.stderr.contains("training seed"), "{}", outcome.stderr);
        let message = outcome.failure();
        assert!(message.contains("it exists and is no"), "{message}");
    }
    assert_eq!(listing(&folder), ["chapter-1.txt"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(workshop.content(), ["notes.txt", "thesis"], "nothing is left beside them");
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_training() {
    let workshop = Workshop::new(QUICK);
    let file = workshop.path("file");
    fs::write(&file, "").unwrap();
    for (output, advice) in [
        (file.join("index"), "choose another name"),
        (file.join("below/index"), "check the path"),
        (PathBuf::from("/"), "a folder with a name"),
        (workshop.path(".."), "not a phenocopy index"),
    ] {
        let outcome = run(&workshop.arguments(&output, &[]));
        assert!(!outcome.stderr.contains("training seed"), "{}", outcome.stderr);
        let message = outcome.failure();
        assert!(message.contains(advice), "{message}");
    }
    assert_eq!(workshop.content(), ["file"]);
}

/// A file system of a given size, unmounted when dropped.
#[cfg(target_os = "linux")]
struct SmallDisk(TempDir);

#[cfg(target_os = "linux")]
impl SmallDisk {
    /// Returns `None` where mounting is not allowed.
    fn mount(kilobytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(folder))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// What a folder takes on a disk of 4 kB blocks.
#[cfg(target_os = "linux")]
fn folder_kilobytes(folder: &Path) -> usize {
    let size = |name: String| {
        let path = folder.join(name);
        if path.is_dir() {
            folder_kilobytes(&path)
        } else {
            (fs::metadata(&path).unwrap().len() as usize).div_ceil(4096) * 4
        }
    };
    4 + listing(folder).into_iter().map(size).sum::<usize>()
}

#[cfg(target_os = "linux")]
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for name in listing(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_leaves_the_old_index_and_says_to_free_space() {
    let workshop = Workshop::new(QUICK);
    workshop.build(&[]).success();
    let old = fingerprint(&workshop.index());
    let mut n_full = 0;
    let needed = folder_kilobytes(&workshop.index());
    for kilobytes in (needed + 100..needed + 1500).step_by(100) {
        let Some(disk) = SmallDisk::mount(kilobytes) else {
            eprintln!("skipped: mounting a small file system is not allowed here");
            return;
        };
        let index = disk.0.path().join("index");
        copy(&workshop.index(), &index);
        let outcome = run(&workshop.arguments(&index, &["--seeds", "2,3,4"]));
        if outcome.code == Some(0) {
            assert_ne!(fingerprint(&index), old);
            continue;
        }
        n_full += 1;
        let message = outcome.failure();
        assert!(message.contains("free some space"), "{kilobytes} kB: {message}");
        assert_eq!(fingerprint(&index), old, "{kilobytes} kB");
        let left = listing(disk.0.path());
        assert!(left.iter().all(|name| !name.starts_with('.')), "{kilobytes} kB: {left:?}");
    }
    assert!(n_full > 0, "no disk was small enough");
}
