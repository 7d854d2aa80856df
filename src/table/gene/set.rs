use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use crate::error::{Error, Result};
use crate::table::text::{broken_stream, open_text, whole_file};

/// A named set of readouts, such as the genes of a pathway: 1 for what goes up (or is simply in it), −1 for what goes
/// down.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneSet {
    /// Its name.
    pub name: String,
    /// Its members, each once.
    pub members: Vec<(String, f32)>,
}

/// Ends of the names of two sets that are one signature.
const UP: &str = "_UP";
const DOWN: [&str; 2] = ["_DN", "_DOWN"];

/// Returns whether a file holds gene sets, by its extension: `gmt` or `grp`, whatever its case, also of a gzip.
#[must_use]
pub fn holds_gene_sets(path: &Path) -> bool {
    gene_set_format(path).is_some()
}

const GMT: &str = "GMT";
const GRP: &str = "GRP";

/// Returns what a file of gene sets is called, as [`holds_gene_sets`]; none if it is no such file.
pub(in crate::table) fn gene_set_format(path: &Path) -> Option<&'static str> {
    let name = path.to_string_lossy().to_lowercase();
    let (_, extension) = name.trim_end_matches(".gz").rsplit_once('.')?;
    [GMT, GRP].into_iter().find(|format| format.eq_ignore_ascii_case(extension))
}

/// Reads gene sets: of a GRP one, named as the file, a name in each line; of a GMT a set in each line, its name, a
/// description and its members separated by tabs. Two sets `X_UP` and `X_DN` (or `X_DOWN`) of a GMT are one more set, `X`,
/// in their place; what is in both is left out.
///
/// # Errors
/// When the file cannot be read or is no UTF-8, a line of a GMT has no members, or there is none.
///
/// # Examples
/// ```
/// use phenocopy::table::read_gene_sets;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("sets.gmt");
/// std::fs::write(&path, "P53_UP\tna\tCDKN1A\tMDM2\nP53_DN\tna\tCCNB1\n")?;
/// let sets = read_gene_sets(&path)?;
/// assert_eq!((sets.len(), sets[0].name.as_str()), (1, "P53"));
/// assert_eq!(sets[0].members[2], ("CCNB1".to_owned(), -1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_gene_sets(path: &Path) -> Result<Vec<GeneSet>> {
    let lines = lines(path)?;
    let sets = if gene_set_format(path) == Some(GMT) {
        let sets = lines.iter().map(|(line, text)| gmt_set(path, *line, text));
        paired(&sets.collect::<Result<Vec<GeneSet>>>()?)
    } else {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let members = lines.iter().map(|(_, text)| text.as_str());
        vec![GeneSet { name, members: members_of(members) }]
    };
    if sets.iter().all(|set| set.members.is_empty()) {
        let advice = "check that the file was written completely";
        return Err(whole_file(path, "gene sets", "none with a member", advice));
    }
    Ok(sets)
}

/// The lines that say something, with their numbers.
fn lines(path: &Path) -> Result<Vec<(u64, String)>> {
    let (text, _) = open_text(path)?;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.map_err(|error| broken_stream(path, Some(number), &error))?;
        let line = line.trim_end();
        if !line.is_empty() && !line.starts_with('#') {
            lines.push((number, line.to_owned()));
        }
    }
    Ok(lines)
}

fn gmt_set(path: &Path, line: u64, text: &str) -> Result<GeneSet> {
    let mut cells = text.split('\t').map(str::trim);
    let (name, _description) = (cells.next().unwrap_or_default(), cells.next());
    let members = members_of(cells);
    if name.is_empty() || members.is_empty() {
        return Err(Error::Table {
            path: path.to_path_buf(),
            line: Some(line),
            column: None,
            expected: "a name, a description and members, separated by tabs".to_owned(),
            received: format!("{} cells", text.split('\t').count()),
            advice: "complete the line or remove it".to_owned(),
        });
    }
    Ok(GeneSet { name: name.to_owned(), members })
}

/// Each member once, in the order of first appearance.
fn members_of<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(String, f32)> {
    let mut members: Vec<(String, f32)> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for name in names.map(str::trim).filter(|name| !name.is_empty()) {
        if seen.insert(name) {
            members.push((name.to_owned(), 1.0));
        }
    }
    members
}

/// Joins sets that go up and down together.
fn paired(sets: &[GeneSet]) -> Vec<GeneSet> {
    let place = |(at, set): (usize, &GeneSet)| (set.name.to_uppercase(), at);
    let places: HashMap<String, usize> = sets.iter().enumerate().map(place).collect();
    let partner = |set: &GeneSet| -> Option<usize> {
        let name = set.name.to_uppercase();
        let stem = name.strip_suffix(UP)?;
        DOWN.iter().find_map(|down| places.get(&format!("{stem}{down}")).copied())
    };
    let partners: Vec<Option<usize>> = sets.iter().map(partner).collect();
    let is_down = |at: usize| partners.iter().flatten().any(|partner| *partner == at);
    let join = |(at, set): (usize, &GeneSet)| match partners.get(at).copied().flatten() {
        Some(partner) => sets.get(partner).map(|down| joined(set, down)),
        None => (!is_down(at)).then(|| set.clone()),
    };
    sets.iter().enumerate().filter_map(join).collect()
}

fn joined(up: &GeneSet, down: &GeneSet) -> GeneSet {
    let has = |set: &GeneSet, name: &str| set.members.iter().any(|(own, _)| own == name);
    let ups = up.members.iter().filter(|(name, _)| !has(down, name)).cloned();
    let downs = down.members.iter().filter(|(name, _)| !has(up, name));
    let members = ups.chain(downs.map(|(name, _)| (name.clone(), -1.0))).collect();
    let stem = up.name.len() - UP.len();
    GeneSet { name: up.name.get(..stem).unwrap_or(&up.name).to_owned(), members }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Vec<GeneSet>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read_gene_sets(&path)
    }

    #[test]
    fn sets_are_read_line_by_line_and_those_of_two_directions_are_one() {
        let sets = read("a.gmt", "A_up\tx\tG1\tG2\tG2\r\nB\t\tG3\nA_DOWN\tx\tG2\tG4\n").unwrap();
        let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
        assert_eq!(names, ["A", "B"]);
        assert_eq!(sets[0].members, [("G1".to_owned(), 1.0), ("G4".to_owned(), -1.0)]);
        let grp = read("mine.GRP", "# ours\nG1\n\nG2\nG1\n").unwrap();
        assert_eq!((grp[0].name.as_str(), grp[0].members.len()), ("mine.GRP", 2));
    }

    #[test]
    fn what_is_no_set_is_refused_with_its_line() {
        let error = |text: &str| read("a.gmt", text).unwrap_err().to_string();
        assert!(error("A\tx\tG1\nB\tx\n").contains("line 2"));
        assert!(error("").contains("none with a member"));
        assert!(read("a.grp", "# nothing\n").is_err());
    }
}
