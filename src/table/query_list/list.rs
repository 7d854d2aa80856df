use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::table::name::is_missing;
use crate::table::parquet_file::is_parquet;
use crate::table::text::{Rows, TextFormat};

/// Where a list of names is: in a file with one a line, or in columns of a table.
///
/// ```
/// use phenocopy::table::NameList;
///
/// let list = NameList::parse("compounds.csv:name,broad_id");
/// assert_eq!(list.columns.as_deref(), Some("name,broad_id"));
/// assert_eq!(NameList::parse("compounds.grp").columns, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameList {
    /// The file.
    pub path: PathBuf,
    /// Columns of a table, joined by commas; none for a file with one name a line.
    pub columns: Option<String>,
}

impl NameList {
    /// Returns the list that `FILE` or `FILE:COLUMN,COLUMN` means; where there is a file of the whole name, it is that.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.rsplit_once(':') {
            Some((file, columns)) if !file.is_empty() && !Path::new(text).exists() => {
                Self { path: file.into(), columns: Some(columns.to_owned()) }
            }
            _ => Self { path: text.into(), columns: None },
        }
    }
}

/// Reads names in order: one a line (a text list or a GRP file), or from the columns of a table, row by row.
///
/// Of lines, blank ones and comments (`#`) are left out, spaces around a name too; LF, CRLF or CR, with or without byte
/// order mark. Of a table, cells that are missing are left out.
///
/// # Errors
/// When the file cannot be read, a line is not UTF-8 or holds a tab or a control character, a column is not there, or
/// there is no name.
pub fn read_query_list(list: &NameList) -> Result<Vec<String>> {
    let path = &list.path;
    if let Some(columns) = &list.columns {
        return read_columns(path, columns);
    }
    if is_parquet(path) {
        let advice = format!("name the column that holds the names: {}:COLUMN", path.display());
        let what = format!("list of names `{}`", path.display());
        return Err(Error::data(what, "it is a Parquet table", advice));
    }
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    parse_query_list(file, path)
}

/// Reads the names in columns of a table.
fn read_columns(path: &Path, columns: &str) -> Result<Vec<String>> {
    let mut rows = Rows::open(path, TextFormat::Detect)?;
    // A column's own name may hold commas.
    let positions = match rows.column(columns) {
        Ok(position) => vec![position],
        Err(_) => columns.split(',').map(|name| rows.column(name)).collect::<Result<Vec<_>>>()?,
    };
    let mut names = Vec::new();
    while let Some(row) = rows.next_row()? {
        let cells = positions.iter().filter_map(|at| row.get(*at));
        names.extend(cells.filter(|cell| !is_missing(cell)).cloned());
    }
    some(names, path, "name a column that has values")
}

/// Refuses a list without names.
fn some(names: Vec<String>, path: &Path, advice: &str) -> Result<Vec<String>> {
    if names.is_empty() {
        let what = format!("list of names `{}`", path.display());
        return Err(Error::data(what, "it holds no name", advice));
    }
    Ok(names)
}

/// Does what [`read_query_list`] does with lines of an open source; `path` is for messages.
///
/// # Errors
/// As [`read_query_list`].
pub fn parse_query_list(mut source: impl Read, path: &Path) -> Result<Vec<String>> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    let what = |line: usize| format!("list of names `{}`, line {line}", path.display());
    let mut names = Vec::new();
    // The blank lines that CRLF makes here are left out with the others.
    for (at, bytes) in bytes.split(|byte| matches!(byte, b'\n' | b'\r')).enumerate() {
        let line = at + 1;
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(Error::data(what(line), "it is not UTF-8", "save the list as UTF-8"));
        };
        let name = text.trim_start_matches('\u{feff}').trim();
        if name.contains(char::is_control) {
            let advice = "give one name a line; of a table, name the column: FILE:COLUMN";
            return Err(Error::data(what(line), "it holds a tab or a control character", advice));
        }
        if !name.is_empty() && !name.starts_with('#') {
            names.push(name.to_owned());
        }
    }
    some(names, path, "give one name a line")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Vec<String>> {
        parse_query_list(bytes, Path::new("list.txt"))
    }

    #[test]
    fn names_come_one_a_line_whatever_the_line_ends() {
        let names =
            parse("\u{feff}# of ours\nvenetoclax\r\n\r\n  nutlin-3a \rBRAF".as_bytes()).unwrap();
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
