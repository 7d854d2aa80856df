use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use phenocopy::Error;
use phenocopy::experiment::PerturbationType;
use phenocopy::index::Index;
use phenocopy::network::{Compared, Network, NetworkQuery};
use phenocopy::report::Source;
use phenocopy::report::network::{
    network_picture, write_communities_tsv, write_edges_tsv, write_graphml, write_network_overview,
    write_nodes_tsv, write_sif,
};
use phenocopy::search::{Direction, Query};

use super::super::IndexArgument;
use super::super::filter_arguments::{perturbation_type, picked};
use super::super::output::{Form, OutputArguments, command_line, complain, width};

/// Which perturbations are joined, and the form of the network.
#[derive(Debug, Args)]
#[command(
    after_help = "Vectors are whitened first, as in co-essentiality studies. Chance is learnt from all pairs of the types, \
    whichever genes are chosen. Without -o an overview is shown.\n\nExamples:\n  phenocopy network -o edges.tsv\n  \
    phenocopy network --around SMARCB1 --around ARID1A -o complex.svg\n  \
    phenocopy network --genes genes.txt --max-q .1 -o edges.graphml\n  \
    phenocopy network --type trt_xpr --type trt_cp --mutual 10 -o edges.tsv --communities groups.tsv\n  \
    phenocopy network --directed --index l1000-index -o directed.tsv"
)]
pub(crate) struct NetworkArguments {
    /// Edges from a perturbation to the readout genes that respond to it, where readouts are genes
    #[arg(
        long,
        conflicts_with_all =
            ["compare", "min_similarity", "mutual", "resolution", "seed", "nodes", "communities"]
    )]
    pub(super) directed: bool,
    /// Only pairs of what a file names (with --directed: what it perturbs): one a line (text, GRP), or columns of a table
    /// (CSV, TSV, Parquet); repeatable
    #[arg(long = "genes", visible_alias = "picklist", value_name = "FILE[:COLUMN]")]
    pub(super) genes: Vec<String>,
    /// Only what lies within one edge of this gene or compound; repeatable
    #[arg(long, value_name = "NAME")]
    pub(super) around: Vec<String>,
    /// Types of the nodes (trt_xpr, trt_cp, …); repeatable [default: all genetic ones]
    #[arg(long = "type", value_name = "TYPE", value_parser = perturbation_type)]
    pub(super) types: Vec<PerturbationType>,
    /// What is compared: the index's vectors, or responses predicted over all contexts
    #[arg(long, value_enum, default_value_t = ComparedArgument::Embeddings, value_name = "WHAT")]
    compare: ComparedArgument,
    /// Compare responses predicted in this context, whether they were measured there or not
    #[cfg(feature = "train")]
    #[arg(long, value_name = "NAME", conflicts_with = "compare")]
    pub(super) context: Option<String>,
    #[command(flatten)]
    pub(super) index: IndexArgument,
    /// Largest q-value of an edge, over all pairs tested; 1 keeps all
    #[arg(long, default_value_t = 0.05, value_name = "Q")]
    pub(super) max_q: f64,
    /// Least absolute similarity of an edge
    #[arg(long, default_value_t = 0.0, value_name = "S")]
    min_similarity: f32,
    /// Only edges of which each end is among the other's N strongest
    #[arg(long, value_name = "N")]
    mutual: Option<usize>,
    /// Pairs that act alike or against each other; with --directed, readouts that rise or that fall
    #[arg(long, value_enum, default_value_t = DirectionArgument::Both)]
    pub(super) direction: DirectionArgument,
    /// Resolution of the communities: higher ones are smaller
    #[arg(long, default_value_t = 1.0, value_name = "R")]
    resolution: f64,
    /// Seed of the communities
    #[arg(long, default_value_t = 17, value_name = "N")]
    seed: u64,
    /// How many edges the overview shows
    #[arg(short, default_value_t = 20, value_name = "N")]
    pub(super) k: usize,
    /// Form of the network [default: by the ending of -o, else table]
    #[arg(long, value_enum)]
    format: Option<NetworkFormat>,
    #[command(flatten)]
    pub(super) output: OutputArguments,
    /// Also write the nodes (TSV)
    #[arg(long, value_name = "FILE")]
    nodes: Option<PathBuf>,
    /// Also write the communities and what their members share (TSV)
    #[arg(long, value_name = "FILE")]
    communities: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ComparedArgument {
    Embeddings,
    Responses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DirectionArgument {
    Mimic,
    Oppose,
    Raises,
    Lowers,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum NetworkFormat {
    /// An overview for reading
    Table,
    /// Edges as tab-separated values with a header
    Tsv,
    /// GraphML, for networkx, igraph, Cytoscape or Gephi
    Graphml,
    /// Cytoscape's simple interaction format
    Sif,
    /// A picture of up to 300 nodes
    Svg,
}

impl Form for NetworkFormat {
    const ENDINGS: &'static [(&'static str, Self)] = &[
        ("tsv", Self::Tsv),
        ("graphml", Self::Graphml),
        ("sif", Self::Sif),
        ("svg", Self::Svg),
        ("txt", Self::Table),
    ];
    const WITHOUT: Self = Self::Table;
}

