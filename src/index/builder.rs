use std::collections::BTreeMap;
use std::path::Path;

use super::calibration::{Calibration, CalibrationInput, CalibrationSummary, MeasuredActivity};
use super::file::SectionWriter;
use super::folder::StagedFolder;
use super::manifest::{Counts, FileDigest, GraphSummary, Manifest, fingerprint, format_of};
use super::metadata::write_metadata;
use super::open::Index;
use super::placement::StoredPlacement;
use super::progress::{BuildStep, Progress};
use super::provenance::Provenance;
use super::record::{Record, write_records};
use super::response::Responses;
use super::vector::{FlatGraph, GraphParameters, choose_ef};
use super::vector_space::VectorSpace;
use crate::embedding::Embeddings;
use crate::error::{Error, Result};
use crate::experiment::Side;

/// The recall@10 for which the walk's breadth is chosen when an index is built.
pub const TARGET_RECALL: f64 = 0.995;
/// How many vectors of the other side measure it.
const RECALL_QUERIES: usize = 1_000;

type ModelWriter<'a> = Box<dyn FnOnce(&Path) -> Result<()> + 'a>;

/// Compiles vectors, records, responses and a model into one index folder.
///
/// ```
/// use phenocopy::embedding::Embeddings;
/// use phenocopy::experiment::{Annotation, Perturbation, PerturbationType};
/// use phenocopy::index::{Index, IndexBuilder, Record};
///
/// let record = |kind, agent: &str| Record {
///     perturbation: Perturbation::new(kind, agent),
///     annotation: Annotation::default(),
///     targeted_by: Vec::new(),
///     contexts: Vec::new(),
/// };
/// let records = vec![
///     record(PerturbationType::Compound, "venetoclax"),
///     record(PerturbationType::CrisprKnockout, "BCL2"),
/// ];
/// let embeddings = Embeddings::from_rows(vec![0.6, 0.8, 0.8, 0.6], 2)?;
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("tiny");
/// IndexBuilder::new("tiny", embeddings, records)?.write(&path)?;
/// assert_eq!(Index::open(&path)?.n_rows(), 2);
/// # Ok::<(), phenocopy::Error>(())
/// ```
pub struct IndexBuilder<'a> {
    name: String,
    embeddings: Embeddings,
    records: Vec<Record>,
    responses: Option<Responses>,
    placement: Option<StoredPlacement>,
    space: Option<VectorSpace>,
    /// What was learnt already, where it is not to be learnt from these rows.
    calibration: Option<Calibration>,
    activity: Option<MeasuredActivity>,
    provenance: Provenance,
    graph: GraphParameters,
    model: Option<ModelWriter<'a>>,
    progress: Option<&'a Progress<'a>>,
}

