use std::collections::{BTreeMap, BTreeSet};

use super::compounds::{Compounds, extend_new};
use super::report::{Merge, MergeReason, ReadingReport};
use crate::error::{Error, Result};
use crate::experiment::{Annotation, Perturbation, PerturbationType, Side};
use crate::table::{AnnotationRow, GeneNames, GeneResolution, excel_date};

/// Who the names in the assays' files are: the only place where raw names become agents.
pub(super) struct Agents {
    compounds: Compounds,
    genes: GeneNames,
    /// Approved symbol of each gene name found in an assay.
    symbols: BTreeMap<String, String>,
}

impl Agents {
    /// Resolves the names of all assays; `raw` gives each assay's type and names.
    pub(super) fn resolve<'a>(
        raw: impl Iterator<Item = (PerturbationType, &'a [String])>,
        compound_rows: &[AnnotationRow],
        gene_rows: Vec<AnnotationRow>,
        report: &mut ReadingReport,
    ) -> Result<Self> {
        let (mut chemical, mut genetic) = (BTreeSet::new(), BTreeSet::new());
        for (perturbation_type, names) in raw {
            for name in names {
                let perturbation = Perturbation::new(perturbation_type, name.as_str());
                let members = perturbation.members().into_iter().map(str::to_owned);
                match perturbation.side() {
                    Side::Chemical => chemical.extend(members),
                    Side::Genetic => genetic.extend(members),
                }
            }
        }
        let genes = GeneNames::new(gene_rows);
        let symbols = resolve_genes(&genetic, &genes, report)?;
        let compounds = Compounds::merge(&chemical, compound_rows, report);
        Ok(Self { compounds, genes, symbols })
    }

    /// Returns the perturbation that a name in an assay's file stands for; the members of a
    /// combination are sorted, so that `A+B` and `B+A` are one.
    pub(super) fn perturbation(
        &self,
        perturbation_type: PerturbationType,
        raw: &str,
    ) -> Perturbation {
        let spelt = Perturbation::new(perturbation_type, raw);
        let name = |member: &&str| match spelt.side() {
            Side::Chemical => self.compounds.name(member).to_owned(),
            Side::Genetic => self.symbols.get(*member).cloned().unwrap_or((*member).to_owned()),
        };
        let mut members: Vec<String> = spelt.members().iter().map(name).collect();
        members.sort();
        Perturbation::new(perturbation_type, members.join("+"))
    }

    /// Returns what is known of a perturbation, given the names it has in the assays' files.
    pub(super) fn annotation(
        &self,
        perturbation: &Perturbation,
        raw: &BTreeSet<&str>,
    ) -> Annotation {
        let members = perturbation.members();
        let mut joined =
            Annotation { name: perturbation.agent().to_owned(), ..Annotation::default() };
        for member in &members {
            let known = match perturbation.side() {
                Side::Chemical => self.compounds.named(member).cloned(),
                Side::Genetic => self.genes.annotation(member),
            };
            match known {
                Some(known) if members.len() == 1 => joined = known,
                Some(known) => extend_new(&mut joined.targets, known.targets.iter().cloned()),
                None => {}
            }
        }
        extend_new(&mut joined.synonyms, raw.iter().map(|&name| name.to_owned()));
        // An alias that is a gene's approved symbol would answer for a gene that is not here.
        let misleads = |synonym: &str| {
            self.genes.is_approved(synonym) && !raw.contains(synonym) && synonym != joined.name
        };
        let kept = joined.synonyms.iter().filter(|synonym| !misleads(synonym));
        joined.synonyms = kept.filter(|synonym| **synonym != joined.name).cloned().collect();
        joined
    }
}

fn resolve_genes(
    names: &BTreeSet<String>,
    genes: &GeneNames,
    report: &mut ReadingReport,
) -> Result<BTreeMap<String, String>> {
    let mut symbols = BTreeMap::new();
    let mut unknown = Vec::new();
    for name in names {
        let symbol = without_entrez(name);
        refuse_date(symbol)?;
        let resolved = match genes.resolve(symbol) {
            GeneResolution::Approved => symbol.to_owned(),
            GeneResolution::Renamed(approved) => {
                let (from, to) = (symbol.to_owned(), approved.clone());
                report.merges.push(Merge { from, to, reason: MergeReason::GeneSymbol });
                approved
            }
            GeneResolution::Ambiguous(candidates) => {
                let candidates = candidates.join(", ");
                report
                    .notices
                    .push(format!("gene `{symbol}` kept as it is: alias of {candidates}"));
                symbol.to_owned()
            }
            GeneResolution::Unknown(close) => {
                let close = close.first().map_or(String::new(), |best| format!(" (like {best}?)"));
                unknown.push(format!("{symbol}{close}"));
                symbol.to_owned()
            }
        };
        symbols.insert(name.clone(), resolved);
    }
    if !unknown.is_empty() {
        let (n_unknown, unknown) = (unknown.len(), unknown.join(", "));
        report.notices.push(format!("{n_unknown} genes are in no gene table: {unknown}"));
    }
    Ok(symbols)
}

/// Refuses a gene name that a spreadsheet turned into a date.
pub(super) fn refuse_date(symbol: &str) -> Result<()> {
    let Some(genes) = excel_date(symbol) else { return Ok(()) };
    Err(Error::data(
        format!("gene `{symbol}`"),
        "is a date that a spreadsheet made of a gene symbol".to_owned(),
        format!("restore the symbol ({genes}) and keep the column as text"),
    ))
}

/// Returns the symbol of DepMap's `SYMBOL (ENTREZ)`.
fn without_entrez(name: &str) -> &str {
    let Some((symbol, entrez)) = name.strip_suffix(')').and_then(|name| name.split_once(" ("))
    else {
        return name;
    };
    if entrez.chars().all(|c| c.is_ascii_digit()) { symbol } else { name }
}
