use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::cli::build::{QUICK, Workshop, fingerprint};

/// Moments spread over the whole build.
const SPREAD: u32 = 8;
/// Moments around the exchange of the old index for the new one.
const AT_THE_END: u32 = 6;

/// A build that is killed again and again, and the fingerprints it may leave.
struct Killed {
    workshop: Workshop,
    rng: ChaCha8Rng,
    /// By seed: what each build would give.
    possible: [(&'static str, String); 2],
    /// Whether checkpoints that lie there are those of the next build.
    is_resumable: bool,
}

impl Killed {
    fn new() -> Self {
        let workshop = Workshop::new(QUICK);
        let possible = ["2", "1"].map(|seed| {
            workshop.build(&["--seeds", seed]).success();
            (seed, fingerprint(&workshop.index()))
        });
        assert_ne!(possible[0].1, possible[1].1);
        Self { workshop, rng: ChaCha8Rng::seed_from_u64(20), possible, is_resumable: false }
    }

    /// Starts the build of the index that is not there, and has it killed when `wait` returns.
    fn kill_when(&mut self, wait: impl FnOnce(&Workshop, u32, &mut ChaCha8Rng)) {
        let old = fingerprint(&self.workshop.index());
        let (seed, _) = self.possible.iter().find(|(_, possible)| *possible != old).unwrap();
        let checkpoints = self.workshop.path("index.training");
        let mut more = vec!["--seeds", *seed];
        if checkpoints.exists() && self.is_resumable && self.rng.random_bool(0.5) {
            more.push("--resume");
        } else if checkpoints.exists() {
            fs::remove_dir_all(&checkpoints).unwrap();
        }
        let mut child = self.workshop.start(&more);
        wait(&self.workshop, child.id(), &mut self.rng);
        child.kill().unwrap();
        child.wait().unwrap();
        let now = fingerprint(&self.workshop.index());
        assert!(self.possible.iter().any(|(_, possible)| *possible == now), "{now}");
        self.is_resumable = now == old;
    }
}

/// Waits until the staged folder is complete, or is in place already.
fn wait_until_written(staged: &Path, index: &Path) {
    let old = fs::read(index.join("manifest.json")).unwrap();
    let start = Instant::now();
    while !staged.join("manifest.json").exists()
        && fs::read(index.join("manifest.json")).unwrap() == old
    {
        assert!(start.elapsed() < Duration::from_secs(60), "the build never ends");
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn a_build_killed_at_any_moment_leaves_a_whole_index() {
    let mut killed = Killed::new();
    let start = Instant::now();
    killed.workshop.build(&["--seeds", "1"]).success();
    let whole = start.elapsed();
    for moment in 0..SPREAD {
        killed.kill_when(|_, _, rng| {
            let share = (f64::from(moment) + rng.random_range(0.0..1.0)) / f64::from(SPREAD);
            std::thread::sleep(whole.mul_f64(share));
        });
    }
    for _ in 0..AT_THE_END {
        killed.kill_when(|workshop, process, rng| {
            let staged = workshop.path(&format!(".index.building-{process}"));
            wait_until_written(&staged, &workshop.index());
            std::thread::sleep(Duration::from_micros(rng.random_range(0..12_000)));
        });
    }
    let workshop = &killed.workshop;
    if workshop.path("index.training").exists() {
        fs::remove_dir_all(workshop.path("index.training")).unwrap();
    }
    workshop.build(&["--seeds", "1"]).success();
    assert_eq!(fingerprint(&workshop.index()), killed.possible[1].1);
    assert_eq!(workshop.content(), ["index"], "what the killed builds left is gone");
}
