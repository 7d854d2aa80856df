use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use phenocopy::Error;
use phenocopy::embedding::FeatureQuality;
use phenocopy::experiment::PerturbationType;
use phenocopy::index::{Filter, Index};
use phenocopy::report::{HitNdjson, HitTable, HitTsv, HitWriter, Source};
use phenocopy::search::{
    Answer, Correction, Direction, FeaturePlacement, Origin, Query, Scope, Signature,
    SignatureQuery, Via,
};
use phenocopy::table::{
    SignatureTable, parse_query_list, read_features, read_query_list, read_signature,
};

use super::IndexArgument;
use super::output::{Format, OutputArguments, ResumableOutput, complain, width};

/// Queries that are answered before their answers are written.
const CHUNK: usize = 256;

/// Names to search for, the panel, and the form of the answer.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  phenocopy search venetoclax\n  \
    phenocopy search BRAF EGFR -k 5 --moa inhibitor --phase Launched\n  \
    phenocopy search nutlin-3a --to all --format tsv -o hits.tsv\n  \
    phenocopy search 'dabrafenib+trametinib' --to all\n  \
    phenocopy search --signature my-profile.csv --context GDSC1\n  \
    phenocopy search --smiles 'CC(=O)Oc1ccccc1C(=O)O'\n  \
    phenocopy search --queries compounds.txt --format tsv -o hits.tsv\n  \
    phenocopy search MDM2 --filter 'moa:\"MDM inhibitor\" OR target:TP53'")]
