//! What users write in a filter, made into what tantivy's parser understands, or refused.

use super::Metadata;
use crate::error::{Error, Result};

/// tantivy's parser recurses: what is longer or deeper could overflow the stack.
const LONGEST_EXPRESSION: usize = 4_000;
const DEEPEST_EXPRESSION: usize = 50;

pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

pub(super) fn refused(filter: &str, problem: String) -> Error {
    let filter = filter.chars().take(80).collect();
    Error::Filter { filter, problem, fields: Metadata::FIELDS.to_owned() }
}

pub(super) fn check_expression(expression: &str) -> Result<()> {
    let n_nested = expression.matches('(').count() + expression.matches("NOT").count();
    if expression.trim().is_empty() {
        return Err(refused(expression, "it is empty".to_owned()));
    }
    if expression.len() > LONGEST_EXPRESSION || n_nested > DEEPEST_EXPRESSION {
        let most = format!(
            "{LONGEST_EXPRESSION} bytes, or has more than {DEEPEST_EXPRESSION} parentheses and NOTs"
        );
        return Err(refused(expression, format!("it is longer than {most}")));
    }
    Ok(())
}

/// Refuses what users of other query languages write and tantivy silently reads as words.
pub(super) fn check_operators(expression: &str) -> Result<()> {
    if let Some(word) = foreign_operator(expression) {
        let problem = format!("`{word}` is no operator here, write AND, OR, NOT in capitals");
        return Err(refused(expression, problem));
    }
    if has_wildcard(expression) {
        let problem = "words are matched whole, `*` at the end of one is not supported";
        return Err(refused(expression, problem.to_owned()));
    }
    Ok(())
}

/// Returns the words outside quotes.
fn bare_words(expression: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ':');
    expression.split('"').step_by(2).flat_map(move |text| text.split(is_between))
}

/// Returns whether a word ends in `*`, which tantivy's words never match.
fn has_wildcard(expression: &str) -> bool {
    bare_words(expression).any(|word| word.len() > 1 && word.ends_with('*'))
}

/// Returns an operator of another language, which tantivy would take for a word to look for.
fn foreign_operator(expression: &str) -> Option<&str> {
    let is_one = |word: &&str| matches!(*word, "and" | "or" | "not" | "&&" | "||");
    bare_words(expression).find(is_one)
}

/// Rewrites `NOT x` and `-x` as `(* AND -x)`: tantivy takes a clause that only excludes for an empty
/// one, so that `a AND NOT b` would find nothing and `a OR NOT b` only `a`. Where no operator stands
/// before it, `AND` is meant. White space outside quotes becomes blanks, which is all tantivy knows.
pub(super) fn excluding_by_minus(expression: &str) -> String {
    let mut rewritten = String::with_capacity(2 * expression.len());
    let mut rest = expression.trim();
    while let Some(first) = rest.chars().next() {
        let starts_word = rewritten.is_empty() || rewritten.ends_with(['(', ' ']);
        if let Some(after) = after_not(rest).filter(|_| starts_word) {
            let (operand, remaining) = after.split_at(operand_length(after));
            let before = rewritten.trim_end();
            let is_joined = before.is_empty() || before.ends_with('(') || ends_in_operator(before);
            rewritten.push_str(if is_joined { "" } else { "AND " });
            rewritten.push_str(&format!("(* AND -{})", excluding_by_minus(operand)));
            rest = remaining;
            continue;
        }
        let length = if first == '"' { quoted_length(rest) } else { first.len_utf8() };
        let (taken, remaining) = rest.split_at(length);
        rewritten.push_str(if first.is_whitespace() { " " } else { taken });
        rest = remaining;
    }
    rewritten
}

fn ends_in_operator(text: &str) -> bool {
    let last = text.rsplit([' ', '(']).next().unwrap_or_default();
    matches!(last, "AND" | "OR")
}

/// Returns what follows a `NOT` or minus that an expression begins with.
fn after_not(text: &str) -> Option<&str> {
    if let Some(after) = text.strip_prefix('-') {
        return Some(after).filter(|after| !after.is_empty());
    }
    let after = text.strip_prefix("NOT")?;
    after.starts_with(|c: char| c == '(' || c.is_whitespace()).then(|| after.trim_start())
}

/// Length of the term, phrase, parenthesis or further `NOT` that an expression begins with.
fn operand_length(text: &str) -> usize {
    if let Some(after) = after_not(text) {
        return text.len() - after.len() + operand_length(after);
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        match first {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            c if c.is_whitespace() && depth == 0 => return at,
            _ => {}
        }
        at += if first == '"' { quoted_length(&text[at..]) } else { first.len_utf8() };
    }
    at
}

/// Length of a phrase with its quotes; all of the text where none closes it.
fn quoted_length(text: &str) -> usize {
    let inner = text.get(1..).unwrap_or_default();
    let mut is_escaped = false;
    let end = inner.find(|c| {
        let closes = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        closes
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusions_are_written_with_a_minus_outside_quotes() {
        for (given, expected) in [
            ("moa:x AND NOT target:Y", "moa:x AND (* AND -target:Y)"),
            ("NOT target:Y", "(* AND -target:Y)"),
            ("a OR (NOT b)", "a OR ((* AND -b))"),
            ("NOT(a OR b) AND c", "(* AND -(a OR b)) AND c"),
            ("NOT moa:\"a b\" AND c", "(* AND -moa:\"a b\") AND c"),
            ("NOT (a AND NOT b)", "(* AND -(a AND (* AND -b)))"),
            ("moa:\"DO NOT USE\"", "moa:\"DO NOT USE\""),
            ("moa:\"open", "moa:\"open"),
            ("NOT NOT a b", "(* AND -(* AND -a)) b"),
            ("a OR\tNOT\n(b)", "a OR (* AND -(b))"),
            ("a AND (-b)", "a AND ((* AND -b))"),
            ("a NOT b", "a AND (* AND -b)"),
            ("moa:MAP-kinase", "moa:MAP-kinase"),
            ("a AND NOT", "a AND NOT"),
            ("KNOT x NOTE y", "KNOT x NOTE y"),
        ] {
            assert_eq!(excluding_by_minus(given), expected);
        }
    }

    #[test]
    fn an_expression_that_could_overflow_the_stack_is_refused() {
        assert!(check_expression(&"(".repeat(51)).is_err());
        assert!(check_expression(&"x".repeat(4_001)).is_err());
        assert!(check_expression("(moa:x)").is_ok());
        assert!(check_operators("moa:inhib*").is_err());
        assert!(check_operators("moa:x and target:Y").is_err());
        assert!(check_operators("moa:\"x and y\"").is_ok());
        assert!(check_operators("* AND moa:\"a*\"").is_ok());
    }
}
