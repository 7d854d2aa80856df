use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::report::{EpochReport, Phase};
use super::run::Run;
use crate::error::{Error, Result};
use crate::model::config::LpmConfig;
use crate::model::engine::{State, TensorState};
use crate::model::network::{TableSizes, specification};
use crate::model::storage::{format_version, read_tensors, write_json, write_tensors};
use crate::model::vocabulary::Vocabularies;

const WEIGHTS: &str = "weights/";
const FIRST_MOMENT: &str = "first-moment/";
const SECOND_MOMENT: &str = "second-moment/";

/// The folder of a training's checkpoints: one file per run, replaced after each epoch.
#[derive(Debug)]
pub(super) struct Checkpoints {
    folder: PathBuf,
    fingerprint: String,
}

/// All that a checkpoint holds beside tensors. The random state is (`config.seed`, epochs done).
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format_version: u32,
    config: LpmConfig,
    dataset_fingerprint: String,
    phase: Phase,
    planned_epochs: usize,
    optimiser_steps: u64,
    reports: Vec<EpochReport>,
}

/// What a run goes on from.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) state: State,
    pub(super) reports: Vec<EpochReport>,
}

impl Checkpoints {
    /// Opens the folder to go on from it, or clears it for a new training.
    pub(super) fn open(folder: &Path, resume: bool, fingerprint: String) -> Result<Self> {
        if resume && !folder.is_dir() {
            return Err(Error::Missing {
                what: "checkpoint",
                path: folder.to_path_buf(),
                advice: "check the path or run without `--resume`".to_owned(),
            });
        }
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        if !resume {
            remove_checkpoints(folder)?;
        }
        Ok(Self { folder: folder.to_path_buf(), fingerprint })
    }

    /// Writes what a reader of the checkpoints needs to name their rows.
    pub(super) fn describe(&self, config: &LpmConfig, vocabularies: &Vocabularies) -> Result<()> {
        write_json(&self.folder.join("config.json"), config)?;
        write_json(&self.folder.join("vocabularies.json"), vocabularies)
    }

    /// Replaces the checkpoint of a run.
    pub(super) fn write(&self, run: &mut Run<'_>) -> Result<()> {
        let specification = specification(&run.config, run.sizes);
        let state = run.trainer.state()?;
        let header = Header {
            format_version: format_version(),
            config: run.config.clone(),
            dataset_fingerprint: self.fingerprint.clone(),
            phase: run.phase,
            planned_epochs: run.planned_epochs,
            optimiser_steps: state.steps,
            reports: run.reports.clone(),
        };
        let tensors = specification.iter().zip(&state.tensors).flat_map(|(item, tensor)| {
            let planes = [
                (WEIGHTS, &tensor.value),
                (FIRST_MOMENT, &tensor.first),
                (SECOND_MOMENT, &tensor.second),
            ];
            planes.map(|(prefix, values)| {
                (format!("{prefix}{}", item.name), item.shape.clone(), values.as_slice())
            })
        });
        write_tensors(&self.path(run.phase, run.config.seed), &header, tensors)
    }

    /// Reads the checkpoint of a run, if there is one.
    pub(super) fn read(
        &self,
        phase: Phase,
        config: &LpmConfig,
        sizes: TableSizes,
    ) -> Result<Option<Progress>> {
        let path = self.path(phase, config.seed);
        if !path.exists() {
            return Ok(None);
        }
        let mut file = read_tensors::<Header>(&path)?;
        self.require_same_training(&path, &file.header, config)?;
        let tensors = specification(config, sizes).into_iter().map(|item| {
            Ok(TensorState {
                value: file.take(WEIGHTS, &item)?,
                first: file.take(FIRST_MOMENT, &item)?,
                second: file.take(SECOND_MOMENT, &item)?,
            })
        });
        let tensors = tensors.collect::<Result<_>>()?;
        let state = State { tensors, steps: file.header.optimiser_steps };
        Ok(Some(Progress { state, reports: file.header.reports }))
    }

    fn require_same_training(
        &self,
        path: &Path,
        header: &Header,
        config: &LpmConfig,
    ) -> Result<()> {
        let refuse = |problem: String| {
            let what = format!("checkpoint `{}`", path.display());
            Err(Error::data(
                what,
                problem,
                "give `--resume` what it was made with, or remove the folder to start anew",
            ))
        };
        if header.config != *config {
            return refuse(format!(
                "it was made with another {}",
                first_difference(&header.config, config)
            ));
        }
        if header.dataset_fingerprint != self.fingerprint {
            return refuse("it was made from other data".to_owned());
        }
        Ok(())
    }

    fn path(&self, phase: Phase, seed: u64) -> PathBuf {
        self.folder.join(match phase {
            Phase::Selection => "selection.safetensors".to_owned(),
            Phase::Member => format!("member-{seed}.safetensors"),
        })
    }
}

/// Names the first field that differs, with both values.
fn first_difference(saved: &LpmConfig, wanted: &LpmConfig) -> String {
    let fields = |config: &LpmConfig| serde_json::to_value(config).ok();
    let (Some(saved), Some(wanted)) = (fields(saved), fields(wanted)) else {
        return "configuration".to_owned();
    };
    let pairs = saved.as_object().into_iter().flatten();
    let mut differing = pairs.filter(|(name, value)| wanted.get(name) != Some(value));
    match differing.next() {
        Some((name, value)) => {
            let asked = wanted.get(name).map(ToString::to_string).unwrap_or_default();
            format!("`{name}`: {value}, not {asked}")
        }
        None => "configuration".to_owned(),
    }
}

/// Removes our own files only: the folder may hold others.
fn remove_checkpoints(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_ours = name == "selection.safetensors"
            || (name.starts_with("member-") && name.ends_with(".safetensors"));
        if is_ours {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}
