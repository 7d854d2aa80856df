use std::collections::BTreeSet;

use serde::Serialize;

use super::recipe::AgentKind;
use super::report::{
    Doubt, DroppedProfile, Merge, NameSummary, Place, ReadingReport, Suggestion, SuggestionReason,
    UnresolvedName,
};

/// Something that was not taken as it stands in the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// `compound`, `gene`, `readout`, `perturbation`, `profile` or `notice`.
    pub kind: String,
    /// The contexts of its assays, as the recipe names them, joined by `|`.
    pub assay: String,
    /// The name as the file spells it; empty where no one name is concerned.
    pub name: String,
    /// What became of it.
    pub outcome: String,
    /// What could be done; empty where nothing need be.
    pub suggestion: String,
    /// Whether someone should look at it: nothing that names another spelling or an alias is.
    pub is_warning: bool,
}

impl ReadingReport {
    /// Returns everything that was not taken as it stands in the files, each name on its own.
    #[must_use]
    pub fn rejects(&self) -> Vec<Reject> {
        let mut rejects: Vec<Reject> =
            self.merges.iter().chain(&self.renames).map(Merge::reject).collect();
        rejects.extend(self.suggestions.iter().map(Suggestion::reject));
        rejects.extend(self.unresolved.iter().map(UnresolvedName::reject));
        rejects.extend(self.untranslated.iter().flat_map(|names| names.rejects()));
        rejects.extend(self.readouts_left_out.iter().map(Place::reject_readout));
        rejects.extend(self.dropped.iter().map(DroppedProfile::reject));
        rejects.extend(self.notices.iter().map(|notice| Reject::notice(notice)));
        rejects
    }

    /// Returns what became of the names of each kind.
    #[must_use]
    pub fn name_summaries(&self) -> Vec<NameSummary> {
        let summary = |count: &super::report::NameCount| {
            let kind = count.kind;
            let renamed =
                self.merges.iter().chain(&self.renames).filter(|merge| merge.kind == kind);
            let ambiguous = self.suggestions.iter().filter(|suggestion| {
                kind == AgentKind::Compound && suggestion.reason == SuggestionReason::AmbiguousAlias
            });
            let unresolved = || self.unresolved.iter().filter(|name| name.kind == kind);
            let is_unknown = |name: &&UnresolvedName| matches!(name.doubt, Doubt::Unknown(_));
            let n_unknown = unresolved().filter(is_unknown).count();
            let ambiguous: BTreeSet<&str> = ambiguous.map(|pair| pair.first.as_str()).collect();
            NameSummary {
                kind,
                n_names: count.n_names,
                n_renamed: renamed.map(|merge| &merge.from).collect::<BTreeSet<_>>().len(),
                n_ambiguous: ambiguous.len() + unresolved().count() - n_unknown,
                n_unknown: count.is_annotated.then_some(n_unknown),
            }
        };
        self.names.iter().map(summary).collect()
    }
}

impl Reject {
    /// Returns a finding about no one name.
    #[must_use]
    pub fn notice(text: &str) -> Self {
        Self {
            kind: "notice".to_owned(),
            assay: String::new(),
            name: String::new(),
            outcome: text.to_owned(),
            suggestion: String::new(),
            is_warning: true,
        }
    }

    /// Returns a warning about a name.
    #[must_use]
    pub fn warning(kind: &str, place: &Place, outcome: String, suggestion: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            assay: place.assays.join("|"),
            name: place.name.clone(),
            outcome,
            suggestion: suggestion.to_owned(),
            is_warning: true,
        }
    }
}

impl Merge {
    fn reject(&self) -> Reject {
        let place = Place { name: self.from.clone(), assays: self.assays.clone() };
        let outcome = format!("goes by `{}`: {}", self.to, self.reason);
        Reject { is_warning: false, ..Reject::warning(&self.kind.to_string(), &place, outcome, "") }
    }
}

impl Suggestion {
    fn reject(&self) -> Reject {
        let place = Place { name: self.first.clone(), assays: Vec::new() };
        let outcome = format!("not merged with `{}`: {}", self.second, self.reason);
        let advice = "if they are one, give them one name in an annotation table";
        Reject::warning("compound", &place, outcome, advice)
    }
}

impl UnresolvedName {
    fn reject(&self) -> Reject {
        let (outcome, suggestion) = match &self.doubt {
            Doubt::ClaimedBy(candidates) => {
                let candidates = candidates.join(" or ");
                (
                    format!("kept as it is: alias of {candidates}"),
                    "write the one that is meant".into(),
                )
            }
            Doubt::Taken(other) => (
                format!("kept as it is: its file has `{other}`, too"),
                "remove or rename one of them".into(),
            ),
            Doubt::Unknown(Some(like)) => {
                ("kept as it is: in no annotation".to_owned(), format!("`{like}`?"))
            }
            Doubt::Unknown(None) => {
                ("kept as it is: in no annotation".to_owned(), "check the spelling".into())
            }
        };
        Reject::warning(&self.kind.to_string(), &self.place, outcome, &suggestion)
    }
}

impl Place {
    fn reject_readout(&self) -> Reject {
        let outcome = "left out: measured on one side only".to_owned();
        let advice = "check that it is named alike in all files, or set `readouts = \"all\"`";
        Reject { is_warning: false, ..Reject::warning("readout", self, outcome, advice) }
    }
}

impl DroppedProfile {
    fn reject(&self) -> Reject {
        let place = Place { name: self.perturbation.clone(), assays: vec![self.context.clone()] };
        Reject::warning("profile", &place, format!("left out: {}", self.reason), "")
    }
}
