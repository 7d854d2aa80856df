use std::borrow::Cow;
use std::collections::HashMap;

use super::open::Index;
use crate::table::{close_names, lookup_key};

/// What the readouts of an index are called: cell lines by name and identifiers, genes by symbol, aliases, Entrez and
/// Ensembl identifiers, as the recipe's annotation told.
///
/// ```
/// use phenocopy::index::ReadoutNames;
///
/// let also = vec![vec!["A-375".to_owned(), "905949".to_owned()], Vec::new()];
/// let names = ReadoutNames::new(vec!["ACH-1".into(), "ACH-2".into()], also);
/// assert_eq!(names.position("a375"), Some(0));
/// assert_eq!((names.display("ACH-1"), names.display("ACH-2")), ("A-375", "ACH-2"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadoutNames {
    symbols: Vec<String>,
    /// What each is also called; the first is how it is shown.
    also: Vec<Vec<String>>,
    exact: HashMap<String, usize>,
    /// By the key of a name; none where it names several.
    by_key: HashMap<String, Option<usize>>,
}

impl ReadoutNames {
    /// Takes the names that the index's values have, and what each is also called, the name to show first.
    #[must_use]
    pub fn new(symbols: Vec<String>, also: Vec<Vec<String>>) -> Self {
        let exact = symbols.iter().cloned().zip(0..).collect();
        let mut names = Self { symbols, also, exact, by_key: HashMap::new() };
        for at in 0..names.symbols.len() {
            names.claim(&names.symbols[at].clone(), at);
        }
        let own: HashMap<String, Option<usize>> = names.by_key.clone();
        for at in 0..names.symbols.len() {
            for name in names.also.get(at).cloned().unwrap_or_default() {
                // A readout's own name is never another's.
                if !own.contains_key(&lookup_key(&name)) {
                    names.claim(&name, at);
                }
            }
        }
        names
    }

    fn claim(&mut self, name: &str, at: usize) {
        let claimant = self.by_key.entry(lookup_key(name)).or_insert(Some(at));
        if *claimant != Some(at) {
            *claimant = None;
        }
    }

    /// Returns the names that the index's values have, in order.
    #[must_use]
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// Returns what people call the readout of a symbol; the symbol where nothing else is known.
    #[must_use]
    pub fn display<'a>(&'a self, symbol: &'a str) -> &'a str {
        let also = self.exact.get(symbol).and_then(|at| self.also.get(*at));
        also.and_then(|also| also.first()).map_or(symbol, String::as_str)
    }

    /// Returns the position of the readout that a name stands for, whichever kind of name; none where it stands for
    /// none or for several. The version of an Ensembl identifier (`ENSG00000171791.14`) is not looked at.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        let by_key = |name: &str| self.by_key.get(&lookup_key(name)).copied().flatten();
        let exact = self.exact.get(name).copied();
        exact.or_else(|| by_key(name)).or_else(|| by_key(without_version(name)?))
    }

    /// Returns the symbol of the readout that a name stands for, as [`position`](Self::position) finds it.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<&str> {
        self.symbols.get(self.position(name)?).map(String::as_str)
    }

    /// Returns the name of a readout, of whichever kind, that is spelt most like a name; none where none is.
    #[must_use]
    pub fn closest(&self, name: &str) -> Option<String> {
        let names = self.symbols.iter().chain(self.also.iter().flatten());
        close_names(name, names.map(String::as_str)).into_iter().next()
    }
}

/// A profile at the readouts of an index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlignedProfile {
    /// One for each readout of the index, NaN where the profile has no value; values of one readout are averaged.
    pub(crate) values: Vec<f32>,
    /// How many readouts of the index have a value.
    pub(crate) n_matched: usize,
    /// Names that are no readout of the index, in the profile's order.
    pub(crate) unmatched: Vec<String>,
}

impl ReadoutNames {
    /// Returns what readouts of a model are called: as in the index's responses, if those are of the same readouts. Files of
    /// two builds, put together by a program, may differ in them.
    #[must_use]
    pub fn of_model<'a>(index: &'a Index, readouts: &[String]) -> Cow<'a, Self> {
        let names = index.readout_names();
        if names.symbols() == readouts {
            return Cow::Borrowed(names);
        }
        Cow::Owned(Self::new(readouts.to_vec(), Vec::new()))
    }

    /// Puts the values of a profile where the index has them; a NaN is no value.
    pub(crate) fn align<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, f32)>,
    ) -> AlignedProfile {
        let mut sums = vec![(0.0_f64, 0_u32); self.symbols.len()];
        let mut unmatched = Vec::new();
        for (name, value) in values {
            match self.position(name).and_then(|at| sums.get_mut(at)) {
                Some(_) if value.is_nan() => {}
                Some((sum, n)) => (*sum, *n) = (*sum + f64::from(value), *n + 1),
                None => unmatched.push(name.to_owned()),
            }
        }
        AlignedProfile {
            n_matched: sums.iter().filter(|(_, n)| *n > 0).count(),
            values: sums.iter().map(|(sum, n)| (sum / f64::from(*n)) as f32).collect(),
            unmatched,
        }
    }
}

/// An Ensembl identifier without its version; none of anything else.
fn without_version(name: &str) -> Option<&str> {
    let (identifier, version) = name.trim().split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_ensembl = identifier.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("ens"));
    (is_ensembl && is_number(version)).then_some(identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_lead_to_one_readout_and_never_away_from_a_symbol() {
        let also = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let names = ReadoutNames::new(
            vec!["BCL2".into(), "PARP1".into(), "TIPARP".into()],
            vec![
                also(&["BCL2", "ENSG00000171791", "596"]),
                also(&["PARP1"]),
                also(&["TIPARP", "PARP-1", "596"]),
            ],
        );
        assert_eq!(names.position("bcl-2"), Some(0));
        assert_eq!(names.position("ENSG00000171791.14"), Some(0));
        assert_eq!(names.position("PARP-1"), Some(1));
        assert_eq!(names.position("596"), None);
        assert_eq!(names.position("BCL2.14"), None);
        assert_eq!(names.closest("TIPARb"), Some("TIPARP".to_owned()));
        assert_eq!(names.closest("ENSG0000017179"), Some("ENSG00000171791".to_owned()));
    }
}