impl std::fmt::Debug for IndexBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> IndexBuilder<'a> {
    /// Takes one unit vector and one record per row, chemical rows before genetic ones.
    ///
    /// # Errors
    /// When there are no rows, the numbers of vectors and records differ, a symbol comes twice, or
    /// a chemical row follows a genetic one.
    pub fn new(
        name: impl Into<String>,
        embeddings: Embeddings,
        records: Vec<Record>,
    ) -> Result<Self> {
        check_rows(&embeddings, &records)?;
        Ok(Self {
            name: name.into(),
            embeddings,
            records,
            responses: None,
            placement: None,
            space: None,
            calibration: None,
            activity: None,
            provenance: Provenance::default(),
            graph: GraphParameters::default(),
            model: None,
            progress: None,
        })
    }

    /// Adds the predicted responses of all rows.
    #[must_use]
    pub fn responses(mut self, responses: Responses) -> Self {
        self.responses = Some(responses);
        self
    }

    /// Adds what places profiles that were not trained on.
    #[must_use]
    pub fn placement(mut self, placement: Option<StoredPlacement>) -> Self {
        self.placement = placement;
        self
    }

    /// Adds how given vectors were centred, so that others can be added.
    pub(crate) fn space(mut self, space: Option<VectorSpace>) -> Self {
        self.space = space;
        self
    }

    /// Takes a calibration in place of learning one from the rows.
    pub(super) fn calibration(mut self, calibration: Calibration) -> Self {
        self.calibration = Some(calibration);
        self
    }

    /// Adds what is known from single profiles: the statistics of folded-in queries, support and activity.
    #[must_use]
    pub fn activity(mut self, activity: MeasuredActivity) -> Self {
        self.activity = Some(activity);
        self
    }

    /// Says where the index comes from.
    #[must_use]
    pub fn provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = provenance;
        self
    }

    /// Sets the parameters of the graphs.
    #[must_use]
    pub fn graph(mut self, parameters: GraphParameters) -> Self {
        self.graph = parameters;
        self
    }

    /// Has the model's files written into the folder `model/` of the index.
    #[must_use]
    pub fn model(mut self, write: impl FnOnce(&Path) -> Result<()> + 'a) -> Self {
        self.model = Some(Box::new(write));
        self
    }

    /// Has each step reported; an error stops the build and leaves the old index untouched.
    #[must_use]
    pub fn progress(mut self, report: &'a Progress<'a>) -> Self {
        self.progress = Some(report);
        self
    }

    /// Writes the index beside `path`, verifies it, and puts it in place in one step.
    ///
    /// Equal vectors, records and parameters give byte-identical embeddings, graphs, responses and
    /// records. An index already at `path` stays readable until the exchange and is replaced then;
    /// after an error or a crash it is untouched.
    ///
    /// # Errors
    /// When `path` holds something else than an index, another process builds it, it cannot be
    /// written, or the written files do not verify.
    pub fn write(self, path: &Path) -> Result<Manifest> {
        self.write_into(&StagedFolder::create(path)?)
    }

    /// Does what [`write`](Self::write) does in a folder that is staged already: a long training
    /// should not end at an output that cannot be written.
    ///
    /// # Errors
    /// When the folder cannot be written, or the written files do not verify.
    pub fn write_into(mut self, staged: &StagedFolder) -> Result<Manifest> {
        let folder = staged.path();
        let counts = self.counts();
        write_embeddings(&folder.join("embeddings.bin"), &self.embeddings)?;
        let mut graphs = BTreeMap::new();
        for side in [Side::Chemical, Side::Genetic] {
            if !counts.range(side).is_empty() {
                graphs.insert(side, self.write_graph(folder, &counts, side)?);
            }
        }
        write_records(&folder.join("records.bin"), &self.records)?;
        if let Some(responses) = &self.responses {
            responses.write(&folder.join("responses.bin"))?;
        }
        if let Some(placement) = &self.placement {
            placement.write(&folder.join("fold-in.bin"))?;
        }
        if let Some(space) = &self.space {
            space.write(&folder.join("vector-space.bin"))?;
        }
        self.report(BuildStep::Calibration)?;
        let calibration = self.calibration.take().unwrap_or_else(|| self.calibrate());
        calibration.write(&folder.join("calibration.bin"))?;
        self.report(BuildStep::Metadata)?;
        write_metadata(&folder.join("metadata"), &self.records)?;
        if let Some(write) = self.model.take() {
            write(&folder.join("model"))?;
        }
        self.report(BuildStep::Verification)?;
        let manifest = self.manifest(folder, counts, graphs, calibration.summary)?;
        let manifest_path = folder.join("manifest.json");
        std::fs::write(&manifest_path, manifest.to_json()?)
            .map_err(Error::io("write", &manifest_path))?;
        Index::open(folder)?.verify()?;
        staged.publish()?;
        Ok(manifest)
    }

    fn calibrate(&self) -> Calibration {
        let responses = self.responses.as_ref().map(|responses| {
            let rank = responses.coefficients.len() / self.records.len();
            (responses.coefficients.as_slice(), rank)
        });
        Calibration::compute(&CalibrationInput {
            vectors: self.embeddings.values(),
            dim: self.embeddings.dim(),
            records: &self.records,
            responses: responses.filter(|(_, rank)| *rank > 0),
            measured: self.activity.as_ref(),
        })
    }

    fn report(&self, step: BuildStep) -> Result<()> {
        self.progress.map_or(Ok(()), |report| report(step))
    }

    fn counts(&self) -> Counts {
        let mut by_type = BTreeMap::new();
        for record in &self.records {
            let code = record.perturbation.perturbation_type().cmap_code();
            *by_type.entry(code.to_owned()).or_insert(0) += 1;
        }
        let is_chemical = |record: &&Record| record.perturbation.side() == Side::Chemical;
        let chemical = self.records.iter().filter(is_chemical).count();
        Counts {
            chemical,
            genetic: self.records.len() - chemical,
            by_type,
            dimensions: self.embeddings.dim(),
            contexts: self.provenance.contexts.clone(),
            readouts: self.provenance.readouts,
            profiles: self.provenance.profiles,
            observations: self.provenance.observations,
        }
    }

    fn write_graph(&self, folder: &Path, counts: &Counts, side: Side) -> Result<GraphSummary> {
        let dim = self.embeddings.dim();
        let rows = |side| {
            let range = counts.range(side);
            &self.embeddings.values()[range.start * dim..range.end * dim]
        };
        let total = counts.range(side).len();
        let mut inserted = |done| self.report(BuildStep::Graph { side, done, total });
        let graph = FlatGraph::build_with_progress(rows(side), dim, &self.graph, &mut inserted)?;
        graph.save(folder.join(format!("graph-{side}.bin")))?;
        self.report(BuildStep::Recall(side))?;
        let others =
            rows(if counts.range(side.opposite()).is_empty() { side } else { side.opposite() });
        let queries = sample_rows(others, dim, RECALL_QUERIES);
        let choice = choose_ef(&graph, rows(side), &queries, TARGET_RECALL)?;
        Ok(GraphSummary {
            max_neighbours: self.graph.max_neighbours,
            ef_construction: self.graph.ef_construction,
            ef_search: choice.ef,
            recall_at_10: choice.recall,
            recall_queries: queries.len() / dim,
        })
    }

    fn manifest(
        &self,
        folder: &Path,
        counts: Counts,
        graphs: BTreeMap<Side, GraphSummary>,
        calibration: Option<CalibrationSummary>,
    ) -> Result<Manifest> {
        let files = digest_files(folder)?;
        let provenance = self.provenance.clone();
        Manifest {
            format_version: format_of(&provenance.additions),
            crate_version: env!("CARGO_PKG_VERSION").to_owned(),
            name: self.name.clone(),
            fingerprint: fingerprint(&files),
            counts,
            graphs,
            response_variance_kept: self.responses.as_ref().map(|r| r.variance_kept),
            seeds: provenance.seeds,
            model: provenance.model,
            training: provenance.training,
            calibration,
            recipe: provenance.recipe,
            inputs: provenance.inputs,
            notes: provenance.notes,
            additions: provenance.additions,
            files,
            digest: String::new(),
        }
        .sealed()
    }
}

