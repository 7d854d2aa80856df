use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Device;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::bag::EmbeddingBag;
use super::config::LpmConfig;
use super::lpm::Lpm;
use super::network::{Network, Specification, TableSizes, Weights};
use super::vocabulary::Vocabularies;
use crate::error::{Error, Result};

/// The version of model files and checkpoints.
const FORMAT_VERSION: u32 = 1;

/// The one key under which a safetensors file carries our header; one key keeps the bytes reproducible.
const METADATA_KEY: &str = "phenocopy";

/// A folder with a model: configuration and vocabularies once, weights per member.
#[derive(Debug)]
pub(super) struct ModelFolder {
    path: PathBuf,
    config: LpmConfig,
    vocabularies: Arc<Vocabularies>,
    bag: Arc<EmbeddingBag>,
}

/// What `ensemble.json` says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seeds {
    seeds: Vec<u64>,
}

/// What the header of a weights file says.
#[derive(Debug, Serialize, Deserialize)]
struct WeightsHeader {
    format_version: u32,
    seed: u64,
}

impl ModelFolder {
    /// Creates the folder and writes what its members share.
    pub(super) fn create(path: &Path, config: &LpmConfig, words: &Vocabularies) -> Result<Self> {
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        write_json(&path.join("config.json"), config)?;
        write_json(&path.join("vocabularies.json"), words)?;
        Ok(Self {
            path: path.to_path_buf(),
            config: config.clone(),
            bag: Arc::new(words.bag()?),
            vocabularies: Arc::new(words.clone()),
        })
    }

    /// Reads what the members of a saved model share.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let config_path = path.join("config.json");
        let config: LpmConfig = read_json(&config_path)?;
        config.validate().map_err(|error| damaged(&config_path, error))?;
        let words_path = path.join("vocabularies.json");
        let vocabularies: Vocabularies = read_json(&words_path)?;
        let bag = vocabularies.bag().map_err(|error| damaged(&words_path, error))?;
        let (bag, vocabularies) = (Arc::new(bag), Arc::new(vocabularies));
        Ok(Self { path: path.to_path_buf(), config, vocabularies, bag })
    }

    pub(super) fn write_seeds(&self, seeds: &[u64]) -> Result<()> {
        write_json(&self.path.join("ensemble.json"), &Seeds { seeds: seeds.to_vec() })
    }

    pub(super) fn read_seeds(&self) -> Result<Vec<u64>> {
        let path = self.path.join("ensemble.json");
        let Seeds { seeds } = read_json(&path)?;
        if seeds.is_empty() {
            return Err(damaged(&path, "it lists no seeds"));
        }
        Ok(seeds)
    }

    pub(super) fn write_weights(&self, seed: Option<u64>, weights: &Weights) -> Result<()> {
        let header = WeightsHeader {
            format_version: FORMAT_VERSION,
            seed: seed.unwrap_or(self.config.seed),
        };
        let values = weights.values()?;
        let tensors = weights.named().zip(&values).map(|((name, tensor), values)| {
            (name.to_owned(), tensor.dims().to_vec(), values.as_slice())
        });
        write_tensors(&self.weights_path(seed), &header, tensors)
    }

    pub(super) fn read_member(&self, seed: Option<u64>) -> Result<Lpm> {
        let path = self.weights_path(seed);
        let mut file = read_tensors::<WeightsHeader>(&path)?;
        let config = LpmConfig { seed: file.header.seed, ..self.config.clone() };
        let sizes = TableSizes::from(self.vocabularies.as_ref());
        let weights = Weights::build(&config, sizes, &Device::Cpu, |item| file.take("", item))?;
        let network = Network::new(&config, weights)?;
        Ok(Lpm::new(config, Arc::clone(&self.vocabularies), Arc::clone(&self.bag), network))
    }

    fn weights_path(&self, seed: Option<u64>) -> PathBuf {
        self.path.join(match seed {
            Some(seed) => format!("weights-{seed}.safetensors"),
            None => "weights.safetensors".to_owned(),
        })
    }
}

/// A safetensors file in memory: our header, and the values of each tensor.
#[derive(Debug)]
pub(super) struct TensorFile<H> {
    path: PathBuf,
    pub(super) header: H,
    tensors: BTreeMap<String, Vec<f32>>,
}

