use crate::error::Result;
use crate::experiment::PerturbationType;
use crate::index::{Index, NameKind};

/// How many of some names an index knows, and as what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recognised {
    /// How many names were looked up.
    pub n_names: usize,
    /// Those that name a readout.
    pub n_readouts: usize,
    /// Those that name a compound.
    pub n_compounds: usize,
    /// Those that name a genetic perturbation.
    pub n_genes: usize,
}

impl Recognised {
    /// Returns whether most of the names are readouts.
    #[must_use]
    pub fn are_readouts(&self) -> bool {
        self.n_readouts > 0 && self.n_readouts >= self.n_perturbations()
    }

    /// Returns how many of the names are perturbations, of the side that more of them are of.
    #[must_use]
    pub fn n_perturbations(&self) -> usize {
        self.n_compounds.max(self.n_genes)
    }
}

impl Index {
    /// Counts which of some names the index knows, by any kind of name; of many, the first few hundred. What DepMap
    /// puts behind a gene's symbol (`BRAF (673)`) is not looked at.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn recognise<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<Recognised> {
        /// More names do not make surer which axis they are.
        const MOST_ASKED: usize = 400;
        let mut found = Recognised::default();
        for name in names.into_iter().take(MOST_ASKED) {
            let name = name.split(" (").next().unwrap_or(name);
            found.n_names += 1;
            found.n_readouts += usize::from(self.readout_names().position(name).is_some());
            let (is_compound, is_gene) = self.sides_of(name)?;
            found.n_compounds += usize::from(is_compound);
            found.n_genes += usize::from(is_gene);
        }
        Ok(found)
    }

    /// Returns whether a name is a compound's and whether it is a gene's.
    fn sides_of(&self, name: &str) -> Result<(bool, bool)> {
        let (mut is_compound, mut is_gene) = (false, false);
        for kind in [NameKind::Name, NameKind::Synonym, NameKind::Identifier] {
            for row in self.metadata().rows_named(name, kind)? {
                match self.record(row)?.perturbation.perturbation_type() {
                    PerturbationType::Compound => is_compound = true,
                    _ => is_gene = true,
                }
            }
        }
        Ok((is_compound, is_gene))
    }
}
