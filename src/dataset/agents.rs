use std::collections::{BTreeMap, BTreeSet};

use super::compounds::{Compounds, extend_new};
use super::places::Places;
use super::recipe::{AgentKind, Assay};
use super::report::{Doubt, Merge, MergeReason, NameCount, Place, ReadingReport, UnresolvedName};
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
    /// Resolves the names in the files of all assays.
    pub(super) fn resolve<'a>(
        assays: impl Iterator<Item = (&'a Assay, &'a [String])>,
        compound_rows: &[AnnotationRow],
        genes: GeneNames,
        report: &mut ReadingReport,
    ) -> Result<Self> {
        let (mut chemical, mut genetic) = (Places::default(), Places::default());
        for (assay, names) in assays {
            for name in names {
                let perturbation = Perturbation::named(assay.perturbation_type, name);
                let places = match perturbation.side() {
                    Side::Chemical => &mut chemical,
                    Side::Genetic => &mut genetic,
                };
                let members = perturbation.members();
                members.iter().for_each(|member| places.add(member, assay.context.as_str()));
            }
        }
        for (kind, places, is_annotated) in [
            (AgentKind::Compound, &chemical, !compound_rows.is_empty()),
            (AgentKind::Gene, &genetic, !genes.is_empty()),
        ] {
            report.names.push(NameCount { kind, n_names: places.len(), is_annotated });
        }
        let symbols = resolve_genes(&genetic, &genes, AgentKind::Gene, report)?;
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
        let spelt = Perturbation::named(perturbation_type, raw);
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

/// Returns the approved symbol of each name, or the name where there is none; reports what it finds.
pub(super) fn resolve_genes(
    names: &Places,
    genes: &GeneNames,
    kind: AgentKind,
    report: &mut ReadingReport,
) -> Result<BTreeMap<String, String>> {
    let mut symbols = BTreeMap::new();
    for name in names.names() {
        let symbol = without_entrez(name);
        refuse_date(symbol)?;
        let place = Place { name: symbol.to_owned(), ..names.of(name) };
        let doubt = match genes.resolve(symbol) {
            GeneResolution::Approved => None,
            GeneResolution::Renamed(approved) => {
                let reason = match genes.is_retired(symbol) {
                    true => MergeReason::RetiredSymbol,
                    false => MergeReason::OtherSpelling,
                };
                let (from, assays) = (place.name, place.assays);
                report.merges.push(Merge { from, to: approved.clone(), reason, kind, assays });
                symbols.insert(name.clone(), approved);
                continue;
            }
            GeneResolution::Ambiguous(candidates) => Some(Doubt::ClaimedBy(candidates)),
            GeneResolution::Unknown(close) => Some(Doubt::Unknown(close.into_iter().next())),
        };
        symbols.insert(name.clone(), symbol.to_owned());
        report.unresolved.extend(doubt.map(|doubt| UnresolvedName { kind, place, doubt }));
    }
    Ok(symbols)
}

/// Refuses a gene name that a spreadsheet turned into a date.
fn refuse_date(symbol: &str) -> Result<()> {
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
