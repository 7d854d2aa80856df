use std::fmt;

use serde::{Deserialize, Serialize};

/// A name made of a table's columns: text with columns in braces. Text without braces is a fixed name.
///
/// ```
/// use phenocopy::table::Pattern;
///
/// let context = Pattern::parse("L1000 {cell_iname}")?;
/// assert_eq!(context.columns().collect::<Vec<_>>(), ["cell_iname"]);
/// assert_eq!(context.fill(|_| "A375".to_owned()), "L1000 A375");
/// assert!(context.fits("L1000 A375") && !context.fits("L1000 "));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(String),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says which brace has no other, or that braces hold no column.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (column, after) =
                after.split_once('}').ok_or(format!("`{text}` has a `{{` without its `}}`"))?;
            let column = column.trim();
            if column.is_empty() || column.contains('{') || before.contains('}') {
                return Err(format!("the braces of `{text}` must each hold one column"));
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Column(column.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err(format!("`{text}` has a `}}` without its `{{`"));
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// Returns the pattern of one name, for a program that needs no columns; a brace is a letter like others.
    #[must_use]
    pub fn fixed(name: &str) -> Self {
        Self { text: name.to_owned(), parts: vec![Part::Text(name.to_owned())] }
    }

    /// Returns the pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the columns it names, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column(column) => Some(column.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Returns whether it names no column.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.columns().next().is_none()
    }

    /// Returns the name that it gives, each column replaced by what `cell` says of it.
    pub fn fill(&self, mut cell: impl FnMut(&str) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Column(column) => cell(column),
        };
        self.parts.iter().map(part).collect()
    }

    /// Returns whether it can give this name; every column gives at least one letter.
    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        fits(&self.parts, name)
    }

    /// Returns how many of its letters are fixed: of two patterns that fit a name, more say more about it.
    #[must_use]
    pub fn n_fixed(&self) -> usize {
        let length = |part: &Part| match part {
            Part::Text(text) => text.chars().count(),
            Part::Column(_) => 0,
        };
        self.parts.iter().map(length).sum()
    }
}

fn fits(parts: &[Part], name: &str) -> bool {
    match parts.split_first() {
        None => name.is_empty(),
        Some((Part::Text(text), others)) => {
            name.strip_prefix(text.as_str()).is_some_and(|rest| fits(others, rest))
        }
        Some((Part::Column(_), others)) => {
            let ends = name.char_indices().map(|(at, letter)| at + letter.len_utf8());
            ends.filter_map(|end| name.get(end..)).any(|rest| fits(others, rest))
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pattern_fits_what_it_gives(cells in proptest::collection::vec("[ab µ]{1,4}", 2)) {
            for text in ["{a} {b}", "x{a}{b}", "{a}µ{b} ", "fixed", "{b}"] {
                let pattern = Pattern::parse(text).unwrap();
                let name = pattern.fill(|column| cells[usize::from(column == "b")].clone());
                prop_assert!(pattern.fits(&name), "{text} gives {name}");
            }
        }
    }

    #[test]
    fn a_pattern_does_not_fit_other_names() {
        let pattern = Pattern::parse("L1000 {cell} {time}").unwrap();
        for name in ["L1000", "L1000 A375", "L1000 A375 ", "GDSC1", "l1000 A375 24 h"] {
            assert!(!pattern.fits(name), "{name}");
        }
        assert!(pattern.fits("L1000 A375 24 h"));
    }

    #[test]
    fn braces_that_do_not_pair_are_refused() {
        for text in ["{a", "a}", "{}", "{{a}}", "{a}}", "a}{b}"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
