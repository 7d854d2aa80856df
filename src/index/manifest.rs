use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::addition::Addition;
use super::calibration::CalibrationSummary;
use crate::dataset::{InputFile, Recipe};
use crate::error::{Error, Result};
use crate::experiment::Side;

/// The newest version of the index folder that this program reads. Version 2 has rows that were added after training;
/// an index without any is written as version 1, which programs of before read, too.
pub const FORMAT_VERSION: u32 = 2;

/// The files whose digests make the fingerprint; tantivy's are left out because its segment ids are random. A file that
/// joins them would make programs of before refuse an index that holds it: what comes later is covered by its digest.
const FINGERPRINTED: [&str; 7] = [
    "embeddings.bin",
    "graph-chemical.bin",
    "graph-genetic.bin",
    "responses.bin",
    "records.bin",
    "calibration.bin",
    "fold-in.bin",
];

/// `manifest.json`: what an index holds, what it was made from, and the digest of each file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the folder's layout.
    pub format_version: u32,
    /// Version of the program that wrote it.
    pub crate_version: String,
    /// The index's name.
    pub name: String,
    /// Hash of embeddings, graphs, responses, records, fold-in weights and calibration; names this index in every output.
    pub fingerprint: String,
    /// How many of what.
    pub counts: Counts,
    /// Graph parameters and measured quality per side.
    pub graphs: BTreeMap<Side, GraphSummary>,
    /// Share of the predicted responses' variance that `responses.bin` keeps.
    pub response_variance_kept: Option<f64>,
    /// Seeds of the ensemble.
    pub seeds: Vec<u64>,
    /// The model's configuration.
    pub model: Option<serde_json::Value>,
    /// What training reported: epochs and held-out fit beside baselines.
    pub training: Option<TrainingSummary>,
    /// How similarities become statistics, and how honest they are; none in indexes made before they were.
    #[serde(default)]
    pub calibration: Option<CalibrationSummary>,
    /// The recipe the data were read by.
    pub recipe: Option<Recipe>,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// What was merged, dropped and suggested while reading, a sentence each.
    pub notes: Vec<String>,
    /// Rows that were added after training, one entry for each time; on their side they follow those trained on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additions: Vec<Addition>,
    /// Bytes and SHA-256 of each file, by path in the folder.
    pub files: BTreeMap<String, FileDigest>,
    /// SHA-256 of this file's text with nothing between these quotes; empty in indexes made before it was.
    #[serde(default)]
    pub digest: String,
}

/// How many of what an index holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows on the chemical side; they come first.
    pub chemical: usize,
    /// Rows on the genetic side.
    pub genetic: usize,
    /// Rows by perturbation type (CMap code).
    pub by_type: BTreeMap<String, usize>,
    /// Length of a vector.
    pub dimensions: usize,
    /// Contexts trained on.
    pub contexts: Vec<String>,
    /// Readouts trained on.
    pub readouts: usize,
    /// Profiles trained on.
    pub profiles: usize,
    /// Measured values trained on.
    pub observations: usize,
}

impl Counts {
    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.chemical.saturating_add(self.genetic)
    }

    /// Returns the rows of a side.
    #[must_use]
    pub fn range(&self, side: Side) -> std::ops::Range<usize> {
        match side {
            Side::Chemical => 0..self.chemical,
            Side::Genetic => self.chemical..self.rows(),
        }
    }
}

/// How a side's graph was built and what it finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphSummary {
    /// `M` in Malkov & Yashunin.
    pub max_neighbours: usize,
    /// `efConstruction` in Malkov & Yashunin.
    pub ef_construction: usize,
    /// The walk's breadth `ef`, the smallest of a ladder that reaches the recall asked for.
    pub ef_search: usize,
    /// Share of the exact ten nearest neighbours found, with queries from the other side.
    pub recall_at_10: f64,
    /// How many queries that was measured on.
    pub recall_queries: usize,
}

/// What training reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// Epochs that early stopping chose.
    pub epochs: usize,
    /// Rows of the held-out table: method, values, RMSE, R², MAE, Pearson.
    pub held_out: Vec<HeldOutFit>,
}

/// The fit of one method on held-out entries, in normalised units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOutFit {
    /// [`MODEL`](Self::MODEL), or the baseline's name.
    pub method: String,
    /// Which entries: [`ALL`](Self::ALL), or [`WITHOUT_KNOCKOUTS`](Self::WITHOUT_KNOCKOUTS).
    pub entries: String,
    /// How many.
    pub count: usize,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Share of variance explained.
    pub r2: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Pearson correlation.
    pub pearson: f64,
}

impl HeldOutFit {
    /// [`method`](Self::method) of the trained model.
    pub const MODEL: &str = "model";
    /// [`entries`](Self::entries) of all screens.
    pub const ALL: &str = "all";
    /// [`entries`](Self::entries) of all screens but those of knock-outs.
    pub const WITHOUT_KNOCKOUTS: &str = "without knock-outs";
}

/// Size and digest of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

impl FileDigest {
    /// Computes the digest of a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file(path: &Path) -> Result<Self> {
        let file = InputFile::fingerprint(path, path)?;
        Ok(Self { bytes: file.bytes, sha256: file.sha256 })
    }
}

