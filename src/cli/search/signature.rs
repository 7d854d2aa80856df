use std::path::Path;

use phenocopy::index::Index;
use phenocopy::search::{Origin, ProfileUnits, Signature, SignatureFit, SignatureQuery};
use phenocopy::table::{NameList, SignatureTable, holds_gene_sets, read_gene_sets, read_signature};

use super::SearchArguments;
use crate::cli::output::{MOST_LISTED, complain, listed};

impl SearchArguments {
    pub(super) fn search_signature(&self, index: &Index, source: &str) -> anyhow::Result<()> {
        let (table, query) = named_signature(index, source, self.normalised)?;
        let query = SignatureQuery {
            context: self.context.clone(),
            scope: self.scope(),
            filter: self.filter(),
            k: self.k,
            via: self.via(),
            direction: self.direction(),
            correction: self.correction(),
            ..query
        };
        let answer = index.search_signature(&query)?;
        table.iter().for_each(report_reading);
        if let Origin::Signature(fit) = &answer.origin {
            report_fit(fit);
        }
        self.output.fill(|out| {
            let mut writer = self.writer(out, index);
            writer.begin()?;
            writer.answer(&answer)?;
            Ok(writer.finish()?)
        })
    }
}

/// Reads `FILE[:COLUMN]`, called as the file is, or one set of `FILE[:NAME]`, which has no table and no units.
pub(in crate::cli) fn named_signature(
    index: &Index,
    source: &str,
    is_normalised: bool,
) -> anyhow::Result<(Option<SignatureTable>, SignatureQuery)> {
    let query = |signature: Signature, units: ProfileUnits| SignatureQuery {
        units: if is_normalised { ProfileUnits::Normalised } else { units },
        ..SignatureQuery::new(signature)
    };
    let NameList { path, columns } = NameList::parse(source);
    if holds_gene_sets(&path) {
        let set = signature_of_set(index, &path, columns.as_deref())?;
        return Ok((None, query(set, ProfileUnits::Relative)));
    }
    let table = read_signature(&path, columns.as_deref())?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let values = table.values.clone();
    Ok((Some(table), query(Signature { name, values }, ProfileUnits::Screen)))
}

/// The signature of one set of a file, and a line that says so.
fn signature_of_set(index: &Index, path: &Path, name: Option<&str>) -> anyhow::Result<Signature> {
    let sets = read_gene_sets(path)?;
    let set = match (name, sets.as_slice()) {
        (Some(name), sets) => sets.iter().find(|set| set.name == name),
        (None, [set]) => Some(set),
        (None, _) => None,
    };
    let Some(set) = set else {
        let names = sets.iter().take(MOST_LISTED).map(|set| format!("`{}`", set.name));
        let names = names.collect::<Vec<String>>().join(", ");
        let (n_sets, path) = (sets.len(), path.display());
        let wanted = name.map_or(String::new(), |name| format!(", none is `{name}`"));
        anyhow::bail!(
            "`{path}` holds {n_sets} sets{wanted}: name one, {path}:NAME, such as {names}"
        )
    };
    let n_down = set.members.iter().filter(|(_, value)| *value < 0.0).count();
    let n_up = set.members.len() - n_down;
    complain(&format!(
        "set `{}`: {n_up} members count as +1, {n_down} as -1, all other readouts of the index as 0",
        set.name
    ));
    Ok(index.signature_of_members(&set.name, &set.members)?)
}

/// Says what of a signature's file was averaged or left out.
pub(in crate::cli) fn report_reading(table: &SignatureTable) {
    if !table.other_columns.is_empty() {
        let (column, others) = (&table.value_column, table.other_columns.join(", "));
        complain(&format!("values are those of the column `{column}`, not of {others}"));
    }
    if table.n_averaged > 0 {
        complain(&format!("{} rows were averaged with others of their readout", table.n_averaged));
    }
    if table.n_missing > 0 {
        complain(&format!("{} rows have no value", table.n_missing));
    }
}

/// Says what of a signature is not known to the index, and whether the model explains it.
pub(in crate::cli) fn report_fit(fit: &SignatureFit) {
    if !fit.unmatched.is_empty() {
        let names = listed(&fit.unmatched, fit.unmatched.len());
        complain(&format!("not readouts of this index: {names}"));
    }
    if !fit.explains() {
        complain(&format!(
            "warning: the model explains nothing of this signature (held-out r {:.2}; its own values shuffled reach {:.2} in one of twenty cases)",
            fit.held_out_r, fit.chance_r
        ));
    }
}
