use super::signature::{Signature, stored_placement};
use crate::error::{Error, Result};
use crate::index::{Index, ReadoutNames};

/// Members of a set that must be readouts of the index.
const FEWEST_MEMBERS: usize = 5;

impl Index {
    /// Makes a signature of a set: the value of each member at its readout, 0 at all other readouts of the index. Members
    /// that are no readouts stay, so that an answer lists them as unmatched.
    ///
    /// ```no_run
    /// use phenocopy::index::Index;
    /// use phenocopy::search::SignatureQuery;
    ///
    /// let index = Index::open("my-index")?;
    /// let members = ["CDKN1A", "MDM2", "BAX", "BBC3", "GDF15"].map(|gene| (gene.to_owned(), 1.0));
    /// let signature = index.signature_of_members("p53 targets", &members)?;
    /// let answer = index.search_signature(&SignatureQuery::new(signature))?;
    /// # Ok::<(), phenocopy::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the index cannot place signatures, or fewer than five members are readouts of it.
    pub fn signature_of_members(&self, name: &str, members: &[(String, f32)]) -> Result<Signature> {
        let stored = stored_placement(self)?;
        let names = ReadoutNames::of_model(self, &stored.readouts);
        let mut values: Vec<(String, f32)> =
            names.symbols().iter().map(|symbol| (symbol.clone(), 0.0)).collect();
        let mut unmatched = Vec::new();
        for (member, value) in members {
            match names.position(member).and_then(|at| values.get_mut(at)) {
                Some((_, own)) => *own = *value,
                None => unmatched.push((member.clone(), *value)),
            }
        }
        let n_matched = members.len() - unmatched.len();
        if n_matched < FEWEST_MEMBERS {
            let example = names.symbols().first().map_or("", String::as_str);
            return Err(Error::data(
                format!("set `{name}`"),
                format!(
                    "{n_matched} of its {} members are readouts of the index, and {FEWEST_MEMBERS} are needed",
                    members.len()
                ),
                format!("name readouts as the index does, such as `{example}`"),
            ));
        }
        values.extend(unmatched);
        Ok(Signature { name: name.to_owned(), values })
    }
}
