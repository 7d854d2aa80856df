use serde::{Deserialize, Serialize};

/// A part of the queries: choose settings on [`Half::Even`], report on [`Half::Odd`].
///
/// A gene's half is the parity of the FNV-1a 64-bit hash of its symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Half {
    /// Every query.
    All,
    /// Queries whose targets in the panel are all of even hash.
    Even,
    /// Queries whose targets in the panel are all of odd hash.
    Odd,
}

impl Half {
    /// All parts, in the order of this enum.
    pub const ALL: [Self; 3] = [Self::All, Self::Even, Self::Odd];

    /// Returns the half a gene belongs to: even or odd.
    #[must_use]
    pub fn of_gene(symbol: &str) -> Self {
        if fnv1a(symbol.as_bytes()).is_multiple_of(2) { Self::Even } else { Self::Odd }
    }

    /// Returns whether a query with these target genes belongs to this part; one with targets in
    /// both halves belongs to neither.
    #[must_use]
    pub fn holds<'a>(self, genes: impl IntoIterator<Item = &'a str>) -> bool {
        self == Self::All || genes.into_iter().all(|gene| Self::of_gene(gene) == self)
    }

    /// Returns `all`, `even` or `odd`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Even => "even",
            Self::Odd => "odd",
        }
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): offset basis and prime of the reference.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_equals_the_reference_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_query_with_targets_in_both_halves_belongs_to_neither() {
        let (even, odd) = ("b", "a");
        assert_eq!((Half::of_gene(even), Half::of_gene(odd)), (Half::Odd, Half::Even));
        assert!(!Half::Even.holds([even, odd]) && !Half::Odd.holds([even, odd]));
        assert!(Half::All.holds([even, odd]) && Half::Odd.holds([even]));
    }
}
