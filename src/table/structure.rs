use chematic_fp::{BitVec2048, ecfp4};
use chematic_smiles::parse_cxsmiles;

use crate::error::{Error, Result};

/// Bits of a fingerprint.
pub const FINGERPRINT_BITS: usize = 2048;

/// The substructures of a compound up to two bonds around each atom, hashed into [`FINGERPRINT_BITS`] bits:
/// ECFP4 (Rogers & Hahn 2010), chirality left out.
///
/// ```
/// use phenocopy::table::Fingerprint;
///
/// let phenol = Fingerprint::of_smiles("c1ccccc1O")?;
/// assert_eq!(phenol.tanimoto(&Fingerprint::of_smiles("Oc1ccccc1")?), 1.0);
/// assert!(phenol.tanimoto(&Fingerprint::of_smiles("CCO")?) < 0.3);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fingerprint(BitVec2048);

impl Fingerprint {
    /// Reads a structure in SMILES, extended or not.
    ///
    /// # Errors
    /// When it is no SMILES, with the position, or it has no atom.
    pub fn of_smiles(smiles: &str) -> Result<Self> {
        let refuse = |problem: String| {
            let shown: String = smiles.chars().take(60).collect();
            let advice = "check that it was copied whole, and quote it on the command line";
            Err(Error::data(format!("SMILES `{shown}`"), problem, advice))
        };
        match parse_cxsmiles(smiles.trim()) {
            Ok(structure) if structure.mol.atom_count() > 0 => Ok(Self(ecfp4(&structure.mol))),
            Ok(_) => refuse("it has no atom".to_owned()),
            Err(problem) => refuse(problem.to_string()),
        }
    }

    /// Returns the bits as features: 0 or 1 each.
    #[must_use]
    pub fn features(&self) -> Vec<f32> {
        (0..FINGERPRINT_BITS).map(|bit| if self.0.get(bit) { 1.0 } else { 0.0 }).collect()
    }

    /// Returns the share of bits in common among those of either: 1 for equal fingerprints.
    #[must_use]
    pub fn tanimoto(&self, other: &Self) -> f64 {
        self.0.tanimoto(&other.0)
    }
}