impl NetworkArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        self.check()?;
        let format = self.output.form(self.format)?;
        if self.directed {
            return self.run_directed(format);
        }
        let others =
            [&self.nodes, &self.communities].map(|path| OutputArguments { output: path.clone() });
        self.output.probe()?;
        others.iter().try_for_each(OutputArguments::probe)?;
        let index = self.index.open()?;
        let network = self.network(&index)?;
        if network.edges.is_empty() {
            complain(&no_edges(&network, self.max_q));
        }
        let source = Source::of(&index, command_line());
        self.output.fill(|out| write(out, format, &network, (&source, self.k)))?;
        let [nodes, communities] = others;
        if nodes.output.is_some() {
            nodes.fill(|out| Ok(write_nodes_tsv(out, &network, &source.fingerprint)?))?;
        }
        if communities.output.is_some() {
            communities
                .fill(|out| Ok(write_communities_tsv(out, &network, &source.fingerprint)?))?;
        }
        Ok(())
    }

    /// Refuses what cannot be meant before work is done for it.
    fn check(&self) -> phenocopy::Result<()> {
        if !(self.max_q > 0.0 && self.max_q <= 1.0) {
            return Err(Error::parameter("max-q", "above 0, at most 1", self.max_q));
        }
        if !(0.0..=1.0).contains(&self.min_similarity) {
            return Err(Error::parameter("min-similarity", "0 to 1", self.min_similarity));
        }
        let others = [&self.nodes, &self.communities].map(Option::as_deref);
        let files = [self.output.file(), others[0], others[1]];
        for (at, file) in files.into_iter().enumerate() {
            let Some(file) = file else { continue };
            if files[..at].contains(&Some(file)) || file == Path::new("-") {
                let expected = "another file for each of -o, --nodes and --communities";
                return Err(Error::parameter("output", expected, file.display()));
            }
        }
        self.check_direction()?;
        if self.mutual == Some(0) {
            return Err(Error::parameter("mutual", "at least 1", 0));
        }
        Ok(())
    }

    /// A pair has no target, and a target is not alike.
    fn check_direction(&self) -> phenocopy::Result<()> {
        use DirectionArgument::{Lowers, Mimic, Oppose, Raises};
        let expected = match (self.directed, self.direction) {
            (true, Mimic | Oppose) => "raises, lowers or both, with --directed",
            (false, Raises | Lowers) => "mimic, oppose or both, without --directed",
            _ => return Ok(()),
        };
        let received = format!("{:?}", self.direction).to_lowercase();
        Err(Error::parameter("direction", expected, received))
    }

    fn network(&self, index: &Index) -> anyhow::Result<Network> {
        let network = index.network(&NetworkQuery {
            types: self.types.clone(),
            rows: picked(index, &self.genes, "--genes")?,
            compared: self.compared(),
            max_q: self.max_q,
            min_similarity: self.min_similarity,
            mutual: self.mutual,
            direction: match self.direction {
                DirectionArgument::Mimic => Direction::Mimic,
                DirectionArgument::Oppose => Direction::Oppose,
                _ => Direction::Both,
            },
            resolution: self.resolution,
            seed: self.seed,
        })?;
        self.narrow(index, network)
    }

    /// Narrows a network to what lies around the names asked for.
    fn narrow(&self, index: &Index, network: Network) -> anyhow::Result<Network> {
        let mut centres = Vec::new();
        for name in &self.around {
            let perturbation_type = if let [one] = self.types[..] { Some(one) } else { None };
            let row = index.resolve(&Query { perturbation_type, ..Query::new(name) })?;
            if !network.nodes.iter().any(|node| node.row == row) {
                let what = format!("`{name}`");
                let advice = match index.is_added(row) {
                    true => {
                        "it was added after training: leave out --context, and name its type with --type"
                    }
                    false => "name its type with --type, and it in --genes if that is given",
                };
                return Err(Error::data(what, "it is no node of this network", advice).into());
            }
            centres.push(row);
        }
        Ok(if centres.is_empty() { network } else { network.around(&centres) })
    }

    #[cfg(feature = "train")]
    fn compared(&self) -> Compared {
        match (&self.context, self.compare) {
            (Some(context), _) => Compared::ResponsesIn(context.clone()),
            (None, ComparedArgument::Embeddings) => Compared::Embeddings,
            (None, ComparedArgument::Responses) => Compared::Responses,
        }
    }

    #[cfg(not(feature = "train"))]
    fn compared(&self) -> Compared {
        match self.compare {
            ComparedArgument::Embeddings => Compared::Embeddings,
            ComparedArgument::Responses => Compared::Responses,
        }
    }
}

fn write(
    out: &mut (dyn Write + Send),
    format: NetworkFormat,
    network: &Network,
    (source, k): (&Source, usize),
) -> anyhow::Result<()> {
    match format {
        NetworkFormat::Table => write_network_overview(out, network, source, (k, width()))?,
        NetworkFormat::Tsv => write_edges_tsv(out, network, &source.fingerprint)?,
        NetworkFormat::Graphml => write_graphml(out, network, source)?,
        NetworkFormat::Sif => write_sif(out, network)?,
        NetworkFormat::Svg => {
            let picture = network_picture(network, source).ok_or_else(|| {
                let expected = "1 to 300 nodes with edges (--around NAME, --genes FILE)";
                let n_joined = network.nodes.iter().filter(|node| node.degree > 0).count();
                Error::parameter("format svg", expected, n_joined)
            })?;
            out.write_all(picture.as_bytes())?;
        }
    }
    Ok(())
}

fn no_edges(network: &Network, max_q: f64) -> String {
    let n_tested: u64 = network.tested.iter().map(|kind| kind.n_tested).sum();
    let n_edges: usize = network.tested.iter().map(|kind| kind.n_edges).sum();
    if n_edges > 0 {
        return "no edge leads to what --around names; a larger --max-q shows the nearest"
            .to_owned();
    }
    format!(
        "none of {n_tested} pairs is an edge up to q {max_q}; a larger --max-q shows the nearest"
    )
}
