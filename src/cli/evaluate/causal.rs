use std::path::PathBuf;

use clap::Args;
use phenocopy::Error;
use phenocopy::dataset::{Dataset, DatasetOptions, HeldOutCells, Recipe, SampleSplit, Split};
use phenocopy::evaluate::causal::{RankedEdges, Responses, baseline_edges};
use phenocopy::evaluate::{Bootstrap, CausalTask, evaluate_causal};
use phenocopy::model::LpmConfig;
use phenocopy::report::{MetricTable, Source, causal_tables};
use phenocopy::table::read_ranked_edges;

use super::super::build::read_config;
use super::super::output::{command_line, complain};
use super::super::progress::spinner;
use super::anew::{predictor, train_without};
use super::arguments::ReportArguments;
use super::network::title;

/// A recipe with single cells, and whose edges are judged.
#[derive(Debug, Args)]
#[command(
    after_help = "The recipe names cells (`.h5ad`, or Parquet with lists) with their `controls`. A table of edges has the columns \
    source (or source_gene, TF, regulator) and target, the strongest first, or a column score (importance, weight), whose \
    absolute value ranks them.\n\n\
    Examples:\n  phenocopy evaluate causal my-perturb-seq.toml --data DIR\n  \
    phenocopy evaluate causal my-perturb-seq.toml --data DIR --network grnboost2.tsv --edges 1000,5000"
)]
pub(crate) struct CausalArguments {
    /// Recipe (TOML) that names the cells, their perturbations and controls
    recipe: PathBuf,
    /// Folder that the recipe's paths start from [default: the recipe's folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many edges each method returns [default: 1000, at most a tenth of the pairs]
    #[arg(long, value_delimiter = ',', value_name = "N")]
    edges: Vec<usize>,
    /// Edges of another method, a table; repeatable
    #[arg(long = "network", value_name = "FILE")]
    networks: Vec<PathBuf>,
    /// Seeds of the ensemble, one model each
    #[arg(long, value_delimiter = ',', default_values_t = [13, 14, 15, 16, 17], value_name = "SEEDS")]
    seeds: Vec<u64>,
    /// Model configuration (TOML); keys left out keep their defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Share of the cells that is held out
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    held_out: f64,
    /// Seed of the draw of held-out cells
    #[arg(long, default_value_t = 17, value_name = "SEED")]
    split_seed: u64,
    /// Genes with fewer held-out cells in a context are left out
    #[arg(long, default_value_t = 10, value_name = "N")]
    min_cells: usize,
    #[command(flatten)]
    report: ReportArguments,
}

