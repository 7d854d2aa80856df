use std::io::Write;
use std::path::{Path, PathBuf};

use phenocopy::index::Index;
use phenocopy::report::{HitGrp, HitNdjson, HitParquet, HitTable, HitTsv, HitWriter, Source};
use phenocopy::search::{Answer, Origin, Query};
use phenocopy::table::{NameList, parse_query_list, read_query_list};

use super::SearchArguments;
use super::arguments::CorrectArgument;
use super::placement::NamePlacement;
use crate::cli::output::{Format, ResumableOutput, command_line, complain, width};

/// Queries that are answered before their answers are written.
const CHUNK: usize = 256;

impl SearchArguments {
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        self.check()?;
        let index = self.index.open()?;
        self.chosen = self.panel.filter(&index)?;
        if let Some(path) = &self.signature {
            return self.search_signature(&index, path);
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

    /// Refuses what cannot be done before work is done for it.
    fn check(&self) -> anyhow::Result<()> {
        let format = self.output.form(self.format)?;
        let sources = self.list.iter().chain(&self.signature);
        let read: Vec<PathBuf> = sources.map(|source| NameList::parse(source).path).collect();
        self.output.keep(&read)?;
        if self.mechanisms && self.correct == CorrectArgument::None {
            anyhow::bail!("--mechanisms needs statistics: leave out --correct none");
        }
        if self.mechanisms && format == Format::Ndjson {
            anyhow::bail!(
                "ndjson lists mechanisms beside the hits, as objects `class`: leave out --mechanisms"
            );
        }
        if self.mechanisms && format == Format::Grp {
            anyhow::bail!("grp lists the names of hits: leave out --mechanisms");
        }
        if format == Format::Parquet {
            self.output.refuse_terminal()?;
        }
        Ok(())
    }

    /// The names or structures that were asked for, in order.
    fn asked(&self) -> anyhow::Result<Vec<String>> {
        let mut asked = [self.queries.as_slice(), self.smiles.as_slice()].concat();
        match &self.list {
            Some(list) if list == "-" => {
                let input = std::io::stdin().lock();
                asked.extend(parse_query_list(input, Path::new("standard input"))?);
            }
            Some(list) => asked.extend(read_query_list(&NameList::parse(list))?),
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
        let is_table = self.form() == Format::Tsv && self.correct != CorrectArgument::Batch;
        let path = self.output.file().filter(|path| path.is_file() || !path.exists());
        match (path, &self.list) {
            (Some(path), Some(_)) if is_table => {
                let identity = self.identity(index, asked);
                Ok(Some(ResumableOutput::open(path, identity, self.resume)?))
            }
            _ if self.resume => {
                anyhow::bail!(
                    "--resume goes on with lines of text: it needs --format tsv, -o with a file, and --correct query or none"
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

    pub(super) fn writer<'a>(
        &self,
        out: &'a mut (dyn Write + Send),
        index: &Index,
    ) -> Box<dyn HitWriter + 'a> {
        let source = Source::of(index, command_line());
        match (self.form(), self.mechanisms) {
            (Format::Table, true) => Box::new(HitTable::new(out, source, width()).of_mechanisms()),
            (Format::Table, false) => Box::new(HitTable::new(out, source, width())),
            (Format::Tsv, true) => Box::new(HitTsv::of_mechanisms(out, source)),
            (Format::Tsv, false) => Box::new(HitTsv::new(out, source)),
            (Format::Ndjson, _) => Box::new(HitNdjson::new(out, source)),
            (Format::Grp, _) => Box::new(HitGrp::new(out, source)),
            (Format::Parquet, true) => Box::new(HitParquet::of_mechanisms(out, source)),
            (Format::Parquet, false) => Box::new(HitParquet::new(out, source)),
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
