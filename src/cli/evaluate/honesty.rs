use std::path::PathBuf;

use clap::Args;
use phenocopy::evaluate::evaluate_honesty;
use phenocopy::report::{honesty_tables, reliability_plot};

use super::arguments::source_of;
use super::{EvaluationArguments, Question, TaskArguments};
use crate::cli::output::{OutputArguments, complain};

/// Labels and panel, as for the retrieval.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    phenocopy evaluate honesty index/cancer-viability --data ../shared/data")]
pub(crate) struct HonestyArguments {
    #[command(flatten)]
    common: EvaluationArguments,
    #[command(flatten)]
    task: TaskArguments,
    /// Draw how reliable the index's probabilities of known pairs are into an SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

impl HonestyArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let plot = OutputArguments { output: self.plot.clone() };
        plot.probe()?;
        let Question { index, dataset, task, .. } = Question::read(&self.common, &self.task)?;
        if self.plot.is_some() {
            let calibration = index.manifest().calibration.as_ref();
            let picture = calibration.and_then(|c| reliability_plot(c, &source_of(&index)));
            let Some(picture) = picture else {
                anyhow::bail!("this index has no probabilities to draw: too few pairs are known");
            };
            plot.fill(|out| Ok(out.write_all(picture.as_bytes())?))?;
        }
        let n_added = index.manifest().n_added();
        if n_added > 0 {
            complain(&format!(
                "of the rows that were trained on; {n_added} that were added take no part"
            ));
        }
        let report = evaluate_honesty(&index, &dataset, &task)?;
        self.common.write(&index, &honesty_tables(&report))
    }
}