impl CausalArguments {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if self.edges.contains(&0) {
            return Err(Error::parameter("edges", "at least 1", 0).into());
        }
        self.report.probe()?;
        self.report.keep(self.networks.iter().chain(&self.config).chain([&self.recipe]))?;
        let recipe = Recipe::read(&self.recipe)?;
        let config =
            self.config.as_deref().map_or_else(|| Ok(LpmConfig::default()), read_config)?;
        config.validate()?;
        let read = |path: &PathBuf| Ok((title(path), read_ranked_edges(path)?));
        let networks = self.networks.iter().map(read).collect::<phenocopy::Result<Vec<_>>>()?;
        let (dataset, cells) = self.read_cells(&recipe)?;
        let tasks = self.tasks(&dataset, &cells)?;
        let find = |task| networks.iter().map(|network| found(network, &dataset, task)).collect();
        let mut ranked: Vec<Vec<RankedEdges>> = tasks.iter().map(find).collect();
        // Before hours of training.
        require_edges(&networks, &ranked)?;
        let learnt = (&dataset, &Split::None);
        let (ensemble, _) = train_without("the held-out cells", learnt, &config, &self.seeds)?;
        let predict = predictor(&dataset, &Split::None, &ensemble)?;
        for (task, methods) in tasks.iter().zip(&mut ranked) {
            let n_most = self.n_edges(task).into_iter().max().unwrap_or_default();
            methods.splice(0..0, baseline_edges(&dataset, task, n_most));
            let edges = Responses::new(&dataset, task, &predict).edges(n_most);
            methods.push(("phenocopy".to_owned(), edges));
        }
        self.report.write(
            &Source { command: command_line(), ..Source::default() },
            &self.evaluate(&tasks, &ranked)?,
        )
    }

    fn read_cells(&self, recipe: &Recipe) -> anyhow::Result<(Dataset, Vec<HeldOutCells>)> {
        let split = SampleSplit { share: self.held_out, seed: self.split_seed };
        let options = DatasetOptions { held_out_cells: Some(split), ..DatasetOptions::default() };
        let data = self.data.as_deref().unwrap_or(recipe.folder());
        let spinner = spinner("reading the cells");
        let read = Dataset::with_held_out_cells(recipe, data, &options);
        spinner.finish_and_clear();
        let (dataset, cells) = read?;
        complain(dataset.report.to_string().trim_end());
        let bytes: usize = cells.iter().map(HeldOutCells::n_bytes).sum();
        complain(&format!("held-out cells take {:.1} MiB", bytes as f64 / f64::from(1 << 20)));
        Ok((dataset, cells))
    }

    /// Compares the cells of each context; one that has too few is left out with a word, unless all have.
    fn tasks<'a>(
        &self,
        dataset: &Dataset,
        cells: &'a [HeldOutCells],
    ) -> phenocopy::Result<Vec<CausalTask<'a>>> {
        let (mut tasks, mut refused) = (Vec::new(), Vec::new());
        for cells in cells {
            match CausalTask::new(dataset, cells, self.min_cells) {
                Ok(task) => tasks.push(task),
                Err(error) => refused.push(error),
            }
        }
        if tasks.is_empty() && !refused.is_empty() {
            return Err(refused.swap_remove(0));
        }
        refused.iter().for_each(|error| complain(&format!("left out: {error}")));
        Ok(tasks)
    }

    /// Returns how many edges are asked for, never more than there are pairs.
    fn n_edges(&self, task: &CausalTask<'_>) -> Vec<usize> {
        const DEFAULT: usize = 1_000;
        match self.edges.as_slice() {
            [] => vec![DEFAULT.min(task.n_pairs().div_ceil(10))],
            asked => asked.iter().map(|n| *n.min(&task.n_pairs())).collect(),
        }
    }

    fn evaluate(
        &self,
        tasks: &[CausalTask<'_>],
        ranked: &[Vec<RankedEdges>],
    ) -> phenocopy::Result<Vec<MetricTable>> {
        let mut tables = Vec::new();
        for at in 0..self.edges.len().max(1) {
            let report = |(task, methods): (&CausalTask<'_>, &Vec<RankedEdges>)| {
                let n_edges = self.n_edges(task).get(at).copied().unwrap_or_default();
                evaluate_causal(task, methods, n_edges, &Bootstrap::default())
            };
            let reports = tasks.iter().zip(ranked).map(report);
            tables.extend(causal_tables(&reports.collect::<phenocopy::Result<Vec<_>>>()?));
        }
        Ok(tables)
    }
}

/// Refuses a table of which no edge is one of a task; `ranked` holds what was found of each table, task by task.
fn require_edges(
    networks: &[(String, Vec<(String, String)>)],
    ranked: &[Vec<RankedEdges>],
) -> phenocopy::Result<()> {
    for (at, (name, edges)) in networks.iter().enumerate() {
        let mut of_network = ranked.iter().filter_map(|found| found.get(at));
        if of_network.all(|(_, found)| found.is_empty()) {
            let problem = format!("none of its {} edges joins two genes of a context", edges.len());
            let advice = "name genes by their symbols, as the cells' readouts are called";
            return Err(Error::data(format!("network `{name}`"), problem, advice));
        }
    }
    Ok(())
}

/// Finds the edges of a table among the genes of a task, and says how many are of other genes.
fn found(
    (name, edges): &(String, Vec<(String, String)>),
    dataset: &Dataset,
    task: &CausalTask<'_>,
) -> RankedEdges {
    let found = task.edges(dataset, edges);
    let (n, n_found) = (edges.len(), found.len());
    if n_found < n {
        let context = task.context();
        complain(&format!(
            "{context}: {n_found} of the {n} edges of `{name}` join two of its genes"
        ));
    }
    (name.clone(), found)
}
