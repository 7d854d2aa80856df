use super::responses::ResponseMatrix;
use crate::experiment::PerturbationType;
use crate::network::edge::Tested;
use crate::network::null::{PairNull, ScoreCounts};
use crate::search::Support;

/// What a perturbation does to a readout gene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Its readout rises.
    Raises,
    /// Its readout falls.
    Lowers,
}

impl Effect {
    /// Returns `raises` or `lowers`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raises => "raises",
            Self::Lowers => "lowers",
        }
    }
}

/// A readout gene that responds to a perturbation.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedEdge {
    /// Position of the perturbation among the network's sources.
    pub source: usize,
    /// Position of the readout among the network's targets.
    pub target: usize,
    /// The predicted response: centred over readouts and over its side, of unit length over readouts.
    pub response: f64,
    /// Standardised by what all perturbations of the type do to the readout, and by what this one does to others. Its sign is
    /// the edge's: a response that is lower than usual is a fall.
    pub z: f64,
    /// Chance of a score as far from the centre, either way; NaN where there are too few pairs to know chance.
    pub p_value: f64,
    /// Share of false ones among edges up to this p-value, over all pairs tested of the type.
    pub q_value: f64,
    /// Of the contexts that the perturbation was measured in, those in which its predicted response has this sign and is
    /// among its strongest twentieth; none where the index holds no weights to predict with.
    pub support: Option<Support>,
    /// Whether the readout is the perturbed gene itself. Such pairs show that a perturbation works; chance is not learnt
    /// from them, and they are not among those tested.
    pub is_self: bool,
}

impl DirectedEdge {
    /// Returns whether the readout rises or falls.
    #[must_use]
    pub fn effect(&self) -> Effect {
        if self.z < 0.0 { Effect::Lowers } else { Effect::Raises }
    }
}

/// All scores of a matrix, and which of them are tested.
pub(super) struct Scored<'a> {
    pub(super) matrix: &'a ResponseMatrix,
    pub(super) scores: Vec<f32>,
    /// Of each row the positions of the perturbed genes among the readouts.
    pub(super) own: &'a [Vec<usize>],
    pub(super) chosen: &'a [bool],
}

impl Scored<'_> {
    /// Learns chance from all pairs of each type but those of a gene with itself, and counts those tested.
    pub(super) fn test(&self) -> Vec<(PerturbationType, Tested)> {
        let of_type = |kind| {
            let (mut all, mut tested) = (ScoreCounts::new(), ScoreCounts::new());
            let types = self.matrix.types().iter().enumerate();
            for (row, _) in types.filter(|(_, own)| **own == kind) {
                for (readout, z) in self.row(row).iter().enumerate() {
                    if z.is_nan() || self.own[row].contains(&readout) {
                        continue;
                    }
                    all.add(f64::from(*z));
                    if self.chosen[row] {
                        tested.add(f64::from(*z));
                    }
                }
            }
            (kind, Tested::new(PairNull::fit_bulk(&all), &tested))
        };
        self.matrix.distinct_types().into_iter().map(of_type).collect()
    }

    fn row(&self, row: usize) -> &[f32] {
        let n = self.matrix.n_readouts();
        self.scores.get(row * n..(row + 1) * n).unwrap_or_default()
    }

    /// Returns every pair of a chosen row, those of a gene with itself too.
    pub(super) fn pairs<'a>(
        &'a self,
        row: usize,
        tested: &'a Tested,
    ) -> impl Iterator<Item = DirectedEdge> + 'a {
        let responses = self.matrix.row(row).iter();
        responses.zip(self.row(row)).enumerate().map(move |(target, (response, z))| {
            let z = f64::from(*z);
            let (p_value, q_value) = tested.values(z);
            let is_self = self.own[row].contains(&target);
            let response = f64::from(*response);
            DirectedEdge {
                source: row,
                target,
                response,
                z,
                p_value,
                q_value,
                support: None,
                is_self,
            }
        })
    }
}
