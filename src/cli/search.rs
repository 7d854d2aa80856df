use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use phenocopy::Error;
use phenocopy::embedding::FeatureQuality;
use phenocopy::experiment::PerturbationType;
use phenocopy::index::{Filter, Index};
use phenocopy::report::{HitNdjson, HitTable, HitTsv, HitWriter, Source};
use phenocopy::search::{
    Answer, FeaturePlacement, Origin, Query, Scope, Signature, SignatureQuery, Via,
};
use phenocopy::table::{SignatureTable, read_features, read_signature};

use super::IndexArgument;
use super::output::{Format, OutputArguments, complain, width};

/// Names to search for, the panel, and the form of the answer.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  phenocopy search venetoclax\n  \
    phenocopy search BRAF EGFR -k 5 --moa inhibitor --phase Launched\n  \
    phenocopy search nutlin-3a --to all --format tsv -o hits.tsv\n  \
    phenocopy search 'dabrafenib+trametinib' --to all\n  \
    phenocopy search --signature my-profile.csv --context GDSC1\n  \
    phenocopy search --smiles 'CC(=O)Oc1ccccc1C(=O)O'\n  \
    phenocopy search MDM2 --filter 'moa:\"MDM inhibitor\" OR target:TP53'")]
pub(crate) struct SearchArguments {
    /// Compounds or genes: symbols, names, synonyms or identifiers; `A+B` for a combination
    #[arg(required_unless_present_any = ["signature", "smiles"], value_name = "QUERY")]
    queries: Vec<String>,
    /// A profile of your own: a table (CSV, TSV) of readouts and values, folded into the index
    #[arg(long, value_name = "FILE", conflicts_with_all = ["queries", "query_type"])]
    signature: Option<PathBuf>,
    /// Features (a table: names, then numbers) that place queries which were never measured: predictions
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    features: Option<PathBuf>,
    /// The structure of a compound that was never measured, placed by those of the index: a prediction; repeatable
    #[arg(long, value_name = "SMILES", conflicts_with_all = ["queries", "query_type", "signature", "features"])]
    smiles: Vec<String>,
    /// The context whose profiles the signature resembles; without it the chemical one that fits best
    #[arg(long, value_name = "NAME", conflicts_with_all = ["queries", "smiles"])]
    context: Option<String>,
    /// The signature is normalised already; otherwise the context's normalisation is applied
    #[arg(long, conflicts_with_all = ["queries", "smiles"])]
    normalised: bool,
    #[command(flatten)]
    index: IndexArgument,
    /// Which side can be hits; without it a compound finds genes and a gene finds compounds
    #[arg(long, value_enum, value_name = "SIDE")]
    to: Option<ScopeArgument>,
    /// Only hits of this type (trt_cp, trt_xpr, trt_sh, trt_si, trt_oe); repeatable
    #[arg(long = "type", value_name = "TYPE", value_parser = perturbation_type)]
    types: Vec<PerturbationType>,
    /// Only hits that act on this gene; repeatable
    #[arg(long = "target", value_name = "GENE")]
    targets: Vec<String>,
    /// Only hits of this mechanism class (words of it); for genes, of the compounds acting on them; repeatable
    #[arg(long = "moa", value_name = "TEXT")]
    moas: Vec<String>,
    /// Only hits of this clinical phase, such as Launched; repeatable
    #[arg(long = "phase", value_name = "PHASE")]
    phases: Vec<String>,
    /// Only hits that pass a query over name, synonym, identifier, type, side, target, moa, phase, indication, description
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// What the query is, when its name stands for several types
    #[arg(long, value_name = "TYPE", value_parser = perturbation_type)]
    query_type: Option<PerturbationType>,
    /// How many hits; more than the panel gives the whole panel
    #[arg(short, default_value_t = 10, value_name = "N")]
    k: usize,
    /// Walk the graph or scan exactly; auto chooses by the rows left after the filter
    #[arg(long, value_enum, default_value_t = ViaArgument::Auto)]
    via: ViaArgument,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeArgument {
    Genetic,
    Chemical,
    All,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ViaArgument {
    Auto,
    Graph,
    Scan,
}

fn perturbation_type(code: &str) -> Result<PerturbationType, String> {
    PerturbationType::parse(code).ok_or_else(|| {
        let codes = PerturbationType::ALL.map(PerturbationType::cmap_code);
        format!("expected one of {}", codes.join(", "))
    })
}

impl SearchArguments {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let index = self.index.open()?;
        if let Some(path) = &self.signature {
            return self.search_signature(&index, path);
        }
        let placement = self.placement(&index)?;
        let asked = if self.smiles.is_empty() { &self.queries } else { &self.smiles };
        let mut failed = Vec::new();
        self.output.fill(|out| {
            let mut writer = self.writer(out, &index);
            // A header over nothing would look like a search without hits.
            let mut has_begun = false;
            for name in asked {
                let query = self.query(name);
                match placement.search(&index, &query) {
                    Ok(answer) => {
                        warn_of_prediction(&answer);
                        if !std::mem::replace(&mut has_begun, true) {
                            writer.begin()?;
                        }
                        writer.answer(&answer)?;
                    }
                    Err(error) if asked.len() > 1 && placement.concerns_one_query(&error) => {
                        complain(&format!("error: {error}"));
                        writer.unanswered(name, &error.to_string());
                        failed.push(name.as_str());
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if failed.len() == asked.len() {
                anyhow::bail!("no query was answered");
            }
            Ok(writer.finish()?)
        })?;
        if failed.is_empty() {
            return Ok(());
        }
        anyhow::bail!("{} of {} queries were not answered", failed.len(), asked.len())
    }

    /// Learns what features or structures mean, and warns if that is nothing.
    fn placement(&self, index: &Index) -> anyhow::Result<NamePlacement> {
        let (placement, quality) = if let Some(path) = &self.features {
            let placement = FeaturePlacement::fit(index, read_features(path)?)?;
            let quality = placement.quality();
            (NamePlacement::Features(placement), quality)
        } else if self.smiles.is_empty() {
            return Ok(NamePlacement::Rows);
        } else {
            structures(index)?
        };
        if !quality.predicts() {
            complain("warning: these features predict nothing of the index's vectors");
        }
        Ok(placement)
    }

    fn search_signature(&self, index: &Index, path: &Path) -> anyhow::Result<()> {
        let table = read_signature(path)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let query = SignatureQuery {
            context: self.context.clone(),
            is_normalised: self.normalised,
            scope: self.scope(),
            filter: self.filter(),
            k: self.k,
            via: self.via(),
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

    fn query(&self, name: &str) -> Query {
        Query {
            perturbation_type: self.query_type,
            scope: self.scope(),
            filter: self.filter(),
            k: self.k,
            via: self.via(),
            ..Query::new(name)
        }
    }

    fn scope(&self) -> Scope {
        match self.to {
            None => Scope::Across,
            Some(ScopeArgument::Genetic) => Scope::Genetic,
            Some(ScopeArgument::Chemical) => Scope::Chemical,
            Some(ScopeArgument::All) => Scope::All,
        }
    }

    fn filter(&self) -> Filter {
        Filter {
            types: self.types.clone(),
            targets: self.targets.clone(),
            moas: self.moas.clone(),
            phases: self.phases.clone(),
            expression: self.filter.clone(),
        }
    }

    fn via(&self) -> Via {
        match self.via {
            ViaArgument::Auto => Via::Auto,
            ViaArgument::Graph => Via::Graph,
            ViaArgument::Scan => Via::Scan,
        }
    }

    fn writer<'a>(&self, out: &'a mut dyn Write, index: &Index) -> Box<dyn HitWriter + 'a> {
        let source = Source {
            index: index.manifest().name.clone(),
            fingerprint: index.manifest().fingerprint.clone(),
            command: command_line(),
        };
        match self.format {
            Format::Table => Box::new(HitTable::new(out, source, width())),
            Format::Tsv => Box::new(HitTsv::new(out, source)),
            Format::Ndjson => Box::new(HitNdjson::new(out, source)),
        }
    }
}

/// Says of a structure far from all others what a table would, as other formats have no line for it.
fn warn_of_prediction(answer: &Answer) {
    if let Origin::Structure { quality, .. } = &answer.origin
        && !quality.predicts()
    {
        let name: String =
            answer.query.name().chars().filter(|c| !c.is_control()).take(60).collect();
        complain(&format!(
            "warning: `{name}` is too unlike the index's compounds: its hits mean nothing"
        ));
    }
}

/// What a name that the index does not hold is placed by.
enum NamePlacement {
    /// Nothing: it is unknown.
    Rows,
    Features(FeaturePlacement),
    #[cfg(feature = "structures")]
    Structures(phenocopy::search::StructurePlacement),
}

impl NamePlacement {
    /// Returns whether other queries can still be answered: a name may be misspelt, a structure unreadable.
    fn concerns_one_query(&self, error: &Error) -> bool {
        match self {
            Self::Rows | Self::Features(_) => is_about_a_name(error),
            #[cfg(feature = "structures")]
            Self::Structures(_) => matches!(error, Error::Data { .. }),
        }
    }

    fn search(&self, index: &Index, query: &Query) -> phenocopy::Result<Answer> {
        match self {
            Self::Rows => index.search(query),
            Self::Features(placement) => index.search_features(placement, query),
            #[cfg(feature = "structures")]
            Self::Structures(placement) => index.search_structure(placement, query),
        }
    }
}

#[cfg(feature = "structures")]
fn structures(index: &Index) -> anyhow::Result<(NamePlacement, FeatureQuality)> {
    let placement = phenocopy::search::StructurePlacement::fit(index)?;
    let quality = placement.quality();
    Ok((NamePlacement::Structures(placement), quality))
}

#[cfg(not(feature = "structures"))]
fn structures(_: &Index) -> anyhow::Result<(NamePlacement, FeatureQuality)> {
    anyhow::bail!("this phenocopy was built without the feature `structures`; build it with it")
}

/// Says what of a signature's file was averaged, left out, or not known to the index.
fn report_reading(table: &SignatureTable, answer: &Answer) {
    const MOST_LISTED: usize = 5;
    if table.n_averaged > 0 {
        complain(&format!("{} rows were averaged with others of their readout", table.n_averaged));
    }
    if table.n_missing > 0 {
        complain(&format!("{} rows have no value", table.n_missing));
    }
    let Origin::Signature(fit) = &answer.origin else { return };
    if !fit.unmatched.is_empty() {
        let names = fit.unmatched.iter().take(MOST_LISTED).map(|(name, close)| match close {
            Some(close) => format!("`{name}` (`{close}`?)"),
            None => format!("`{name}`"),
        });
        let names = names.collect::<Vec<String>>().join(", ");
        let more = fit.unmatched.len().saturating_sub(MOST_LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        complain(&format!("not readouts of this index: {names}{more}"));
    }
    if !fit.explains() {
        complain(&format!(
            "warning: the model explains nothing of this signature (held-out r {:.2}; its own values shuffled reach {:.2} in one of twenty cases)",
            fit.held_out_r, fit.chance_r
        ));
    }
}

/// One misspelt name among several should not cost the answers to the others.
fn is_about_a_name(error: &Error) -> bool {
    matches!(error, Error::UnknownName { .. } | Error::AmbiguousName { .. })
}

/// The command as it was typed, for the record; bytes that are no text are replaced.
pub(crate) fn command_line() -> String {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    words.collect::<Vec<String>>().join(" ")
}
