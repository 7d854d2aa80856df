use std::collections::{BTreeSet, HashMap};

use super::query::Query;
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::{Index, NameKind, Record};
use crate::table::lookup_key;

const MAX_SUGGESTIONS: usize = 3;
/// A name farther than this (Jaro–Winkler) from what was typed helps nobody.
const LEAST_LIKENESS: f64 = 0.7;
/// A name nearer than this was meant.
const CLOSE: f64 = 0.9;

/// A row and what it is.
type Named = (u32, Record);

impl Index {
    /// Returns the row of a name: a symbol first, then display names, synonyms and identifiers,
    /// all compared by identifier key.
    ///
    /// # Errors
    /// [`Error::UnknownName`] with suggestions, or [`Error::AmbiguousName`] when the best kind of
    /// name fits several rows of the type asked for.
    pub fn resolve(&self, query: &Query) -> Result<u32> {
        let name = query.name.trim();
        let mut of_other_type = None;
        for kind in [NameKind::Name, NameKind::Synonym, NameKind::Identifier] {
            let mut rows = Vec::new();
            for row in self.metadata().rows_named(name, kind)? {
                rows.push((row, self.record(row)?));
            }
            let wanted = query.perturbation_type;
            let fits = |(_, record): &Named| {
                wanted.is_none_or(|wanted| record.perturbation.perturbation_type() == wanted)
            };
            let (rows, others): (Vec<Named>, Vec<Named>) = rows.into_iter().partition(fits);
            of_other_type = of_other_type.or(others.into_iter().next());
            if let Some((row, _)) = rows.iter().find(|(_, r)| r.perturbation.symbol() == name) {
                return Ok(*row);
            }
            match rows.as_slice() {
                [] => {}
                [(row, _)] => return Ok(*row),
                several => return Err(ambiguous(name, several)),
            }
        }
        match (of_other_type, query.perturbation_type) {
            (Some((_, found)), Some(wanted)) => Err(other_type(name, &found, wanted)),
            _ => Err(self.unknown(name)?),
        }
    }

    /// Returns the row of a name or, of a combination `A+B` that is no name itself, the rows of its members.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), and when its members are not all compounds or all genetic.
    pub(super) fn resolve_members(&self, query: &Query) -> Result<Vec<u32>> {
        let unknown = match self.resolve(query) {
            Ok(row) => return Ok(vec![row]),
            Err(error @ Error::UnknownName { .. }) => error,
            Err(error) => return Err(error),
        };
        let parts: Vec<&str> = query.name.split('+').map(str::trim).collect();
        if parts.len() < 2 || parts.iter().any(|part| part.is_empty()) {
            return Err(unknown);
        }
        let of_part = |part: &&str| Query { name: (*part).to_owned(), ..query.clone() };
        let rows: Vec<u32> =
            parts.iter().map(|part| self.resolve(&of_part(part))).collect::<Result<_>>()?;
        let chemical = self.range(Side::Chemical);
        let n_chemical = rows.iter().filter(|row| chemical.contains(&(**row as usize))).count();
        if n_chemical == 0 || n_chemical == rows.len() {
            return Ok(rows);
        }
        Err(Error::data(
            format!("combination `{}`", query.name),
            "it joins a compound and a genetic perturbation, which the index centres apart",
            "combine compounds with compounds and genes with genes",
        ))
    }

    /// Says that no perturbation has the name, and which might be meant.
    fn unknown(&self, name: &str) -> Result<Error> {
        let suggestions = self.suggest(name)?;
        // A close spelling is the likelier answer, but not where compounds name this very gene as a
        // target: it was not measured, and a gene with a similar symbol is another gene.
        let is_close = suggestions.first().is_some_and(|best| likeness(best, name) > CLOSE);
        let is_target = !self.metadata().rows_acting_on(name)?.is_empty();
        let is_misspelt = is_close && !is_target;
        let mentions = if is_misspelt { 0 } else { self.metadata().find(name, 1)?.1 };
        Ok(Error::UnknownName { name: name.to_owned(), mentions, suggestions })
    }

    /// Returns the symbol by which the index knows a gene: `TP53` for `p53`; the name itself where
    /// it is in use as a target, or stands for no gene or for several.
    pub(super) fn gene_symbol(&self, name: &str) -> Result<String> {
        if self.metadata().rows_acting_on(name)?.is_empty() {
            let rows = self.metadata().rows_named(name, NameKind::Synonym)?;
            let records = rows.into_iter().map(|row| self.record(row));
            let records = records.collect::<Result<Vec<Record>>>()?;
            let genes: BTreeSet<&str> = records.iter().filter_map(Record::gene).collect();
            if let (1, Some(gene)) = (genes.len(), genes.first()) {
                return Ok((*gene).to_owned());
            }
        }
        Ok(name.to_owned())
    }

    /// Returns names of the index that are spelt like `name`, the closest first, at most three.
    ///
    /// # Errors
    /// When the metadata cannot be read.
    pub fn suggest(&self, name: &str) -> Result<Vec<String>> {
        let mut found: HashMap<String, f64> = HashMap::new();
        for row in self.metadata().rows_like(name)? {
            let record = self.record(row)?;
            let best =
                names(&record).map(|candidate| likeness(candidate, name)).fold(0.0, f64::max);
            if best >= LEAST_LIKENESS {
                found.insert(record.name().to_owned(), best);
            }
        }
        let mut ranked: Vec<(String, f64)> = found.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(ranked.into_iter().take(MAX_SUGGESTIONS).map(|(name, _)| name).collect())
    }
}

fn other_type(name: &str, found: &Record, wanted: PerturbationType) -> Error {
    let (symbol, kind) = (found.perturbation.symbol(), found.perturbation.perturbation_type());
    Error::data(
        format!("`{name}`"),
        format!("`{symbol}` is {kind}, not {wanted}"),
        "leave out --query-type, or name another perturbation",
    )
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(&lookup_key(a), &lookup_key(b))
}

fn names(record: &Record) -> impl Iterator<Item = &str> {
    let synonyms = record.annotation.synonyms.iter().map(String::as_str);
    [record.name(), record.perturbation.agent()].into_iter().chain(synonyms)
}

fn ambiguous(name: &str, rows: &[Named]) -> Error {
    let candidates: Vec<String> =
        rows.iter().map(|(_, record)| format!("`{}`", record.perturbation.symbol())).collect();
    Error::AmbiguousName {
        name: name.to_owned(),
        candidates,
        advice: "search for one of these symbols, or say which type with --query-type".to_owned(),
    }
}