impl<H> TensorFile<H> {
    /// Takes the values of a tensor out, named `prefix` and then as specified.
    pub(super) fn take(&mut self, prefix: &str, wanted: &Specification) -> Result<Vec<f32>> {
        let name = format!("{prefix}{}", wanted.name);
        match self.tensors.remove(&name) {
            Some(values) if values.len() == wanted.n_values() => Ok(values),
            Some(_) => Err(damaged(&self.path, format!("tensor `{name}` has another shape"))),
            None => Err(damaged(&self.path, format!("tensor `{name}` is not in it"))),
        }
    }
}

/// Writes named tensors under a header, atomically, with a checksum over both.
pub(super) fn write_tensors<'a, H: Serialize>(
    path: &Path,
    header: &H,
    tensors: impl Iterator<Item = (String, Vec<usize>, &'a [f32])>,
) -> Result<()> {
    let mut contents = BTreeMap::new();
    for (name, shape, values) in tensors {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        contents.insert(name, (shape, bytes));
    }
    let header = serde_json::to_string(header).map_err(safetensors("describe weights"))?;
    let digest =
        checksum(&header, contents.iter().map(|(name, (_, bytes))| (name.as_str(), &bytes[..])));
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), format!("{digest:016x} {header}"))]);
    let views = contents.iter().map(|(name, (shape, bytes))| {
        Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
    });
    let views = views.collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>();
    let bytes = views
        .and_then(|views| safetensors::serialize(views, Some(metadata)))
        .map_err(safetensors("serialise weights"))?;
    write_atomically(path, &bytes)
}

/// Reads a file of [`write_tensors`], verifying its checksum and version.
pub(super) fn read_tensors<H: DeserializeOwned>(path: &Path) -> Result<TensorFile<H>> {
    let bytes = read_file(path)?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(path, error))?;
    let entry = metadata.metadata().as_ref().and_then(|entries| entries.get(METADATA_KEY));
    let (digest, header) = entry
        .and_then(|entry| entry.split_once(' '))
        .ok_or_else(|| damaged(path, "it carries no phenocopy header"))?;
    require_readable(path, header)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(path, error))?;
    let views: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    let found = checksum(header, views.iter().map(|(name, view)| (name.as_str(), view.data())));
    if format!("{found:016x}") != digest {
        return Err(damaged(path, "its checksum does not fit its contents"));
    }
    let header = serde_json::from_str(header).map_err(|error| damaged(path, error))?;
    let values = |view: &TensorView<'_>| -> Vec<f32> {
        let numbers = view.data().as_chunks::<4>().0;
        numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let tensors = views.iter().map(|(name, view)| (name.clone(), values(view))).collect();
    Ok(TensorFile { path: path.to_path_buf(), header, tensors })
}

/// Refuses files of a newer version before their header is understood.
fn require_readable(path: &Path, header: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    let Version { format_version } =
        serde_json::from_str(header).map_err(|error| damaged(path, error))?;
    if format_version > FORMAT_VERSION {
        let path = path.to_path_buf();
        return Err(Error::NewerFormat {
            path,
            expected: FORMAT_VERSION,
            received: format_version,
        });
    }
    Ok(())
}

fn checksum<'a>(header: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(header.as_bytes());
    for (name, bytes) in tensors {
        hash.update(name.as_bytes());
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.digest()
}

/// Returns the version that headers carry.
pub(super) fn format_version() -> u32 {
    FORMAT_VERSION
}

/// Writes a value as indented JSON, atomically.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value).map_err(safetensors("serialise settings"))?;
    text.push(b'\n');
    write_atomically(path, &text)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&read_file(path)?).map_err(|error| damaged(path, error))
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => Error::Missing {
            what: "model",
            path: path.to_path_buf(),
            advice:
                "check the path, or make an index, which holds its model, with `phenocopy build`"
                    .to_owned(),
        },
        _ => Error::io("read", path)(source),
    })
}

/// Writes beside, flushes to the disk, renames: readers see the old file or the new one.
fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(Error::io("create", path))?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.as_file().sync_all().map_err(Error::io("write", path))?;
    file.persist(path).map_err(|error| Error::io("write", path)(error.error))?;
    // The rename is durable once the folder is; not every file system can flush one.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

// By value, so that `map_err` can hand over the reader's own error.
#[allow(clippy::needless_pass_by_value)]
pub(super) fn damaged(path: &Path, problem: impl ToString) -> Error {
    Error::Damaged {
        path: path.to_path_buf(),
        problem: problem.to_string(),
        advice: "restore it from a copy, or remove the folder and train again without --resume"
            .to_owned(),
    }
}

fn safetensors<E: std::fmt::Display>(operation: &'static str) -> impl FnOnce(E) -> Error {
    Error::engine("safetensors", operation)
}
