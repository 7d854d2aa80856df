use std::collections::{BTreeSet, HashMap};

use super::agents::resolve_genes;
use super::places::Places;
use super::recipe::{AgentKind, Recipe};
use super::report::{Doubt, Place, ReadingReport, UnresolvedName};
use super::screen::RawAssay;
use crate::error::Result;
use crate::experiment::Annotation;
use crate::table::{AnnotationRow, GeneNames, lookup_key};

/// Gives gene readouts their approved symbols, so that screens of different years share them, and reports what
/// it finds; a retired symbol stays where its file has the approved one, too.
pub(super) fn approve(
    recipe: &Recipe,
    assays: &mut [RawAssay],
    genes: &GeneNames,
    report: &mut ReadingReport,
) -> Result<()> {
    let kind = AgentKind::Readout;
    let places = places(recipe, assays);
    let mut found = ReadingReport::default();
    let symbols = resolve_genes(&places, genes, kind, &mut found)?;
    for (assay, raw) in recipe.assays.iter().zip(assays) {
        let context = assay.context.as_str();
        let readouts = &mut raw.measurements.readouts;
        let mut taken: BTreeSet<String> = readouts.iter().cloned().collect();
        for name in readouts.iter_mut() {
            let Some(symbol) = symbols.get(name).filter(|symbol| *symbol != name) else { continue };
            if taken.insert(symbol.clone()) {
                name.clone_from(symbol);
                continue;
            }
            for merge in found.merges.iter_mut().filter(|merge| merge.from == *name) {
                merge.assays.retain(|assay| assay != context);
            }
            let place = Place { name: name.clone(), assays: vec![context.to_owned()] };
            let doubt = Doubt::Taken(symbol.clone());
            found.unresolved.push(UnresolvedName { kind, place, doubt });
        }
    }
    found.merges.retain(|merge| !merge.assays.is_empty());
    report.merges.extend(found.merges);
    report.unresolved.extend(found.unresolved);
    Ok(())
}

/// Returns the readouts of all assays.
pub(super) fn places(recipe: &Recipe, assays: &[RawAssay]) -> Places {
    let mut places = Places::default();
    for (assay, raw) in recipe.assays.iter().zip(assays) {
        let names = &raw.measurements.readouts;
        names.iter().for_each(|name| places.add(name, assay.context.as_str()));
    }
    places
}

/// Reports which of the kept readouts no row of a table names, or several do.
pub(super) fn report_unknown<'a>(
    kept: impl Iterator<Item = &'a String>,
    places: &Places,
    rows: &[AnnotationRow],
    report: &mut ReadingReport,
) {
    let claims = Claims::of(rows);
    for name in kept.filter(|name| claims.row(name).is_none()) {
        let claimants = claims.claimants(name, rows);
        let doubt = match claimants.is_empty() {
            true => Doubt::Unknown(None),
            false => Doubt::ClaimedBy(claimants),
        };
        let place = places.of(name);
        report.unresolved.push(UnresolvedName { kind: AgentKind::Readout, place, doubt });
    }
}

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

    /// Returns the rows that claim a name which belongs to none, by their names.
    fn claimants(&self, name: &str, rows: &[AnnotationRow]) -> Vec<String> {
        let key = lookup_key(name);
        if !self.own.contains_key(&key) && !self.also.contains_key(&key) {
            return Vec::new();
        }
        let has = |row: &&AnnotationRow| {
            let known = row.own_names.iter().chain(&row.annotation.identifiers);
            known.chain(&row.annotation.synonyms).any(|known| lookup_key(known) == key)
        };
        rows.iter().filter(has).map(|row| row.annotation.name.clone()).collect()
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
