use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::experiment::PerturbationType;

use super::super::bootstrap::{Bootstrap, Clusters, Estimate};
use super::components::component_baseline;
use super::correlation::correlation_baselines;
use super::groups::{GroupResult, GroupedReport, QueryGroup, QueryGroups};
use super::half::Half;
use super::rank_curve::{BestRanks, RankCurve};
use super::ranks::{METRICS, Ranks, Scores, SimilaritySource, random_scores};
use super::task::RetrievalTask;

/// What a method is in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Something the others are compared with.
    Baseline,
    /// Something under test.
    Candidate,
}

/// Methods measured on the same queries.
///
/// ```
/// use phenocopy::evaluate::retrieval::{RetrievalQuery, Role, UnitVectors};
/// use phenocopy::evaluate::{Bootstrap, Half, RetrievalEvaluation, RetrievalTask};
///
/// let queries = vec![RetrievalQuery { row: 0, targets: vec![1] }];
/// let task = RetrievalTask::new(vec![1, 2], vec!["BCL2".into(), "MCL1".into()], queries)?;
/// let vectors = [1.0, 0.0, 0.0, 1.0, 0.6, 0.8];
/// let mut evaluation = RetrievalEvaluation::new(&task);
/// evaluation.add("index", Role::Candidate, &UnitVectors::new(&vectors, 2)?)?;
/// let report = evaluation.report(Half::All, &Bootstrap::default())?;
/// assert_eq!(report.methods.last().map(|method| method.metrics[0].value), Some(1.0));
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug)]
pub struct RetrievalEvaluation<'a> {
    task: &'a RetrievalTask,
    methods: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    name: String,
    role: Role,
    scores: Vec<Scores>,
    best: BestRanks,
}

impl<'a> RetrievalEvaluation<'a> {
    /// Starts with the exact expectation of a random order as the first baseline.
    #[must_use]
    pub fn new(task: &'a RetrievalTask) -> Self {
        let n_panel = task.panel().len();
        let scores = task
            .queries()
            .iter()
            .map(|query| random_scores(n_panel, query.targets.len()))
            .collect();
        let (name, role, best) = ("random".to_owned(), Role::Baseline, BestRanks::Random);
        let random = Method { name, role, scores, best };
        Self { task, methods: vec![random] }
    }

    /// Adds what needs no model: `correlation`, `whitened-correlation` and `gene-components`.
    ///
    /// # Errors
    /// As [`correlation_baselines`] and [`component_baseline`].
    pub fn add_profile_baselines(
        &mut self,
        dataset: &Dataset,
        genetic: PerturbationType,
    ) -> Result<()> {
        let baselines = correlation_baselines(dataset, genetic)?;
        self.add("correlation", Role::Baseline, &baselines.correlation)?;
        self.add("whitened-correlation", Role::Baseline, &baselines.whitened)?;
        self.add("gene-components", Role::Baseline, &component_baseline(dataset, genetic)?)
    }

    /// Ranks the panel by a source's similarities and adds the method.
    ///
    /// # Errors
    /// When the source fails.
    pub fn add(&mut self, name: &str, role: Role, source: &dyn SimilaritySource) -> Result<()> {
        let ranks = Ranks::of(self.task, source)?;
        let (name, best) = (name.to_owned(), BestRanks::of(&ranks));
        self.methods.push(Method { name, role, scores: ranks.scores(), best });
        Ok(())
    }

    /// Estimates every method, and each candidate's paired difference to each baseline, on a half.
    ///
    /// # Errors
    /// When the half holds no query.
    pub fn report(&self, half: Half, bootstrap: &Bootstrap) -> Result<RetrievalReport> {
        self.report_on(half, &self.members(half)?, bootstrap)
    }

    /// Reports on each group by itself; what is drawn in a resample are the target genes of the group's queries.
    ///
    /// # Errors
    /// When a group names a query that the task does not have.
    pub fn report_groups(
        &self,
        groups: QueryGroups,
        bootstrap: &Bootstrap,
    ) -> Result<GroupedReport> {
        let result = |group: &QueryGroup| {
            let report = self.report_on(groups.half, &group.queries, bootstrap)?;
            Ok(GroupResult { n_genes: self.n_target_genes(&group.queries), report })
        };
        let results = groups.groups.iter().map(result).collect::<Result<_>>()?;
        Ok(GroupedReport { groups, results })
    }

