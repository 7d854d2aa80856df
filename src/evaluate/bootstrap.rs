use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A figure and the interval that resampling gives it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure on the data as they are.
    pub value: f64,
    /// Lower end of the percentile interval.
    pub lower: f64,
    /// Upper end of the percentile interval.
    pub upper: f64,
}

/// What is drawn as one in a resample.
///
/// Compounds that hit one gene succeed or fail together, so compounds alone are not independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clustering {
    /// A target gene with its compounds. A compound with several target genes belongs to each
    /// with an equal share of its weight of one; the figure is the weighted mean.
    #[default]
    TargetGene,
    /// A connected group of the graph that joins compounds sharing a target gene: no two groups
    /// share a gene. Polypharmacology chains kinase inhibitors into one group (108 of 261 compounds of the
    /// viability labels), whose presence then decides the figure: a very wide interval (hit@10 .31 from .05 to .42).
    ConnectedGroup,
}

/// How intervals are made.
///
/// ```
/// use phenocopy::evaluate::{Bootstrap, Clusters};
///
/// let targets = [vec![0], vec![0], vec![1], vec![1, 2]];
/// let clusters = Clusters::by_target_gene(&targets);
/// let [hit] = Bootstrap::default().estimate(&[[1.0], [1.0], [0.0], [0.0]], &clusters)?;
/// assert_eq!(hit.value, 0.5);
/// assert!(hit.lower < 0.5 && hit.upper > 0.5);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// How often the clusters are drawn again.
    pub resamples: usize,
    /// Seed of the draws; the same seed draws the same clusters for every figure, which makes differences paired.
    pub seed: u64,
    /// Coverage of the interval, between 0 and 1.
    pub level: f64,
    /// What is drawn.
    pub clustering: Clustering,
}

impl Default for Bootstrap {
    /// 2,000 resamples, seed 17, 95 %, by target gene.
    fn default() -> Self {
        Self { resamples: 2000, seed: 17, level: 0.95, clustering: Clustering::default() }
    }
}

impl Bootstrap {
    /// Returns the mean of each of `M` columns over the queries, with percentile intervals.
    ///
    /// # Shapes
    /// `values`: one row of `M` figures per query; `clusters` are of the same queries.
    ///
    /// # Errors
    /// When there is no query, no resample, or the level is not between 0 and 1.
    pub fn estimate<const M: usize>(
        &self,
        values: &[[f64; M]],
        clusters: &Clusters,
    ) -> Result<[Estimate; M]> {
        self.check((values.len(), clusters.n_queries), clusters.members.len())?;
        let draw = |rng: &mut ChaCha8Rng, weights: &mut [f64]| clusters.draw(rng, weights);
        Ok(self.resample(values.len(), draw, |weights| weighted_mean(values, weights)))
    }

    /// Returns the mean of each of `M` columns over pairs of things, with percentile intervals: the things are drawn again,
    /// and a pair counts as often as both its ends were drawn.
    ///
    /// # Shapes
    /// `values`: one row of `M` figures per pair; `pairs` are the same pairs, of positions below `n`.
    ///
    /// # Errors
    /// When there is no pair, no resample, or the level is not between 0 and 1.
    pub fn estimate_pairs<const M: usize>(
        &self,
        values: &[[f64; M]],
        pairs: &[(u32, u32)],
        n: usize,
    ) -> Result<[Estimate; M]> {
        let are_inside = pairs.iter().all(|(a, b)| (*a.max(b) as usize) < n);
        self.check((values.len(), pairs.len()), if are_inside { n } else { 0 })?;
        let mut counts = vec![0_u32; n];
        let draw = |rng: &mut ChaCha8Rng, weights: &mut [f64]| {
            counts.fill(0);
            (0..n).for_each(|_| counts[rng.random_range(0..n)] += 1);
            for (weight, (a, b)) in weights.iter_mut().zip(pairs) {
                *weight = f64::from(counts[*a as usize] * counts[*b as usize]);
            }
        };
        Ok(self.resample(values.len(), draw, |weights| weighted_mean(values, weights)))
    }

    /// Returns any `M` figures of `n` things, with percentile intervals: the things are drawn again, and `figures` is told
    /// how often each was.
    ///
    /// # Errors
    /// When there is nothing to draw, no resample, or the level is not between 0 and 1.
    pub fn estimate_by<const M: usize>(
        &self,
        n: usize,
        figures: impl Fn(&[f64]) -> [f64; M],
    ) -> Result<[Estimate; M]> {
        self.check((n, n), n)?;
        let draw = |rng: &mut ChaCha8Rng, weights: &mut [f64]| {
            weights.fill(0.0);
            (0..n).for_each(|_| weights[rng.random_range(0..n)] += 1.0);
        };
        Ok(self.resample(n, draw, figures))
    }

