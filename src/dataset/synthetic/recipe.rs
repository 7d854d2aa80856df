use std::path::PathBuf;

use super::compound::letters;
use crate::dataset::normalise::NormalisationStep;
use crate::dataset::recipe::{
    AgentKind, AnnotationTable, Assay, AssayLayout, ReadoutChoice, Recipe,
};
use crate::experiment::PerturbationType;
use crate::table::{AnnotationColumns, Duplicates, Pattern, TextFormat};

/// Returns the recipe of a world with `n_chemical` chemical contexts and one of knock-outs, whose compounds have
/// InChIKeys or not.
pub(super) fn recipe(n_chemical: usize, has_structures: bool) -> Recipe {
    use NormalisationStep::{MedianCentre, RemoveReadoutMean, UnitSpread};
    let chemical = (0..n_chemical).map(|context| {
        let letter = letters(context);
        assay(PerturbationType::Compound, &format!("screen-{letter}"))
    });
    let genetic = assay(PerturbationType::CrisprKnockout, "knockout");
    let names = |column: &str| vec![column.to_owned()];
    let columns = AnnotationColumns {
        name: names("name"),
        synonyms: names("synonyms"),
        ..AnnotationColumns::default()
    };
    let compound_columns = AnnotationColumns {
        targets: Some("target".into()),
        moa: Some("moa".into()),
        phase: Some("clinical_phase".into()),
        inchi_key: has_structures.then(|| "inchi_key".into()),
        ..columns.clone()
    };
    let gene_columns = AnnotationColumns { description: Some("description".into()), ..columns };
    Recipe {
        name: "synthetic-demo".into(),
        description: "Synthetic screen written by phenocopy itself: planted mechanisms, no real \
                      measurement. For trying out commands and for tests."
            .into(),
        licence: "CC0-1.0".into(),
        readout_kind: "synthetic cell line".into(),
        readouts: ReadoutChoice::Shared,
        duplicates: Duplicates::Error,
        min_values: 4,
        normalisation: vec![MedianCentre, RemoveReadoutMean, UnitSpread],
        labels: Some("labels.csv".into()),
        assays: chemical.chain([genetic]).collect(),
        annotations: vec![
            annotation_table(AgentKind::Compound, "synthetic-compounds.csv", compound_columns),
            annotation_table(AgentKind::Gene, "synthetic-genes.csv", gene_columns),
        ],
        path: PathBuf::from("recipe.toml"),
    }
}

fn assay(perturbation_type: PerturbationType, name: &str) -> Assay {
    Assay {
        file: format!("synthetic-{name}.csv").into(),
        layout: AssayLayout::WideReadoutRows,
        perturbation_type,
        context: Pattern::fixed(&format!("synthetic-{name}")),
        format: TextFormat::Detect,
        normalisation: None,
        min_values: None,
        duplicates: None,
        columns: None,
        row_names: None,
        filters: Vec::new(),
        layer: None,
        readout_column: None,
        samples: None,
        perturbation_names: None,
        readout_names: None,
    }
}

fn annotation_table(agents: AgentKind, file: &str, columns: AnnotationColumns) -> AnnotationTable {
    let format = TextFormat::Detect;
    AnnotationTable { agents, file: file.into(), format, list_separator: "|".into(), columns }
}
