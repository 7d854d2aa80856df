use std::collections::{BTreeMap, BTreeSet};

use super::places::Places;
use super::report::{MergeReason, ReadingReport, SuggestionReason};
use crate::experiment::Annotation;
use crate::table::{AnnotationRow, compound_key};

/// Compounds after names that mean one agent were merged (DESIGN.md §4).
#[derive(Default)]
pub(super) struct Compounds {
    /// Position in `annotations` by the key of each name found in the assays.
    by_key: BTreeMap<String, usize>,
    /// Position by display name, which need not be a name in the assays.
    by_name: BTreeMap<String, usize>,
    annotations: Vec<Annotation>,
}

impl Compounds {
    /// Merges the names of all chemical assays, guided by annotation rows; reports each merge.
    pub(super) fn merge(raw: &Places, rows: &[AnnotationRow], report: &mut ReadingReport) -> Self {
        let mut merger = Merger::new(raw, rows);
        let merged = merger.merge_all();
        let compounds = merger.compounds();
        merger.report(&compounds, &merged, raw, report);
        compounds
    }

    /// Returns the display name of a name found in an assay.
    pub(super) fn name<'a>(&'a self, raw: &'a str) -> &'a str {
        self.annotation(raw).map_or(raw, |annotation| annotation.name.as_str())
    }

    /// Returns what is known of a compound by its display name.
    pub(super) fn named(&self, name: &str) -> Option<&Annotation> {
        self.by_name.get(name).and_then(|position| self.annotations.get(*position))
    }

    /// Returns what is known of a name found in an assay.
    fn annotation(&self, raw: &str) -> Option<&Annotation> {
        self.by_key.get(&compound_key(raw)).and_then(|position| self.annotations.get(*position))
    }
}

/// A union of agents, by position, and why.
pub(super) type Union = (usize, usize, MergeReason);

/// Disjoint sets of agents; an agent is a distinct key among the names of the assays.
pub(super) struct Merger<'a> {
    pub(super) rows: &'a [AnnotationRow],
    keys: BTreeMap<String, usize>,
    /// The names of each agent, as the files spell them.
    pub(super) raw: Vec<Vec<&'a str>>,
    parent: Vec<usize>,
    /// InChIKeys of each set, at its root.
    structures: Vec<BTreeSet<&'a str>>,
    /// Agents whose own names each row gives.
    owners: Vec<Vec<usize>>,
    pub(super) suggestions: BTreeSet<(usize, usize, SuggestionReason)>,
}

impl<'a> Merger<'a> {
    fn new(raw_names: &'a Places, rows: &'a [AnnotationRow]) -> Self {
        let mut by_key: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for name in raw_names.names() {
            by_key.entry(compound_key(name)).or_default().push(name);
        }
        let keys: BTreeMap<String, usize> = by_key.keys().cloned().zip(0..).collect();
        let raw: Vec<Vec<&str>> = by_key.into_values().collect();
        let owners = rows.iter().map(|row| owners_of(row, &keys)).collect();
        let n_agents = raw.len();
        let mut merger = Self {
            rows,
            keys,
            raw,
            parent: (0..n_agents).collect(),
            structures: vec![BTreeSet::new(); n_agents],
            owners,
            suggestions: BTreeSet::new(),
        };
        merger.collect_structures();
        merger
    }

    fn collect_structures(&mut self) {
        for (row, owners) in self.rows.iter().zip(&self.owners) {
            let inchi_key = row.annotation.inchi_key.as_str();
            for owner in owners.iter().filter(|_| !inchi_key.is_empty()) {
                self.structures[*owner].insert(inchi_key);
            }
        }
    }

    /// Merges by InChIKey, then by rows with several own names, then by aliases.
    fn merge_all(&mut self) -> Vec<Union> {
        let mut unions = self.merge_equal_structures();
        unions.extend(self.merge_rows());
        unions.extend(self.merge_aliases());
        self.suggest_skeletons();
        unions
    }

    pub(super) fn root(&self, mut agent: usize) -> usize {
        while self.parent[agent] != agent {
            agent = self.parent[agent];
        }
        agent
    }

