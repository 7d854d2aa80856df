use super::edge::{DirectedEdge, Effect, Scored};
use super::responses::ResponseMatrix;
use super::support::add_support;
use crate::embedding::RowSet;
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::{Filter, Index, Record};
use crate::network::edge::Tested;
use crate::network::null::PairNull;
use crate::search::PredictedResponses;

/// Which responses become edges.
///
/// ```no_run
/// use phenocopy::index::Index;
/// use phenocopy::network::directed::DirectedQuery;
///
/// let index = Index::open("l1000-index")?;
/// let network = index.directed_network(&DirectedQuery::default())?;
/// for (edge, source, target) in network.joined().take(10) {
///     let symbol = source.record.perturbation.symbol();
///     println!("{symbol} {} {} {:.2e}", edge.effect().as_str(), target.symbol, edge.q_value);
/// }
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedQuery {
    /// Types of the perturbations; empty for all genetic ones.
    pub types: Vec<PerturbationType>,
    /// Only responses to these rows are tested; chance is learnt from all of the types.
    pub rows: Option<RowSet>,
    /// The context that responses are predicted in; none for their averages over all.
    pub context: Option<String>,
    /// Largest q-value of an edge; 1 keeps all pairs.
    pub max_q: f64,
    /// Only readouts that rise, or that fall; none for both.
    pub effect: Option<Effect>,
}

impl Default for DirectedQuery {
    /// All genetic perturbations, averages over contexts, q up to .05, either sign.
    fn default() -> Self {
        Self { types: Vec::new(), rows: None, context: None, max_q: 0.05, effect: None }
    }
}

/// A perturbation whose responses were tested.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedSource {
    /// Its row in the index.
    pub row: u32,
    /// What the index knows of it.
    pub record: Record,
    /// How many readouts respond to it.
    pub n_targets: usize,
}

/// A readout gene.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectedTarget {
    /// As in the model.
    pub symbol: String,
    /// As people call it.
    pub name: String,
    /// How many perturbations it responds to.
    pub n_sources: usize,
}

/// The perturbations of one type, and what chance is among their responses.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedSummary {
    /// The type.
    pub perturbation_type: PerturbationType,
    /// Pairs tested: of a perturbation with a readout that is not its own gene.
    pub n_tested: u64,
    /// Pairs that became edges, those of a gene with itself left out.
    pub n_edges: usize,
    /// What scores responses have by chance; none of too few.
    pub null: Option<PairNull>,
    /// What perturbed genes do to themselves.
    pub own: SelfResponses,
}

/// Whether perturbed genes respond as they must: over-expression raises its gene, a knock-down lowers it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SelfResponses {
    /// Perturbed genes that are readouts.
    pub n: usize,
    /// Those that respond in the expected direction; half of them do by chance.
    pub n_expected: usize,
    /// Those of them with p ≤ .05.
    pub n_clear: usize,
}

/// Perturbations and the readout genes that respond to them.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedNetwork {
    /// The perturbations tested, those without edges too, in the order of the index's rows.
    pub sources: Vec<DirectedSource>,
    /// All readouts, in the order of the index's responses.
    pub targets: Vec<DirectedTarget>,
    /// The edges, those that are least due to chance first.
    pub edges: Vec<DirectedEdge>,
    /// What was tested, by type.
    pub tested: Vec<DirectedSummary>,
}

impl DirectedNetwork {
    /// Returns the edges with what they join, those that are least due to chance first.
    pub fn joined(
        &self,
    ) -> impl Iterator<Item = (&DirectedEdge, &DirectedSource, &DirectedTarget)> {
        self.edges.iter().filter_map(|edge| {
            Some((edge, self.sources.get(edge.source)?, self.targets.get(edge.target)?))
        })
    }