fn check_rows(embeddings: &Embeddings, records: &[Record]) -> Result<()> {
    let advice = "give one record per vector, chemical rows first";
    if records.is_empty() || embeddings.n_rows() != records.len() {
        let problem = format!("{} vectors for {} records", embeddings.n_rows(), records.len());
        return Err(Error::data("index", problem, advice));
    }
    let mut symbols = std::collections::HashSet::new();
    for (row, record) in records.iter().enumerate() {
        let symbol = record.perturbation.symbol();
        let side = record.perturbation.side();
        if row > 0 && side < records[row - 1].perturbation.side() {
            return Err(Error::data(
                format!("row {row} (`{symbol}`)"),
                "it is chemical but follows a genetic row",
                advice,
            ));
        }
        if !symbols.insert(symbol.clone()) {
            return Err(Error::data(
                format!("row {row}"),
                format!("`{symbol}` is there twice"),
                "merge the two or rename one",
            ));
        }
    }
    Ok(())
}

fn write_embeddings(path: &Path, embeddings: &Embeddings) -> Result<()> {
    let mut writer = SectionWriter::create(path, "embeddings")?;
    writer.section_f32("vectors", embeddings.values())?;
    writer.finish()
}

/// Takes at most `limit` rows at equal distances.
fn sample_rows(rows: &[f32], dim: usize, limit: usize) -> Vec<f32> {
    let n_rows = rows.len() / dim;
    let n_taken = n_rows.min(limit);
    let taken = (0..n_taken).map(|i| i * n_rows / n_taken);
    taken.flat_map(|row| rows[row * dim..(row + 1) * dim].iter().copied()).collect()
}

fn digest_files(folder: &Path) -> Result<BTreeMap<String, FileDigest>> {
    let mut files = BTreeMap::new();
    let mut pending = vec![(folder.to_path_buf(), String::new())];
    while let Some((path, name)) = pending.pop() {
        if !path.is_dir() {
            files.insert(name, FileDigest::of_file(&path)?);
            continue;
        }
        for entry in std::fs::read_dir(&path).map_err(Error::io("read", &path))? {
            let entry = entry.map_err(Error::io("read", &path))?;
            let child = entry.file_name().to_string_lossy().into_owned();
            let name = if name.is_empty() { child } else { format!("{name}/{child}") };
            pending.push((entry.path(), name));
        }
    }
    Ok(files)
}
