/// Returns the upper-case ASCII letters and digits of a name, by which names are compared.
///
/// ```
/// use phenocopy::table::identifier_key;
///
/// assert_eq!(identifier_key("Nutlin-3a (-)"), "NUTLIN3A");
/// ```
#[must_use]
pub fn identifier_key(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Returns the key under which a name is looked up: its [`identifier_key`], or the name itself, in lower
/// case and trimmed, where it has no ASCII letter or digit.
///
/// ```
/// use phenocopy::table::lookup_key;
///
/// assert_eq!(lookup_key("ABT-737"), "ABT737");
/// assert_eq!(lookup_key(" 阿司匹林 "), "阿司匹林");
/// ```
#[must_use]
pub fn lookup_key(name: &str) -> String {
    let key = identifier_key(name);
    if key.is_empty() { name.trim().to_lowercase() } else { key }
}

/// Returns the key under which a compound's name is looked up: its [`lookup_key`], of a Broad identifier only what
/// names the compound, not the sample (`BRD-K62810658-001-05-8`).
///
/// ```
/// use phenocopy::table::compound_key;
///
/// assert_eq!(compound_key("BRD-K62810658-001-05-8"), compound_key("BRD-K62810658"));
/// ```
#[must_use]
pub fn compound_key(name: &str) -> String {
    const DIGITS: std::ops::Range<usize> = 4..12;
    let mut key = lookup_key(name);
    let is_broad = key.starts_with("BRD")
        && key.get(DIGITS).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    if is_broad {
        key.truncate(DIGITS.end);
    }
    key
}

/// Returns whether a cell says "not known": empty, `NA`, `N/A`, `NaN`, `null`, `None`, `-666`,
/// `-666.0`, `#VALUE!` or `restricted`, in any case and between any blanks.
#[must_use]
pub fn is_missing(cell: &str) -> bool {
    is_missing_bytes(cell.as_bytes())
}

/// Longest spelling of "not known"; longer cells need no comparison.
const LONGEST_MISSING: usize = 10;

pub(super) fn is_missing_bytes(cell: &[u8]) -> bool {
    const SPELLINGS: [&[u8]; 9] =
        [b"NA", b"N/A", b"NaN", b"null", b"None", b"-666", b"-666.0", b"#VALUE!", b"restricted"];
    let cell = cell.trim_ascii();
    cell.is_empty()
        || (cell.len() <= LONGEST_MISSING
            && SPELLINGS.iter().any(|spelling| cell.eq_ignore_ascii_case(spelling)))
}

/// Returns up to three of `candidates` that are spelt like `name`, best first; ties keep their order.
pub fn close_names<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    /// Below this Jaro–Winkler similarity a suggestion misleads more than it helps.
    const CLOSE: f64 = 0.8;
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= CLOSE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// Stands for any text, also for none.
const ANY: char = '*';

/// Returns whether a text has wildcards.
pub(super) fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(ANY)
}

/// Returns whether a text is what a pattern says: `*` in it stands for any text, everything else for itself.
pub(super) fn fits_wildcard(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once(ANY) else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once(ANY).unwrap_or(("", rest));
    for part in middle.split(ANY) {
        match text.find(part) {
            Some(at) => text = text.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_not_known_is_missing() {
        for cell in ["", "  ", "NA", "nan", "NaN", "null", "None", "-666", "-666.0", "#VALUE!"] {
            assert!(is_missing(cell), "{cell:?}");
        }
        assert!(is_missing(" restricted\t"));
        for cell in ["0", "-66", "NAE1", "nano", "none of these"] {
            assert!(!is_missing(cell), "{cell:?}");
        }
    }

    #[test]
    fn a_misspelt_name_gets_close_ones() {
        assert_eq!(close_names("modelid", ["ModelID", "BRAF"]), ["ModelID"]);
        assert!(close_names("zzz", ["ModelID", "BRAF"]).is_empty());
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("train-*.parquet", "train-00000-of-03388.parquet", true),
            ("train-*.parquet", "train-.parquet", true),
            ("train-*.parquet", "test-0.parquet", false),
            ("train-*.parquet", "train-0.parquet.part", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*b*b*", "abab", true),
            ("*b*b*", "ab", false),
            ("*, 5.0, *", "[('Dabrafenib', 5.0, 'uM')]", true),
            ("*, 5.0, *", "[('Dabrafenib', 0.5, 'uM')]", false),
            ("µ*m", "µ and µm", true),
            ("**", "", true),
            ("plain", "plain", true),
            ("plain", "plainer", false),
        ] {
            assert_eq!(fits_wildcard(pattern, text), fits, "{pattern} {text}");
        }
    }
}
