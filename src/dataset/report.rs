use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::recipe::{AgentKind, AssayLayout};
use super::translation::Untranslated;

/// What reading found out: nothing is merged, dropped or left unresolved silently.
///
/// Its `Display` is what `phenocopy build` shows before it trains.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingReport {
    /// What each assay gave, in the recipe's order.
    pub assays: Vec<AssaySummary>,
    /// How many names of each kind the assays' files hold.
    pub names: Vec<NameCount>,
    /// Names that were taken for one agent, and gene symbols that were retired.
    pub merges: Vec<Merge>,
    /// Names that an annotation spells otherwise, and no other name of the files means the same.
    pub renames: Vec<Merge>,
    /// Pairs that may be one agent but were not merged.
    pub suggestions: Vec<Suggestion>,
    /// Names that no annotation knows, or several agents claim.
    pub unresolved: Vec<UnresolvedName>,
    /// Names that an assay's tables of names do not know.
    pub untranslated: Vec<Untranslated>,
    /// Readouts of any assay that were not kept because only one side measured them.
    pub readouts_left_out: Vec<Place>,
    /// Profiles that were left out.
    pub dropped: Vec<DroppedProfile>,
    /// Other things to look at.
    pub notices: Vec<String>,
}

/// A name and the assays whose files hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The name as the files spell it.
    pub name: String,
    /// The contexts of the assays, as the recipe names them.
    pub assays: Vec<String>,
}

/// How many names of one kind the assays' files hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameCount {
    /// What they name.
    pub kind: AgentKind,
    /// Different names.
    pub n_names: usize,
    /// Whether an annotation was there to look them up in.
    pub is_annotated: bool,
}

/// What became of the names of one kind. A name that is neither renamed, ambiguous nor unknown is in an
/// annotation as the files spell it, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NameSummary {
    /// What they name.
    pub kind: AgentKind,
    /// Different names.
    pub n_names: usize,
    /// Those that go by another name now.
    pub n_renamed: usize,
    /// Those that several agents claim.
    pub n_ambiguous: usize,
    /// Those that no annotation knows, of readouts among the kept ones; none where there is no annotation to ask.
    pub n_unknown: Option<usize>,
}

/// What one assay gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssaySummary {
    /// The context.
    pub context: String,
    /// The assay's file, as the recipe names it.
    pub file: PathBuf,
    /// How the file is laid out, as the recipe says.
    pub layout: AssayLayout,
    /// Profiles of this context in the file.
    pub n_read: usize,
    /// Profiles averaged with others of the same perturbation.
    pub n_averaged: usize,
    /// Profiles after merging and filtering.
    pub n_profiles: usize,
    /// Kept readouts with at least one value.
    pub n_readouts: usize,
    /// Values kept.
    pub n_values: usize,
}

impl AssaySummary {
    /// Returns how many values of the kept profiles are missing at the kept readouts.
    #[must_use]
    pub fn n_missing(&self) -> usize {
        (self.n_profiles * self.n_readouts).saturating_sub(self.n_values)
    }
}

/// A name that was taken for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Merge {
    /// The name as a file spells it.
    pub from: String,
    /// The name it goes by now.
    pub to: String,
    /// Why.
    pub reason: MergeReason,
    /// What both name.
    pub kind: AgentKind,
    /// The assays whose files hold the first name.
    pub assays: Vec<String>,
}

/// Why two names were taken for one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeReason {
    /// Equal letters and digits.
    EqualName,
    /// Equal full InChIKeys.
    EqualInchiKey,
    /// One row of an annotation table gives both as own names.
    SameAnnotation,
    /// The annotation of one gives the other as an alias, and of no third.
    Alias,
    /// One annotation only gives it as an identifier.
    Identifier,
    /// An alias or previous symbol of one gene only.
    RetiredSymbol,
    /// An approved gene symbol without its hyphens, or in other capitals.
    OtherSpelling,
}

impl fmt::Display for MergeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EqualName => "equal letters and digits",
            Self::EqualInchiKey => "equal InChIKey",
            Self::SameAnnotation => "one annotation names both",
            Self::Alias => "alias in the annotation",
            Self::Identifier => "identifier in the annotation",
            Self::RetiredSymbol => "alias or previous symbol",
            Self::OtherSpelling => "other spelling of the symbol",
        })
    }
}

/// Two names that may be one agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Suggestion {
    /// One name.
    pub first: String,
    /// The other.
    pub second: String,
    /// What speaks for it.
    pub reason: SuggestionReason,
}

/// What speaks for two names being one agent, though not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SuggestionReason {
    /// An annotation gives both one name, but they have different structures.
    SharedName,
    /// The first is an alias of the second, and of others.
    AmbiguousAlias,
    /// The annotation of the second gives the first as an identifier.
    Identifier,
    /// Their InChIKeys begin with the same block: stereoisomers and salts, or one compound.
    EqualSkeleton,
}

impl fmt::Display for SuggestionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SharedName => "a shared name, but different InChIKeys",
            Self::AmbiguousAlias => "an ambiguous alias",
            Self::Identifier => "an identifier of the other's annotation",
            Self::EqualSkeleton => "equal first InChIKey block",
        })
    }
}

/// A name that stays as it is because no annotation says what it means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnresolvedName {
    /// What it should name.
    pub kind: AgentKind,
    /// The name, and the assays that hold it.
    pub place: Place,
    /// What is in doubt.
    pub doubt: Doubt,
}

/// Why a name is not resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// These all have it as an alias or previous symbol.
    ClaimedBy(Vec<String>),
    /// No annotation has it; the known name that is spelt most like it, where there is one.
    Unknown(Option<String>),
    /// It should be called this, but the assay has another of that name.
    Taken(String),
}

/// A profile that was left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DroppedProfile {
    /// Its assay's context.
    pub context: String,
    /// Its perturbation's symbol.
    pub perturbation: String,
    /// Why: `constant`, `no value`, `12 values, fewer than 100`.
    pub reason: String,
}
