//! From profiles to unit vectors, all weights frozen: how perturbations of an index and own signatures are placed.
//!
//! Takes a dataset and the trained weights of each member; gives [`Placement`], which places any profile, and
//! [`FoldedProfiles`], the dataset's own profiles folded in one by one.

mod ensemble;
mod member;
mod profiles;

pub use ensemble::Placement;
pub use member::MemberPlacement;
pub use profiles::FoldedProfiles;

/// A profile to be placed: the position of its context, and a value or NaN per readout, normalised as
/// that context's profiles were.
pub type ContextProfile<'a> = (u32, &'a [f32]);

/// The mean of rows, summed in their order.
fn mean(rows: &[&[f32]], dim: usize) -> Vec<f32> {
    let mean = |k: usize| {
        let sum: f64 = rows.iter().map(|row| f64::from(row[k])).sum();
        (sum / rows.len() as f64) as f32
    };
    (0..dim).map(mean).collect()
}
