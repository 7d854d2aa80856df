use std::collections::HashMap;

use crate::experiment::Annotation;
use crate::table::annotation::AnnotationRow;
use crate::table::name::{close_names, identifier_key};

/// Gene symbols as a nomenclature (HGNC) knows them: approved, aliases and previous.
///
/// ```
/// use phenocopy::experiment::Annotation;
/// use phenocopy::table::{AnnotationRow, GeneNames, GeneResolution};
///
/// let annotation =
///     Annotation { name: "PRKN".into(), synonyms: vec!["PARK2".into()], ..Default::default() };
/// let row = AnnotationRow { own_names: vec!["PRKN".into()], annotation, has_best_name: true };
/// let genes = GeneNames::new(vec![row]);
/// assert_eq!(genes.resolve("PARK2"), GeneResolution::Renamed("PRKN".into()));
/// assert_eq!(genes.resolve("PRKN"), GeneResolution::Approved);
/// ```
#[derive(Debug, Default)]
pub struct GeneNames {
    annotations: Vec<Annotation>,
    approved: HashMap<String, usize>,
    /// Aliases and previous symbols; `None` where several genes claim one.
    retired: HashMap<String, Option<usize>>,
    /// Normalised approved symbols (`HLADQB1`); `None` where several share one.
    keys: HashMap<String, Option<usize>>,
}

/// What a nomenclature says of a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeneResolution {
    /// It is the approved symbol, or there is no nomenclature to ask.
    Approved,
    /// It is an alias, a previous symbol or another spelling of exactly this one.
    Renamed(String),
    /// Several genes have it as alias or previous symbol.
    Ambiguous(Vec<String>),
    /// No gene has it; close approved symbols, best first.
    Unknown(Vec<String>),
}

impl GeneNames {
    /// Creates the names from annotation rows, whose synonyms are aliases and previous symbols.
    #[must_use]
    pub fn new(rows: Vec<AnnotationRow>) -> Self {
        let mut names = Self::default();
        for row in rows {
            let position = names.annotations.len();
            names.approved.entry(row.annotation.name.clone()).or_insert(position);
            claim(&mut names.keys, identifier_key(&row.annotation.name), position);
            for synonym in &row.annotation.synonyms {
                claim(&mut names.retired, synonym.clone(), position);
            }
            names.annotations.push(row.annotation);
        }
        names
    }

    /// Returns what is known of a gene by its approved symbol, with the aliases and previous symbols
    /// that mean no other gene: PARP-1 is an alias of TIPARP, but everyone means PARP1.
    #[must_use]
    pub fn annotation(&self, symbol: &str) -> Option<Annotation> {
        let position = *self.approved.get(symbol)?;
        let mut annotation = self.annotations.get(position)?.clone();
        annotation.synonyms.retain(|synonym| {
            let is_own = |claims: &HashMap<String, Option<usize>>, name: &str| {
                claims.get(name).is_none_or(|claimant| *claimant == Some(position))
            };
            is_own(&self.retired, synonym) && is_own(&self.keys, &identifier_key(synonym))
        });
        Some(annotation)
    }