    /// Returns the edges that start at one of some rows or end at one of some readouts (positions); what was tested stays.
    #[must_use]
    pub fn around(&self, rows: &[u32], targets: &[usize]) -> Self {
        let mut part = self.clone();
        let is_near = |edge: &DirectedEdge| {
            let row = self.sources.get(edge.source).map(|source| source.row);
            row.is_some_and(|row| rows.contains(&row)) || targets.contains(&edge.target)
        };
        part.edges.retain(is_near);
        part.count_ends();
        part
    }

    fn count_ends(&mut self) {
        self.sources.iter_mut().for_each(|source| source.n_targets = 0);
        self.targets.iter_mut().for_each(|target| target.n_sources = 0);
        for edge in &self.edges {
            if let Some(source) = self.sources.get_mut(edge.source) {
                source.n_targets += 1;
            }
            if let Some(target) = self.targets.get_mut(edge.target) {
                target.n_sources += 1;
            }
        }
    }
}

impl Index {
    /// Finds the readout genes that respond to perturbed genes. Costs O(perturbations × readouts), in time and memory.
    ///
    /// # Errors
    /// When the readouts are no genes, the index holds no responses or cannot predict in the context, none of the types or
    /// rows is there, or pairs are too few to know chance and not all are wanted.
    pub fn directed_network(&self, query: &DirectedQuery) -> Result<DirectedNetwork> {
        self.require_gene_readouts()?;
        let (mut sources, matrix, targets) = self.directed_responses(query)?;
        let own: Vec<Vec<usize>> =
            sources.iter().map(|source| self.own_readouts(&source.record)).collect();
        let is_chosen =
            |source: &DirectedSource| query.rows.as_ref().is_none_or(|r| r.contains(source.row));
        let chosen: Vec<bool> = sources.iter().map(is_chosen).collect();
        if !chosen.contains(&true) {
            let advice = "name at least one perturbation of the types asked for";
            return Err(Error::data("the network", "it has no perturbation", advice));
        }
        let scores = matrix.scores();
        let scored = Scored { matrix: &matrix, scores, own: &own, chosen: &chosen };
        let tested = scored.test();
        if query.max_q < 1.0 && tested.iter().all(|(_, tested)| tested.null.is_none()) {
            let problem = format!("responses to {} perturbations do not tell chance", chosen.len());
            let advice = "choose types with more of them, or all pairs with max-q 1";
            return Err(Error::data("the network", problem, advice));
        }
        let (mut edges, summaries) = choose(&scored, tested, query);
        add_support(self, &sources, &mut edges)?;
        let mut places = vec![0; sources.len()];
        let mut n_kept = 0;
        for (place, is_chosen) in places.iter_mut().zip(&chosen) {
            (*place, n_kept) = (n_kept, n_kept + usize::from(*is_chosen));
        }
        edges.iter_mut().for_each(|edge| edge.source = places[edge.source]);
        let mut is_kept = chosen.iter().copied();
        sources.retain(|_| is_kept.next().unwrap_or_default());
        let mut network = DirectedNetwork { sources, targets, edges, tested: summaries };
        network.count_ends();
        Ok(network)
    }

    /// Refuses an index whose readouts are cell lines: they are read by symbol, and no symbol tells a gene.
    fn require_gene_readouts(&self) -> Result<()> {
        let recipe = self.manifest().recipe.as_ref();
        if recipe.is_some_and(crate::dataset::Recipe::reads_genes) {
            return Ok(());
        }
        let problem = match recipe {
            Some(recipe) => format!(
                "its readouts are of the kind `{}`: no gene is both perturbed and read out",
                recipe.readout_kind
            ),
            None => "no recipe says that its readouts are genes".to_owned(),
        };
        let advice = "take an index of transcriptomes (its recipe says readout = \"gene\"); \
                      pairs that act alike need no --directed";
        Err(Error::data(format!("index `{}`", self.manifest().name), problem, advice))
    }

