use std::path::Path;

use faer::linalg::solvers::SelfAdjointEigen;
use faer::{Mat, Par, Side as Triangle};

use super::file::{SectionFile, SectionWriter};
use crate::embedding::similarity;
use crate::error::{Error, Result};

/// Directions of response space that are kept; the ensemble's responses have few more.
pub const RESPONSE_RANK: usize = 64;

/// Predicted responses of all perturbations in low rank: what response similarity compares.
///
/// Row `p` stands for the response `coefficients[p] · basis`, centred over readouts and over its
/// side, at unit length. The basis is orthonormal, so the dot product of two rows of coefficients
/// is the cosine of the two responses.
#[derive(Debug, Clone, PartialEq)]
pub struct Responses {
    /// `n_rows × rank`, unit rows (zero where the model predicts no response).
    pub coefficients: Vec<f32>,
    /// `rank × n_readouts`, orthonormal rows.
    pub basis: Vec<f32>,
    /// Names of the readouts, in order.
    pub readouts: Vec<String>,
    /// Share of the variance that the kept directions hold.
    pub variance_kept: f64,
}

impl Responses {
    /// Factorises predicted responses by the eigenvectors of their covariance over readouts.
    ///
    /// # Shapes
    /// `predicted` is `n_rows × readouts.len()`, already averaged over contexts; `sides` gives the
    /// half-open row ranges that are centred apart. Cost `O(n_rows · n_readouts²)`.
    ///
    /// # Errors
    /// When the decomposition fails.
    pub fn factorise(
        mut predicted: Vec<f32>,
        readouts: Vec<String>,
        sides: &[std::ops::Range<usize>],
    ) -> Result<Self> {
        let n_readouts = readouts.len();
        centre(&mut predicted, n_readouts, sides);
        let n_rows = predicted.len() / n_readouts.max(1);
        let matrix = faer::MatRef::from_row_major_slice(&predicted, n_rows, n_readouts);
        let mut gram = Mat::<f32>::zeros(n_readouts, n_readouts);
        faer::linalg::matmul::matmul(
            gram.as_mut(),
            faer::Accum::Replace,
            matrix.transpose(),
            matrix,
            1.0,
            Par::Seq,
        );
        let gram = Mat::from_fn(n_readouts, n_readouts, |i, j| f64::from(gram[(i, j)]));
        let eigen =
            SelfAdjointEigen::new(gram.as_ref(), Triangle::Lower).map_err(|e| Error::Engine {
                engine: "faer",
                operation: "factorise the predicted responses".to_owned(),
                problem: format!("{e:?}"),
            })?;
        let rank = RESPONSE_RANK.min(n_readouts).min(n_rows);
        // Eigenvalues ascend: the last `rank` columns hold the most variance.
        let basis = Mat::from_fn(n_readouts, rank, |readout, k| {
            eigen.U()[(readout, n_readouts - 1 - k)] as f32
        });
        let mut coefficients = Mat::<f32>::zeros(n_rows, rank);
        faer::linalg::matmul::matmul(
            coefficients.as_mut(),
            faer::Accum::Replace,
            matrix,
            basis.as_ref(),
            1.0,
            Par::Seq,
        );
        let variance = |k: usize| eigen.S()[n_readouts - 1 - k].max(0.0);
        let total: f64 = (0..n_readouts).map(variance).sum();
        let kept: f64 = (0..rank).map(variance).sum();
        Ok(Self {
            coefficients: unit_rows(&coefficients),
            basis: (0..rank)
                .flat_map(|k| basis.col(k).iter().copied().collect::<Vec<_>>())
                .collect(),
            readouts,
            variance_kept: if total > 0.0 { kept / total } else { 1.0 },
        })
    }

    /// Writes `responses.bin`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut writer = SectionWriter::create(path, "responses")?;
        writer.section_f32("coefs", &self.coefficients)?;
        writer.section_f32("basis", &self.basis)?;
        writer.section_bytes("readouts", self.readouts.join("\n").as_bytes())?;
        writer.finish()
    }
}

/// Takes each row's mean from it, then each side's mean response.
fn centre(rows: &mut [f32], n_readouts: usize, sides: &[std::ops::Range<usize>]) {
    for row in rows.chunks_exact_mut(n_readouts.max(1)) {
        let mean = row.iter().map(|value| f64::from(*value)).sum::<f64>() / row.len() as f64;
        row.iter_mut().for_each(|value| *value -= mean as f32);
    }
    for side in sides.iter().filter(|side| !side.is_empty()) {
        let rows = &mut rows[side.start * n_readouts..side.end * n_readouts];
        let mut mean = vec![0.0_f64; n_readouts];
        for row in rows.chunks_exact(n_readouts.max(1)) {
            mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        mean.iter_mut().for_each(|sum| *sum /= side.len() as f64);
        for row in rows.chunks_exact_mut(n_readouts.max(1)) {
            row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= *mean as f32);
        }
    }
}