impl Manifest {
    /// Reads `manifest.json` and checks version and fingerprint.
    ///
    /// # Errors
    /// When there is none, it is not JSON of this format, it is newer than this program, its
    /// fingerprint does not fit the digests it lists, or more rows were added than there are.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| missing(path, source))?;
        let damaged = |problem: String| {
            Error::Damaged {
            path: path.to_path_buf(),
            problem,
            advice: "restore it from a copy, or remove the folder and rebuild the index with `phenocopy build`".to_owned(),
        }
        };
        let version = serde_json::from_str::<VersionOnly>(&text)
            .map_err(|e| damaged(format!("it is not a manifest ({e})")))?;
        if version.format_version > FORMAT_VERSION {
            return Err(Error::NewerFormat {
                path: path.to_path_buf(),
                expected: FORMAT_VERSION,
                received: version.format_version,
            });
        }
        let manifest: Self =
            serde_json::from_str(&text).map_err(|e| damaged(format!("it is incomplete ({e})")))?;
        if manifest.fingerprint != fingerprint(&manifest.files) {
            return Err(damaged("its fingerprint does not fit the files it lists".to_owned()));
        }
        if !manifest.digest.is_empty() && manifest.digest != digest_of(&text, &manifest.digest) {
            return Err(damaged("its text was edited".to_owned()));
        }
        if [Side::Chemical, Side::Genetic].iter().any(|side| !manifest.has_all_added(*side)) {
            return Err(damaged("more rows were added than it counts".to_owned()));
        }
        Ok(manifest)
    }

    /// Returns whether a side has the rows that were added to it.
    fn has_all_added(&self, side: Side) -> bool {
        let mut rows = self.additions.iter().map(|addition| addition.rows(side));
        let n_added = rows.try_fold(0_usize, usize::checked_add);
        n_added.is_some_and(|n_added| n_added <= self.counts.range(side).len())
    }

    /// Returns the rows of a side that were added after training: its last ones.
    #[must_use]
    pub fn added(&self, side: Side) -> Range<usize> {
        let range = self.counts.range(side);
        let rows = self.additions.iter().map(|addition| addition.rows(side));
        let n_added = rows.fold(0, usize::saturating_add);
        range.end.saturating_sub(n_added).max(range.start)..range.end
    }

    /// Returns how many rows were added after training.
    #[must_use]
    pub fn n_added(&self) -> usize {
        self.added(Side::Chemical).len() + self.added(Side::Genetic).len()
    }

    /// Returns whether so many rows were added that the index is better built anew, from all data: more than a tenth.
    #[must_use]
    pub fn is_rebuild_due(&self) -> bool {
        self.n_added() > self.counts.rows() / 10
    }

    /// Returns the manifest with the digest of its own text, so that edits are found.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn sealed(mut self) -> Result<Self> {
        self.digest.clear();
        self.digest = digest_of(&self.to_json()?, "");
        Ok(self)
    }

    /// Returns the manifest as the text of `manifest.json`.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self)
            .map_err(Error::engine("serde_json", "write the manifest"))?;
        Ok(text + "\n")
    }
}

/// Returns the SHA-256 of a manifest's text without the digest that stands in it, at its end.
fn digest_of(text: &str, digest: &str) -> String {
    let end = text.rfind(&format!("\"{digest}\"")).map_or(text.len(), |quote| quote + 1);
    let rest = text.get(end + digest.len()..).unwrap_or_default();
    let mut hasher = Sha256::new();
    hasher.update(text.get(..end).unwrap_or_default());
    hasher.update(rest);
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the oldest version that says what an index holds.
pub(super) fn format_of(additions: &[Addition]) -> u32 {
    if additions.is_empty() { 1 } else { FORMAT_VERSION }
}

#[derive(Deserialize)]
struct VersionOnly {
    format_version: u32,
}

fn missing(path: &Path, source: std::io::Error) -> Error {
    if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
        return Error::Missing {
            what: "index",
            path: path.parent().unwrap_or(path).to_path_buf(),
            advice: "name one with --index, or build one with `phenocopy build`".to_owned(),
        };
    }
    Error::io("read", path)(source)
}

/// Returns the hash of the fingerprinted files' names and digests: 16 hexadecimal digits.
#[must_use]
pub(super) fn fingerprint(files: &BTreeMap<String, FileDigest>) -> String {
    let mut hasher = Sha256::new();
    for name in FINGERPRINTED {
        if let Some(digest) = files.get(name) {
            hasher.update(format!("{name} {}\n", digest.sha256));
        }
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_programs_of_before_do_not_know_leave_the_fingerprint_as_they_make_it() {
        let digest = |sha256: &str| FileDigest { bytes: 1, sha256: sha256.to_owned() };
        let mut files = BTreeMap::from([("embeddings.bin".to_owned(), digest("a"))]);
        let before = fingerprint(&files);
        files.insert("vector-space.bin".to_owned(), digest("b"));
        assert_eq!(fingerprint(&files), before);
        files.insert("fold-in.bin".to_owned(), digest("c"));
        assert_ne!(fingerprint(&files), before);
    }
}