    /// Returns, for every method in the order it was added, which share of a half's queries has a target among
    /// the first k genes.
    ///
    /// # Errors
    /// As [`report`](Self::report).
    pub fn rank_curves(&self, half: Half, bootstrap: &Bootstrap) -> Result<Vec<RankCurve>> {
        let members = self.members(half)?;
        let clusters = Clusters::new(bootstrap.clustering, &self.targets(&members)?);
        let curve = |method: &Method| {
            let (shares, hits) = method.best.curve(self.task, &members);
            let hits = bootstrap.estimate(&hits, &clusters)?;
            Ok(RankCurve { name: method.name.clone(), role: method.role, shares, hits })
        };
        self.methods.iter().map(curve).collect()
    }

    fn members(&self, half: Half) -> Result<Vec<usize>> {
        let members = self.task.queries_in(half);
        if members.is_empty() {
            return Err(Error::data(
                "the labels",
                format!("no query belongs to the {} half", half.as_str()),
                "report on all queries",
            ));
        }
        Ok(members)
    }

    fn targets(&self, members: &[usize]) -> Result<Vec<&[u32]>> {
        let queries = self.task.queries();
        let targets = members.iter().map(|at| queries.get(*at).map(AsRef::as_ref));
        targets.collect::<Option<_>>().ok_or_else(|| {
            Error::data(
                "a group of queries",
                format!("it names one beyond the {} of the task", queries.len()),
                "group the queries of this task",
            )
        })
    }

    fn n_target_genes(&self, members: &[usize]) -> usize {
        let targets = members.iter().filter_map(|at| self.task.queries().get(*at));
        targets.flat_map(|query| &query.targets).collect::<BTreeSet<_>>().len()
    }

    fn report_on(
        &self,
        half: Half,
        members: &[usize],
        bootstrap: &Bootstrap,
    ) -> Result<RetrievalReport> {
        let clusters = Clusters::new(bootstrap.clustering, &self.targets(members)?);
        let mut methods = Vec::new();
        for method in &self.methods {
            let metrics = bootstrap.estimate(&method.scores_of(members), &clusters)?;
            methods.push(MethodResult { name: method.name.clone(), role: method.role, metrics });
        }
        Ok(RetrievalReport {
            half,
            n_queries: members.len(),
            n_panel: self.task.panel().len(),
            n_clusters: clusters.len(),
            level: bootstrap.level,
            methods,
            differences: self.differences(members, &clusters, bootstrap)?,
        })
    }

    fn differences(
        &self,
        members: &[usize],
        clusters: &Clusters,
        bootstrap: &Bootstrap,
    ) -> Result<Vec<Difference>> {
        let of_role = |role| self.methods.iter().filter(move |method| method.role == role);
        let mut differences = Vec::new();
        for candidate in of_role(Role::Candidate) {
            for baseline in of_role(Role::Baseline) {
                let (a, b) = (candidate.scores_of(members), baseline.scores_of(members));
                let paired: Vec<Scores> = a.iter().zip(&b).map(|(a, b)| subtract(a, b)).collect();
                differences.push(Difference {
                    candidate: candidate.name.clone(),
                    baseline: baseline.name.clone(),
                    metrics: bootstrap.estimate(&paired, clusters)?,
                });
            }
        }
        Ok(differences)
    }
}

impl Method {
    fn scores_of(&self, members: &[usize]) -> Vec<Scores> {
        members.iter().map(|at| self.scores[*at]).collect()
    }
}

fn subtract(a: &Scores, b: &Scores) -> Scores {
    std::array::from_fn(|metric| a[metric] - b[metric])
}

/// The retrieval protocol's outcome on one half.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetrievalReport {
    /// Which queries.
    pub half: Half,
    /// How many queries.
    pub n_queries: usize,
    /// How many genes are ranked.
    pub n_panel: usize,
    /// How many clusters are resampled.
    pub n_clusters: usize,
    /// Coverage of the intervals.
    pub level: f64,
    /// Every method, in the order it was added; `random` is the first.
    pub methods: Vec<MethodResult>,
    /// Every candidate against every baseline, on the same queries.
    pub differences: Vec<Difference>,
}

/// One method's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodResult {
    /// The method.
    pub name: String,
    /// Baseline or candidate.
    pub role: Role,
    /// In the order of [`METRICS`].
    pub metrics: [Estimate; METRICS.len()],
}

/// A candidate's figures minus a baseline's, paired by query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The method under test.
    pub candidate: String,
    /// What it is compared with.
    pub baseline: String,
    /// In the order of [`METRICS`].
    pub metrics: [Estimate; METRICS.len()],
}
