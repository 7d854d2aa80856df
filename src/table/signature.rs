use std::collections::HashMap;
use std::path::Path;

use super::matrix::bad_cell;
use super::name::is_missing;
use super::number::{Cell, parse_cell};
use super::text::TextFormat;
use super::text::{Rows, whole_file};
use crate::error::{Error, Result};

/// Names that users and their tools give the column of readouts, the surest first.
const READOUT_COLUMNS: [&str; 21] = [
    "readout",
    "gene_symbol",
    "symbol",
    "hgnc_symbol",
    "gene.symbol",
    "genesymbol",
    "gene_name",
    "external_gene_name",
    "gene",
    "genes",
    "ensembl_gene_id",
    "ensembl",
    "entrezid",
    "entrez",
    "gene_id",
    "cell_line",
    "ModelID",
    "model",
    "depmap_id",
    "name",
    "id",
];
/// What R and pandas call the names of rows that are no column.
const ROW_NAMES: [&str; 6] = ["", "x", "row", "rowname", "row.names", "unnamed: 0"];
/// Names of the column of values, the best first: scores, moderated statistics (limma's `t`, DESeq2's `stat`), which
/// know how sure a change is, then fold changes (edgeR has no signed statistic).
const VALUE_COLUMNS: [&str; 14] = [
    "value",
    "score",
    "z",
    "zscore",
    "z_score",
    "t",
    "stat",
    "statistic",
    "effect",
    "logFC",
    "log2FoldChange",
    "log2FC",
    "avg_log2FC",
    "logfoldchanges",
];

/// A signature as a file holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct SignatureTable {
    /// Readouts and their values, in the order of their first appearance; the mean where one comes
    /// several times.
    pub values: Vec<(String, f32)>,
    /// The column that the values are from.
    pub value_column: String,
    /// Other columns that could have been meant.
    pub other_columns: Vec<String>,
    /// Rows that were averaged with an earlier one.
    pub n_averaged: usize,
    /// Rows without a value.
    pub n_missing: usize,
}

/// Reads a signature: a table with a column of readouts and a column of values, such as limma, DESeq2 and edgeR write,
/// found by their names or, in a table of two columns, by their order; `column` names that of the values.
///
/// # Errors
/// When the columns cannot be told, a value is no number, or no row has one.
///
/// # Examples
/// ```
/// use phenocopy::table::read_signature;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("limma.csv");
/// std::fs::write(&path, "\"\",logFC,t,P.Value\nTP53,-1.5,-9.0,1e-9\nMDM2,2,NA,1\n").unwrap();
/// let signature = read_signature(&path, None)?;
/// assert_eq!((signature.value_column.as_str(), signature.n_missing), ("t", 1));
/// assert_eq!(signature.values, [("TP53".to_owned(), -9.0)]);
/// assert_eq!(read_signature(&path, Some("logFC"))?.values.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_signature(path: &Path, column: Option<&str>) -> Result<SignatureTable> {
    let mut rows = Rows::open(path, TextFormat::Detect)?;
    let Columns { readout, value, others } = Columns::find(&rows, column)?;
    let name_of = |at: usize| rows.header().get(at).cloned().unwrap_or_default();
    let value_column = name_of(value);
    let other_columns = others.into_iter().map(name_of).collect();
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut sums: Vec<(String, f64, u32)> = Vec::new();
    let (mut n_averaged, mut n_missing) = (0, 0);
    while let Some(record) = rows.next_record()? {
        let cell = record.get(value).unwrap_or_default().to_vec();
        let name = String::from_utf8_lossy(record.get(readout).unwrap_or_default());
        let name = name.trim().to_owned();
        let number = match parse_cell(&cell) {
            Cell::Number(number) => number,
            Cell::Missing => {
                n_missing += 1;
                continue;
            }
            bad => {
                return Err(bad_cell(&rows, value, bad, &String::from_utf8_lossy(&cell)));
            }
        };
        if is_missing(&name) {
            let advice = "name it or remove the row";
            return Err(rows.refuse(Some(readout), "a readout", format!("`{name}`"), advice));
        }
        match positions.get(&name).and_then(|at| sums.get_mut(*at)) {
            Some((_, sum, n)) => {
                (*sum, *n) = (*sum + f64::from(number), *n + 1);
                n_averaged += 1;
            }
            None => {
                positions.insert(name.clone(), sums.len());
                sums.push((name, f64::from(number), 1));
            }
        }
    }
    if sums.is_empty() {
        return Err(whole_file(
            path,
            "rows of a readout and its value",
            "none with a value",
            "check that the file was written completely",
        ));
    }
    let mean = |(name, sum, n): (String, f64, u32)| (name, (sum / f64::from(n)) as f32);
    let values = sums.into_iter().map(mean).collect();
    Ok(SignatureTable { values, value_column, other_columns, n_averaged, n_missing })
}

