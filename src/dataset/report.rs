use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What reading found out: nothing is merged, dropped or left unresolved silently.
///
/// Its `Display` is what `phenocopy build` shows before it trains.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingReport {
    /// What each assay gave, in the recipe's order.
    pub assays: Vec<AssaySummary>,
    /// Names that were taken for one agent.
    pub merges: Vec<Merge>,
    /// Pairs that may be one agent but were not merged.
    pub suggestions: Vec<Suggestion>,
    /// Profiles that were left out.
    pub dropped: Vec<DroppedProfile>,
    /// Names that no table knows, and other things to look at.
    pub notices: Vec<String>,
    /// Readouts of any assay that were not kept because only one side measured them.
    pub n_readouts_left_out: usize,
}

/// What one assay gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssaySummary {
    /// The context.
    pub context: String,
    /// Profiles in the file.
    pub n_read: usize,
    /// Profiles averaged into that of another name of the same perturbation.
    #[serde(default)]
    pub n_averaged: usize,
    /// Profiles after merging and filtering.
    pub n_profiles: usize,
    /// Kept readouts with at least one value.
    pub n_readouts: usize,
    /// Values kept.
    pub n_values: usize,
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
    /// A retired or otherwise spelt gene symbol.
    GeneSymbol,
}

impl fmt::Display for MergeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EqualName => "equal letters and digits",
            Self::EqualInchiKey => "equal InChIKey",
            Self::SameAnnotation => "one annotation names both",
            Self::Alias => "alias in the annotation",
            Self::GeneSymbol => "retired or misspelt gene symbol",
        })
    }
}

impl fmt::Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, reason } = self;
        write!(f, "merged: {from} → {to} ({reason})")
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
    pub reason: String,
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

impl fmt::Display for ReadingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for assay in &self.assays {
            let AssaySummary { context, n_read, n_averaged, n_profiles, n_readouts, n_values } =
                assay;
            let averaged = match n_averaged {
                0 => String::new(),
                n => format!(" ({n} averaged with another name's)"),
            };
            writeln!(
                f,
                "{context}: {n_read} profiles read, {n_profiles} kept{averaged}, {n_readouts} readouts, {n_values} values"
            )?;
        }
        if self.n_readouts_left_out > 0 {
            writeln!(
                f,
                "{} readouts left out: measured on one side only",
                self.n_readouts_left_out
            )?;
        }
        self.fmt_merges(f)?;
        for Suggestion { first, second, reason } in &self.suggestions {
            writeln!(f, "not merged: {first} and {second} ({reason})")?;
        }
        self.fmt_dropped(f)?;
        self.notices.iter().try_for_each(|notice| writeln!(f, "{notice}"))
    }
}

impl ReadingReport {
    /// Returns everything found out, a sentence each: nothing is counted or cut short.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let brief = Self { merges: Vec::new(), dropped: Vec::new(), ..self.clone() };
        let mut sentences: Vec<String> = brief.to_string().lines().map(str::to_owned).collect();
        sentences.extend(self.merges.iter().map(Merge::to_string));
        let dropped =
            self.dropped.iter().map(|DroppedProfile { context, perturbation, reason }| {
                format!("{context}: {perturbation} left out ({reason})")
            });
        sentences.extend(dropped);
        sentences
    }

    /// Lists merges by reason; those by equal letters are only counted, as nobody doubts them.
    fn fmt_merges(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_trivial = |merge: &&Merge| merge.reason == MergeReason::EqualName;
        let n_trivial = self.merges.iter().filter(is_trivial).count();
        if n_trivial > 0 {
            writeln!(f, "{n_trivial} names merged: {}", MergeReason::EqualName)?;
        }
        let mut others = self.merges.iter().filter(|merge| !is_trivial(merge));
        others.try_for_each(|merge| writeln!(f, "{merge}"))
    }

    fn fmt_dropped(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More names than this make the line unreadable; the manifest has all of them.
        const MOST_NAMED: usize = 8;
        let mut groups: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for DroppedProfile { context, perturbation, reason } in &self.dropped {
            groups.entry((context, reason)).or_default().push(perturbation);
        }
        for ((context, reason), names) in groups {
            let named = names.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
            let dots = if names.len() > MOST_NAMED { ", …" } else { "" };
            writeln!(f, "{context}: {} left out ({reason}): {named}{dots}", names.len())?;
        }
        Ok(())
    }
}
