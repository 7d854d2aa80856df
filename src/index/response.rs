use std::ops::Range;
use std::path::Path;

use faer::linalg::solvers::SelfAdjointEigen;
use faer::{Mat, Par, Side as Triangle};

use super::file::{SectionFile, SectionWriter};
use super::readouts::ReadoutNames;
use crate::embedding::similarity;
use crate::error::{Error, Result};
use crate::experiment::Side;

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
    /// What each readout is also called, the name to show first; empty where nothing is known.
    pub also_called: Vec<Vec<String>>,
    /// The mean response of each side that has rows, centred over readouts: what was taken from its rows.
    pub means: Vec<(Side, Vec<f32>)>,
    /// Share of the variance that the kept directions hold.
    pub variance_kept: f64,
}

impl Responses {
    /// Factorises predicted responses by the eigenvectors of their covariance over readouts.
    ///
    /// # Shapes
    /// `predicted` is `n_rows × readouts.len()`, already averaged over contexts; `sides` gives the
    /// half-open row range of each side, which are centred apart. Cost `O(n_rows · n_readouts²)`.
    ///
    /// # Errors
    /// When the decomposition fails.
    pub fn factorise(
        mut predicted: Vec<f32>,
        readouts: Vec<String>,
        sides: &[(Side, Range<usize>)],
    ) -> Result<Self> {
        let n_readouts = readouts.len();
        let means = centre(&mut predicted, n_readouts, sides);
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
            also_called: Vec::new(),
            means,
            variance_kept: if total > 0.0 { kept / total } else { 1.0 },
        })
    }

    /// Returns the unit coefficients of a response that is not among the rows, as [`ResponseTable::project`] does.
    #[must_use]
    pub fn project(&self, predicted: &[f32], side: Side) -> Option<Vec<f32>> {
        let (_, mean) = self.means.iter().find(|(of, _)| *of == side)?;
        project(predicted, mean, &self.basis)
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
        if !self.also_called.is_empty() {
            let lines: Vec<String> =
                self.also_called.iter().map(|names| names.join("\t")).collect();
            writer.section_bytes("readout-names", lines.join("\n").as_bytes())?;
        }
        for (side, mean) in &self.means {
            writer.section_f32(&format!("mean-{side}"), mean)?;
        }
        writer.finish()
    }
}

/// The unit coefficients of a response less its own mean and a side's; none where their numbers differ.
fn project(predicted: &[f32], mean: &[f32], basis: &[f32]) -> Option<Vec<f32>> {
    if predicted.len() != mean.len() || predicted.is_empty() {
        return None;
    }
    let mut centred = predicted.to_vec();
    centre_over_readouts(&mut centred);
    centred.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
    let onto = |direction: &[f32]| -> f64 {
        direction.iter().zip(&centred).map(|(d, value)| f64::from(*d) * f64::from(*value)).sum()
    };
    let coefficients: Vec<f64> = basis.chunks_exact(mean.len()).map(onto).collect();
    Some(unit(&coefficients))
}

/// Takes each row's mean from it, then each side's mean response, which is returned.
fn centre(
    rows: &mut [f32],
    n_readouts: usize,
    sides: &[(Side, Range<usize>)],
) -> Vec<(Side, Vec<f32>)> {
    rows.chunks_exact_mut(n_readouts.max(1)).for_each(centre_over_readouts);
    let mut means = Vec::with_capacity(sides.len());
    for (side, range) in sides.iter().filter(|(_, range)| !range.is_empty()) {
        let rows = &mut rows[range.start * n_readouts..range.end * n_readouts];
        let mean = mean_row(rows, n_readouts);
        for row in rows.chunks_exact_mut(n_readouts.max(1)) {
            row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
        }
        means.push((*side, mean));
    }
    means
}

fn centre_over_readouts(row: &mut [f32]) {
    let mean = row.iter().map(|value| f64::from(*value)).sum::<f64>() / row.len() as f64;
    row.iter_mut().for_each(|value| *value -= mean as f32);
}

fn mean_row(rows: &[f32], n_readouts: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; n_readouts];
    for row in rows.chunks_exact(n_readouts.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let n_rows = (rows.len() / n_readouts.max(1)) as f64;
    sums.into_iter().map(|sum| (sum / n_rows) as f32).collect()
}

fn unit_rows(matrix: &Mat<f32>) -> Vec<f32> {
    let mut rows = Vec::with_capacity(matrix.nrows() * matrix.ncols());
    for row in 0..matrix.nrows() {
        let values: Vec<f64> = matrix.row(row).iter().map(|value| f64::from(*value)).collect();
        rows.extend(unit(&values));
    }
    rows
}

