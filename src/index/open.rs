use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::calibration::CalibrationTable;
use super::file::SectionFile;
use super::manifest::{FileDigest, GraphSummary, Manifest};
use super::metadata::Metadata;
use super::placement::StoredPlacement;
use super::readouts::ReadoutNames;
use super::record::{Record, Records};
use super::response::ResponseTable;
use super::vector::FlatGraph;
use super::vector_space::VectorSpace;
use crate::error::{Error, Result};
use crate::experiment::Side;

/// Files up to this size are checked whole when an index is opened.
const CHECKED_WHEN_OPENED: u64 = 16 << 20;
/// How often an open is tried anew when the folder is exchanged under it.
const ATTEMPTS: usize = 5;

/// An open index: memory-mapped, shared by any number of threads, closed when dropped.
///
/// ```no_run
/// use phenocopy::index::Index;
///
/// let index = Index::open("index/cancer-viability")?;
/// println!("{} perturbations, fingerprint {}", index.n_rows(), index.manifest().fingerprint);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug)]
pub struct Index {
    folder: PathBuf,
    manifest: Manifest,
    vectors: SectionFile,
    graphs: BTreeMap<Side, FlatGraph>,
    responses: Option<ResponseTable>,
    calibration: Option<CalibrationTable>,
    records: Records,
    metadata: Metadata,
    /// Read when it is first asked for: most searches do without.
    placement: OnceLock<StoredPlacement>,
    readout_names: OnceLock<ReadoutNames>,
}

