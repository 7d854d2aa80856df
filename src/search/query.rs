use super::hit::RankedBy;
use crate::experiment::{PerturbationType, Side};
use crate::index::Filter;

/// Which side's perturbations can be hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// The other side than the query's: a compound finds genes, a gene finds compounds.
    #[default]
    Across,
    /// Genetic perturbations.
    Genetic,
    /// Compounds.
    Chemical,
    /// Both.
    All,
}

impl Scope {
    /// Returns the sides searched for a query of a side, in row order.
    #[must_use]
    pub fn sides(self, query: Side) -> Vec<Side> {
        match self {
            Self::Across => vec![query.opposite()],
            Self::Genetic => vec![Side::Genetic],
            Self::Chemical => vec![Side::Chemical],
            Self::All => vec![Side::Chemical, Side::Genetic],
        }
    }
}

/// How neighbours are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Via {
    /// By the planner's choice from the rows left after the filter.
    #[default]
    Auto,
    /// By walking the graph.
    Graph,
    /// By comparing with every row.
    Scan,
}

/// Which effect hits have, compared with the query's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Direction {
    /// The same: ranked by similarity.
    #[default]
    Mimic,
    /// The opposite: ranked by response similarity, the lowest first. Vectors that point apart need not mean
    /// opposite effects.
    Oppose,
    /// Either: ranked by response similarity, whichever sign, the largest first.
    Both,
}

impl Direction {
    /// Returns what a search in this direction ranks by.
    #[must_use]
    pub fn ranked_by(self) -> RankedBy {
        match self {
            Self::Mimic => RankedBy::Vectors,
            Self::Oppose | Self::Both => RankedBy::Responses,
        }
    }
}

/// What q-values are corrected for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Correction {
    /// The panel of each query.
    #[default]
    Query,
    /// All pairs of query and panel of a batch.
    Batch,
    /// Nothing: hits are ranked and carry no statistics. On large indexes this is the fastest.
    Skip,
}

/// A search: who is asked for, among whom, and how many.
///
/// ```
/// use phenocopy::search::{Query, Scope};
///
/// let query = Query { k: 5, scope: Scope::All, ..Query::new("venetoclax") };
/// assert_eq!(query.name, "venetoclax");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// A symbol, name, synonym or identifier in the index.
    pub name: String,
    /// The type the name must have; needed when it stands for several.
    pub perturbation_type: Option<PerturbationType>,
    /// Which side is searched.
    pub scope: Scope,
    /// What hits must satisfy.
    pub filter: Filter,
    /// How many hits; more than the panel gives the whole panel.
    pub k: usize,
    /// How neighbours are found; mimics only, opposites are always scanned for.
    pub via: Via,
    /// Which effect hits have.
    pub direction: Direction,
    /// What q-values are corrected for.
    pub correction: Correction,
}

impl Query {
    /// Creates a query for the ten nearest perturbations of the other side.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            perturbation_type: None,
            scope: Scope::default(),
            filter: Filter::default(),
            k: 10,
            via: Via::default(),
            direction: Direction::default(),
            correction: Correction::default(),
        }
    }
}