/// The same direction at length 1; zero stays zero.
fn unit(values: &[f64]) -> Vec<f32> {
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let scale = if norm > 1e-12 { 1.0 / norm } else { 0.0 };
    values.iter().map(|value| (value * scale) as f32).collect()
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
        let damaged = |problem: String| Error::Damaged {
            path: path.to_path_buf(),
            problem,
            advice: super::REBUILD.to_owned(),
        };
        if rank * n_rows != n_coefficients || n_names != n_readouts {
            return Err(damaged(format!(
                "{n_coefficients} coefficients for {n_rows} rows and {n_readouts} readouts"
            )));
        }
        for name in [Side::Chemical, Side::Genetic].map(|side| format!("mean-{side}")) {
            if file.has_section(&name) && file.section_f32(&name)?.len() != n_readouts {
                return Err(damaged(format!("`{name}` has not a value for each readout")));
            }
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

    /// Returns the unit coefficients of a response that is not among the rows, comparable with theirs: less its own
    /// mean over readouts, less its side's mean response, projected onto the kept directions. None when the file
    /// holds no mean of that side (early versions wrote none) or the number of values is another.
    ///
    /// # Shapes
    /// `predicted`: one per readout, averaged over contexts like the rows.
    #[must_use]
    pub fn project(&self, predicted: &[f32], side: Side) -> Option<Vec<f32>> {
        let mean = self.file.section_f32(&format!("mean-{side}")).ok()?;
        project(predicted, mean, self.file.section_f32("basis").ok()?)
    }

    /// Returns the same readouts and directions with other rows.
    ///
    /// # Shapes
    /// `coefficients`: rows of as many numbers as [`row`](Self::row) has.
    ///
    /// # Errors
    /// When the file is damaged.
    pub(super) fn with_rows(&self, coefficients: Vec<f32>, kept: f64) -> Result<Responses> {
        let owned = |line: &str| line.split('\t').map(str::to_owned).collect();
        let has_names = self.file.has_section("readout-names");
        let mut means = Vec::new();
        for side in [Side::Chemical, Side::Genetic] {
            let name = format!("mean-{side}");
            if self.file.has_section(&name) {
                means.push((side, self.file.section_f32(&name)?.to_vec()));
            }
        }
        Ok(Responses {
            coefficients,
            basis: self.file.section_f32("basis")?.to_vec(),
            readouts: self.readouts().map(str::to_owned).collect(),
            also_called: self.lines("readout-names").filter(|_| has_names).map(owned).collect(),
            means,
            variance_kept: kept,
        })
    }

    /// Returns how many numbers a row has.
    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the names of the readouts, in the order of a response's values.
    pub fn readouts(&self) -> impl Iterator<Item = &str> {
        self.lines("readouts")
    }

    /// Returns what the readouts are called.
    #[must_use]
    pub fn readout_names(&self) -> ReadoutNames {
        let also = self.lines("readout-names");
        let also = also.map(|line| line.split('\t').map(str::to_owned).collect());
        let also = if self.file.has_section("readout-names") { also.collect() } else { Vec::new() };
        ReadoutNames::new(self.readouts().map(str::to_owned).collect(), also)
    }

    fn lines(&self, section: &str) -> impl Iterator<Item = &str> {
        let text = self.file.section_bytes(section).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default().split('\n')
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

    const N_READOUTS: usize = 5;

    /// Responses of twelve rows, six of each side.
    fn predicted() -> Vec<f32> {
        (0..12 * N_READOUTS).map(|i| ((i * 7919 + 13) % 101) as f32 / 10.0).collect()
    }

    fn factorise(sides: &[(Side, Range<usize>)]) -> Responses {
        let names = (0..N_READOUTS).map(|i| i.to_string()).collect();
        Responses::factorise(predicted(), names, sides).unwrap()
    }

    fn write(responses: &Responses) -> (tempfile::TempDir, ResponseTable) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("responses.bin");
        responses.write(&path).unwrap();
        let table = ResponseTable::open(&path, 12).unwrap();
        (folder, table)
    }

    #[test]
    fn dot_products_of_coefficients_are_cosines_of_centred_responses() {
        let sides = [(Side::Chemical, 0..6), (Side::Genetic, 6..12)];
        let responses = factorise(&sides);
        let mut centred = predicted();
        centre(&mut centred, N_READOUTS, &sides);
        let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
        for (a, b) in [(0, 1), (2, 9), (7, 7)] {
            let row = |i: usize| &centred[i * N_READOUTS..(i + 1) * N_READOUTS];
            let dot: f32 = row(a).iter().zip(row(b)).map(|(x, y)| x * y).sum();
            let expected = dot / norm(row(a)) / norm(row(b));
            let coefficients = |i: usize| &responses.coefficients[i * 5..(i + 1) * 5];
            assert!((similarity(coefficients(a), coefficients(b)) - expected).abs() < 1e-5);
        }
        assert!((responses.variance_kept - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_rows_own_response_is_projected_onto_its_own_coefficients() {
        let (_folder, table) = write(&factorise(&[(Side::Chemical, 0..6), (Side::Genetic, 6..12)]));
        for (row, response) in predicted().chunks(N_READOUTS).enumerate() {
            let side = if row < 6 { Side::Chemical } else { Side::Genetic };
            let found = table.project(response, side).unwrap();
            let pairs = found.iter().zip(table.row(row as u32).unwrap());
            pairs.for_each(|(found, stored)| assert!((found - stored).abs() < 1e-4, "{row}"));
        }
        assert!(table.project(&[0.0; N_READOUTS + 1], Side::Chemical).is_none());
    }

    #[test]
    fn each_side_with_rows_has_a_mean_and_files_without_means_still_open() {
        let sides = [(Side::Chemical, 0..12), (Side::Genetic, 12..12)];
        let mut responses = factorise(&sides);
        let (_folder, table) = write(&responses);
        let response = &predicted()[..N_READOUTS];
        assert!(table.project(response, Side::Chemical).is_some());
        assert!(table.project(response, Side::Genetic).is_none());
        responses.means.clear();
        let (_folder, table) = write(&responses);
        assert!(table.project(response, Side::Chemical).is_none() && table.row(11).is_some());
        responses.means = vec![(Side::Genetic, vec![0.0; N_READOUTS - 1])];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("responses.bin");
        responses.write(&path).unwrap();
        let error = ResponseTable::open(&path, 12).unwrap_err().to_string();
        assert!(error.contains("`mean-genetic` has not a value for each readout"), "{error}");
    }
}