    /// Returns whether there is no gene to ask for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.annotations.is_empty()
    }

    /// Returns whether this is a gene's alias or previous symbol, in these letters.
    #[must_use]
    pub fn is_retired(&self, symbol: &str) -> bool {
        self.retired.contains_key(symbol)
    }

    /// Returns whether this is a gene's approved symbol.
    #[must_use]
    pub fn is_approved(&self, symbol: &str) -> bool {
        self.approved.contains_key(symbol)
    }

    /// Returns what a symbol stands for: approved symbols first, then aliases and previous symbols,
    /// then approved symbols spelt without their hyphens.
    #[must_use]
    pub fn resolve(&self, symbol: &str) -> GeneResolution {
        if self.annotations.is_empty() || self.approved.contains_key(symbol) {
            return GeneResolution::Approved;
        }
        let by_key = || self.keys.get(&identifier_key(symbol));
        match self.retired.get(symbol).or_else(by_key) {
            Some(Some(position)) => match self.annotations.get(*position) {
                Some(gene) => GeneResolution::Renamed(gene.name.clone()),
                None => GeneResolution::Unknown(Vec::new()),
            },
            Some(None) => GeneResolution::Ambiguous(self.claimants(symbol)),
            None => GeneResolution::Unknown(self.suggestions(symbol)),
        }
    }

    fn claimants(&self, symbol: &str) -> Vec<String> {
        let key = identifier_key(symbol);
        let claims = |gene: &&Annotation| {
            gene.synonyms.iter().any(|synonym| synonym == symbol)
                || identifier_key(&gene.name) == key
        };
        self.annotations.iter().filter(claims).map(|gene| gene.name.clone()).collect()
    }

    fn suggestions(&self, symbol: &str) -> Vec<String> {
        // Symbols of a family share their first letters; comparing 40,000 others helps nobody.
        let first = symbol.chars().next();
        let same_start = self.annotations.iter().map(|gene| gene.name.as_str());
        close_names(symbol, same_start.filter(|name| name.chars().next() == first))
    }
}

fn claim(claims: &mut HashMap<String, Option<usize>>, name: String, position: usize) {
    let claimant = claims.entry(name).or_insert(Some(position));
    if *claimant != Some(position) {
        *claimant = None;
    }
}

/// Returns the gene symbols that a spreadsheet may have turned into this date (`Mar-01`, `1-Sep`).
///
/// `None` where the name is no such date.
#[must_use]
pub fn excel_date(name: &str) -> Option<String> {
    let (left, right) = name.trim().split_once('-')?;
    let (month, day) =
        if left.chars().all(|c| c.is_ascii_digit()) { (right, left) } else { (left, right) };
    let day: u32 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
    match month.to_ascii_lowercase().as_str() {
        "mar" => Some(format!("MARCHF{day} or MTARC{day}")),
        "sep" => Some(format!("SEPTIN{day}")),
        "dec" => Some(format!("DELEC{day}")),
        "jan" | "feb" | "apr" | "may" | "jun" | "jul" | "aug" | "oct" | "nov" => {
            Some("the symbol it was".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gene(name: &str, synonyms: &[&str]) -> AnnotationRow {
        let synonyms = synonyms.iter().map(|&s| s.to_owned()).collect();
        let annotation = Annotation { name: name.into(), synonyms, ..Annotation::default() };
        AnnotationRow { own_names: vec![name.into()], annotation, has_best_name: true }
    }

    #[test]
    fn retired_symbols_resolve_only_when_unambiguous() {
        let genes = GeneNames::new(vec![
            gene("MRE11", &["MRE11A", "ATLD"]),
            gene("HLA-DQB1", &["CELIAC1", "ATLD"]),
        ]);
        assert_eq!(genes.resolve("MRE11A"), GeneResolution::Renamed("MRE11".into()));
        assert_eq!(genes.resolve("HLADQB1"), GeneResolution::Renamed("HLA-DQB1".into()));
        assert_eq!(
            genes.resolve("ATLD"),
            GeneResolution::Ambiguous(vec!["MRE11".into(), "HLA-DQB1".into()])
        );
        assert_eq!(genes.resolve("MRE12"), GeneResolution::Unknown(vec!["MRE11".into()]));
    }

    #[test]
    fn dates_of_spreadsheets_are_told_from_symbols() {
        assert_eq!(excel_date("1-Mar").as_deref(), Some("MARCHF1 or MTARC1"));
        assert_eq!(excel_date("Sep-09").as_deref(), Some("SEPTIN9"));
        for symbol in ["HLA-A", "NKX2-1", "MARCHF1", "ERVK3-1", "DEC1", "Mar-77"] {
            assert_eq!(excel_date(symbol), None, "{symbol}");
        }
    }
}
