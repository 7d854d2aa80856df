use super::query::Direction;
use super::subject::{Origin, Subject};
use crate::calibrate::{BatchQValues, Null, PValueCounts, StepUp};
use crate::embedding::{RowSet, similarity};
use crate::experiment::{PerturbationType, Side};
use crate::index::{CalibrationTable, Index, Measure, ReferenceKind, Stratum, TargetKind};

/// Perturbations that tau is counted over at most, at equal distances.
const TAU_REFERENCES: usize = 1_000;

/// What a similarity is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Significance {
    /// Standardised by what references have with this target; of an opposite, below 0.
    pub z: f64,
    /// Connectivity's tau: the share of perturbations of the query's type that are nearer to 0, in percent, with the
    /// similarity's sign; over 1,000 of more. None of opposites.
    pub tau: Option<f64>,
    /// Chance of a z as large (of an opposite: as small) for a query that has nothing to do with the target.
    pub p_value: f64,
    /// How many such hits chance would give in this panel.
    pub e_value: f64,
    /// Share of false ones among hits up to this p-value (Benjamini & Hochberg).
    pub q_value: f64,
    /// Probability that the pair is an annotated target pair; none where too few are known.
    pub probability: Option<f64>,
}

/// In how many contexts a hit is among the nearest twentieth of the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Support {
    /// Contexts whose profile alone puts the hit there.
    pub agreeing: u32,
    /// Contexts that the query was measured in.
    pub measured: u32,
}

/// What a query does at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueryActivity {
    /// Percentile of its strength within its type, 0 to 100.
    pub percentile: f32,
    /// Length of its profiles' vectors over that which 95 of 100 shuffled profiles do not reach.
    pub strength: f32,
    /// Correlation between its profiles in different contexts; none with one.
    pub agreement: Option<f32>,
}

/// Why a hit needs caution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// The query is no stronger than shuffled profiles are.
    InactiveQuery,
    /// The query is unusually near to and far from everything.
    PromiscuousQuery,
    /// The hit is no stronger than shuffled profiles are.
    InactiveHit,
    /// The query was added to the index after training: it is judged like a profile that is folded in.
    FoldedInQuery,
    /// The hit was added to the index after training, folded in.
    FoldedInHit,
    /// The query was never measured.
    Predicted,
    /// There are no statistics: too few references, an older index, or a query of a kind that has no null.
    Uncalibrated,
}

impl Flag {
    /// Returns the reason code that outputs carry.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InactiveQuery => "inactive_query",
            Self::PromiscuousQuery => "promiscuous_query",
            Self::InactiveHit => "inactive_hit",
            Self::FoldedInQuery => "folded_in_query",
            Self::FoldedInHit => "folded_in_hit",
            Self::Predicted => "predicted",
            Self::Uncalibrated => "uncalibrated",
        }
    }
}

/// The similarities of one query to all rows of each side; nothing for a side that was not compared.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Line<'a> {
    pub(super) chemical: &'a [f32],
    pub(super) genetic: &'a [f32],
}

impl<'a> Line<'a> {
    pub(super) fn of(&self, side: Side) -> &'a [f32] {
        match side {
            Side::Chemical => self.chemical,
            Side::Genetic => self.genetic,
        }
    }

    /// The similarities to the rows of a type; none if the side was not compared.
    pub(super) fn to_rows(self, index: &Index, kind: PerturbationType, rows: &[u32]) -> Vec<f32> {
        let (line, start) = (self.of(kind.side()), index.range(kind.side()).start);
        rows.iter().filter_map(|row| line.get(*row as usize - start)).copied().collect()
    }
}

/// The references that a subject is judged by; none for one that was never measured. A row that was added is folded in,
/// and so is a part of a combination with one.
pub(super) fn reference_kind(index: &Index, subject: &Subject) -> Option<ReferenceKind> {
    if subject.rows.iter().any(|row| index.is_added(*row)) {
        return Some(ReferenceKind::Profile);
    }
    match subject.origin {
        Origin::Row | Origin::Combination(_) => Some(ReferenceKind::Row),
        Origin::Signature(_) => Some(ReferenceKind::Profile),
        Origin::Features(_) | Origin::Structure { .. } => None,
    }
}

/// The scores and p-values of a query over its panel.
pub(super) struct PanelStatistics<'a> {
    index: &'a Index,
    table: &'a CalibrationTable,
    direction: Direction,
    kinds: Vec<KindStatistics<'a>>,
    /// One for each row of the panel; 1 where there is no null.
    p_values: Vec<f64>,
    /// Whether the query is unusually near to and far from everything.
    pub(super) is_promiscuous: bool,
}

/// The scores of the rows of one type.
struct KindStatistics<'a> {
    stratum: Stratum,
    null: Null<'a>,
    rows: &'a [u32],
    z: Vec<f64>,
}

