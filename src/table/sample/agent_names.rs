use std::collections::BTreeSet;

use crate::table::mapping::cut;

/// How a sample table writes what acted on a sample: which part of a text it is, and which names are controls.
///
/// One place for the conventions of published screens:
///
/// | source | column | text | read as | by |
/// |---|---|---|---|---|
/// | scPerturb | `perturbation` | `control`, `A`, `A_B` (or `A+B`) | control, `A`, `A+B` | `controls = ["control"]`, `separator = "_"` (or `+`) |
/// | GEARS | `condition` | `ctrl`, `A+ctrl`, `ctrl+A`, `B+A` | control, `A`, `A`, `A+B` | `controls = ["ctrl"]` |
/// | Tahoe-100M | `drug` | `DMSO_TF` | control | `controls = ["DMSO_TF"]` |
/// | Replogle 2022, cells | `gene` | `non-targeting` | control | `controls = ["non-targeting"]` |
/// | Replogle 2022, pseudo-bulk | `gene_transcript` | `10000_AKT3_P1P2_ENSG00000117020` | `AKT3` | `cut_at = "_"`, `part = 2` |
/// | LINCS | `cmap_name` | `KRAS_G12V` | `KRAS` | `cut_at = "_"` |
///
/// Agents of a combination are put into alphabetical order, so that `A+B` and `B+A` are one.
///
/// ```
/// use phenocopy::table::{Agents, AgentNames};
///
/// let controls = ["ctrl".to_owned()];
/// let names = AgentNames { controls: &controls, ..AgentNames::default() };
/// let read = |text| names.read(text).unwrap();
/// assert_eq!(read("ctrl"), Agents::Control);
/// assert_eq!(read("ctrl+BRAF"), Agents::Named("BRAF".to_owned()));
/// assert_eq!(read("MYC+BRAF"), Agents::Named("BRAF+MYC".to_owned()));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AgentNames<'a> {
    /// Where to cut the text: `_` turns the allele `KRAS_G12V` into `KRAS`.
    pub cut_at: Option<&'a str>,
    /// Which piece of the text that was cut counts, from 1.
    pub part: usize,
    /// What separates the agents of a combination; `+` if there are controls and none is given.
    pub separator: Option<&'a str>,
    /// The names of controls.
    pub controls: &'a [String],
}

impl Default for AgentNames<'_> {
    /// The text as it stands.
    fn default() -> Self {
        Self { cut_at: None, part: 1, separator: None, controls: &[] }
    }
}

/// What published screens call their controls.
pub(in crate::table) const KNOWN_CONTROLS: [&str; 8] =
    ["control", "ctrl", "non-targeting", "DMSO_TF", "DMSO", "vehicle", "NT", "untreated"];

/// What acted on a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agents {
    /// Nothing but what controls get.
    Control,
    /// An agent, or several joined by `+`.
    Named(String),
}

impl AgentNames<'_> {
    /// Reads a text; none if it is empty or has no such part.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Agents> {
        if self.is_control(text) {
            return Some(Agents::Control);
        }
        let name = match (self.part, self.cut_at) {
            (2.., Some(mark)) => cut(text.split(mark).nth(self.part - 1)?, None)?,
            _ => cut(text, self.cut_at)?,
        };
        Some(if self.is_control(&name) { Agents::Control } else { self.join(name) })
    }

    /// Returns whether a name is one of the controls.
    #[must_use]
    pub fn is_control(&self, name: &str) -> bool {
        self.controls.iter().any(|control| control.trim() == name.trim())
    }

    /// Leaves controls out of a combination and writes the rest as `A+B`.
    fn join(&self, name: String) -> Agents {
        let separator = match self.separator {
            None if self.controls.is_empty() => return Agents::Named(name),
            separator => separator.unwrap_or("+"),
        };
        let members: Vec<&str> = name.split(separator).map(str::trim).collect();
        // The `+` of `(+)-JQ1` separates nothing.
        let are_agents = members.iter().all(|member| member.chars().any(char::is_alphanumeric));
        if members.len() < 2 || !are_agents || name.contains("(+)") {
            return Agents::Named(name);
        }
        let named = members.into_iter().filter(|member| !self.is_control(member));
        let named: BTreeSet<&str> = named.collect();
        if named.is_empty() {
            return Agents::Control;
        }
        Agents::Named(named.into_iter().collect::<Vec<_>>().join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: AgentNames<'_>, text: &str) -> String {
        match names.read(text) {
            None => "nothing".to_owned(),
            Some(Agents::Control) => "control".to_owned(),
            Some(Agents::Named(name)) => name,
        }
    }

    #[test]
    fn each_published_convention_is_read() {
        let controls = ["ctrl".to_owned(), "control".to_owned(), "DMSO_TF".to_owned()];
        let plus = AgentNames { controls: &controls, ..AgentNames::default() };
        for (text, meaning) in [
            ("ctrl", "control"),
            ("A+ctrl", "A"),
            ("ctrl+A", "A"),
            ("B+A", "A+B"),
            ("A+B", "A+B"),
            ("ctrl+ctrl", "control"),
            ("DMSO_TF", "control"),
            ("(+)-JQ1", "(+)-JQ1"),
            ("Insulin (human)", "Insulin (human)"),
            (" ", "nothing"),
        ] {
            assert_eq!(read(plus, text), meaning, "{text}");
        }
        let underscore = AgentNames { separator: Some("_"), ..plus };
        assert_eq!(read(underscore, "CEBPB_CEBPA"), "CEBPA+CEBPB");
        assert_eq!(read(underscore, "control"), "control");
        assert_eq!(read(underscore, "HLA-DRA"), "HLA-DRA");
    }

    #[test]
    fn the_second_part_of_a_transcript_is_its_gene() {
        let controls = ["non-targeting".to_owned()];
        let names = AgentNames { cut_at: Some("_"), part: 2, controls: &controls, separator: None };
        assert_eq!(read(names, "10000_AKT3_P1P2_ENSG00000117020"), "AKT3");
        assert_eq!(read(names, "10752_non-targeting_non-targeting_non-targeting"), "control");
        assert_eq!(read(names, "10752"), "nothing");
    }

    #[test]
    fn without_keys_a_text_stays_as_it_is() {
        for text in ["B+A", "A_B", "(+)-JQ1"] {
            assert_eq!(read(AgentNames::default(), text), text);
        }
        let cut = AgentNames { cut_at: Some("_"), ..AgentNames::default() };
        assert_eq!(read(cut, "KRAS_G12V"), "KRAS");
    }
}
