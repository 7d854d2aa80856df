/// Known pairs without which no probability is calibrated.
pub const FEWEST_KNOWN_PAIRS: usize = 200;
/// Folds of target genes.
pub const FOLDS: usize = 5;
/// Scores are counted in steps of this, from −[`END`] to [`END`].
const STEP: f64 = 0.01;
const END: f64 = 40.0;
const BINS: usize = (2.0 * END / STEP) as usize;
/// Bins of equal count whose reliability is told; the last is divided once more.
const EQUAL_COUNT_BINS: usize = 5;
/// Bins of equal expected number of known pairs, that the last of equal count is divided into.
const TOP_BINS: usize = 5;

/// Counts of pairs and of known pairs by score z.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreCounts {
    all: Vec<u64>,
    known: Vec<u64>,
}

impl Default for ScoreCounts {
    fn default() -> Self {
        Self { all: vec![0; BINS], known: vec![0; BINS] }
    }
}

impl ScoreCounts {
    /// Counts a pair.
    pub fn add(&mut self, z: f64, is_known: bool) {
        let bin = bin_of(z);
        self.all[bin] += 1;
        self.known[bin] += u64::from(is_known);
    }

    /// Adds the counts of others.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.all.iter_mut().zip(&other.all).for_each(|(a, b)| *a += b);
        self.known.iter_mut().zip(&other.known).for_each(|(a, b)| *a += b);
        self
    }

    /// Returns the number of known pairs.
    #[must_use]
    pub fn n_known(&self) -> u64 {
        self.known.iter().sum()
    }

    /// Returns the share of known pairs in all.
    #[must_use]
    pub fn base_rate(&self) -> f64 {
        self.n_known() as f64 / self.all.iter().sum::<u64>().max(1) as f64
    }

    /// The share of known pairs by bin, never falling with the score: pooled adjacent violators.
    ///
    /// One pair that is not known is put above all others, so that a few known ones at the top do not make certainty.
    fn isotonic(&self) -> Vec<f64> {
        // Blocks of (known, all, bins).
        let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
        for (bin, (known, all)) in self.known.iter().zip(&self.all).enumerate() {
            let n_added = u64::from(bin + 1 == BINS);
            blocks.push((*known as f64, (all + n_added) as f64, 1));
            while let [.., (known_a, all_a, n_a), (known_b, all_b, n_b)] = blocks[..] {
                // An empty bin joins the block before it.
                if all_b > 0.0 && known_a * all_b < known_b * all_a {
                    break;
                }
                blocks.pop();
                blocks.pop();
                blocks.push((known_a + known_b, all_a + all_b, n_a + n_b));
            }
        }
        let value =
            |(known, all, _): &(f64, f64, usize)| if *all > 0.0 { known / all } else { 0.0 };
        blocks.iter().flat_map(|block| std::iter::repeat_n(value(block), block.2)).collect()
    }
}

fn bin_of(z: f64) -> usize {
    (((z + END) / STEP) as usize).min(BINS - 1)
}

/// The probability that a pair is a known target pair, by its score z: isotonic regression of what is known, over
/// queries that have an annotated target in the panel.
///
/// It is the chance of being *annotated*, with true but unknown pairs counted as false; of a query that may have no
/// target in the panel at all it is too high.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbabilityCurve {
    /// Where the probability changes: the lowest score, ascending, and the probability from there on.
    pub steps: Vec<(f32, f32)>,
}

impl ProbabilityCurve {
    /// Fits the curve to all counts.
    #[must_use]
    pub fn fit(counts: &ScoreCounts) -> Self {
        let mut steps: Vec<(f32, f32)> = Vec::new();
        for (bin, probability) in counts.isotonic().into_iter().enumerate() {
            let probability = probability as f32;
            if steps.last().is_none_or(|(_, last)| *last < probability) {
                steps.push(((bin as f64 * STEP - END) as f32, probability));
            }
        }
        Self { steps }
    }

    /// Returns the probability of a pair of score z, 0 to 1.
    #[must_use]
    pub fn probability(&self, z: f64) -> f64 {
        let after = self.steps.partition_point(|(start, _)| f64::from(*start) <= z);
        self.steps.get(after.saturating_sub(1)).map_or(0.0, |(_, p)| f64::from(*p))
    }
}

/// How reliable probabilities are for target genes that they were not fitted to.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReliabilityTable {
    /// Pairs of labelled compounds and genes of the panel.
    pub n_pairs: u64,
    /// Known pairs among them.
    pub n_known: u64,
    /// Mean squared error of the probabilities (Brier 1950).
    pub brier: f64,
    /// That of the base rate, given to every pair.
    pub brier_of_base_rate: f64,
    /// By predicted probability, ascending.
    pub bins: Vec<ReliabilityBin>,
}

/// Pairs of about the same predicted probability.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReliabilityBin {
    /// How many pairs.
    pub n_pairs: u64,
    /// Their mean predicted probability.
    pub predicted: f64,
    /// The share of them that is known.
    pub observed: f64,
}

impl ReliabilityTable {
    /// Returns whether the probabilities say more of held-out genes than the base rate does.
    #[must_use]
    pub fn beats_base_rate(&self) -> bool {
        self.brier < self.brier_of_base_rate
    }

