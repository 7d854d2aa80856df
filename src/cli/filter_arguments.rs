use phenocopy::embedding::RowSet;
use phenocopy::experiment::PerturbationType;
use phenocopy::index::{Filter, Index};
use phenocopy::table::{NameList, read_query_list};

use super::output::{MOST_LISTED, complain, listed};

/// Which perturbations of an index are meant.
#[derive(Debug, clap::Args)]
pub(super) struct FilterArguments {
    /// Only perturbations of this type (trt_cp, trt_xpr, trt_sh, trt_si, trt_oe); repeatable
    #[arg(long = "type", value_name = "TYPE", value_parser = perturbation_type)]
    types: Vec<PerturbationType>,
    /// Only what acts on this gene; repeatable
    #[arg(long = "target", value_name = "GENE")]
    targets: Vec<String>,
    /// Only of this mechanism class (words of it); for genes, of the compounds acting on them; repeatable
    #[arg(long = "moa", value_name = "TEXT")]
    moas: Vec<String>,
    /// Only of this clinical phase, such as Launched; repeatable
    #[arg(long = "phase", value_name = "PHASE")]
    phases: Vec<String>,
    /// Only what passes a query over name, synonym, identifier, type, side, target, moa, phase, indication, description
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// Only what a file names: one a line (text, GRP), or columns of a table (CSV, TSV, Parquet); repeatable
    #[arg(long = "picklist", value_name = "FILE[:COLUMN]")]
    picklists: Vec<String>,
}

/// Reads the code or name of a type.
pub(super) fn perturbation_type(code: &str) -> Result<PerturbationType, String> {
    PerturbationType::parse(code).ok_or_else(|| {
        let codes = PerturbationType::ALL.map(PerturbationType::cmap_code);
        format!("expected one of {}", codes.join(", "))
    })
}

impl FilterArguments {
    /// Returns the filter, with what the picklists name in an index.
    pub(super) fn filter(&self, index: &Index) -> anyhow::Result<Filter> {
        Ok(Filter {
            types: self.types.clone(),
            targets: self.targets.clone(),
            moas: self.moas.clone(),
            phases: self.phases.clone(),
            expression: self.filter.clone(),
            rows: picked(index, &self.picklists, "--picklist")?,
        })
    }
}

/// Finds what the lists of an option name, and says what of them is not known; none where there are no lists.
pub(super) fn picked(
    index: &Index,
    picklists: &[String],
    option: &str,
) -> anyhow::Result<Option<RowSet>> {
    if picklists.is_empty() {
        return Ok(None);
    }
    let mut names = Vec::new();
    for picklist in picklists {
        names.extend(read_query_list(&NameList::parse(picklist))?);
    }
    let picked = index.picklist(&names)?;
    if !picked.unknown.is_empty() {
        let n_unknown = picked.unknown.len();
        let close = |name: &String| Ok((name.clone(), index.suggest(name)?.into_iter().next()));
        let examples = picked.unknown.iter().take(MOST_LISTED).map(close);
        let examples = examples.collect::<phenocopy::Result<Vec<_>>>()?;
        let examples = listed(&examples, n_unknown);
        complain(&format!(
            "{n_unknown} of {} names of {option} are unknown: {examples}",
            names.len()
        ));
    }
    Ok(Some(picked.rows))
}
