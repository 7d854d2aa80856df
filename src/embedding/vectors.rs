use super::Centring;
use crate::error::{Error, Result};
use crate::experiment::Side;

/// Unit vectors, row after row.
///
/// # Shapes
/// `n_rows × dim`, row-major f32; every row is finite and of length 1 (to rounding).
///
/// ```
/// use phenocopy::embedding::Embeddings;
///
/// let embeddings = Embeddings::from_rows(vec![3.0, 4.0, 0.0, 2.0], 2)?;
/// assert_eq!(embeddings.row(0), [0.6, 0.8]);
/// assert!(Embeddings::from_rows(vec![1.0, 0.0, 0.0, 0.0], 2).is_err());
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    dim: usize,
    values: Vec<f32>,
}

impl Embeddings {
    /// Makes each row of a row-major matrix unit.
    ///
    /// # Errors
    /// When `values` is empty or not a multiple of `dim`, or a row is zero or not finite; the row is named.
    pub fn from_rows(mut values: Vec<f32>, dim: usize) -> Result<Self> {
        if dim == 0 || values.is_empty() || !values.len().is_multiple_of(dim) {
            return Err(Error::data(
                "embeddings",
                format!("{} numbers are not rows of {dim}", values.len()),
                "give at least one row, and all rows whole",
            ));
        }
        for (row, vector) in values.chunks_exact_mut(dim).enumerate() {
            make_unit(vector, row)?;
        }
        Ok(Self { dim, values })
    }

    /// Takes rows that are unit already, to the bit.
    ///
    /// # Errors
    /// As [`from_rows`](Self::from_rows), and when a row has another length than 1.
    pub(crate) fn from_unit_rows(values: Vec<f32>, dim: usize) -> Result<Self> {
        let checked = Self::from_rows(values.clone(), dim)?;
        let is_off = |(given, unit): (&f32, &f32)| (given - unit).abs() > 1e-4;
        if let Some(at) = values.iter().zip(&checked.values).position(is_off) {
            let what = format!("vector of row {}", at / dim);
            return Err(Error::data(what, "it has another length than 1", "make it unit"));
        }
        Ok(Self { dim, values })
    }

    /// Joins the members of an ensemble: each centred per side and made unit, then concatenated and divided by √S.
    ///
    /// The dot product of two joined rows is the mean of the S members' cosines. Queries that come
    /// later go through the same map: see [`Centring`], which this fits and applies.
    ///
    /// # Shapes
    /// Each member: `sides.len() × member_dim`; result: `sides.len() × (S · member_dim)`.
    ///
    /// # Errors
    /// When there is no member, a member has another size, or a row is not finite or zero once centred.
    pub fn join(members: &[Vec<f32>], member_dim: usize, sides: &[Side]) -> Result<Self> {
        Centring::fit(members, member_dim, sides)?.join(members, sides)
    }

    /// Returns the length of a row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Returns how many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Returns all numbers, row-major.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns one row.
    ///
    /// # Panics
    /// When `row` is not below [`n_rows`](Self::n_rows), as indexing a slice does.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dim..(row + 1) * self.dim]
    }

    /// Returns the rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dim)
    }

    /// Returns all numbers, row-major, without a copy.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}

/// Divides a vector by its length; `row` is for the message.
pub(super) fn make_unit(vector: &mut [f32], row: usize) -> Result<()> {
    if let Some(value) = vector.iter().find(|value| !value.is_finite()) {
        return Err(Error::data(
            format!("vector of row {row}"),
            format!("it holds {value}"),
            "check the model that made it: its training may have diverged",
        ));
    }
    let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if norm < f64::from(f32::MIN_POSITIVE) {
        return Err(Error::data(
            format!("vector of row {row}"),
            "it is zero, so it has no direction",
            "leave this row out, or check why nothing was learned for it",
        ));
    }
    vector.iter_mut().for_each(|value| *value = (f64::from(*value) / norm) as f32);
    Ok(())
}