    /// Unites two sets; false if they are one already or their structures differ.
    fn unite(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return false;
        }
        if self.structures_differ(a, b) {
            self.suggestions.insert((a.min(b), a.max(b), SuggestionReason::SharedName));
            return false;
        }
        let moved = std::mem::take(&mut self.structures[b]);
        self.structures[a].extend(moved);
        self.parent[b] = a;
        true
    }

    fn structures_differ(&self, a: usize, b: usize) -> bool {
        let (a, b) = (skeletons(&self.structures[a]), skeletons(&self.structures[b]));
        !a.is_empty() && !b.is_empty() && a.is_disjoint(&b)
    }

    fn merge_equal_structures(&mut self) -> Vec<Union> {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        let mut unions = Vec::new();
        for agent in 0..self.parent.len() {
            for inchi_key in self.structures[agent].clone() {
                let other = *first.entry(inchi_key).or_insert(agent);
                if self.unite(other, agent) {
                    unions.push((other, agent, MergeReason::EqualInchiKey));
                }
            }
        }
        unions
    }

    fn merge_rows(&mut self) -> Vec<Union> {
        let mut unions = Vec::new();
        for owners in self.owners.clone() {
            for pair in owners.windows(2) {
                if self.unite(pair[0], pair[1]) {
                    unions.push((pair[0], pair[1], MergeReason::SameAnnotation));
                }
            }
        }
        unions
    }

    /// Merges an agent into the one other agent whose annotation gives its name as an alias; an
    /// identifier only suggests, as tables of other releases give one to another compound.
    fn merge_aliases(&mut self) -> Vec<Union> {
        let mut claims: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (row, owners) in self.rows.iter().zip(&self.owners) {
            let Some(owner) = owners.first().map(|owner| self.root(*owner)) else { continue };
            for (alias, reason) in other_names(row) {
                let Some(named) = self.keys.get(&compound_key(alias)).copied() else { continue };
                if reason == MergeReason::Identifier {
                    self.suggestions.insert((named, owner, SuggestionReason::Identifier));
                } else {
                    claims.entry(named).or_default().insert(owner);
                }
            }
        }
        let mut unions = Vec::new();
        for (named, owners) in claims {
            // Asked anew: a claim before this one may have made two owners one.
            let others: BTreeSet<usize> =
                owners.into_iter().map(|owner| self.root(owner)).collect();
            let others: Vec<usize> =
                others.into_iter().filter(|owner| *owner != self.root(named)).collect();
            match others.as_slice() {
                [owner] if self.unite(*owner, named) => {
                    unions.push((*owner, named, MergeReason::Alias));
                }
                [] | [_] => {}
                several => {
                    let ambiguous = several
                        .iter()
                        .map(|other| (named, *other, SuggestionReason::AmbiguousAlias));
                    self.suggestions.extend(ambiguous);
                }
            }
        }
        unions
    }

    /// Suggests pairs with equal first InChIKey blocks: stereoisomers and salts, or one agent.
    fn suggest_skeletons(&mut self) {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for agent in 0..self.parent.len() {
            for skeleton in skeletons(&self.structures[agent]) {
                let other = *first.entry(skeleton).or_insert(agent);
                if other != agent {
                    self.suggestions.insert((other, agent, SuggestionReason::EqualSkeleton));
                }
            }
        }
    }

    fn compounds(&self) -> Compounds {
        let mut sets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for agent in 0..self.parent.len() {
            sets.entry(self.root(agent)).or_default().push(agent);
        }
        let rows_of = self.rows_by_root();
        let mut taken = BTreeSet::new();
        let mut compounds = Compounds::default();
        let keys: Vec<&String> = self.keys.keys().collect();
        for (root, agents) in &sets {
            let rows = rows_of.get(root).map_or(&[][..], Vec::as_slice);
            let annotation = self.annotation(agents, rows, &mut taken);
            for agent in agents {
                compounds.by_key.insert(keys[*agent].clone(), compounds.annotations.len());
            }
            compounds.by_name.insert(annotation.name.clone(), compounds.annotations.len());
            compounds.annotations.push(annotation);
        }
        compounds
    }

    /// Returns the rows of each set: by own names, else by an alias that names one set only.
    pub(super) fn rows_by_root(&self) -> BTreeMap<usize, Vec<&'a AnnotationRow>> {
        let mut rows_of: BTreeMap<usize, Vec<&AnnotationRow>> = BTreeMap::new();
        let mut orphans = Vec::new();
        for (row, owners) in self.rows.iter().zip(&self.owners) {
            match owners.first() {
                Some(owner) => rows_of.entry(self.root(*owner)).or_default().push(row),
                None => orphans.push(row),
            }
        }
        let mut adopted: BTreeMap<usize, Vec<&AnnotationRow>> = BTreeMap::new();
        for row in orphans {
            let aliases = other_names(row).map(|(alias, _)| compound_key(alias));
            let named: BTreeSet<usize> = aliases
                .filter_map(|key| self.keys.get(&key))
                .map(|agent| self.root(*agent))
                .collect();
            if let (1, Some(root)) = (named.len(), named.first()) {
                adopted.entry(*root).or_default().push(row);
            }
        }
        // Two tables' strangers that claim one agent contradict each other: neither is believed.
        for (root, rows) in adopted.into_iter().filter(|(_, rows)| rows.len() == 1) {
            rows_of.entry(root).or_insert(rows);
        }
        rows_of
    }

    /// Joins what the rows of one set say, the best row first; its name is unique among `taken`.
    fn annotation(
        &self,
        agents: &[usize],
        rows: &[&AnnotationRow],
        taken: &mut BTreeSet<String>,
    ) -> Annotation {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| (!row.has_best_name, row.annotation.inchi_key.is_empty()));
        let raw: Vec<&str> = agents.iter().flat_map(|agent| self.raw[*agent].clone()).collect();
        let best =
            rows.first().filter(|row| row.has_best_name).map(|row| row.annotation.name.as_str());
        let spoken: Vec<&str> = raw.iter().copied().filter(|name| !is_code(name)).collect();
        let mut candidates: Vec<&str> = best.into_iter().collect();
        if best.is_none_or(is_code) {
            candidates.splice(0..0, prettiest(&spoken));
        }
        candidates.extend(prettiest(&raw));
        candidates.extend(&raw);
        let free = candidates.iter().find(|name| !taken.contains(**name)).copied();
        let name = free.unwrap_or_default().to_owned();
        taken.insert(name.clone());
        let mut joined = Annotation { name, ..Annotation::default() };
        for row in &rows {
            join(&mut joined, &row.annotation);
        }
        let own: BTreeSet<usize> = agents.iter().copied().collect();
        // A synonym that is another agent's own name would lead a search astray.
        let misleads =
            |name: &str| self.keys.get(&compound_key(name)).is_some_and(|a| !own.contains(a));
        joined.synonyms.retain(|synonym| !misleads(synonym));
        extend_new(&mut joined.synonyms, raw.iter().map(|&name| name.to_owned()));
        joined.synonyms.retain(|synonym| *synonym != joined.name);
        joined
    }
}