    /// Returns the sum of parts over the sum of wholes of each of `M` figures, with percentile intervals: groups, each with
    /// its part and whole of each figure, are drawn again one by one. NaN of a figure without any whole.
    ///
    /// # Errors
    /// When there is no group, no resample, or the level is not between 0 and 1.
    pub fn estimate_ratios<const M: usize>(
        &self,
        groups: &[[(f64, f64); M]],
    ) -> Result<[Estimate; M]> {
        let ratios = |counts: &[f64]| {
            let mut sums = [(0.0, 0.0); M];
            for (group, count) in groups.iter().zip(counts).filter(|(_, count)| **count > 0.0) {
                for (sum, own) in sums.iter_mut().zip(group) {
                    *sum = (sum.0 + count * own.0, sum.1 + count * own.1);
                }
            }
            sums.map(|(part, whole)| part / whole)
        };
        self.estimate_by(groups.len(), ratios)
    }

    /// Draws weights again and again; a figure that is no number, as draws may leave no weight, does not count.
    fn resample<const M: usize>(
        &self,
        n: usize,
        mut draw: impl FnMut(&mut ChaCha8Rng, &mut [f64]),
        figures: impl Fn(&[f64]) -> [f64; M],
    ) -> [Estimate; M] {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut weights = vec![0.0; n];
        let mut drawn: [Vec<f64>; M] = std::array::from_fn(|_| Vec::with_capacity(self.resamples));
        for _ in 0..self.resamples {
            draw(&mut rng, &mut weights);
            for (column, figure) in drawn.iter_mut().zip(figures(&weights)) {
                if !figure.is_nan() {
                    column.push(figure);
                }
            }
        }
        let observed = figures(&vec![1.0; n]);
        let tail = (1.0 - self.level) / 2.0;
        std::array::from_fn(|column| {
            let sorted = &mut drawn[column];
            if sorted.is_empty() {
                sorted.push(observed[column]);
            }
            sorted.sort_by(f64::total_cmp);
            Estimate {
                value: observed[column],
                lower: quantile(sorted, tail),
                upper: quantile(sorted, 1.0 - tail),
            }
        })
    }

    fn check(&self, (n_values, n_drawn): (usize, usize), n_clusters: usize) -> Result<()> {
        if n_values == 0 || n_drawn != n_values || n_clusters == 0 {
            return Err(Error::data(
                "the bootstrap",
                format!("there are {n_values} figures for clusters of {n_drawn}"),
                "give labels whose compounds and genes are in the data",
            ));
        }
        if self.resamples == 0 {
            return Err(Error::parameter("resamples", "at least 1", self.resamples));
        }
        if !(0.0..1.0).contains(&self.level) {
            return Err(Error::parameter("level", "from 0 up to but not 1", self.level));
        }
        Ok(())
    }
}

/// Which queries are drawn together, and with which weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    n_queries: usize,
    members: Vec<Vec<(usize, f64)>>,
}

impl Clusters {
    /// Groups queries as `clustering` says; `targets` lists each query's target genes.
    #[must_use]
    pub fn new(clustering: Clustering, targets: &[impl AsRef<[u32]>]) -> Self {
        match clustering {
            Clustering::TargetGene => Self::by_target_gene(targets),
            Clustering::ConnectedGroup => Self::by_connected_group(targets),
        }
    }

    /// Makes one cluster per target gene ([`Clustering::TargetGene`]).
    #[must_use]
    pub fn by_target_gene(targets: &[impl AsRef<[u32]>]) -> Self {
        let mut of_gene: BTreeMap<u32, Vec<(usize, f64)>> = BTreeMap::new();
        for (query, genes) in targets.iter().enumerate() {
            let genes = genes.as_ref();
            for gene in genes {
                of_gene.entry(*gene).or_default().push((query, 1.0 / genes.len() as f64));
            }
        }
        Self { n_queries: targets.len(), members: of_gene.into_values().collect() }
    }

    /// Makes one cluster per connected group ([`Clustering::ConnectedGroup`]).
    #[must_use]
    pub fn by_connected_group(targets: &[impl AsRef<[u32]>]) -> Self {
        let mut group: Vec<usize> = (0..targets.len()).collect();
        let mut first_of_gene: BTreeMap<u32, usize> = BTreeMap::new();
        for (query, genes) in targets.iter().enumerate() {
            for gene in genes.as_ref() {
                let first = *first_of_gene.entry(*gene).or_insert(query);
                let (a, b) = (find(&mut group, first), find(&mut group, query));
                group[a.max(b)] = a.min(b);
            }
        }
        let mut members: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
        for query in 0..targets.len() {
            members.entry(find(&mut group, query)).or_default().push((query, 1.0));
        }
        Self { n_queries: targets.len(), members: members.into_values().collect() }
    }

