use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};

/// Reads names, one a line, in order: blank lines are left out, spaces around a name too; LF, CRLF or CR, with or
/// without byte order mark.
///
/// # Errors
/// When the file cannot be read, a line is not UTF-8 or holds a tab or a control character, or there is no name.
pub fn read_query_list(path: &Path) -> Result<Vec<String>> {
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    parse_query_list(file, path)
}

/// Does what [`read_query_list`] does with an open source; `path` is for messages.
///
/// # Errors
/// As [`read_query_list`].
pub fn parse_query_list(mut source: impl Read, path: &Path) -> Result<Vec<String>> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    let what = |line: usize| format!("list of queries `{}`, line {line}", path.display());
    let mut names = Vec::new();
    // The blank lines that CRLF makes here are left out with the others.
    for (at, bytes) in bytes.split(|byte| matches!(byte, b'\n' | b'\r')).enumerate() {
        let line = at + 1;
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(Error::data(what(line), "it is not UTF-8", "save the list as UTF-8"));
        };
        let name = text.trim_start_matches('\u{feff}').trim();
        if name.contains(char::is_control) {
            let advice = "give one name a line; cut the column out of a table first";
            return Err(Error::data(what(line), "it holds a tab or a control character", advice));
        }
        if !name.is_empty() {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() {
        let what = format!("list of queries `{}`", path.display());
        return Err(Error::data(what, "it holds no name", "give one name a line"));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Vec<String>> {
        parse_query_list(bytes, Path::new("list.txt"))
    }

    #[test]
    fn names_come_one_a_line_whatever_the_line_ends() {
        let names = parse("\u{feff}venetoclax\r\n\r\n  nutlin-3a \rBRAF".as_bytes()).unwrap();
        assert_eq!(names, ["venetoclax", "nutlin-3a", "BRAF"]);
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        let error = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
        assert!(error(b"a\nb\tc\n").contains("line 2"));
        assert!(error(b"a\n\xff\n").contains("not UTF-8"));
        assert!(error(b"\n \n").contains("no name"));
    }
}
