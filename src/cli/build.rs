use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Instant;

use clap::{Args, ValueEnum};
use indicatif::{MultiProgress, ProgressBar};
use phenocopy::dataset::{Dataset, Recipe, Split};
use phenocopy::index::{IndexBuilder, StagedFolder};
use phenocopy::model::{
    Device, Ensemble, EpochReport, LpmConfig, Phase, TrainingOptions, TrainingReport,
};
use phenocopy::{Error, Result};

use super::compile::{compile, read_dataset, summarise};
use super::interrupt::stop_flag;
use super::output::{complain, is_watched};
use super::progress::hidden_bar;

/// A recipe, its data, and where the index goes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    phenocopy build data/demo/recipe.toml -o demo-index\n  \
    phenocopy build data/cancer-viability.toml --data ~/screens -o my-index")]
pub(crate) struct BuildArguments {
    /// Recipe (TOML) that names the screens, how to normalise them, and the annotation
    recipe: PathBuf,
    /// Folder that the recipe's paths start from [default: the recipe's folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Index folder to write; an index that is there is replaced in one step at the end
    #[arg(short, long, value_name = "INDEX")]
    output: PathBuf,
    /// Seeds of the ensemble, one model each
    #[arg(long, value_delimiter = ',', default_values_t = [13, 14, 15, 16, 17], value_name = "SEEDS")]
    seeds: Vec<u64>,
    /// How embeddings become predictions, with the head's default configuration
    #[arg(long, value_enum, default_value_t = HeadArgument::Product, conflicts_with = "config")]
    head: HeadArgument,
    /// Model configuration (TOML); keys left out keep their defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to train: the processor, or a CUDA card in a program built with `--features cuda`
    #[arg(long, value_enum, default_value_t = DeviceArgument::Cpu)]
    device: DeviceArgument,
    /// Go on from the checkpoints of an interrupted build
    #[arg(long)]
    resume: bool,
}

/// What to do after a stop while an index is compiled.
const RESUME: &str = "the models are trained; run it again with --resume to compile them";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HeadArgument {
    /// Multiplicative: fast, and its embeddings suit retrieval
    Product,
    /// The published network over concatenated embeddings
    Concat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DeviceArgument {
    Cpu,
    Cuda,
}

impl From<DeviceArgument> for Device {
    fn from(argument: DeviceArgument) -> Self {
        match argument {
            DeviceArgument::Cpu => Self::Cpu,
            DeviceArgument::Cuda => Self::Cuda(0),
        }
    }
}

impl BuildArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let started = Instant::now();
        let recipe = Recipe::read(&self.recipe)?;
        let config = self.config()?;
        config.validate()?;
        let data = self.data_folder();
        // Held from here on: an output that is taken or cannot be written is found before training.
        let staged = StagedFolder::create(&self.output)?;
        let checkpoints = self.checkpoint_folder()?;
        let dataset = read_dataset(&recipe, &data, &Split::None)?;
        complain(dataset.report.to_string().trim_end());
        let (ensemble, report) = self.train(&dataset, &config, &checkpoints)?;
        let builder = IndexBuilder::from_ensemble(&dataset, &ensemble, &report)?;
        let manifest = compile(&staged, builder, RESUME)?;
        if checkpoints.exists() {
            std::fs::remove_dir_all(&checkpoints).map_err(Error::io("remove", &checkpoints))?;
        }
        // Only now may another build of this index begin: it would find the checkpoints.
        drop(staged);
        summarise(&manifest, &self.output, started, Some(report.seconds))
    }

    fn data_folder(&self) -> PathBuf {
        let beside_recipe = self.recipe.parent().unwrap_or(Path::new(".")).to_path_buf();
        self.data.clone().unwrap_or(beside_recipe)
    }

    /// Where training saves its state: beside the index, until that is complete.
    fn checkpoint_folder(&self) -> Result<PathBuf> {
        let mut name = self.output.file_name().unwrap_or_default().to_owned();
        name.push(".training");
        let folder = self.output.with_file_name(name);
        if let Some(other) = foreign_file(&folder) {
            return Err(Error::data(
                format!("folder `{}`", folder.display()),
                format!("checkpoints would go there, but it holds `{other}`"),
                "move it away, or choose another name for the index",
            ));
        }
        if folder.exists() && !self.resume {
            return Err(Error::data(
                format!("folder `{}`", folder.display()),
                "it holds the checkpoints of an interrupted build",
                "go on from them with --resume, or remove the folder to start anew",
            ));
        }
        Ok(folder)
    }

    fn config(&self) -> Result<LpmConfig> {
        match (&self.config, self.head) {
            (Some(path), _) => read_config(path),
            (None, HeadArgument::Product) => Ok(LpmConfig::default()),
            (None, HeadArgument::Concat) => Ok(LpmConfig::lincs()),
        }
    }

    fn train(
        &self,
        dataset: &Dataset,
        config: &LpmConfig,
        checkpoints: &Path,
    ) -> anyhow::Result<(Ensemble, TrainingReport)> {
        let stop = stop_flag();
        let bars = TrainingBars::default();
        let observer = |epoch: &EpochReport| {
            bars.show(epoch);
            if stop.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let options = TrainingOptions {
            excluded: &Split::None,
            checkpoints: Some(checkpoints),
            resume: self.resume && checkpoints.exists(),
            device: self.device.into(),
            observer: &observer,
        };
        let trained = Ensemble::train(dataset, config, &self.seeds, &options);
        bars.finish();
        Ok(trained?)
    }
}

/// Returns the name of a file in a folder of checkpoints that no training made.
fn foreign_file(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.find(|name| {
        let is_known = matches!(name.as_str(), "config.json" | "vocabularies.json");
        !is_known && !name.contains(".safetensors") && !name.starts_with(".tmp")
    })
}

pub(super) fn read_config(path: &Path) -> Result<LpmConfig> {
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(0, |before| before.matches('\n').count()) + 1;
        let what = format!("model configuration `{}`, line {line}", path.display());
        Error::data(what, error.message().trim().replace('\n', " "), "correct or remove the key")
    })
}

/// A bar per model in training; a line per run where nobody watches.
#[derive(Default)]
struct TrainingBars {
    all: MultiProgress,
    bars: Mutex<HashMap<(Phase, u64), ProgressBar>>,
}

impl TrainingBars {
    fn show(&self, epoch: &EpochReport) {
        let Ok(mut bars) = self.bars.lock() else { return };
        let bar = bars.entry((epoch.phase, epoch.seed)).or_insert_with(|| {
            let message = match epoch.phase {
                Phase::Selection => format!("choosing epochs, seed {}", epoch.seed),
                Phase::Member => format!("training seed {}", epoch.seed),
            };
            if !is_watched() {
                complain(&message);
            }
            let bar = hidden_bar(&message, epoch.planned_epochs);
            if is_watched() { self.all.add(bar) } else { bar }
        });
        bar.set_position(epoch.epoch as u64);
    }

    fn finish(&self) {
        if let Ok(bars) = self.bars.lock() {
            bars.values().for_each(ProgressBar::finish_and_clear);
        }
    }
}
