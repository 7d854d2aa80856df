use super::community::{Community, communities};
use super::edge::{Edge, EdgeChoice, Tested, edges, keep_mutual, test};
use super::enrichment::{classes, shared_mechanisms};
use super::null::{PairNull, Standard, stratum};
use super::space::NetworkSpace;
use super::support::add_support;
use crate::embedding::RowSet;
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::{Filter, Index, Record};
use crate::search::Direction;

/// What of two perturbations is compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Compared {
    /// The index's vectors.
    #[default]
    Embeddings,
    /// Responses predicted over all contexts.
    Responses,
    /// Responses predicted in one context, whether they were measured there or not; rows that were added after training
    /// have none.
    #[cfg(feature = "train")]
    ResponsesIn(String),
}

impl Compared {
    /// Returns whether rows have it that were added after training.
    fn is_of_added(&self) -> bool {
        match self {
            Self::Embeddings | Self::Responses => true,
            #[cfg(feature = "train")]
            Self::ResponsesIn(_) => false,
        }
    }
}

/// Which perturbations are joined, and when.
///
/// ```
/// use phenocopy::index::Index;
/// use phenocopy::network::NetworkQuery;
///
/// let index = Index::open("index/cancer-viability")?;
/// let network = index.network(&NetworkQuery { mutual: Some(5), ..NetworkQuery::default() })?;
/// for (edge, [a, b]) in network.joined().take(10) {
///     println!("{} {} {:.3} {:.2e}", a.record.name(), b.record.name(), edge.similarity, edge.q_value);
/// }
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkQuery {
    /// Types of the nodes; empty for all genetic ones.
    pub types: Vec<PerturbationType>,
    /// Only pairs of these rows are tested; chance is learnt from all of the types.
    pub rows: Option<RowSet>,
    /// What is compared.
    pub compared: Compared,
    /// Largest q-value of an edge; 1 keeps all pairs.
    pub max_q: f64,
    /// Least absolute similarity of an edge.
    pub min_similarity: f32,
    /// Only edges of which each end is among the other's so many strongest.
    pub mutual: Option<usize>,
    /// Pairs that act alike, against each other, or both.
    pub direction: Direction,
    /// Resolution of the communities: higher ones are smaller.
    pub resolution: f64,
    /// Seed of the communities.
    pub seed: u64,
}

impl Default for NetworkQuery {
    /// Genes by their vectors, q up to .05, either sign, communities of resolution 1 with seed 17.
    fn default() -> Self {
        Self {
            types: Vec::new(),
            rows: None,
            compared: Compared::default(),
            max_q: 0.05,
            min_similarity: 0.0,
            mutual: None,
            direction: Direction::Both,
            resolution: 1.0,
            seed: 17,
        }
    }
}

/// One perturbation of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkNode {
    /// Its row in the index.
    pub row: u32,
    /// What the index knows of it.
    pub record: Record,
    /// How many edges it has.
    pub degree: usize,
    /// Its community, the largest is 0; none where it is in none of three nodes or more.
    pub community: Option<usize>,
}

/// One kind of pairs, and what chance is among them.
#[derive(Debug, Clone, PartialEq)]
pub struct PairSummary {
    /// The sides of the ends.
    pub sides: [Side; 2],
    /// Pairs tested.
    pub n_tested: u64,
    /// Pairs that became edges.
    pub n_edges: usize,
    /// What scores pairs have by chance; none of too few.
    pub null: Option<PairNull>,
}

/// Perturbations that act alike, and the groups they form.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// All nodes, those without edges too, in the order of the index's rows.
    pub nodes: Vec<NetworkNode>,
    /// The edges, those that are least due to chance first.
    pub edges: Vec<Edge>,
    /// The largest first.
    pub communities: Vec<Community>,
    /// What was tested.
    pub tested: Vec<PairSummary>,
}

impl Network {
    /// Returns the edges with the nodes that they join, those that are least due to chance first.
    pub fn joined(&self) -> impl Iterator<Item = (&Edge, [&NetworkNode; 2])> {
        self.edges.iter().filter_map(|edge| {
            Some((edge, [self.nodes.get(edge.nodes.0)?, self.nodes.get(edge.nodes.1)?]))
        })
    }

    /// Tells each node its community's number.
    pub(super) fn number_communities(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.community = None);
        for (number, community) in self.communities.iter().enumerate() {
            for at in &community.nodes {
                if let Some(node) = self.nodes.get_mut(*at) {
                    node.community = Some(number);
                }
            }
        }
    }

    /// Returns the members of a community.
    pub fn members(&self, community: &Community) -> impl Iterator<Item = &NetworkNode> {
        community.nodes.iter().filter_map(|at| self.nodes.get(*at))
    }
}