    /// Returns how many clusters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether there is no cluster.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn draw(&self, rng: &mut ChaCha8Rng, weights: &mut [f64]) {
        weights.fill(0.0);
        for _ in 0..self.members.len() {
            for (query, weight) in &self.members[rng.random_range(0..self.members.len())] {
                weights[*query] += weight;
            }
        }
    }
}

fn find(group: &mut [usize], mut query: usize) -> usize {
    while group[query] != query {
        group[query] = group[group[query]];
        query = group[query];
    }
    query
}

fn weighted_mean<const M: usize>(values: &[[f64; M]], weights: &[f64]) -> [f64; M] {
    let mut sums = [0.0; M];
    for (row, weight) in values.iter().zip(weights) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += weight * value;
        }
    }
    let total: f64 = weights.iter().sum();
    sums.map(|sum| sum / total)
}

/// Returns the `share` quantile of ascending values, interpolated linearly between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize) -> Vec<[f64; 1]> {
        (0..n).map(|i| [f64::from(u8::from(i % 3 == 0))]).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_interval_and_another_seed_another() {
        let targets: Vec<Vec<u32>> = (0..60).map(|i| vec![i / 2, i % 7]).collect();
        let clusters = Clusters::by_target_gene(&targets);
        let estimate = |seed| {
            Bootstrap { seed, ..Bootstrap::default() }.estimate(&values(60), &clusters).unwrap()
        };
        assert_eq!(estimate(17), estimate(17));
        assert_ne!(estimate(17), estimate(18));
    }

    #[test]
    fn independent_queries_get_the_binomial_interval() {
        let targets: Vec<Vec<u32>> = (0..300).map(|i| vec![i]).collect();
        let clusters = Clusters::by_target_gene(&targets);
        let [estimate] = Bootstrap::default().estimate(&values(300), &clusters).unwrap();
        // 100 of 300: standard error sqrt(1/3 · 2/3 / 300) = .0272, so ±.053.
        assert!((estimate.upper - estimate.lower - 0.1067).abs() < 0.01, "{estimate:?}");
    }

    #[test]
    fn queries_that_share_genes_form_one_connected_group() {
        let targets = [vec![0, 1], vec![5], vec![1, 2], vec![2], vec![5]];
        let clusters = Clusters::by_connected_group(&targets);
        let groups: Vec<Vec<usize>> =
            clusters.members.iter().map(|g| g.iter().map(|m| m.0).collect()).collect();
        assert_eq!(groups, [vec![0, 2, 3], vec![1, 4]]);
        assert_eq!(Clusters::by_target_gene(&targets).len(), 4);
    }

    #[test]
    fn ratios_of_groups_of_one_are_means_of_queries() {
        let groups: Vec<[(f64, f64); 1]> = values(300).iter().map(|[v]| [(*v, 1.0)]).collect();
        let [ratio] = Bootstrap::default().estimate_ratios(&groups).unwrap();
        let targets: Vec<Vec<u32>> = (0..300).map(|i| vec![i]).collect();
        let clusters = Clusters::by_target_gene(&targets);
        let [mean] = Bootstrap::default().estimate(&values(300), &clusters).unwrap();
        for (a, b) in
            [(ratio.value, mean.value), (ratio.lower, mean.lower), (ratio.upper, mean.upper)]
        {
            assert!((a - b).abs() < 1e-12, "{ratio:?} {mean:?}");
        }
    }

    #[test]
    fn quantiles_interpolate() {
        assert!((quantile(&[1.0, 2.0, 4.0], 0.75) - 3.0).abs() < 1e-12);
        assert!((quantile(&[7.0], 0.025) - 7.0).abs() < 1e-12);
    }

    #[test]
    fn no_queries_and_no_resamples_are_errors() {
        let none = Clusters::by_target_gene(&[] as &[Vec<u32>]);
        assert!(Bootstrap::default().estimate::<1>(&[], &none).is_err());
        let one = Clusters::by_target_gene(&[vec![0]]);
        let bootstrap = Bootstrap { resamples: 0, ..Bootstrap::default() };
        assert!(bootstrap.estimate(&[[1.0]], &one).is_err());
    }
}