impl Index {
    /// Opens and verifies an index folder.
    ///
    /// Checked are the manifest, each file's header, sizes and section table, and the checksums of
    /// all files up to 16 MiB. An index that is exchanged for another while it is opened is opened
    /// again.
    ///
    /// # Errors
    /// When there is no index, a file is missing or damaged (it is named), or the format is newer
    /// than this program.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let manifest_path = folder.join("manifest.json");
        let mut attempt = 1;
        loop {
            let manifest = Manifest::read(&manifest_path)?;
            let before = manifest.files.clone();
            let opened = Self::open_files(folder, manifest);
            // Two builds of one fingerprint still differ in tantivy's files, so all are compared.
            let now = Manifest::read(&manifest_path).map(|manifest| manifest.files);
            let is_settled = now.is_ok_and(|now| now == before);
            if is_settled || attempt == ATTEMPTS {
                return opened;
            }
            attempt += 1;
        }
    }

    fn open_files(folder: &Path, manifest: Manifest) -> Result<Self> {
        let counts = &manifest.counts;
        let (n_rows, dim) = (counts.rows(), counts.dimensions);
        check_files(folder, &manifest.files)?;
        let vectors = SectionFile::open(folder.join("embeddings.bin"), "embeddings")?;
        let found = vectors.section_f32("vectors")?.len();
        if Some(found) != n_rows.checked_mul(dim) {
            return Err(Error::Damaged {
                path: vectors.path().to_path_buf(),
                problem: format!("{found} numbers for {n_rows} vectors of {dim}"),
                advice: super::REBUILD.to_owned(),
            });
        }
        let mut graphs = BTreeMap::new();
        for side in [Side::Chemical, Side::Genetic] {
            let n_side = counts.range(side).len();
            if n_side > 0 {
                let path = folder.join(format!("graph-{side}.bin"));
                graphs.insert(side, open_graph(&path, n_side, dim)?);
            }
        }
        let responses = folder.join("responses.bin");
        let responses = manifest
            .files
            .contains_key("responses.bin")
            .then(|| ResponseTable::open(&responses, n_rows))
            .transpose()?;
        let calibration = folder.join("calibration.bin");
        let both = [Side::Chemical, Side::Genetic];
        let (sides, added) = (both.map(|side| counts.range(side)), both.map(|s| manifest.added(s)));
        let calibration = manifest
            .files
            .contains_key("calibration.bin")
            .then(|| CalibrationTable::open(&calibration, &sides, &added))
            .transpose()?;
        let records = Records::open(&folder.join("records.bin"), n_rows)?;
        check_digests(folder, &manifest.files)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            records,
            metadata: Metadata::open(&folder.join("metadata"), n_rows)?,
            vectors,
            graphs,
            responses,
            calibration,
            manifest,
            placement: OnceLock::new(),
            readout_names: OnceLock::new(),
        })
    }

    /// Returns what the index holds and where it comes from.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the folder it was opened from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the number of perturbations.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.manifest.counts.rows()
    }

    /// Returns the length of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.manifest.counts.dimensions
    }

    /// Returns the rows of a side; chemical rows come first.
    #[must_use]
    pub fn range(&self, side: Side) -> Range<usize> {
        self.manifest.counts.range(side)
    }

    /// Returns the unit vectors of a range of rows, row by row.
    #[must_use]
    pub fn vectors(&self, rows: Range<usize>) -> &[f32] {
        let (start, end) = (rows.start * self.dim(), rows.end * self.dim());
        self.vectors
            .section_f32("vectors")
            .ok()
            .and_then(|all| all.get(start..end))
            .unwrap_or_default()
    }

    /// Returns the unit vector of a row; empty when there is no such row.
    #[must_use]
    pub fn vector(&self, row: u32) -> &[f32] {
        self.vectors(row as usize..row as usize + 1)
    }

    /// Returns the record of a row.
    ///
    /// # Errors
    /// When the row does not exist or its record is damaged.
    pub fn record(&self, row: u32) -> Result<Record> {
        self.records.record(row)
    }

    /// Returns names and annotation.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Returns a side's graph and how it was built; none for a side without rows.
    #[must_use]
    pub fn graph(&self, side: Side) -> Option<(&FlatGraph, &GraphSummary)> {
        Some((self.graphs.get(&side)?, self.manifest.graphs.get(&side)?))
    }

    /// Returns what places profiles that were not trained on; none in an index without it: one of the
    /// `concat` head, of vectors trained elsewhere, or made by an early version. It is read when first asked for.
    ///
    /// # Errors
    /// When the file is damaged, or makes vectors of another length than the index's.
    pub fn placement(&self) -> Result<Option<&StoredPlacement>> {
        if !self.manifest.files.contains_key("fold-in.bin") || self.placement.get().is_some() {
            return Ok(self.placement.get());
        }
        let path = self.folder.join("fold-in.bin");
        let stored = StoredPlacement::read(&path)?;
        let (placed, dim) = (stored.placement.dim(), self.dim());
        if placed != dim {
            let problem = format!("it makes vectors of {placed} numbers, not of {dim}");
            return Err(Error::Damaged { path, problem, advice: super::REBUILD.to_owned() });
        }
        Ok(Some(self.placement.get_or_init(|| stored)))
    }

    /// Returns how given vectors became those of this index; none in an index of a trained model, or of vectors
    /// that were given to an early version. It is read each time.
    ///
    /// # Errors
    /// When the file is damaged, or its vectors have another length than the index's.
    pub(crate) fn vector_space(&self) -> Result<Option<VectorSpace>> {
        if !self.manifest.files.contains_key("vector-space.bin") {
            return Ok(None);
        }
        let path = self.folder.join("vector-space.bin");
        let space = VectorSpace::read(&path)?;
        let (given, dim) = (space.dimensions.len(), self.dim());
        if given != dim {
            let problem = format!("it makes vectors of {given} numbers, not of {dim}");
            return Err(Error::Damaged { path, problem, advice: super::REBUILD.to_owned() });
        }
        Ok(Some(space))
    }

    /// Returns whether a row was added after training: folded in, and judged like a profile that is folded in.
    #[must_use]
    pub fn is_added(&self, row: u32) -> bool {
        let added = |side| self.manifest.added(side).contains(&(row as usize));
        added(Side::Chemical) || added(Side::Genetic)
    }

    /// Returns all predicted responses; none when the index holds none.
    pub(super) fn response_table(&self) -> Option<&ResponseTable> {
        self.responses.as_ref()
    }

    /// Returns the predicted response of a row as unit coefficients, whose dot products are cosines;
    /// none when the index holds no responses.
    #[must_use]
    pub fn response(&self, row: u32) -> Option<&[f32]> {
        self.responses.as_ref()?.row(row)
    }

    /// Returns the predicted response of a row, averaged over contexts: a value for each of
    /// [`response_readouts`](Self::response_readouts), centred over them and over its side, of unit length; none when
    /// the index holds no responses.
    #[must_use]
    pub fn predicted_response(&self, row: u32) -> Option<Vec<f64>> {
        self.responses.as_ref()?.response(row)
    }

    /// Returns the unit coefficients of a predicted response that is not a row's, comparable with
    /// [`response`](Self::response); none when the index holds no mean response of that side.
    ///
    /// # Shapes
    /// `predicted`: one per readout of [`response_readouts`](Self::response_readouts), averaged over contexts.
    #[must_use]
    pub fn project_response(&self, predicted: &[f32], side: Side) -> Option<Vec<f32>> {
        self.responses.as_ref()?.project(predicted, side)
    }

    /// Returns the names of the readouts that responses are predicted for, in order.
    pub fn response_readouts(&self) -> impl Iterator<Item = &str> {
        self.responses.iter().flat_map(ResponseTable::readouts)
    }

    /// Returns what the readouts are called that responses are predicted for; empty when the index holds no responses.
    pub fn readout_names(&self) -> &ReadoutNames {
        let read = || self.responses.as_ref().map(ResponseTable::readout_names);
        self.readout_names.get_or_init(|| read().unwrap_or_default())
    }

    /// Returns the cosine of two rows' predicted responses; none when the index holds no responses.
    #[must_use]
    pub fn response_similarity(&self, a: u32, b: u32) -> Option<f32> {
        self.responses.as_ref()?.similarity(a, b)
    }

    /// Returns what makes similarities into statistics; none in an index made before there was.
    #[must_use]
    pub fn calibration(&self) -> Option<&CalibrationTable> {
        self.calibration.as_ref()
    }

    /// Verifies the digest of every file and every record.
    ///
    /// # Errors
    /// With the first file that is not what the manifest says.
    pub fn verify(&self) -> Result<()> {
        self.verify_files().map_err(|error| {
            let now = Manifest::read(&self.folder.join("manifest.json"));
            match now {
                Ok(now) if now.files != self.manifest.files => Error::data(
                    format!("index `{}`", self.folder.display()),
                    "another build replaced it while it was read",
                    "run the command again",
                ),
                _ => error,
            }
        })
    }

    fn verify_files(&self) -> Result<()> {
        for (name, expected) in &self.manifest.files {
            compare(&self.folder.join(name), expected)?;
        }
        self.vectors.verify()?;
        self.responses.as_ref().map_or(Ok(()), ResponseTable::verify)?;
        self.calibration.as_ref().map_or(Ok(()), CalibrationTable::verify)?;
        self.records.verify()
    }
}

