use xxhash_rust::xxh3::xxh3_64_with_seed;

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