/// Returns by which other names a row knows its agent. An identifier that is a bare number is none: it may be
/// another table's number, or a compound that is called so.
pub(super) fn other_names(row: &AnnotationRow) -> impl Iterator<Item = (&String, MergeReason)> {
    let identifiers = row.annotation.identifiers.iter();
    let telling = identifiers.filter(|name| name.contains(|c: char| c.is_ascii_alphabetic()));
    let synonyms = row.annotation.synonyms.iter().map(|name| (name, MergeReason::Alias));
    synonyms.chain(telling.map(|name| (name, MergeReason::Identifier)))
}

fn owners_of(row: &AnnotationRow, keys: &BTreeMap<String, usize>) -> Vec<usize> {
    let owners = row.own_names.iter().filter_map(|name| keys.get(&compound_key(name)).copied());
    owners.collect::<BTreeSet<usize>>().into_iter().collect()
}

/// Returns the first blocks (connectivity) of InChIKeys.
fn skeletons<'a>(inchi_keys: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    inchi_keys.iter().filter_map(|key| key.split('-').next()).collect()
}

/// Returns whether a name is a code, such as `INC-280`, rather than one that is spoken (`capmatinib`).
fn is_code(name: &str) -> bool {
    name.contains(|c: char| c.is_ascii_digit())
}

/// Returns the name people would rather read: the longest (`ABT-737` before `ABT737`), then the one
/// with fewer capitals (`afatinib` before `Afatinib`), then the first.
fn prettiest<'a>(names: &[&'a str]) -> Option<&'a str> {
    let capitals = |name: &str| name.chars().filter(|c| c.is_uppercase()).count();
    names.iter().copied().min_by_key(|name| (usize::MAX - name.len(), capitals(name), *name))
}

/// Adds what `other` knows to `joined`; what is known already stays first.
fn join(joined: &mut Annotation, other: &Annotation) {
    extend_new(&mut joined.synonyms, std::iter::once(other.name.clone()));
    extend_new(&mut joined.synonyms, other.synonyms.iter().cloned());
    extend_new(&mut joined.identifiers, other.identifiers.iter().cloned());
    extend_new(&mut joined.targets, other.targets.iter().cloned());
    extend_new(&mut joined.moas, other.moas.iter().cloned());
    extend_new(&mut joined.indications, other.indications.iter().cloned());
    let texts = [
        (&mut joined.phase, &other.phase),
        (&mut joined.inchi_key, &other.inchi_key),
        (&mut joined.smiles, &other.smiles),
        (&mut joined.description, &other.description),
    ];
    for (text, other) in texts {
        if text.is_empty() {
            text.clone_from(other);
        }
    }
}

pub(super) fn extend_new<T: PartialEq>(values: &mut Vec<T>, others: impl Iterator<Item = T>) {
    for other in others {
        if !values.contains(&other) {
            values.push(other);
        }
    }
}