    /// Predicts each fold's pairs from the other folds; none below [`FEWEST_KNOWN_PAIRS`].
    ///
    /// The first four bins hold a fifth of all pairs each. The last fifth, where nearly all known pairs are, is divided
    /// into five of equal expected number of known pairs.
    #[must_use]
    pub fn cross_validate(folds: &[ScoreCounts]) -> Option<Self> {
        let all = folds.iter().fold(ScoreCounts::default(), ScoreCounts::and);
        if all.n_known() < FEWEST_KNOWN_PAIRS as u64 {
            return None;
        }
        // (predicted, pairs, known), a line for each bin of each fold.
        let mut predicted: Vec<(f64, u64, u64)> = Vec::new();
        let mut of_base_rate = 0.0;
        for (held, fold) in folds.iter().enumerate() {
            let others = folds.iter().enumerate().filter(|(other, _)| *other != held);
            let rest = others.fold(ScoreCounts::default(), |sum, (_, other)| sum.and(other));
            let curve = rest.isotonic();
            let lines = curve.into_iter().zip(&fold.all).zip(&fold.known);
            predicted.extend(lines.map(|((p, all), known)| (p, *all, *known)));
            let n: u64 = fold.all.iter().sum();
            of_base_rate += squared_error(rest.base_rate(), n, fold.n_known());
        }
        predicted.retain(|(_, all, _)| *all > 0);
        predicted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let n_pairs: u64 = predicted.iter().map(|line| line.1).sum();
        let error: f64 =
            predicted.iter().map(|(p, all, known)| squared_error(*p, *all, *known)).sum();
        Some(Self {
            n_pairs,
            n_known: all.n_known(),
            brier: error / n_pairs as f64,
            brier_of_base_rate: of_base_rate / n_pairs as f64,
            bins: bins(&predicted),
        })
    }
}

/// Summed squared error of one probability for pairs of which some are known.
fn squared_error(p: f64, all: u64, known: u64) -> f64 {
    known as f64 * (1.0 - p).powi(2) + (all - known) as f64 * p * p
}

fn bins(predicted: &[(f64, u64, u64)]) -> Vec<ReliabilityBin> {
    let count = |line: &(f64, u64, u64)| line.1 as f64;
    let mut bins = divide(predicted, EQUAL_COUNT_BINS, count);
    let top = bins.pop().unwrap_or_default();
    let expected = |line: &(f64, u64, u64)| line.0 * line.1 as f64;
    bins.extend(divide(top, TOP_BINS, expected));
    let bin = |lines: &&[(f64, u64, u64)]| {
        let n_pairs: u64 = lines.iter().map(|line| line.1).sum();
        let known: u64 = lines.iter().map(|line| line.2).sum();
        let sum: f64 = lines.iter().map(|line| line.0 * line.1 as f64).sum();
        let n = n_pairs.max(1) as f64;
        ReliabilityBin { n_pairs, predicted: sum / n, observed: known as f64 / n }
    };
    bins.iter().map(bin).collect()
}

/// Divides lines into parts of equal weight, as far as whole lines allow.
fn divide<T>(lines: &[T], parts: usize, weight: impl Fn(&T) -> f64) -> Vec<&[T]> {
    let total: f64 = lines.iter().map(&weight).sum();
    let mut divided = Vec::with_capacity(parts);
    let (mut start, mut sum) = (0, 0.0);
    for (at, line) in lines.iter().enumerate() {
        sum += weight(line);
        if sum >= total * (divided.len() + 1) as f64 / parts as f64 && divided.len() + 1 < parts {
            divided.push(&lines[start..=at]);
            start = at + 1;
        }
    }
    divided.push(&lines[start..]);
    divided
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Folds of pairs that are known with probability z/4, z from 0 to 2.
    fn folds() -> Vec<ScoreCounts> {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut folds = vec![ScoreCounts::default(); FOLDS];
        for pair in 0..20_000 {
            let z = random.random_range(0.0..2.0);
            folds[pair % FOLDS].add(z, random.random_bool(z / 4.0));
        }
        folds
    }

    #[test]
    fn the_curve_follows_the_truth_and_never_falls() {
        let all = folds().iter().fold(ScoreCounts::default(), ScoreCounts::and);
        let curve = ProbabilityCurve::fit(&all);
        for z in [0.3, 1.0, 1.8] {
            assert!((curve.probability(z) - z / 4.0).abs() < 0.05, "{z} {}", curve.probability(z));
        }
        assert!(curve.steps.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
        assert!((curve.probability(-50.0) - f64::from(curve.steps[0].1)).abs() < 1e-12);
        assert!(curve.probability(f64::INFINITY) <= 1.0);
    }

    #[test]
    fn held_out_probabilities_beat_the_base_rate_and_are_reliable() {
        let reliability = ReliabilityTable::cross_validate(&folds()).unwrap();
        assert!(reliability.brier < reliability.brier_of_base_rate);
        assert_eq!(reliability.n_pairs, 20_000);
        assert!(reliability.bins.len() >= 5, "{reliability:?}");
        assert_eq!(reliability.bins.iter().map(|bin| bin.n_pairs).sum::<u64>(), 20_000);
        for bin in &reliability.bins {
            assert!((bin.predicted - bin.observed).abs() < 0.05, "{bin:?}");
        }
    }

    #[test]
    fn scores_that_say_nothing_do_not_beat_the_base_rate_by_much() {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let mut folds = vec![ScoreCounts::default(); FOLDS];
        for pair in 0..20_000 {
            folds[pair % FOLDS].add(random.random_range(0.0..2.0), random.random_bool(0.1));
        }
        let reliability = ReliabilityTable::cross_validate(&folds).unwrap();
        assert!(reliability.brier > 0.995 * reliability.brier_of_base_rate, "{reliability:?}");
    }

    #[test]
    fn too_few_known_pairs_calibrate_nothing() {
        let mut fold = ScoreCounts::default();
        (0..FEWEST_KNOWN_PAIRS - 1).for_each(|_| fold.add(1.0, true));
        assert_eq!(ReliabilityTable::cross_validate(&[fold]), None);
    }
}