impl<'a> PanelStatistics<'a> {
    /// Judges a line of what the search ranks by: similarities, or similarities of responses.
    pub(super) fn new(
        index: &'a Index,
        subject: &Subject,
        (panel, sides): (&RowSet, &[Side]),
        (line, direction): (Line<'_>, Direction),
    ) -> Option<Self> {
        let table = index.calibration()?;
        let references = reference_kind(index, subject)?;
        let measure = match direction {
            Direction::Mimic => Measure::Embedding,
            Direction::Oppose | Direction::Both => Measure::Response,
        };
        let query = subject.record.perturbation.perturbation_type();
        let mut statistics = Self {
            index,
            table,
            direction,
            kinds: Vec::new(),
            p_values: Vec::with_capacity(panel.len()),
            is_promiscuous: false,
        };
        for kind in PerturbationType::ALL.into_iter().filter(|kind| sides.contains(&kind.side())) {
            let targets = TargetKind::Rows(kind);
            let stratum = Stratum { measure, references, query, targets };
            if let Some(null) = table.null(stratum) {
                let rows = &table.rows(kind)[..null.n_targets()];
                let scores = null.standardise(&line.to_rows(index, kind, rows));
                statistics.is_promiscuous |= scores.breadth > f64::from(null.breadth());
                let in_panel = rows.iter().zip(&scores.z).filter(|(row, _)| panel.contains(**row));
                let p =
                    in_panel.map(|(_, z)| direction_p_value(direction, *z, |z| null.p_value(z)));
                statistics.p_values.extend(p);
                statistics.kinds.push(KindStatistics { stratum, null, rows, z: scores.z });
            }
        }
        if statistics.kinds.is_empty() {
            return None;
        }
        statistics.p_values.resize(panel.len(), 1.0);
        Some(statistics)
    }

    /// Adds the panel's p-values to those of a batch.
    pub(super) fn count(&self, counts: &mut PValueCounts) {
        counts.add(&self.p_values);
    }

    /// Returns what the similarity of each of these rows is worth, corrected over the panel.
    pub(super) fn of_hits(
        &self,
        subject: &Subject,
        hits: &[(u32, f32)],
    ) -> Vec<Option<Significance>> {
        let step_up = StepUp::new(self.p_values.clone());
        let of_hit = |(row, similarity): &(u32, f32)| {
            let kind =
                self.kinds.iter().find_map(|kind| Some((kind, kind.rows.binary_search(row).ok()?)));
            let (kind, at) = kind?;
            let z = kind.z[at];
            let p_value = direction_p_value(self.direction, z, |z| kind.null.p_value(z));
            let is_mimic = self.direction == Direction::Mimic;
            let curve = self.table.curve(kind.stratum).filter(|_| is_mimic);
            Some(Significance {
                z,
                tau: is_mimic.then(|| self.tau(subject, kind.stratum.query, *row, *similarity)),
                p_value,
                e_value: p_value * self.p_values.len() as f64,
                q_value: step_up.q_value(p_value),
                probability: curve.map(|curve| curve.probability(z)),
            })
        };
        hits.iter().map(of_hit).collect()
    }

    /// The share of perturbations of the query's type whose similarity to a row is nearer to 0, in percent, signed.
    fn tau(&self, subject: &Subject, kind: PerturbationType, row: u32, of_query: f32) -> f64 {
        let rows = self.table.trained_rows(kind);
        let n_taken = rows.len().min(TAU_REFERENCES);
        let references = (0..n_taken).map(|i| rows[i * rows.len() / n_taken]);
        let hit = self.index.vector(row);
        let others = references.filter(|other| *other != row && !subject.rows.contains(other));
        let (n_nearer, n) = others.fold((0_u32, 0_u32), |(nearer, n), other| {
            let is_nearer = similarity(self.index.vector(other), hit).abs() < of_query.abs();
            (nearer + u32::from(is_nearer), n + 1)
        });
        f64::from(of_query.signum()) * 100.0 * f64::from(n_nearer) / f64::from(n.max(1))
    }
}

/// The p-value in the direction that was asked for.
fn direction_p_value(direction: Direction, z: f64, p_value: impl Fn(f64) -> f64) -> f64 {
    match direction {
        Direction::Mimic => p_value(z),
        Direction::Oppose => p_value(-z),
        Direction::Both => (2.0 * p_value(z.abs())).min(1.0),
    }
}

/// Corrects the q-values of hits over a batch.
pub(super) fn correct_over_batch<'a>(
    hits: impl Iterator<Item = &'a mut Significance>,
    q_values: &BatchQValues,
) {
    hits.for_each(|hit| hit.q_value = q_values.q_value(hit.p_value));
}

/// Counts in how many of a query's contexts each of its hits, the nearest first, is among the nearest twentieth of the
/// panel; none where the contexts' profiles are not known.
pub(super) fn support(
    index: &Index,
    subject: &Subject,
    panel: &RowSet,
    hits: &[u32],
) -> Option<Vec<Support>> {
    let profiles: Vec<&[f32]> = match (&subject.origin, subject.rows.as_slice()) {
        (Origin::Signature(_), _) => Vec::new(),
        (Origin::Row, [row]) => index.calibration()?.profiles(*row, index.dim()).collect(),
        _ => return None,
    };
    let n_top = panel.len().div_ceil(20).max(1);
    if profiles.is_empty() {
        // With one context the query's vector is that of its profile, and hits are ranked by it.
        let is_single = subject.record.contexts.len() <= 1;
        let ranks = (0..hits.len()).map(|at| u32::from(at < n_top));
        return is_single
            .then(|| ranks.map(|agreeing| Support { agreeing, measured: 1 }).collect());
    }
    let measured = profiles.len() as u32;
    let mut support = vec![Support { agreeing: 0, measured }; hits.len()];
    for profile in profiles {
        let to = |row: u32| similarity(profile, index.vector(row));
        let mut all: Vec<f32> = panel.iter().map(to).collect();
        if n_top > all.len() {
            return None;
        }
        let (_, threshold, _) = all.select_nth_unstable_by(n_top - 1, |a, b| b.total_cmp(a));
        for (support, hit) in support.iter_mut().zip(hits) {
            support.agreeing += u32::from(to(*hit) >= *threshold);
        }
    }
    Some(support)
}
