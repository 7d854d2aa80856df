use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use phenocopy::calibrate::{LEVEL, Share};
use phenocopy::index::{Addition, HeldOutFit, Index, Manifest, Measure, StratumSummary};
use phenocopy::report::significant;

use super::IndexArgument;
use super::output::OutputArguments;

/// An index and how closely to look.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  phenocopy inspect index/cancer-viability --verify")]
pub(crate) struct InspectArguments {
    /// Index folder [default: as for search]
    #[arg(value_name = "INDEX")]
    path: Option<PathBuf>,
    #[command(flatten)]
    index: IndexArgument,
    /// Compare every file with its digest and validate every record
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    output: OutputArguments,
}

impl InspectArguments {
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        self.index.index = self.path.take().or(self.index.index);
        let index = self.index.open()?;
        let health = if self.verify {
            index.verify()?;
            "healthy: every file has the digest the manifest says, every record is valid"
        } else {
            "opened, files up to 16 MiB intact; --verify reads all, and the model"
        };
        self.output.fill(|out| Ok(describe(out, &index, health)?))
    }
}

fn describe(out: &mut dyn Write, index: &Index, health: &str) -> std::io::Result<()> {
    let manifest = index.manifest();
    writeln!(out, "{} ({})", manifest.name, index.folder().display())?;
    writeln!(out, "fingerprint   {}", manifest.fingerprint)?;
    writeln!(out, "health        {health}")?;
    if manifest.digest.is_empty() {
        writeln!(
            out,
            "              but the manifest has no digest: its figures may have been edited"
        )?;
    }
    let (format, version) = (manifest.format_version, &manifest.crate_version);
    writeln!(out, "made by       phenocopy {version}, format {format}")?;
    describe_content(out, manifest)?;
    describe_graphs(out, manifest)?;
    describe_fit(out, manifest)?;
    describe_calibration(out, manifest)?;
    describe_origin(out, manifest)
}

/// Writes what was trained on and what can be searched.
pub(crate) fn describe_content(out: &mut dyn Write, manifest: &Manifest) -> std::io::Result<()> {
    let counts = &manifest.counts;
    let types: Vec<String> =
        counts.by_type.iter().map(|(code, count)| format!("{count} {code}")).collect();
    writeln!(out, "perturbations {} ({})", counts.rows(), types.join(", "))?;
    let (profiles, values) = (counts.profiles, counts.observations);
    let readouts = counts.readouts;
    if profiles > 0 {
        writeln!(out, "contexts      {}", counts.contexts.join(", "))?;
        let how = if manifest.model.is_some() { "trained on" } else { "made of" };
        writeln!(out, "{how:<13} {profiles} profiles × {readouts} readouts, {values} values")?;
    }
    describe_additions(out, manifest)?;
    let bytes: u64 = manifest.files.values().map(|file| file.bytes).sum();
    let megabytes = bytes as f64 / 1e6;
    writeln!(out, "size          {megabytes:.1} MB, vectors of {} numbers", counts.dimensions)
}

/// Writes which rows were added after training.
fn describe_additions(out: &mut dyn Write, manifest: &Manifest) -> std::io::Result<()> {
    for Addition { base, by, chemical, genetic, contexts, profiles, inputs, .. } in
        &manifest.additions
    {
        let (n_rows, contexts) = (chemical + genetic, contexts.join(", "));
        writeln!(
            out,
            "added         {n_rows} rows of {profiles} profiles in {contexts}, {by}, to {base}"
        )?;
        for input in inputs {
            writeln!(out, "  input       {} sha256 {:.16}", input.path.display(), input.sha256)?;
        }
    }
    if manifest.additions.is_empty() {
        return Ok(());
    }
    let due = if manifest.is_rebuild_due() { "; a rebuild is due" } else { "" };
    let (n_added, n_rows) = (manifest.n_added(), manifest.counts.rows());
    writeln!(out, "              {n_added} of {n_rows} rows were not trained on{due}")
}

/// Writes how well each graph finds the exact neighbours.
pub(crate) fn describe_graphs(out: &mut dyn Write, manifest: &Manifest) -> std::io::Result<()> {
    for (side, graph) in &manifest.graphs {
        writeln!(
            out,
            "{side} graph: recall@10 {:.4} at ef {}, {} queries of the other side",
            graph.recall_at_10, graph.ef_search, graph.recall_queries
        )?;
    }
    Ok(())
}

