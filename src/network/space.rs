use faer::Mat;

use crate::embedding::algebra::{decompose, product};
use crate::error::{Error, Result};
use crate::experiment::Side;

/// What is added to each variance before it is made one, as a share of the sum of all.
///
/// Of 640 dimensions of the viability index about 50 carry all variance; from a fifth of this to three times as much,
/// and for powers from .3 to ½ of the variance, recall of known pairs changes by less than .01 (a lower power leaves strong
/// directions in, such as growth, and does worse where they are stronger).
const RIDGE: f64 = 0.005;

/// A linear map after which no direction of the genes' vectors counts for more than others.
///
/// Screens share strong directions (growth, ribosome, mitochondrion) that make unrelated genes alike; pairs of one
/// complex stand out once these are scaled down, as in co-essentiality studies (Wainberg et al. 2021). The map is
/// `V (Λ + ridge)^(−½)` of the spectrum of the covariance; each side is first centred on its own mean.
#[derive(Debug, Clone)]
pub struct Whitening {
    centres: [Vec<f64>; 2],
    map: Mat<f64>,
}

impl Whitening {
    /// Learns the map from unit vectors by row and the side of each: from the genetic ones, of which there must be two;
    /// where there are no genes, from all.
    ///
    /// Costs O(rows × dim² + dim³); one thread, f64, deterministic.
    ///
    /// # Errors
    /// When there are fewer than two vectors to learn from, or all are equal.
    pub fn fit(vectors: &[f32], dim: usize, sides: &[Side]) -> Result<Self> {
        let centres = [Side::Chemical, Side::Genetic].map(|side| mean(vectors, dim, sides, side));
        let has_genes = sides.contains(&Side::Genetic);
        let teaches = |side: Side| side == Side::Genetic || !has_genes;
        let rows: Vec<&[f32]> = vectors
            .chunks_exact(dim.max(1))
            .zip(sides)
            .filter_map(|(row, side)| teaches(*side).then_some(row))
            .collect();
        let centre = &centres[usize::from(has_genes)];
        let centred = Mat::from_fn(rows.len(), dim, |i, j| f64::from(rows[i][j]) - centre[j]);
        let mut covariance = product(centred.transpose(), centred.as_ref());
        covariance /= faer::Scale(rows.len().saturating_sub(1).max(1) as f64);
        let total: f64 = (0..dim).map(|k| covariance[(k, k)]).sum();
        if rows.len() < 2 || total.is_nan() || total <= 0.0 {
            let problem = format!("{} perturbations do not tell directions apart", rows.len());
            return Err(Error::data("the network", problem, "choose types with more of them"));
        }
        let spectrum = decompose(covariance.as_ref())?;
        let scale = |value: f64| 1.0 / (value.max(0.0) + RIDGE * total).sqrt();
        let map =
            Mat::from_fn(dim, dim, |i, j| spectrum.vectors[(i, j)] * scale(spectrum.values[j]));
        Ok(Self { centres, map })
    }

    /// Returns what becomes of vectors of one side: of unit length, row by row; zero of one that is its side's mean.
    #[must_use]
    pub fn apply(&self, vectors: &[f32], side: Side) -> Vec<f32> {
        let (dim, centre) = (self.map.nrows(), &self.centres[usize::from(side == Side::Genetic)]);
        let n_rows = vectors.len() / dim.max(1);
        let at = |i: usize, j: usize| f64::from(vectors[i * dim + j]) - centre[j];
        let turned = product(Mat::from_fn(n_rows, dim, at).as_ref(), self.map.as_ref());
        let mut result = Vec::with_capacity(n_rows * dim);
        for row in 0..n_rows {
            let norm = (0..dim).map(|k| turned[(row, k)].powi(2)).sum::<f64>().sqrt();
            let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
            result.extend((0..dim).map(|k| (turned[(row, k)] * scale) as f32));
        }
        result
    }
}

fn mean(vectors: &[f32], dim: usize, sides: &[Side], wanted: Side) -> Vec<f64> {
    let mut sums = vec![0.0; dim];
    let rows = vectors.chunks_exact(dim.max(1)).zip(sides).filter(|(_, side)| **side == wanted);
    let mut n_rows = 0_u32;
    for (row, _) in rows {
        n_rows += 1;
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.iter_mut().for_each(|sum| *sum /= f64::from(n_rows.max(1)));
    sums
}

/// Whitened unit vectors of what is compared: those of one side lie together.
///
/// ```
/// use phenocopy::experiment::Side;
/// use phenocopy::network::NetworkSpace;
///
/// let vectors = [1.0, 0.0, 0.8, 0.6, 0.0, 1.0, -0.6, 0.8];
/// let space = NetworkSpace::whitened(&vectors, 2, vec![Side::Genetic; 4])?;
/// assert!(space.similarity(0, 1) > space.similarity(0, 2));
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct NetworkSpace {
    pub(super) sides: Vec<Side>,
    pub(super) dim: usize,
    pub(super) vectors: Vec<f32>,
    pub(super) whitening: Whitening,
}

impl NetworkSpace {
    /// Whitens vectors, row by row, of the sides given.
    ///
    /// # Errors
    /// As [`Whitening::fit`].
    pub fn whitened(vectors: &[f32], dim: usize, sides: Vec<Side>) -> Result<Self> {
        if vectors.len() != sides.len() * dim {
            let expected = format!("{} × {dim} numbers", sides.len());
            return Err(Error::parameter("vectors", expected, vectors.len()));
        }
        let whitening = Whitening::fit(vectors, dim, &sides)?;
        let mut turned = Vec::with_capacity(vectors.len());
        let rows = vectors.chunks_exact(dim.max(1)).zip(&sides);
        let rows: Vec<(&[f32], Side)> = rows.map(|(row, side)| (row, *side)).collect();
        for block in rows.chunk_by(|a, b| a.1 == b.1) {
            let together: Vec<f32> = block.iter().flat_map(|(row, _)| *row).copied().collect();
            turned.extend(whitening.apply(&together, block[0].1));
        }
        Ok(Self { sides, dim, vectors: turned, whitening })
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sides.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sides.is_empty()
    }

    /// Returns a vector; empty of a position that is not there.
    #[must_use]
    pub fn vector(&self, at: usize) -> &[f32] {
        self.vectors.get(at * self.dim..(at + 1) * self.dim).unwrap_or_default()
    }

    /// Returns the cosine of two.
    #[must_use]
    pub fn similarity(&self, a: usize, b: usize) -> f32 {
        crate::embedding::similarity(self.vector(a), self.vector(b))
    }
}
