use std::collections::{BTreeSet, HashMap};

use crate::experiment::Annotation;
use crate::table::{AnnotationRow, lookup_key};

/// Returns what a table knows of each readout, in their order: its row's name, and as synonyms and identifiers those
/// that no other row claims. A readout that no row names has its own name and nothing else.
pub(super) fn annotate<'a>(
    readouts: impl Iterator<Item = &'a String>,
    rows: &[AnnotationRow],
) -> Vec<Annotation> {
    let claims = Claims::of(rows);
    let annotation = |readout: &String| {
        let Some(at) = claims.row(readout) else {
            return Annotation { name: readout.clone(), ..Annotation::default() };
        };
        let (row, is_own) = (&rows[at], |name: &String| claims.row(name) == Some(at));
        let own: BTreeSet<&String> =
            row.own_names.iter().chain(&row.annotation.synonyms).filter(|n| is_own(n)).collect();
        let identifiers = row.annotation.identifiers.iter().filter(|id| is_own(id));
        Annotation {
            name: row.annotation.name.clone(),
            synonyms: own.into_iter().cloned().collect(),
            identifiers: identifiers.cloned().collect(),
            description: row.annotation.description.clone(),
            ..Annotation::default()
        }
    };
    readouts.map(annotation).collect()
}

/// Which row each name belongs to; none where several claim it.
struct Claims {
    /// Names and identifiers.
    own: HashMap<String, Option<usize>>,
    /// What rows are also called, which counts only where it is no row's own name.
    also: HashMap<String, Option<usize>>,
}

impl Claims {
    fn of(rows: &[AnnotationRow]) -> Self {
        let (mut own, mut also) = (HashMap::new(), HashMap::new());
        for (at, row) in rows.iter().enumerate() {
            let names = row.own_names.iter().chain(&row.annotation.identifiers);
            names.for_each(|name| claim(&mut own, name, at));
            row.annotation.synonyms.iter().for_each(|name| claim(&mut also, name, at));
        }
        Self { own, also }
    }

    fn row(&self, name: &str) -> Option<usize> {
        let key = lookup_key(name);
        self.own.get(&key).or_else(|| self.also.get(&key)).copied().flatten()
    }
}

fn claim(claims: &mut HashMap<String, Option<usize>>, name: &str, at: usize) {
    let claimant = claims.entry(lookup_key(name)).or_insert(Some(at));
    if *claimant != Some(at) {
        *claimant = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, synonyms: &[&str], identifiers: &[&str]) -> AnnotationRow {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (synonyms, identifiers) = (all(synonyms), all(identifiers));
        let annotation =
            Annotation { name: name.to_owned(), synonyms, identifiers, ..Annotation::default() };
        AnnotationRow { own_names: vec![name.to_owned()], annotation, has_best_name: true }
    }

    #[test]
    fn a_readout_is_found_by_its_identifier_and_keeps_only_the_names_that_are_its_own() {
        let rows = [
            row("A-375", &["A375", "Shared"], &["ACH-000219"]),
            row("MCF-7", &["shared", "A-375"], &["ACH-000019"]),
        ];
        let readouts = ["ACH-000219", "ACH-000019", "ACH-9"].map(str::to_owned);
        let [a375, mcf7, other] =
            <[Annotation; 3]>::try_from(annotate(readouts.iter(), &rows)).unwrap();
        assert_eq!((a375.name.as_str(), a375.identifiers), ("A-375", vec!["ACH-000219".into()]));
        assert_eq!(a375.synonyms, ["A-375", "A375"]);
        assert_eq!(mcf7.synonyms, ["MCF-7"]);
        assert_eq!((other.name.as_str(), other.synonyms.len()), ("ACH-9", 0));
    }
}
