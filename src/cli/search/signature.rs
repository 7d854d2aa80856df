use phenocopy::index::Index;
use phenocopy::search::{Answer, Origin, Signature, SignatureQuery};
use phenocopy::table::{NameList, SignatureTable, read_signature};

use super::SearchArguments;
use crate::cli::output::{complain, listed};

impl SearchArguments {
    pub(super) fn search_signature(&self, index: &Index, source: &str) -> anyhow::Result<()> {
        let NameList { path, columns } = NameList::parse(source);
        let table = read_signature(&path, columns.as_deref())?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let query = SignatureQuery {
            context: self.context.clone(),
            is_normalised: self.normalised,
            scope: self.scope(),
            filter: self.filter(),
            k: self.k,
            via: self.via(),
            direction: self.direction(),
            correction: self.correction(),
            ..SignatureQuery::new(Signature { name, values: table.values.clone() })
        };
        let answer = index.search_signature(&query)?;
        report_reading(&table, &answer);
        self.output.fill(|out| {
            let mut writer = self.writer(out, index);
            writer.begin()?;
            writer.answer(&answer)?;
            Ok(writer.finish()?)
        })
    }
}

/// Says what of a signature's file was averaged, left out, or not known to the index.
fn report_reading(table: &SignatureTable, answer: &Answer) {
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
    let Origin::Signature(fit) = &answer.origin else { return };
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