/// Returns the positions of the columns of readouts and of values, where a table is a signature by their names.
pub(super) fn signature_columns(rows: &Rows) -> Option<(usize, usize)> {
    let columns = Columns::find(rows, None).ok()?;
    Some((columns.readout, columns.value))
}

/// The positions of the columns of a signature.
struct Columns {
    readout: usize,
    value: usize,
    /// Of values that were not chosen.
    others: Vec<usize>,
}

impl Columns {
    fn find(rows: &Rows, column: Option<&str>) -> Result<Self> {
        let header = rows.header();
        let named = |name: &&str| header.iter().position(|own| own.eq_ignore_ascii_case(name));
        let is_row_names = |own: &&String| ROW_NAMES.iter().any(|n| own.eq_ignore_ascii_case(n));
        let readout = READOUT_COLUMNS.iter().find_map(named);
        let readout = readout.or_else(|| header.first().filter(is_row_names).map(|_| 0));
        let mut values = VALUE_COLUMNS.iter().filter_map(named);
        let value = match column {
            Some(column) => Some(rows.column(column)?),
            None => values.next(),
        };
        match (readout, value) {
            (Some(readout), Some(value)) if readout != value => {
                Ok(Self { readout, value, others: values.filter(|at| *at != value).collect() })
            }
            (_, Some(value)) if header.len() == 2 => {
                Ok(Self { readout: 1 - value, value, others: Vec::new() })
            }
            (_, None) if header.len() == 2 => Ok(Self { readout: 0, value: 1, others: Vec::new() }),
            _ => Err(unclear(rows)),
        }
    }
}

fn unclear(rows: &Rows) -> Error {
    Error::Table {
        path: rows.path().to_path_buf(),
        line: Some(1),
        column: None,
        expected: "two columns, or one named `readout` and one named `value`".to_owned(),
        received: format!("{} columns: {}", rows.header().len(), rows.header().join(", ")),
        advice: "rename the columns, or keep only the two".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, column: Option<&str>) -> Result<SignatureTable> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signature.tsv");
        std::fs::write(&path, text).unwrap();
        read_signature(&path, column)
    }

    #[test]
    fn tables_of_differential_expression_are_read_by_their_statistic_or_else_by_their_fold_change()
    {
        let limma = "\tlogFC\tAveExpr\tt\tP.Value\tadj.P.Val\tB\nTP53\t-1\t5\t-8\t0\t0\t9\n";
        let deseq2 = "\tbaseMean\tlog2FoldChange\tlfcSE\tstat\tpvalue\tpadj\nTP53\t9\t-1\t.1\t-7\t0\t0\nMDM2\t0\tNA\tNA\tNA\tNA\tNA\n";
        let edger = "genes\tlogFC\tlogCPM\tF\tPValue\tFDR\nTP53\t-1\t5\t64\t0\t0\n";
        for (text, column, value, others) in [
            (limma, "t", -8.0, vec!["logFC"]),
            (deseq2, "stat", -7.0, vec!["log2FoldChange"]),
            (edger, "logFC", -1.0, vec![]),
        ] {
            let table = read(text, None).unwrap();
            assert_eq!(
                (table.value_column.as_str(), table.other_columns),
                (column, others.into_iter().map(str::to_owned).collect())
            );
            assert_eq!(table.values, [("TP53".to_owned(), value)]);
        }
        assert_eq!(read(deseq2, None).unwrap().n_missing, 1);
    }

    #[test]
    fn the_column_that_is_named_is_read() {
        let text = "ensembl_gene_id\tsymbol\tlogFC\tt\nENSG1\tTP53\t-1\t-8\n";
        let table = read(text, Some("logFC")).unwrap();
        assert_eq!(
            (table.values, table.other_columns),
            (vec![("TP53".into(), -1.0)], vec!["t".into()])
        );
        let error = read(text, Some("logfC")).unwrap_err().to_string();
        assert!(error.contains("did you mean `logFC`"), "{error}");
        let reversed = read("-2\tTP53\n", None);
        assert!(reversed.is_err());
        assert_eq!(read("score\tname\n2\tTP53\n", None).unwrap().values, [("TP53".into(), 2.0)]);
        assert!(read("a\tb\tc\n1\t2\t3\n", None).unwrap_err().to_string().contains("`readout`"));
    }
}
