use std::io::Write;

use phenocopy::Error;
use phenocopy::index::Index;
use phenocopy::network::directed::{DirectedNetwork, DirectedQuery, Effect};
use phenocopy::report::Source;
use phenocopy::report::network::{
    write_directed_graphml, write_directed_overview, write_directed_sif, write_directed_tsv,
};
use phenocopy::search::Query;

use super::super::filter_arguments::picked;
use super::super::output::{command_line, complain, width};
use super::run::{DirectionArgument, NetworkArguments, NetworkFormat};

impl NetworkArguments {
    /// Writes what readout genes respond to which perturbed gene.
    pub(super) fn run_directed(self, format: NetworkFormat) -> anyhow::Result<()> {
        if format == NetworkFormat::Svg {
            let expected = "table, tsv, graphml or sif, with --directed";
            return Err(Error::parameter("format", expected, "svg").into());
        }
        self.output.probe()?;
        let index = self.index.open()?;
        let network = index.directed_network(&DirectedQuery {
            types: self.types.clone(),
            rows: picked(&index, &self.genes, "--genes")?,
            context: self.asked_context(),
            max_q: self.max_q,
            effect: match self.direction {
                DirectionArgument::Raises => Some(Effect::Raises),
                DirectionArgument::Lowers => Some(Effect::Lowers),
                _ => None,
            },
        })?;
        let network = self.narrow_directed(&index, network)?;
        if network.edges.is_empty() {
            let n_tested: u64 = network.tested.iter().map(|kind| kind.n_tested).sum();
            let q = self.max_q;
            complain(&format!(
                "of {n_tested} pairs none that is asked for is an edge up to q {q}; a larger --max-q shows the nearest"
            ));
        }
        let source = Source::of(&index, command_line());
        self.output.fill(|out| write(out, format, &network, (&source, self.k)))
    }

    /// Narrows a network to the edges that start or end at the names asked for.
    fn narrow_directed(
        &self,
        index: &Index,
        network: DirectedNetwork,
    ) -> anyhow::Result<DirectedNetwork> {
        if self.around.is_empty() {
            return Ok(network);
        }
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for name in &self.around {
            let target = index.readout_names().position(name);
            match (index.picklist(std::slice::from_ref(name)), target) {
                (Ok(picked), _) => rows.extend(picked.rows.iter()),
                // The error of a name that nothing has suggests others.
                (Err(_), None) => rows.push(index.resolve(&Query::new(name))?),
                (Err(_), Some(_)) => {}
            }
            targets.extend(target);
        }
        Ok(network.around(&rows, &targets))
    }

    #[cfg(feature = "train")]
    fn asked_context(&self) -> Option<String> {
        self.context.clone()
    }

    #[cfg(not(feature = "train"))]
    fn asked_context(&self) -> Option<String> {
        None
    }
}

fn write(
    out: &mut (dyn Write + Send),
    format: NetworkFormat,
    network: &DirectedNetwork,
    (source, k): (&Source, usize),
) -> anyhow::Result<()> {
    match format {
        NetworkFormat::Tsv => write_directed_tsv(out, network, &source.fingerprint)?,
        NetworkFormat::Graphml => write_directed_graphml(out, network, source)?,
        NetworkFormat::Sif => write_directed_sif(out, network)?,
        NetworkFormat::Table | NetworkFormat::Svg => {
            write_directed_overview(out, network, source, (k, width()))?;
        }
    }
    Ok(())
}
