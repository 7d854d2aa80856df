use chematic_fp::{BitVec2048, ecfp4};
use chematic_perception::apply_aromaticity;
use chematic_smiles::parse_cxsmiles;

use crate::error::{Error, Result};

/// Bits of a fingerprint.
pub const FINGERPRINT_BITS: usize = 2048;

/// The component with most atoms, without extensions and written-out hydrogens.
fn main_component(smiles: &str) -> String {
    let plain = smiles.split_whitespace().next().unwrap_or_default();
    let plain = plain.replace("([H])", "");
    // A ring that closes across a dot makes its components one.
    let is_structure = |part: &&str| parse_cxsmiles(part).is_ok();
    let components: Vec<&str> = plain.split('.').collect();
    let n_atoms = |part: &&&str| parse_cxsmiles(part).map_or(0, |found| found.mol.atom_count());
    let largest = match components.iter().all(is_structure) {
        true => components.iter().max_by_key(n_atoms).copied().unwrap_or_default(),
        false => plain.as_str(),
    };
    let without_hydrogen = largest.replace("[H]", "");
    let is_whole = !without_hydrogen.is_empty() && parse_cxsmiles(&without_hydrogen).is_ok();
    if is_whole { without_hydrogen } else { largest.to_owned() }
}

/// The substructures of a compound up to two bonds around each atom, hashed into [`FINGERPRINT_BITS`] bits:
/// ECFP4 (Rogers & Hahn 2010), chirality left out.
///
/// However a structure is spelt it has one fingerprint: rings that are written with double bonds are aromatic, too,
/// hydrogens that are written out are left out, and of several components (a salt, a solvate) the largest counts.
///
/// ```
/// use phenocopy::table::Fingerprint;
///
/// let phenol = Fingerprint::of_smiles("c1ccccc1O")?;
/// assert_eq!(phenol.tanimoto(&Fingerprint::of_smiles("Oc1ccccc1")?), 1.0);
/// assert_eq!(phenol.tanimoto(&Fingerprint::of_smiles("C1=CC=CC=C1O")?), 1.0);
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
        // The whole is parsed, too, so that no part of it may be wrong.
        if let Err(problem) = parse_cxsmiles(smiles.trim()) {
            return refuse(problem.to_string());
        }
        match parse_cxsmiles(&main_component(smiles)) {
            Ok(structure) if structure.mol.atom_count() > 0 => {
                Ok(Self(ecfp4(&apply_aromaticity(&structure.mol))))
            }
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
