use std::collections::{BTreeSet, HashMap};

use crate::error::{Error, Result};
use crate::experiment::PerturbationType;
use crate::index::Record;
use crate::table::lookup_key;

/// Rows that an error names.
const LISTED: usize = 5;

/// What the perturbations of an index are called.
pub(super) struct KnownNames<'a> {
    records: &'a [Record],
    by_name: HashMap<(PerturbationType, String), BTreeSet<usize>>,
    /// By the first block of the InChIKey.
    by_structure: HashMap<&'a str, BTreeSet<usize>>,
}

/// What the name of an added row has to do with those of an index.
enum Resemblance {
    /// It is a row of the index, by a name of both.
    Same(usize, String),
    /// It might be one, for a reason.
    Suggested(String),
}

impl<'a> KnownNames<'a> {
    pub(super) fn of(records: &'a [Record]) -> Self {
        let mut known = Self { records, by_name: HashMap::new(), by_structure: HashMap::new() };
        for (row, record) in records.iter().enumerate() {
            let kind = record.perturbation.perturbation_type();
            for name in names(record) {
                known.by_name.entry((kind, lookup_key(name))).or_default().insert(row);
            }
            if let Some(block) = record.annotation.inchi_key.get(..14) {
                known.by_structure.entry(block).or_default().insert(row);
            }
        }
        known
    }

    /// Returns a sentence for each of some records that might be a row of the index, but is not by its names.
    ///
    /// # Errors
    /// When one is: by a name, an alias, an identifier or a full InChIKey.
    pub(super) fn refuse(&self, added: &[&Record]) -> Result<Vec<String>> {
        let (mut same, mut suggested) = (Vec::new(), Vec::new());
        for record in added {
            let own = record.name();
            for resemblance in self.resemblances(record) {
                match resemblance {
                    Resemblance::Same(row, name) => {
                        let other = self.records[row].name();
                        same.push(format!("`{own}` is `{other}` by `{name}`"));
                        break;
                    }
                    Resemblance::Suggested(why) => suggested.push(format!("`{own}` {why}")),
                }
            }
        }
        if same.is_empty() {
            return Ok(suggested);
        }
        let n_more = same.len().saturating_sub(LISTED);
        let more = if n_more > 0 { format!(", and {n_more} more") } else { String::new() };
        same.truncate(LISTED);
        Err(Error::data(
            "rows to add",
            format!("the index holds them already: {}{more}", same.join(", ")),
            "leave them out, or give yours names of their own, such as `NAME (our batch)`, and leave the others' aliases out of their annotation",
        ))
    }

    fn resemblances(&self, record: &Record) -> Vec<Resemblance> {
        let kind = record.perturbation.perturbation_type();
        let mut found = Vec::new();
        for name in names(record) {
            let rows = self.by_name.get(&(kind, lookup_key(name)));
            match rows.into_iter().flatten().collect::<Vec<_>>().as_slice() {
                [] => {}
                [row] => found.push(self.by_name_of(record, **row, name)),
                several => {
                    let of: Vec<&str> =
                        several.iter().map(|row| self.records[**row].name()).collect();
                    let of = of.join(" and ");
                    let why =
                        format!("has the name `{name}`, which is ambiguous: {of} have it, too");
                    found.push(Resemblance::Suggested(why));
                }
            }
        }
        let block = record.annotation.inchi_key.get(..14);
        let alike = block.and_then(|block| self.by_structure.get(block)).into_iter().flatten();
        found.extend(alike.map(|row| {
            let other = self.records[*row].name();
            Resemblance::Suggested(format!(
                "has the first block of the InChIKey of `{other}`: salts and stereoisomers have; both are kept"
            ))
        }));
        found
    }
}

impl KnownNames<'_> {
    /// What a name that a record shares with a single row tells: of two structures an alias is wrong or of a mixture, as
    /// in a recipe's data; a main name can be that of one only.
    fn by_name_of(&self, record: &Record, row: usize, name: &str) -> Resemblance {
        let other = &self.records[row];
        let [own_key, other_key] = [record, other].map(|of| of.annotation.inchi_key.as_str());
        let differ = !own_key.is_empty() && !other_key.is_empty() && own_key != other_key;
        let is_main = |of: &Record| {
            [of.name(), of.perturbation.agent()]
                .iter()
                .any(|own| lookup_key(own) == lookup_key(name))
        };
        if differ && !(is_main(record) && is_main(other)) {
            let why = format!(
                "shares the name `{name}` with `{}`, whose InChIKey is another",
                other.name()
            );
            return Resemblance::Suggested(why);
        }
        Resemblance::Same(row, name.to_owned())
    }
}

/// All names of a record: of several with one key, the first.
fn names(record: &Record) -> Vec<&str> {
    let annotation = &record.annotation;
    let own = [record.perturbation.agent(), &annotation.name, &annotation.inchi_key];
    let others = annotation.synonyms.iter().chain(&annotation.identifiers).map(String::as_str);
    let mut seen = BTreeSet::new();
    let all = own.into_iter().chain(others).filter(|name| !lookup_key(name).is_empty());
    all.filter(|name| seen.insert(lookup_key(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Annotation, Perturbation};

    fn compound(name: &str, synonyms: &[&str], inchi_key: &str) -> Record {
        Record {
            perturbation: Perturbation::new(PerturbationType::Compound, name),
            annotation: Annotation {
                name: name.to_owned(),
                synonyms: synonyms.iter().map(|name| (*name).to_owned()).collect(),
                inchi_key: inchi_key.to_owned(),
                ..Annotation::default()
            },
            targeted_by: Vec::new(),
            contexts: Vec::new(),
        }
    }

    #[test]
    fn names_aliases_and_keys_of_the_index_are_refused_and_what_suggests_is_told() {
        let index = [
            compound("epirubicin", &["Ellence"], "AOJJSUZBOXZQNB-VTZDEGQISA-N"),
            compound("sirolimus", &["Torisel"], "QFJCIRLUMZQUOT-HPLJOQBZSA-N"),
            compound("one", &["both"], ""),
            compound("two", &["both"], ""),
        ];
        let known = KnownNames::of(&index);
        let refused = |record: &Record| known.refuse(&[record]).unwrap_err().to_string();
        assert!(refused(&compound("ELLENCE", &[], "")).contains("is `epirubicin` by `ELLENCE`"));
        let key = compound("ours", &[], "AOJJSUZBOXZQNB-VTZDEGQISA-N");
        assert!(refused(&key).contains("`ours` is `epirubicin`"));
        let main = compound("Sirolimus", &[], "AAAAAAAAAAAAAA-BBBBBBBBBB-N");
        assert!(refused(&main).contains("names of their own"));
        let told = |record: &Record| known.refuse(&[record]).unwrap();
        let salt = compound("doxorubicin", &[], "AOJJSUZBOXZQNB-TZSSRYMLSA-N");
        assert!(told(&salt)[0].contains("first block of the InChIKey of `epirubicin`"));
        let alias = compound("temsirolimus", &["Torisel"], "CBPNZQVSJQDFBE-FUXHJELOSA-N");
        assert!(told(&alias)[0].contains("`Torisel` with `sirolimus`, whose InChIKey is another"));
        assert!(told(&compound("three", &["both"], ""))[0].contains("ambiguous: one and two"));
        assert!(told(&compound("four", &["IV"], "")).is_empty());
    }
}