fn unit_rows(matrix: &Mat<f32>) -> Vec<f32> {
    let mut rows = Vec::with_capacity(matrix.nrows() * matrix.ncols());
    for row in 0..matrix.nrows() {
        let values: Vec<f32> = matrix.row(row).iter().copied().collect();
        let norm = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let scale = if norm > 1e-12 { 1.0 / norm } else { 0.0 };
        rows.extend(values.into_iter().map(|value| (f64::from(value) * scale) as f32));
    }
    rows
}

/// The predicted responses of an open index.
#[derive(Debug)]
pub struct ResponseTable {
    file: SectionFile,
    rank: usize,
}

impl ResponseTable {
    /// Opens `responses.bin`.
    ///
    /// # Errors
    /// When the file is damaged, of a newer format, or does not fit `n_rows`.
    pub fn open(path: &Path, n_rows: usize) -> Result<Self> {
        let file = SectionFile::open(path, "responses")?;
        let n_coefficients = file.section_f32("coefs")?.len();
        let rank = n_coefficients.checked_div(n_rows).unwrap_or_default();
        let n_readouts = file.section_f32("basis")?.len().checked_div(rank).unwrap_or_default();
        let names = file.section_bytes("readouts")?;
        let n_names = if names.is_empty() { 0 } else { names.split(|b| *b == b'\n').count() };
        if rank * n_rows != n_coefficients || n_names != n_readouts {
            return Err(Error::Damaged {
                path: path.to_path_buf(),
                problem: format!(
                    "{n_coefficients} coefficients for {n_rows} rows and {n_readouts} readouts"
                ),
                advice: super::REBUILD.to_owned(),
            });
        }
        Ok(Self { file, rank })
    }

    /// Returns the cosine of two predicted responses, −1 to 1.
    #[must_use]
    pub fn similarity(&self, a: u32, b: u32) -> Option<f32> {
        Some(similarity(self.row(a)?, self.row(b)?))
    }

    /// Returns the coefficients of a row, of unit length.
    #[must_use]
    pub fn row(&self, row: u32) -> Option<&[f32]> {
        let start = row as usize * self.rank;
        self.file.section_f32("coefs").ok()?.get(start..start + self.rank)
    }

    /// Returns the predicted response of a row, a value per readout: centred over readouts and over its side, unit.
    #[must_use]
    pub fn response(&self, row: u32) -> Option<Vec<f64>> {
        let coefficients = self.row(row)?;
        let basis = self.file.section_f32("basis").ok()?;
        let n_readouts = basis.len().checked_div(self.rank).filter(|n| *n > 0)?;
        let mut response = vec![0.0; n_readouts];
        for (coefficient, direction) in coefficients.iter().zip(basis.chunks_exact(n_readouts)) {
            let terms = response.iter_mut().zip(direction);
            terms.for_each(|(sum, d)| *sum += f64::from(*coefficient) * f64::from(*d));
        }
        Some(response)
    }

    /// Returns the names of the readouts, in the order of a response's values.
    pub fn readouts(&self) -> impl Iterator<Item = &str> {
        let names = self.file.section_bytes("readouts").unwrap_or_default();
        std::str::from_utf8(names).unwrap_or_default().split('\n')
    }

    /// Verifies the checksums.
    ///
    /// # Errors
    /// When one differs.
    pub fn verify(&self) -> Result<()> {
        self.file.verify()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_products_of_coefficients_are_cosines_of_centred_responses() {
        let (n_rows, n_readouts) = (12, 5);
        let value = |i: usize| ((i * 7919 + 13) % 101) as f32 / 10.0;
        let predicted: Vec<f32> = (0..n_rows * n_readouts).map(value).collect();
        let names = (0..n_readouts).map(|i| i.to_string()).collect();
        let sides = [0..6, 6..12];
        let responses = Responses::factorise(predicted.clone(), names, &sides).unwrap();
        let mut centred = predicted;
        centre(&mut centred, n_readouts, &sides);
        let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
        for (a, b) in [(0, 1), (2, 9), (7, 7)] {
            let row = |i: usize| &centred[i * n_readouts..(i + 1) * n_readouts];
            let dot: f32 = row(a).iter().zip(row(b)).map(|(x, y)| x * y).sum();
            let expected = dot / norm(row(a)) / norm(row(b));
            let coefficients = |i: usize| &responses.coefficients[i * 5..(i + 1) * 5];
            assert!((similarity(coefficients(a), coefficients(b)) - expected).abs() < 1e-5);
        }
        assert!((responses.variance_kept - 1.0).abs() < 1e-6);
    }
}
