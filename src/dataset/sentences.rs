//! The report of reading in words: what `build` shows, and what the manifest keeps.

use std::collections::BTreeMap;
use std::fmt;

use super::recipe::AgentKind;
use super::report::{
    AssaySummary, Doubt, DroppedProfile, Merge, MergeReason, ReadingReport, Suggestion,
};

/// More names than this make a line unreadable; `ReadingReport::rejects` has all of them.
const MOST_NAMED: usize = 8;

impl fmt::Display for AgentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compound => "compound",
            Self::Gene => "gene",
            Self::Readout => "readout",
        })
    }
}

impl fmt::Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, reason, kind, .. } = self;
        let verb = if *kind == AgentKind::Readout { "renamed" } else { "merged" };
        write!(f, "{verb}: {from} → {to} ({reason})")
    }
}

impl fmt::Display for ReadingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.assays.iter().try_for_each(|assay| writeln!(f, "{assay}"))?;
        if !self.readouts_left_out.is_empty() {
            let n_left_out = self.readouts_left_out.len();
            writeln!(f, "{n_left_out} readouts left out: measured on one side only")?;
        }
        self.fmt_merges(f)?;
        for Suggestion { first, second, reason } in &self.suggestions {
            writeln!(f, "not merged: {first} and {second} ({reason})")?;
        }
        self.fmt_dropped(f)?;
        self.fmt_unresolved(f)?;
        self.untranslated.iter().try_for_each(|untranslated| writeln!(f, "{untranslated}"))?;
        self.notices.iter().try_for_each(|notice| writeln!(f, "{notice}"))
    }
}

impl fmt::Display for AssaySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, n_read, n_averaged, n_profiles, n_readouts, n_values, .. } = self;
        let averaged = match n_averaged {
            0 => String::new(),
            n => format!(" ({n} averaged with others of the same perturbation)"),
        };
        write!(
            f,
            "{context}: {n_read} profiles read, {n_profiles} kept{averaged}, {n_readouts} readouts, {n_values} values"
        )
    }
}

impl ReadingReport {
    /// Returns everything found out, a sentence each, merges and profiles left out one by one.
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
        let mut groups: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for DroppedProfile { context, perturbation, reason } in &self.dropped {
            groups.entry((context, reason)).or_default().push(perturbation);
        }
        for ((context, reason), names) in groups {
            writeln!(f, "{context}: {} left out ({reason}): {}", names.len(), first_of(&names))?;
        }
        Ok(())
    }

    fn fmt_unresolved(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for unresolved in &self.unresolved {
            let (kind, name) = (unresolved.kind, &unresolved.place.name);
            match &unresolved.doubt {
                Doubt::ClaimedBy(candidates) => {
                    let candidates = candidates.join(", ");
                    writeln!(f, "{kind} `{name}` kept as it is: alias of {candidates}")?;
                }
                Doubt::Taken(other) => {
                    writeln!(f, "{kind} `{name}` kept as it is: its file has `{other}`, too")?;
                }
                Doubt::Unknown(_) => {}
            }
        }
        for kind in [AgentKind::Compound, AgentKind::Gene, AgentKind::Readout] {
            self.fmt_unknown(f, kind)?;
        }
        Ok(())
    }

    fn fmt_unknown(&self, f: &mut fmt::Formatter<'_>, kind: AgentKind) -> fmt::Result {
        let of_kind = self.unresolved.iter().filter(|unresolved| unresolved.kind == kind);
        let named = of_kind.filter_map(|unresolved| match &unresolved.doubt {
            Doubt::Unknown(Some(like)) => Some(format!("{} (like {like}?)", unresolved.place.name)),
            Doubt::Unknown(None) => Some(unresolved.place.name.clone()),
            _ => None,
        });
        let named: Vec<String> = named.collect();
        let table = if kind == AgentKind::Gene { "gene table" } else { "annotation" };
        match named.len() {
            0 => Ok(()),
            n => writeln!(f, "{n} {kind}s are in no {table}: {}", first_of(&named)),
        }
    }
}

/// Lists the first few names.
fn first_of<S: AsRef<str>>(names: &[S]) -> String {
    let named: Vec<&str> = names.iter().take(MOST_NAMED).map(AsRef::as_ref).collect();
    let dots = if names.len() > MOST_NAMED { ", …" } else { "" };
    named.join(", ") + dots
}
