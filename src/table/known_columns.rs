use std::path::Path;

use super::annotation::AnnotationColumns;
use super::text::Rows;
use super::text::TextFormat;
use crate::error::{Error, Result};

/// What a table of annotation is about, and which of its columns hold what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownColumns {
    /// Whether it is about genes; otherwise about compounds.
    pub is_of_genes: bool,
    /// The columns.
    pub columns: AnnotationColumns,
    /// What separates the values of a list.
    pub list_separator: &'static str,
}

const GENE_NAMES: [&str; 4] = ["Approved symbol", "gene_symbol", "hgnc_symbol", "symbol"];
const COMPOUND_NAMES: [&str; 5] = ["pert_iname", "cmap_name", "compound_name", "compound", "name"];
const SYNONYMS: [&str; 7] = [
    "synonyms",
    "names",
    "aliases",
    "compound_aliases",
    "Alias symbols",
    "Previous symbols",
    "alias_symbol",
];
const IDENTIFIERS: [&str; 13] = [
    "broad_id",
    "pert_id",
    "InChIKey",
    "inchi_key",
    "pubchem",
    "pubchem_cid",
    "chembl",
    "drugbank_id",
    "HGNC ID",
    "hgnc_id",
    "gene_id",
    "NCBI Gene ID(supplied by NCBI)",
    "ensembl_id",
];

impl KnownColumns {
    /// Finds the columns of a table by the names that the Drug Repurposing Hub, LINCS, HGNC and users give them.
    ///
    /// # Errors
    /// When the table has no column of names, or cannot be read.
    ///
    /// # Examples
    /// ```
    /// use phenocopy::table::KnownColumns;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("drugs.tsv");
    /// std::fs::write(&path, "pert_iname\tmoa\ttarget\nvenetoclax\tBCL inhibitor\tBCL2\n").unwrap();
    /// let known = KnownColumns::find(&path)?;
    /// assert!(!known.is_of_genes);
    /// assert_eq!(known.columns.targets.as_deref(), Some("target"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find(path: &Path) -> Result<Self> {
        let rows = Rows::open(path, TextFormat::Detect)?;
        let header = rows.header();
        let one = |names: &[&str]| {
            let own = |name: &&str| header.iter().find(|own| own.eq_ignore_ascii_case(name));
            names.iter().find_map(own).cloned()
        };
        let several = |names: &[&str]| -> Vec<String> {
            let is_one = |own: &&String| names.iter().any(|name| own.eq_ignore_ascii_case(name));
            header.iter().filter(is_one).cloned().collect()
        };
        let (gene, compound) = (one(&GENE_NAMES), one(&COMPOUND_NAMES));
        let is_of_genes = gene.is_some() && one(&COMPOUND_NAMES[..4]).is_none();
        let name = if is_of_genes { gene } else { compound };
        let name = name.ok_or_else(|| Error::Table {
            path: path.to_path_buf(),
            line: Some(1),
            column: None,
            expected: "a column of names, such as `pert_iname`, `cmap_name`, `name` or `symbol`"
                .to_owned(),
            received: header.join(", "),
            advice: "rename the column, or name the columns in a recipe".to_owned(),
        })?;
        let columns = AnnotationColumns {
            name: vec![name],
            synonyms: several(&SYNONYMS),
            identifiers: several(&IDENTIFIERS),
            inchi_key: one(&["InChIKey", "inchi_key"]),
            targets: one(&["target", "targets"]),
            moa: one(&["moa", "mechanism", "mechanism_of_action"]),
            phase: one(&["clinical_phase", "phase"]),
            indication: one(&["indication", "indications"]),
            smiles: one(&["smiles", "canonical_smiles"]),
            description: one(&["description", "Approved name", "gene_title", "disease_area"]),
        };
        // HGNC separates by comma and blank, all others by a bar.
        let is_hgnc = header.iter().any(|own| own == "Approved symbol");
        Ok(Self { is_of_genes, columns, list_separator: if is_hgnc { ", " } else { "|" } })
    }
}