/// Writes the held-out fit beside baselines.
pub(crate) fn describe_fit(out: &mut dyn Write, manifest: &Manifest) -> std::io::Result<()> {
    let Some(training) = &manifest.training else { return Ok(()) };
    let seeds: Vec<String> = manifest.seeds.iter().map(u64::to_string).collect();
    writeln!(out, "model         {} epochs, seeds {}", training.epochs, seeds.join(", "))?;
    if training.held_out.is_empty() {
        return writeln!(
            out,
            "held-out entries      none were held out; `phenocopy evaluate prediction` holds some"
        );
    }
    writeln!(
        out,
        "held-out entries      method                 n    RMSE      R²     MAE       r"
    )?;
    for fit in informative(&training.held_out) {
        writeln!(
            out,
            "  {:<18}  {:<17} {:>6} {:>7.4} {:>7.4} {:>7.4} {:>7.4}",
            fit.entries, fit.method, fit.count, fit.rmse, fit.r2, fit.mae, fit.pearson
        )?;
    }
    Ok(())
}

/// The rows without knock-outs first: screens of knock-outs are smooth and fit easily. Where there are
/// none, all entries are the same entries and come once.
fn informative(rows: &[HeldOutFit]) -> Vec<&HeldOutFit> {
    let rows = rows.iter().filter(|row| row.count > 0);
    let (all, rest): (Vec<_>, Vec<_>) = rows.partition(|row| row.entries == HeldOutFit::ALL);
    let is_repeated = all.first().map(|row| row.count) == rest.first().map(|row| row.count);
    if is_repeated { all } else { rest.into_iter().chain(all).collect() }
}

/// Writes how honest significance is, and how reliable the probabilities.
pub(crate) fn describe_calibration(
    out: &mut dyn Write,
    manifest: &Manifest,
) -> std::io::Result<()> {
    let Some(calibration) = &manifest.calibration else {
        return writeln!(out, "calibration   none: build the index anew to have hits judged");
    };
    let (n_nulls, n_classes) = (calibration.strata.len(), calibration.n_classes);
    let most = calibration.most_references;
    writeln!(
        out,
        "calibration   {n_nulls} nulls of at most {most} references; {n_classes} mechanism classes"
    )?;
    if !manifest.additions.is_empty() {
        writeln!(out, "              learnt before rows were added, as all figures below")?;
    }
    for honesty in &calibration.honesty {
        let kind = &honesty.targets;
        let what = match honesty.measure {
            Measure::Embedding => "a hit",
            Measure::Response => "an opposite",
        };
        writeln!(out, "  queries with {what} of q ≤ {LEVEL} among {kind}:")?;
        let rows = [
            ("shuffled profiles", honesty.controls),
            ("inactive compounds", honesty.inactive),
            ("all compounds", honesty.compounds),
            ("annotated: what is known", honesty.known),
        ];
        if !honesty.is_honest() {
            writeln!(out, "    NOT HONEST, so compounds are not judged against them:")?;
        }
        for (name, share) in rows.into_iter().filter(|(_, share)| share.total > 0) {
            let (value, Share { count, total }) = (share.value(), share);
            writeln!(out, "    {name:<24} {value:.3}  ({count} of {total})")?;
        }
    }
    calibration.strata.iter().try_for_each(|stratum| describe_reliability(out, stratum))
}

/// Writes how reliable the probabilities of one stratum are for genes that they were not fitted to.
fn describe_reliability(out: &mut dyn Write, stratum: &StratumSummary) -> std::io::Result<()> {
    let is_of_rows = stratum.key.starts_with("embedding row");
    let Some(table) = stratum.reliability.as_ref().filter(|_| is_of_rows) else { return Ok(()) };
    let targets = stratum.key.trim_start_matches("embedding row ").replace(' ', " → ");
    let (known, pairs) = (table.n_known, table.n_pairs);
    let (brier, base) = (significant(table.brier), significant(table.brier_of_base_rate));
    writeln!(out, "  prob {targets}: {known} known of {pairs} pairs, genes held out")?;
    writeln!(out, "    Brier score {brier}, of the base rate {base}")?;
    writeln!(out, "         pairs  predicted  observed")?;
    for bin in &table.bins {
        let (n, predicted, observed) = (bin.n_pairs, bin.predicted, bin.observed);
        writeln!(out, "    {n:>10} {predicted:>10.5} {observed:>9.5}")?;
    }
    Ok(())
}

fn describe_origin(out: &mut dyn Write, manifest: &Manifest) -> std::io::Result<()> {
    if let Some(recipe) = &manifest.recipe {
        writeln!(out, "recipe        {}; licence: {}", recipe.name, recipe.licence)?;
    }
    for input in &manifest.inputs {
        writeln!(out, "  input       {} sha256 {:.16}", input.path.display(), input.sha256)?;
    }
    manifest.notes.iter().try_for_each(|note| writeln!(out, "  note        {note}"))
}
