use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::{Error, Result};

/// Which measured values are kept out of training.
///
/// A split is a rule, not a list: the same seed gives the same values on any machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Split {
    /// Nothing is held out.
    None,
    /// A share of all entries (perturbation, context, readout), drawn by a hash.
    Entries {
        /// Share held out, 0 to 1.
        share: f64,
        /// Seed of the draw.
        seed: u64,
    },
    /// Whole profiles, sorted by position.
    Profiles(Vec<u32>),
}

impl Split {
    /// Returns whether the value of `profile` at `readout` is held out.
    #[must_use]
    pub fn holds_out(&self, profile: usize, readout: usize) -> bool {
        match self {
            Self::None => false,
            Self::Entries { share, seed } => unit_hash(profile, readout, *seed) < *share,
            Self::Profiles(profiles) => profiles.binary_search(&(profile as u32)).is_ok(),
        }
    }
}

/// Which cells are kept out of the profiles that a dataset is made of: a share, drawn by a hash of their rows.
///
/// Only samples that a file tells apart by their rows ([`AssayLayout::H5ad`](super::AssayLayout), `Lists`) are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleSplit {
    /// Share kept out, above 0 and below 1.
    pub share: f64,
    /// Seed of the draw.
    pub seed: u64,
}

impl SampleSplit {
    /// Returns whether the cell of a row is kept out.
    #[must_use]
    pub fn holds_out(&self, row: usize) -> bool {
        unit_hash(row, 0, self.seed) < self.share
    }

    pub(super) fn check(&self) -> Result<()> {
        match self.share > 0.0 && self.share < 1.0 {
            true => Ok(()),
            false => {
                let expected = "above 0 and below 1";
                Err(Error::parameter("share of held-out cells", expected, self.share))
            }
        }
    }
}

/// Returns a number in [0, 1) that depends on nothing but the arguments.
fn unit_hash(profile: usize, readout: usize, seed: u64) -> f64 {
    let mut bytes = [0_u8; 16];
    bytes[..8].copy_from_slice(&(profile as u64).to_le_bytes());
    bytes[8..].copy_from_slice(&(readout as u64).to_le_bytes());
    (xxh3_64_with_seed(&bytes, seed) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_split_holds_out_about_its_share() {
        let split = Split::Entries { share: 0.1, seed: 17 };
        let held = (0..200).flat_map(|p| (0..200).map(move |r| (p, r)));
        let count = held.filter(|&(p, r)| split.holds_out(p, r)).count();
        assert!((3_700..4_300).contains(&count), "{count} of 40,000");
    }
}
