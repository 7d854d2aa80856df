use super::Embeddings;
use super::vectors::make_unit;
use crate::error::{Error, Result};
use crate::experiment::Side;

/// A unit vector, and how long it was: the less a profile says, the nearer its vector lies to the centre.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The unit vector.
    pub vector: Vec<f32>,
    /// Root mean square over the members of the length of their centred vectors.
    pub length: f32,
}

/// The map from the vectors of an ensemble's members to one unit vector.
///
/// It holds the mean of each side in each member: embeddings of compounds and of genes lie in two
/// clouds (the modality gap), and a cosine across the sides means something only between
/// deviations from the centres. A side of a single row has no deviations and is left as it is.
///
/// # Shapes
/// Per side S × `member_dim`; it maps S vectors of `member_dim` to one of S · `member_dim`.
#[derive(Debug, Clone, PartialEq)]
pub struct Centring {
    member_dim: usize,
    chemical: Vec<f32>,
    genetic: Vec<f32>,
}

impl Centring {
    /// Takes the means of the rows of each side, member by member.
    ///
    /// # Errors
    /// When there is no member or a member does not have `sides.len() × member_dim` numbers.
    pub fn fit(members: &[Vec<f32>], member_dim: usize, sides: &[Side]) -> Result<Self> {
        check_shape(members, member_dim, sides.len())?;
        let means = |side: Side| -> Vec<f32> {
            members.iter().flat_map(|member| mean(member, member_dim, sides, side)).collect()
        };
        Ok(Self { member_dim, chemical: means(Side::Chemical), genetic: means(Side::Genetic) })
    }

    /// Restores a map from the [`means`](Self::means) of both sides.
    ///
    /// # Errors
    /// When the two do not have the same length, a multiple of `member_dim`, or are not finite.
    pub fn from_means(member_dim: usize, chemical: Vec<f32>, genetic: Vec<f32>) -> Result<Self> {
        let whole = member_dim > 0 && chemical.len().is_multiple_of(member_dim);
        let finite = chemical.iter().chain(&genetic).all(|value| value.is_finite());
        if !whole || !finite || chemical.is_empty() || chemical.len() != genetic.len() {
            return Err(Error::data(
                "centres of the embeddings",
                format!("{} and {} numbers of dim {member_dim}", chemical.len(), genetic.len()),
                "rebuild the index with `phenocopy build`",
            ));
        }
        Ok(Self { member_dim, chemical, genetic })
    }

    /// Returns how many members the ensemble has.
    #[must_use]
    pub fn n_members(&self) -> usize {
        self.chemical.len() / self.member_dim
    }

    /// Returns the length of a member's vectors.
    #[must_use]
    pub fn member_dim(&self) -> usize {
        self.member_dim
    }

    /// Returns the means of a side, member after member.
    #[must_use]
    pub fn means(&self, side: Side) -> &[f32] {
        match side {
            Side::Chemical => &self.chemical,
            Side::Genetic => &self.genetic,
        }
    }

    /// Maps the members' vectors of one perturbation to its unit vector; `row` is for the message.
    ///
    /// # Errors
    /// When a member is missing, has another length, or its vector is not finite or zero once centred.
    pub fn apply(&self, side: Side, members: &[&[f32]], row: usize) -> Result<Vec<f32>> {
        Ok(self.apply_measured(side, members, row)?.vector)
    }

    /// Does what [`apply`](Self::apply) does and tells how long the members' vectors were before they were made unit.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn apply_measured(&self, side: Side, members: &[&[f32]], row: usize) -> Result<Placed> {
        let whole = members.iter().all(|vector| vector.len() == self.member_dim);
        if members.len() != self.n_members() || !whole {
            return Err(Error::data(
                format!("vector of row {row}"),
                format!("{} vectors do not fit {self_}", members.len(), self_ = self.shape()),
                "take all members from the model of this index",
            ));
        }
        let scale = (1.0 / (members.len() as f64).sqrt()) as f32;
        let mut joined = Vec::with_capacity(self.chemical.len());
        let mut squares = 0.0;
        for (vector, means) in members.iter().zip(self.means(side).chunks_exact(self.member_dim)) {
            let start = joined.len();
            joined.extend(vector.iter().zip(means).map(|(value, mean)| value - mean));
            squares += joined[start..].iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
            make_unit(&mut joined[start..], row)?;
            joined[start..].iter_mut().for_each(|value| *value *= scale);
        }
        let length = (squares / members.len() as f64).sqrt() as f32;
        Ok(Placed { vector: joined, length })
    }

    /// Maps all rows of an ensemble.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), naming the row.
    pub fn join(&self, members: &[Vec<f32>], sides: &[Side]) -> Result<Embeddings> {
        check_shape(members, self.member_dim, sides.len())?;
        let mut values = Vec::with_capacity(sides.len() * self.chemical.len());
        for (row, side) in sides.iter().enumerate() {
            let range = row * self.member_dim..(row + 1) * self.member_dim;
            let vectors: Vec<&[f32]> =
                members.iter().map(|member| &member[range.clone()]).collect();
            values.extend(self.apply(*side, &vectors, row)?);
        }
        Embeddings::from_rows(values, self.chemical.len())
    }

    fn shape(&self) -> String {
        format!("{} members of {} numbers", self.n_members(), self.member_dim)
    }
}

fn check_shape(members: &[Vec<f32>], member_dim: usize, n_rows: usize) -> Result<()> {
    let expected = n_rows * member_dim;
    let wrong = members.iter().position(|member| member.len() != expected);
    if members.is_empty() || expected == 0 || wrong.is_some() {
        let received = wrong.and_then(|member| members.get(member)).map_or(0, Vec::len);
        return Err(Error::data(
            format!("member {} of the ensemble", wrong.unwrap_or(0)),
            format!("it has {received} numbers, not {n_rows} rows of {member_dim}"),
            "train all members on one dataset with one `dim`",
        ));
    }
    Ok(())
}

/// Sums in f64 and in row order, so that the mean does not depend on threads.
fn mean(member: &[f32], dim: usize, sides: &[Side], side: Side) -> Vec<f32> {
    let mut sums = vec![0.0_f64; dim];
    let mut n = 0_u32;
    for (vector, _) in member.chunks_exact(dim).zip(sides).filter(|(_, s)| **s == side) {
        sums.iter_mut().zip(vector).for_each(|(sum, value)| *sum += f64::from(*value));
        n += 1;
    }
    if n < 2 {
        return vec![0.0; dim];
    }
    sums.into_iter().map(|sum| (sum / f64::from(n)) as f32).collect()
}
