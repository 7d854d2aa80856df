use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::evaluation::RetrievalReport;
use super::half::Half;
use super::task::RetrievalTask;
use crate::dataset::Dataset;

/// Groups of fewer queries are left out: one compound more or less would move their figures by a fifth and more.
pub const MIN_GROUP_QUERIES: usize = 5;
/// With fewer target genes no interval is given: drawing one gene again and again finds no spread at all. Even of normal
/// figures a percentile interval of five clusters covers only 84 %, of ten 90 % (`P(|t| < 1.96 √(1 − 1/n))`), for 95 %.
pub const MIN_INTERVAL_GENES: usize = 5;

/// What parts the queries of a retrieval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// The contexts a compound was measured in; it counts in each.
    Assay,
    /// The mechanism classes a compound is annotated with; it counts in each.
    Mechanism,
    /// The half of the genes its targets are of ([`Half`]).
    Half,
}

impl Grouping {
    /// Returns `assay`, `mechanism` or `half`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assay => "assay",
            Self::Mechanism => "mechanism",
            Self::Half => "half",
        }
    }
}

/// Queries that have something in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryGroup {
    /// What they have in common: the assay, the mechanism, the half.
    pub name: String,
    /// Their positions in the task, ascending.
    pub queries: Vec<usize>,
}

/// The queries of a task, parted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryGroups {
    /// What parts them.
    pub grouping: Grouping,
    /// Which queries were parted.
    pub half: Half,
    /// Groups of at least [`MIN_GROUP_QUERIES`]: assays in the dataset's order, mechanisms from the largest on,
    /// those of one size by name.
    pub groups: Vec<QueryGroup>,
    /// How many groups are smaller.
    pub n_small_groups: usize,
    /// How many queries are in no group of those listed.
    pub n_left_out: usize,
    /// How many of these belong to no group of any size.
    pub n_ungrouped: usize,
}

impl QueryGroups {
    /// Parts the queries of a half; `dataset` is the one the task was made from.
    #[must_use]
    pub fn new(grouping: Grouping, task: &RetrievalTask, dataset: &Dataset, half: Half) -> Self {
        let members = task.queries_in(half);
        let all = match grouping {
            Grouping::Assay => by_assay(task, dataset, &members),
            Grouping::Mechanism => by_mechanism(task, dataset, &members),
            Grouping::Half => by_half(task, &members),
        };
        let n_outside = |groups: &[QueryGroup]| {
            let is_in = |query: &usize| groups.iter().any(|g| g.queries.contains(query));
            members.iter().filter(|query| !is_in(query)).count()
        };
        let n_ungrouped = n_outside(&all);
        let (groups, small): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|group| group.queries.len() >= MIN_GROUP_QUERIES);
        let (n_small_groups, n_left_out) = (small.len(), n_outside(&groups));
        Self { grouping, half, groups, n_small_groups, n_left_out, n_ungrouped }
    }
}

/// Contexts without a query are no groups.
fn by_assay(task: &RetrievalTask, dataset: &Dataset, members: &[usize]) -> Vec<QueryGroup> {
    let mut of_row: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for key in dataset.profiles.keys() {
        of_row.entry(key.perturbation).or_default().push(key.context);
    }
    let is_in = |query: usize, context: u32| {
        of_row.get(&task.queries()[query].row).is_some_and(|own| own.contains(&context))
    };
    let group = |(context, name): (u32, &crate::experiment::Context)| {
        let queries = members.iter().copied().filter(|query| is_in(*query, context)).collect();
        QueryGroup { name: name.0.clone(), queries }
    };
    let groups = (0..).zip(&dataset.contexts).map(group);
    groups.filter(|group| !group.queries.is_empty()).collect()
}

fn by_mechanism(task: &RetrievalTask, dataset: &Dataset, members: &[usize]) -> Vec<QueryGroup> {
    let mut of_mechanism: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for query in members {
        let annotation = dataset.annotations.get(task.queries()[*query].row as usize);
        for moa in annotation.iter().flat_map(|annotation| &annotation.moas) {
            let queries = of_mechanism.entry(&moa.0).or_default();
            // An annotation may name a mechanism twice.
            if queries.last() != Some(query) {
                queries.push(*query);
            }
        }
    }
    let groups = of_mechanism.into_iter();
    let mut groups: Vec<QueryGroup> =
        groups.map(|(name, queries)| QueryGroup { name: name.to_owned(), queries }).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.queries.len()));
    groups
}

fn by_half(task: &RetrievalTask, members: &[usize]) -> Vec<QueryGroup> {
    let group = |half: Half| {
        let queries = task.queries_in(half).into_iter().filter(|query| members.contains(query));
        QueryGroup { name: half.as_str().to_owned(), queries: queries.collect() }
    };
    let groups = [Half::Even, Half::Odd].map(group).into_iter();
    groups.filter(|group| !group.queries.is_empty()).collect()
}

/// The retrieval protocol's outcome group by group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupedReport {
    /// What was parted, and what was left out.
    pub groups: QueryGroups,
    /// One for each of the groups, in their order.
    pub results: Vec<GroupResult>,
}

/// The outcome on the queries of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupResult {
    /// How many different genes of the panel are targets of the group's queries.
    pub n_genes: usize,
    /// Every method and every paired difference on these queries alone.
    pub report: RetrievalReport,
}

impl GroupResult {
    /// Returns whether the intervals are of enough target genes ([`MIN_INTERVAL_GENES`]) to be shown.
    #[must_use]
    pub fn has_intervals(&self) -> bool {
        self.n_genes >= MIN_INTERVAL_GENES
    }
}
