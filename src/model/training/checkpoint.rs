use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::report::{EpochReport, Phase};
use super::run::Run;
use crate::error::{Error, Result};
use crate::model::adamw::{AdamW, Moments};
use crate::model::config::LpmConfig;
use crate::model::device::engine;
use crate::model::network::{Network, TableSizes};
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
    pub(super) network: Network,
    pub(super) optimiser: AdamW,
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
    pub(super) fn write(&self, run: &Run<'_>) -> Result<()> {
        let header = Header {
            format_version: format_version(),
            config: run.config.clone(),
            dataset_fingerprint: self.fingerprint.clone(),
            phase: run.phase,
            planned_epochs: run.planned_epochs,
            optimiser_steps: run.optimiser.steps,
            reports: run.reports.clone(),
        };
        let weights = run.network.weights();
        let tensors =
            weights.named().zip(&run.optimiser.moments).flat_map(|((name, weight), moments)| {
                [
                    (format!("{WEIGHTS}{name}"), weight),
                    (format!("{FIRST_MOMENT}{name}"), &moments.first),
                    (format!("{SECOND_MOMENT}{name}"), &moments.second),
                ]
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
        let network = Network::new(config, file.take_weights(WEIGHTS, config, sizes)?)?;
        let first = file.take_weights(FIRST_MOMENT, config, sizes)?;
        let second = file.take_weights(SECOND_MOMENT, config, sizes)?;
        let mut optimiser = AdamW::new(network.weights().variables(), config.weight_decay)
            .map_err(engine("create the optimiser"))?;
        optimiser.steps = file.header.optimiser_steps;
        optimiser.moments = first
            .named()
            .zip(second.named())
            .map(|((_, first), (_, second))| Moments {
                first: first.detach(),
                second: second.detach(),
            })
            .collect();
        Ok(Some(Progress { network, optimiser, reports: file.header.reports }))
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