impl Index {
    /// Joins perturbations that act alike. Costs O(n² · dim) on all cores, memory for the edges and O(n · dim).
    ///
    /// # Errors
    /// When fewer than two perturbations are chosen, the index cannot tell what is to be compared, or pairs are too few to
    /// know chance and not all are wanted.
    pub fn network(&self, query: &NetworkQuery) -> Result<Network> {
        let rows = self.network_rows(query)?;
        let records: Vec<Record> =
            rows.iter().map(|row| self.record(*row)).collect::<Result<_>>()?;
        let space = self.network_space(&rows, &query.compared)?;
        let is_chosen = |row: &u32| query.rows.as_ref().is_none_or(|chosen| chosen.contains(*row));
        let chosen: Vec<bool> = rows.iter().map(is_chosen).collect();
        if chosen.iter().filter(|is_chosen| **is_chosen).count() < 2 {
            let advice = "name at least two perturbations of the types asked for";
            return Err(Error::data("the network", "it has fewer than two nodes", advice));
        }
        let standard = Standard::new(&space);
        let tested = test(&space, &standard, &chosen);
        if query.max_q < 1.0 && tested.iter().all(|kind| kind.null.is_none()) {
            let problem = format!("{} perturbations make too few pairs to know chance", rows.len());
            let advice =
                "choose more types, or keep edges by similarity: max-q 1 and a min-similarity";
            return Err(Error::data("the network", problem, advice));
        }
        let choice = EdgeChoice {
            max_q: query.max_q,
            min_similarity: query.min_similarity,
            direction: query.direction,
        };
        let mut found = edges(&space, &standard, (&chosen, &tested), choice);
        if let Some(k) = query.mutual {
            found = keep_mutual(found, k, &space);
        }
        if query.compared == Compared::Embeddings {
            add_support(self, &space, &rows, &mut found);
        }
        let groups = communities(rows.len(), &found, query.resolution, query.seed)?;
        let shared = shared_mechanisms(&space, &classes(&records), &groups);
        let tested = summarise(&space, tested, &found);
        Ok(join((rows, records, &chosen), found, (groups, shared), tested))
    }

    /// Returns the rows of types, of all genetic ones if none is named, that have what is compared: those that were added
    /// after training have no response in a single context.
    fn network_rows(&self, query: &NetworkQuery) -> Result<Vec<u32>> {
        let rows: Vec<u32> = if query.types.is_empty() {
            self.range(Side::Genetic).map(|row| row as u32).collect()
        } else {
            let filter = Filter { types: query.types.clone(), ..Filter::default() };
            self.metadata().rows_passing(&filter)?.iter().collect()
        };
        let has_it = |row: &u32| query.compared.is_of_added() || !self.is_added(*row);
        Ok(rows.into_iter().filter(has_it).collect())
    }

    /// Returns what is compared of rows, whitened.
    ///
    /// # Errors
    /// When the index does not hold it, or has none of a row.
    pub fn network_space(&self, rows: &[u32], compared: &Compared) -> Result<NetworkSpace> {
        let is_chemical = |row: &u32| self.range(Side::Chemical).contains(&(*row as usize));
        let side = |row| if is_chemical(row) { Side::Chemical } else { Side::Genetic };
        let sides: Vec<Side> = rows.iter().map(side).collect();
        let vectors: Vec<f32> = match compared {
            Compared::Embeddings => {
                rows.iter().flat_map(|row| self.vector(*row)).copied().collect()
            }
            Compared::Responses => {
                let responses: Option<Vec<&[f32]>> =
                    rows.iter().map(|row| self.response(*row)).collect();
                responses.ok_or_else(no_responses)?.concat()
            }
            #[cfg(feature = "train")]
            Compared::ResponsesIn(context) => {
                let responses = crate::search::ContextResponses::open(self)?;
                let responses = responses.ok_or_else(no_responses)?;
                let mut vectors = Vec::new();
                for row in rows {
                    let response = responses.response_in(&self.record(*row)?, context)?;
                    vectors.extend(response.into_iter().map(|value| value as f32));
                }
                vectors
            }
        };
        let dim = vectors.len().checked_div(rows.len()).unwrap_or_default();
        NetworkSpace::whitened(&vectors, dim, sides)
    }
}

fn no_responses() -> Error {
    let advice =
        "compare embeddings, or build an index with `phenocopy build` and the default head";
    Error::data("the network", "the index holds no model that predicts such responses", advice)
}

/// Says of each kind of pairs what was tested and what came of it.
fn summarise(space: &NetworkSpace, tested: [Tested; 3], edges: &[Edge]) -> Vec<PairSummary> {
    let sides = [[Side::Chemical; 2], [Side::Chemical, Side::Genetic], [Side::Genetic; 2]];
    let tested = sides.into_iter().zip(tested).filter(|(_, kind)| kind.n_pairs > 0);
    let summary = |(sides, kind): ([Side; 2], Tested)| PairSummary {
        sides,
        n_tested: kind.n_pairs,
        n_edges: n_between(space, edges, sides),
        null: kind.null,
    };
    tested.map(summary).collect()
}

fn n_between(space: &NetworkSpace, edges: &[Edge], sides: [Side; 2]) -> usize {
    let wanted = stratum(sides[0], sides[1]);
    let is_between =
        |edge: &&Edge| stratum(space.sides[edge.nodes.0], space.sides[edge.nodes.1]) == wanted;
    edges.iter().filter(is_between).count()
}

/// Puts a network together of the rows that were chosen.
fn join(
    (rows, records, chosen): (Vec<u32>, Vec<Record>, &[bool]),
    mut edges: Vec<Edge>,
    (groups, shared): (Vec<Vec<usize>>, Vec<Vec<super::SharedMechanism>>),
    tested: Vec<PairSummary>,
) -> Network {
    let mut places = vec![0; rows.len()];
    let mut nodes = Vec::new();
    for (at, (row, record)) in rows.into_iter().zip(records).enumerate() {
        places[at] = nodes.len();
        if chosen[at] {
            nodes.push(NetworkNode { row, record, degree: 0, community: None });
        }
    }
    for edge in &mut edges {
        edge.nodes = (places[edge.nodes.0], places[edge.nodes.1]);
        nodes[edge.nodes.0].degree += 1;
        nodes[edge.nodes.1].degree += 1;
    }
    let community = |(group, mechanisms): (Vec<usize>, _)| Community {
        nodes: group.into_iter().map(|at| places[at]).collect(),
        mechanisms,
    };
    let communities = groups.into_iter().zip(shared).map(community).collect();
    let mut network = Network { nodes, edges, communities, tested };
    network.number_communities();
    network
}
