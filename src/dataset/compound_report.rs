use std::collections::BTreeSet;

use super::compounds::{Compounds, Merger, Union, other_names};
use super::places::Places;
use super::recipe::AgentKind;
use super::report::{Doubt, Merge, MergeReason, ReadingReport, Suggestion, UnresolvedName};
use crate::table::{AnnotationRow, close_names, compound_key};

impl Merger<'_> {
    /// Says which names were taken for one compound, which may be one, and which no annotation knows.
    pub(super) fn report(
        &self,
        compounds: &Compounds,
        unions: &[Union],
        places: &Places,
        report: &mut ReadingReport,
    ) {
        let name = |agent: usize| self.raw[agent].first().copied().unwrap_or_default();
        let merge = |from: &str, reason| {
            let (from, to) = (places.of(from), compounds.name(from).to_owned());
            Merge { from: from.name, to, reason, kind: AgentKind::Compound, assays: from.assays }
        };
        for names in self.raw.iter().filter(|names| names.len() > 1) {
            let spelt = |raw: &&&str| **raw != compounds.name(raw);
            let others = names.iter().filter(spelt);
            report.merges.extend(others.map(|raw| merge(raw, MergeReason::EqualName)));
        }
        for (kept, merged, reason) in unions {
            let is_display =
                compound_key(compounds.name(name(*merged))) == compound_key(name(*merged));
            let from = if is_display { *kept } else { *merged };
            report.merges.push(merge(name(from), *reason));
        }
        let merged: BTreeSet<&str> = report.merges.iter().map(|m| m.from.as_str()).collect();
        let others = self.raw.iter().flatten().filter(|raw| **raw != compounds.name(raw));
        let others = others.filter(|raw| !merged.contains(**raw));
        let renames = others.map(|raw| merge(raw, self.reason_to_rename(raw, compounds.name(raw))));
        report.renames.extend(renames.collect::<Vec<_>>());
        self.report_unknown(compounds, places, report);
        for (first, second, reason) in &self.suggestions {
            if self.root(*first) != self.root(*second) {
                let [first, second] = [*first, *second].map(|a| compounds.name(name(a)).to_owned());
                report.suggestions.push(Suggestion { first, second, reason: *reason });
            }
        }
    }

    /// Says by which kind of name an annotation knows a name of the files.
    fn reason_to_rename(&self, raw: &str, display: &str) -> MergeReason {
        let key = compound_key(raw);
        let is_own = |row: &AnnotationRow| row.own_names.iter().any(|own| compound_key(own) == key);
        if compound_key(display) == key {
            MergeReason::EqualName
        } else if self.rows.iter().any(is_own) {
            MergeReason::SameAnnotation
        } else {
            let by_key = |(name, _): &(&String, MergeReason)| compound_key(name) == key;
            let known = self.rows.iter().flat_map(other_names).find(by_key);
            known.map_or(MergeReason::Alias, |(_, reason)| reason)
        }
    }

    /// Says which compounds no annotation table knows, if there is one.
    fn report_unknown(&self, compounds: &Compounds, places: &Places, report: &mut ReadingReport) {
        let known = self.rows_by_root();
        let is_unknown = |agent: &usize| self.root(*agent) == *agent && !known.contains_key(agent);
        let unknown = (0..self.raw.len()).filter(is_unknown);
        let unknown = unknown.filter_map(|agent| self.raw[agent].first().copied());
        if self.rows.is_empty() {
            return;
        }
        report.unresolved.extend(unknown.map(|raw| UnresolvedName {
            kind: AgentKind::Compound,
            place: places.of(raw),
            doubt: Doubt::Unknown(self.like(compounds.name(raw))),
        }));
    }

    /// Returns the name of the annotation that is spelt most like a name it does not have.
    fn like(&self, name: &str) -> Option<String> {
        let known = self.rows.iter().flat_map(|row| &row.own_names).map(String::as_str);
        close_names(name, known).into_iter().next()
    }
}