pub(crate) struct SearchArguments {
    /// Compounds or genes: symbols, names, synonyms or identifiers; `A+B` for a combination
    #[arg(required_unless_present_any = ["signature", "smiles", "list"], value_name = "QUERY")]
    queries: Vec<String>,
    /// More queries, one name a line: a file, or - for standard input
    #[arg(long = "queries", value_name = "FILE", conflicts_with_all = ["signature", "smiles"])]
    list: Option<PathBuf>,
    /// Go on where an interrupted run with --queries, --format tsv and -o was cut off
    #[arg(long, requires = "list", requires = "output")]
    resume: bool,
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
    /// Which effect hits have: the same, the opposite (ranked by predicted responses), or either
    #[arg(long, value_enum, default_value_t = DirectionArgument::Mimic)]
    direction: DirectionArgument,
    /// What q-values are corrected for: each query's panel, or all pairs of queries and panel; none leaves statistics out
    #[arg(long, value_enum, default_value_t = CorrectArgument::Query)]
    correct: CorrectArgument,
    /// List mechanisms that the queries resemble instead of hits (table and TSV)
    #[arg(long)]
    mechanisms: bool,
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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DirectionArgument {
    Mimic,
    Oppose,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CorrectArgument {
    Query,
    Batch,
    None,
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
        if self.mechanisms && self.correct == CorrectArgument::None {
            anyhow::bail!("--mechanisms needs statistics: leave out --correct none");
        }
        if self.mechanisms && matches!(self.format, Format::Ndjson) {
            anyhow::bail!(
                "ndjson lists mechanisms beside the hits, as objects `class`: leave out --mechanisms"
            );
        }
        let placement = self.placement(&index)?;
        let asked = self.asked()?;
        let n_failed = match self.resumable(&index, &asked)? {
            Some(output) => self.fill_resumable(output, (&index, &placement), &asked)?,
            None => self.fill(&index, &placement, &asked)?,
        };
        if n_failed == 0 {
            return Ok(());
        }
        anyhow::bail!("{n_failed} of {} queries were not answered", asked.len())
    }

    /// The names or structures that were asked for, in order.
    fn asked(&self) -> anyhow::Result<Vec<String>> {
        let mut asked = [self.queries.as_slice(), self.smiles.as_slice()].concat();
        match &self.list {
            Some(path) if path.as_os_str() == "-" => {
                asked.extend(parse_query_list(
                    std::io::stdin().lock(),
                    Path::new("standard input"),
                )?);
            }
            Some(path) => asked.extend(read_query_list(path)?),
            None => {}
        }
        Ok(asked)
    }

    /// Answers all queries, some at a time, and returns how many could not be.
    fn fill(
        &self,
        index: &Index,
        placement: &NamePlacement,
        asked: &[String],
    ) -> anyhow::Result<usize> {
        let mut n_failed = 0;
        self.output.fill(|out| {
            let mut out = RowWriter { writer: self.writer(out, index), has_begun: false };
            for names in asked.chunks(self.chunk()) {
                n_failed +=
                    self.write_answers((index, placement), (names, asked.len()), &mut out)?;
            }
            if n_failed == asked.len() {
                anyhow::bail!("no query was answered");
            }
            Ok(out.writer.finish()?)
        })?;
        Ok(n_failed)
    }

    /// Writes the answers to some of the queries and returns how many could not be answered.
    fn write_answers(
        &self,
        (index, placement): (&Index, &NamePlacement),
        (names, n_asked): (&[String], usize),
        out: &mut RowWriter<'_>,
    ) -> anyhow::Result<usize> {
        let queries: Vec<Query> = names.iter().map(|name| self.query(name)).collect();
        let mut n_failed = 0;
        for (name, answer) in names.iter().zip(placement.search(index, &queries)) {
            match answer {
                Ok(answer) => {
                    warn_of_prediction(&answer);
                    if !std::mem::replace(&mut out.has_begun, true) {
                        out.writer.begin()?;
                    }
                    out.writer.answer(&answer)?;
                }
                Err(error) if n_asked > 1 && placement.concerns_one_query(&error) => {
                    complain(&format!("error: {error}"));
                    out.writer.unanswered(name, &error.to_string());
                    n_failed += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(n_failed)
    }

    /// Queries that are answered together; a correction over the batch needs all of them.
    fn chunk(&self) -> usize {
        match self.correct {
            CorrectArgument::Batch => usize::MAX,
            // So that few answers are lost where each is long.
            CorrectArgument::Query | CorrectArgument::None => {
                (10 * CHUNK / self.k.max(1)).clamp(16, CHUNK)
            }
        }
    }

    /// The output that can be gone on with, for a long list into a table; none for others.
    fn resumable(
        &self,
        index: &Index,
        asked: &[String],
    ) -> anyhow::Result<Option<ResumableOutput>> {
        let is_table = matches!(self.format, Format::Tsv) && self.correct != CorrectArgument::Batch;
        let path = self.output.output.as_ref().filter(|path| path.is_file() || !path.exists());
        match (path, &self.list) {
            (Some(path), Some(_)) if is_table => {
                let identity = self.identity(index, asked);
                Ok(Some(ResumableOutput::open(path, identity, self.resume)?))
            }
            _ if self.resume => {
                anyhow::bail!(
                    "--resume goes on with a table: it needs --format tsv, -o with a file, and --correct query or none"
                )
            }
            _ => Ok(None),
        }
    }

    /// What must be the same for an interrupted run to go on: everything but --resume and the form of the list.
    fn identity(&self, index: &Index, asked: &[String]) -> String {
        let options = (self.scope(), self.filter(), self.via(), self.direction(), self.correct);
        let kinds = (self.query_type, self.k, self.mechanisms, &self.features);
        let text = format!("{options:?} {kinds:?} {}", asked.join("\n"));
        let fingerprint = &index.manifest().fingerprint;
        format!("{fingerprint} {:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
    }

    fn fill_resumable(
        &self,
        mut output: ResumableOutput,
        (index, placement): (&Index, &NamePlacement),
        asked: &[String],
    ) -> anyhow::Result<usize> {
        let before = output.progress();
        if self.resume && before.n_done == 0 {
            complain("there is nothing to go on from: starting with the first query");
        }
        if before.n_done > 0 {
            complain(&format!("going on after {} of {} queries", before.n_done, asked.len()));
        }
        let mut has_begun = before.n_failed < before.n_done;
        for names in asked.get(before.n_done..).unwrap_or_default().chunks(self.chunk()) {
            let mut text = Vec::new();
            let mut out = RowWriter { writer: self.writer(&mut text, index), has_begun };
            let n_failed =
                self.write_answers((index, placement), (names, asked.len()), &mut out)?;
            has_begun = out.has_begun;
            drop(out);
            output.append(&text, names.len(), n_failed)?;
        }
        let n_failed = output.progress().n_failed;
        if n_failed == asked.len() {
            output.discard()?;
            anyhow::bail!("no query was answered");
        }
        output.finish()?;
        Ok(n_failed)
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
        let table = read_signature(path, None)?;
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

    fn query(&self, name: &str) -> Query {
        Query {
            perturbation_type: self.query_type,
            scope: self.scope(),
            filter: self.filter(),
            k: self.k,
            via: self.via(),
            direction: self.direction(),
            correction: self.correction(),
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

    fn direction(&self) -> Direction {
        match self.direction {
            DirectionArgument::Mimic => Direction::Mimic,
            DirectionArgument::Oppose => Direction::Oppose,
            DirectionArgument::Both => Direction::Both,
        }
    }

    fn correction(&self) -> Correction {
        match self.correct {
            CorrectArgument::Query => Correction::Query,
            CorrectArgument::Batch => Correction::Batch,
            CorrectArgument::None => Correction::Skip,
        }
    }

    fn writer<'a>(&self, out: &'a mut dyn Write, index: &Index) -> Box<dyn HitWriter + 'a> {
        let source = Source {
            index: index.manifest().name.clone(),
            fingerprint: index.manifest().fingerprint.clone(),
            command: command_line(),
        };
        match self.format {
            Format::Table if self.mechanisms => {
                Box::new(HitTable::new(out, source, width()).of_mechanisms())
            }
            Format::Table => Box::new(HitTable::new(out, source, width())),
            Format::Tsv if self.mechanisms => Box::new(HitTsv::of_mechanisms(out, source)),
            Format::Tsv => Box::new(HitTsv::new(out, source)),
            Format::Ndjson => Box::new(HitNdjson::new(out, source)),
        }
    }
}

/// Writes the header with the first answer: one over nothing would look like a search without hits.
struct RowWriter<'a> {
    writer: Box<dyn HitWriter + 'a>,
    has_begun: bool,
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

    fn search(&self, index: &Index, queries: &[Query]) -> Vec<phenocopy::Result<Answer>> {
        let one_by_one = |search: &dyn Fn(&Query) -> phenocopy::Result<Answer>| {
            queries.iter().map(search).collect()
        };
        match (self, queries) {
            (Self::Rows, [_, _, ..]) => index.search_batch(queries),
            (Self::Rows, _) => one_by_one(&|query| index.search(query)),
            (Self::Features(placement), _) => {
                one_by_one(&|query| index.search_features(placement, query))
            }
            #[cfg(feature = "structures")]
            (Self::Structures(placement), _) => {
                one_by_one(&|query| index.search_structure(placement, query))
            }
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