    /// Returns the perturbations of the types, their predicted responses, and the readouts.
    fn directed_responses(
        &self,
        query: &DirectedQuery,
    ) -> Result<(Vec<DirectedSource>, ResponseMatrix, Vec<DirectedTarget>)> {
        let responses = match &query.context {
            #[cfg(feature = "train")]
            Some(context) => PredictedResponses::in_context(self, context)?,
            #[cfg(not(feature = "train"))]
            Some(context) => {
                let expected = "none in a program without the feature `train`";
                return Err(Error::parameter("context", expected, context));
            }
            None => PredictedResponses::averaged(self)?,
        };
        let held = &self.manifest().counts.by_type;
        let is_genetic = |kind: &PerturbationType| {
            kind.side() == Side::Genetic && held.contains_key(kind.cmap_code())
        };
        let types: Vec<PerturbationType> = if query.types.is_empty() {
            PerturbationType::ALL.into_iter().filter(is_genetic).collect()
        } else {
            query.types.clone()
        };
        if types.is_empty() {
            let what = format!("index `{}`", self.manifest().name);
            let advice = "name a type with its perturbations, such as trt_cp";
            return Err(Error::data(what, "no gene is perturbed in it", advice));
        }
        let entries = self.entries(&Filter { types, ..Filter::default() })?;
        let entries = if query.context.is_some() { entries.trained() } else { entries };
        let (mut sources, mut values, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            let entry = entry?;
            values.extend(responses.of(&entry)?);
            kinds.push(entry.record.perturbation.perturbation_type());
            sources.push(DirectedSource { row: entry.row, record: entry.record, n_targets: 0 });
        }
        let target = |(symbol, name)| DirectedTarget { symbol, name, n_sources: 0 };
        let targets: Vec<DirectedTarget> = responses.readouts().into_iter().map(target).collect();
        let matrix = ResponseMatrix::new(values, targets.len(), kinds)?;
        Ok((sources, matrix, targets))
    }

    /// Returns the positions of a perturbation's own genes among the readouts.
    fn own_readouts(&self, record: &Record) -> Vec<usize> {
        let names = self.readout_names();
        let members = record.gene().map(|_| record.perturbation.members()).unwrap_or_default();
        members.into_iter().filter_map(|gene| names.position(gene)).collect()
    }
}

/// Takes the pairs that become edges, those that are least due to chance first, and says what came of each type.
fn choose(
    scored: &Scored<'_>,
    tested: Vec<(PerturbationType, Tested)>,
    query: &DirectedQuery,
) -> (Vec<DirectedEdge>, Vec<DirectedSummary>) {
    let (mut edges, mut summaries) = (Vec::new(), Vec::new());
    for (kind, tested) in tested {
        let mut summary = DirectedSummary {
            perturbation_type: kind,
            n_tested: tested.n_pairs,
            n_edges: 0,
            null: tested.null,
            own: SelfResponses::default(),
        };
        let types = scored.matrix.types().iter().enumerate();
        let rows = types.filter(|(row, own)| **own == kind && scored.chosen[*row]);
        for edge in rows.flat_map(|(row, _)| scored.pairs(row, &tested)) {
            if edge.is_self {
                summary.own.count(&edge, kind);
            }
            let is_wanted = query.effect.is_none_or(|effect| effect == edge.effect());
            // What has no q passes only where all pass.
            if is_wanted && (edge.q_value <= query.max_q || query.max_q >= 1.0) {
                summary.n_edges += usize::from(!edge.is_self);
                edges.push(edge);
            }
        }
        summaries.push(summary);
    }
    edges.sort_by(|a, b| {
        let by_p = a.p_value.total_cmp(&b.p_value).then(b.z.abs().total_cmp(&a.z.abs()));
        by_p.then((a.source, a.target).cmp(&(b.source, b.target)))
    });
    (edges, summaries)
}

impl SelfResponses {
    fn count(&mut self, edge: &DirectedEdge, kind: PerturbationType) {
        let Some(expected) = kind.gene_activity().filter(|_| !edge.z.is_nan()) else { return };
        let is_expected = edge.z * expected > 0.0;
        self.n += 1;
        self.n_expected += usize::from(is_expected);
        self.n_clear += usize::from(is_expected && edge.p_value <= 0.05);
    }
}