fn open_graph(path: &Path, n_rows: usize, dim: usize) -> Result<FlatGraph> {
    let graph = FlatGraph::open(path)?;
    if (graph.n_rows(), graph.dim()) == (n_rows, dim) {
        return Ok(graph);
    }
    Err(Error::Damaged {
        path: path.to_path_buf(),
        problem: format!(
            "it joins {} vectors of {}, not {n_rows} of {dim}",
            graph.n_rows(),
            graph.dim()
        ),
        advice: super::REBUILD.to_owned(),
    })
}

/// Checks that every file lies in the folder at its size.
fn check_files(folder: &Path, files: &BTreeMap<String, FileDigest>) -> Result<()> {
    for (name, expected) in files {
        let path = folder.join(name);
        let stays_inside = Path::new(name)
            .components()
            .all(|component| matches!(component, std::path::Component::Normal(_)));
        let size = std::fs::metadata(&path).ok().filter(|_| stays_inside).map(|file| file.len());
        let Some(size) = size else {
            let problem = "the manifest lists it, but it is not there".to_owned();
            return Err(Error::Damaged { path, problem, advice: super::REBUILD.to_owned() });
        };
        if size != expected.bytes {
            let problem = format!("{size} bytes where the manifest says {}", expected.bytes);
            return Err(Error::Damaged { path, problem, advice: super::REBUILD.to_owned() });
        }
    }
    Ok(())
}

/// Compares small files with their digests, so that the files of two indexes cannot be mixed; the
/// model's are verified when it is opened.
fn check_digests(folder: &Path, files: &BTreeMap<String, FileDigest>) -> Result<()> {
    let small = files.iter().filter(|(name, expected)| {
        !name.starts_with("model/") && expected.bytes <= CHECKED_WHEN_OPENED
    });
    small.into_iter().try_for_each(|(name, expected)| compare(&folder.join(name), expected))
}

fn compare(path: &Path, expected: &FileDigest) -> Result<()> {
    let found = FileDigest::of_file(path)?;
    if found == *expected {
        return Ok(());
    }
    Err(Error::Damaged {
        path: path.to_path_buf(),
        problem: "its content is not what the manifest says".to_owned(),
        advice: super::REBUILD.to_owned(),
    })
}
