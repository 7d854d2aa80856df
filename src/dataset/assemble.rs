use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::agents::Agents;
use super::places::Places;
use super::profiles::{ProfileKey, Profiles, StorageLimits};
use super::readouts;
use super::recipe::{AgentKind, Assay, ReadoutChoice, Recipe};
use super::report::{DroppedProfile, NameCount, ReadingReport};
use super::screen::{FileAxes, RawAssay, Screen};
use super::split::{SampleSplit, Split};
use super::translation::Untranslated;
use crate::error::{Error, Result};
use crate::experiment::{Annotation, Context, Perturbation, Readout, Side};
use crate::table::{AnnotationRow, GeneNames, InputFile};

/// A whole screen collection, ready to train on.
///
/// ```no_run
/// use phenocopy::dataset::{Dataset, DatasetOptions, Recipe};
///
/// let recipe = Recipe::read("data/demo/recipe.toml")?;
/// let dataset = Dataset::from_recipe(&recipe, recipe.folder(), &DatasetOptions::default())?;
/// assert_eq!(dataset.perturbations.len(), dataset.annotations.len());
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug)]
pub struct Dataset {
    /// The recipe's name.
    pub name: String,
    /// All perturbations, sorted by side, then symbol; positions are the rows of an index.
    pub perturbations: Vec<Perturbation>,
    /// What is known of each perturbation, in the same order.
    pub annotations: Vec<Annotation>,
    /// All contexts, in the order of the recipe's assays; those of one assay are sorted.
    pub contexts: Vec<Context>,
    /// All readouts, sorted.
    pub readouts: Vec<Readout>,
    /// What is known of each readout, in the same order.
    pub readout_annotations: Vec<Annotation>,
    /// Normalised values; rows are sorted by perturbation, then context.
    pub profiles: Profiles,
    /// Per profile: its spread before it was scaled, in the assay's units; what activity is read from.
    pub spread: Vec<f32>,
    /// Per context: the readouts' means that normalisation subtracted, once per such step.
    pub removed_means: Vec<Vec<f32>>,
    /// What the dataset was made by.
    pub recipe: Recipe,
    /// The files it was made from.
    pub inputs: Vec<InputFile>,
    /// What reading found out.
    pub report: ReadingReport,
}

/// How a dataset is made, beside its recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetOptions {
    /// Which values the constants of normalisation must not see. Positions are those of
    /// [`Dataset::profiles`] and [`Dataset::readouts`], which do not depend on the split.
    pub split: Split,
    /// Which cells take no part in any profile.
    pub held_out_cells: Option<SampleSplit>,
    /// Where the values lie.
    pub limits: StorageLimits,
}

impl Default for DatasetOptions {
    /// Nothing held out; storage as [`StorageLimits::default`].
    fn default() -> Self {
        Self { split: Split::None, held_out_cells: None, limits: StorageLimits::default() }
    }
}

/// What a recipe's files hold, before any name was resolved or value changed.
#[derive(Default)]
pub(super) struct Raw {
    /// One per assay of the recipe.
    pub(super) assays: Vec<RawAssay>,
    pub(super) compounds: Vec<AnnotationRow>,
    pub(super) genes: Vec<AnnotationRow>,
    pub(super) readouts: Vec<AnnotationRow>,
    pub(super) inputs: Vec<InputFile>,
    pub(super) untranslated: Vec<Untranslated>,
    pub(super) dropped: Vec<DroppedProfile>,
    pub(super) notices: Vec<String>,
}

/// Makes a dataset of what was read: no file is touched here. Beside it, what the names in the files became, one for each
/// context.
pub(super) fn assemble(
    recipe: &Recipe,
    mut raw: Raw,
    options: &DatasetOptions,
) -> Result<(Dataset, Vec<FileAxes>)> {
    let mut report = ReadingReport {
        dropped: raw.dropped,
        notices: raw.notices,
        untranslated: raw.untranslated,
        ..ReadingReport::default()
    };
    let genes = GeneNames::new(raw.genes.clone());
    if recipe.reads_genes() {
        readouts::approve(recipe, &mut raw.assays, &genes, &mut report)?;
    }
    let places = readouts::places(recipe, &raw.assays);
    let readouts = choose_readouts(recipe, &raw.assays, &places, &mut report)?;
    let is_known_by_genes = raw.readouts.is_empty() && recipe.reads_genes();
    let tables = if is_known_by_genes { &raw.genes } else { &raw.readouts };
    let (kind, is_annotated) = (AgentKind::Readout, !tables.is_empty());
    report.names.push(NameCount { kind, n_names: places.len(), is_annotated });
    if is_annotated && !is_known_by_genes {
        readouts::report_unknown(readouts.keys(), &places, tables, &mut report);
    }
    let readout_annotations = readouts::annotate(readouts.keys(), tables);
    let assays = recipe.assays.iter().zip(&raw.assays);
    let names = assays.map(|(assay, raw)| (assay, raw.measurements.perturbations.as_slice()));
    let agents = Agents::resolve(names, &raw.compounds, genes, &mut report)?;
    let screens = gather_screens(recipe, &raw.assays, &agents, &readouts, &mut report)?;
    let (perturbations, rows) = vocabulary(&screens);
    let axes = screens.iter().map(Screen::axes).collect();
    let (profiles, spread, removed_means) = normalised(&rows, &screens, readouts.len(), options)?;
    let raw_names = raw_names(&screens);
    let annotation = |perturbation| {
        agents.annotation(perturbation, raw_names.get(perturbation).unwrap_or(&BTreeSet::new()))
    };
    let dataset = Dataset {
        name: recipe.name.clone(),
        annotations: perturbations.iter().map(annotation).collect(),
        contexts: screens.iter().map(|screen| Context(screen.context().to_owned())).collect(),
        readout_annotations,
        readouts: readouts.into_keys().map(Readout).collect(),
        perturbations,
        profiles,
        spread,
        removed_means,
        recipe: recipe.clone(),
        inputs: raw.inputs,
        report,
    };
    Ok((dataset, axes))
}

/// Returns the contexts of all assays with the profiles that can be trained on.
fn gather_screens<'a>(
    recipe: &'a Recipe,
    assays: &'a [RawAssay],
    agents: &Agents,
    readouts: &BTreeMap<String, usize>,
    report: &mut ReadingReport,
) -> Result<Vec<Screen<'a>>> {
    let mut screens = Vec::new();
    for (assay, raw) in recipe.assays.iter().zip(assays) {
        for (context, profiles) in &raw.contexts {
            refuse_shared_context(recipe, assay, context)?;
            let steps = recipe.steps(assay);
            let screen = Screen::gather(assay, raw, context, profiles, steps, agents)?;
            screens.push(screen.at(readouts));
        }
    }
    let mut usable: Vec<Screen<'a>> = Vec::with_capacity(screens.len());
    let mut unusable = Vec::new();
    for mut screen in screens {
        let assay = screen.assay();
        match screen.keep_usable(assay.min_values.unwrap_or(recipe.min_values), report)? {
            None => usable.push(screen),
            Some(problem) => unusable.push((assay, problem)),
        }
    }
    for (assay, problem) in unusable {
        if !usable.iter().any(|screen| std::ptr::eq(screen.assay(), assay)) {
            return Err(problem);
        }
        report.notices.push(format!("left out: {problem}"));
    }
    Ok(usable)
}

/// Refuses a context that would be taken for one of another assay.
fn refuse_shared_context(recipe: &Recipe, assay: &Assay, context: &str) -> Result<()> {
    let other = recipe.assay_of(context).filter(|other| other.context != assay.context);
    let Some(other) = other else { return Ok(()) };
    Err(Error::data(
        format!("context `{context}` of the assay `{}`", assay.context),
        format!("would be taken for one of the assay `{}`", other.context),
        "give their contexts a text that tells them apart",
    ))
}

/// Returns the kept readouts and their positions, sorted.
fn choose_readouts(
    recipe: &Recipe,
    assays: &[RawAssay],
    places: &Places,
    report: &mut ReadingReport,
) -> Result<BTreeMap<String, usize>> {
    let mut sides_of: BTreeMap<&str, BTreeSet<Side>> = BTreeMap::new();
    let mut sides = BTreeSet::new();
    for (assay, raw) in recipe.assays.iter().zip(assays) {
        let side = assay.perturbation_type.side();
        sides.insert(side);
        let measured = raw.measurements.measured_readouts();
        for (readout, _) in raw.measurements.readouts.iter().zip(measured).filter(|(_, m)| *m) {
            sides_of.entry(readout).or_default().insert(side);
        }
    }
    if sides_of.is_empty() {
        let problem = "no profile has a value at any readout";
        let advice = "check that the files hold numbers where the recipe says";
        return Err(Error::data(format!("recipe `{}`", recipe.name), problem, advice));
    }
    if recipe.readouts == ReadoutChoice::Shared {
        sides_of.retain(|readout, measured| {
            let is_shared = measured.len() == sides.len();
            report.readouts_left_out.extend((!is_shared).then(|| places.of(readout)));
            is_shared
        });
    }
    if sides_of.is_empty() {
        let advice = turned_assay(recipe, assays).map_or(
            "check that the files name their readouts alike, or set `readouts = \"all\"`"
                .to_owned(),
            |context| {
                format!("the perturbations of `{context}` look like readouts: check its `layout`")
            },
        );
        return Err(Error::data(
            format!("recipe `{}`", recipe.name),
            "no readout is measured in a chemical and in a genetic assay",
            advice,
        ));
    }
    Ok(sides_of.into_keys().map(str::to_owned).zip(0..).collect())
}

/// Returns the context of an assay most of whose perturbations are readouts of another assay, or
/// perturbations of the other side: its matrix lies the other way round.
fn turned_assay<'a>(recipe: &'a Recipe, assays: &[RawAssay]) -> Option<&'a str> {
    let all = || recipe.assays.iter().zip(assays);
    let turned = all().find(|(assay, raw)| {
        let others = || all().filter(|(other, _)| other.context != assay.context);
        let readouts = others().flat_map(|(_, other)| &other.measurements.readouts);
        let side = assay.perturbation_type.side();
        let opposite = others().filter(|(other, _)| other.perturbation_type.side() != side);
        let perturbations = opposite.flat_map(|(_, other)| &other.measurements.perturbations);
        let elsewhere: HashSet<&String> = readouts.chain(perturbations).collect();
        let own = &raw.measurements.perturbations;
        2 * own.iter().filter(|name| elsewhere.contains(name)).count() > own.len()
    });
    turned.map(|(assay, _)| assay.context.as_str())
}

/// Where each row of the dataset comes from.
struct Row {
    key: ProfileKey,
    /// Position in its screen.
    profile: usize,
}

/// Returns all perturbations sorted by side and symbol, and the rows sorted by perturbation and context.
fn vocabulary(screens: &[Screen]) -> (Vec<Perturbation>, Vec<Row>) {
    let all: BTreeMap<(Side, String), &Perturbation> = screens
        .iter()
        .flat_map(Screen::perturbations)
        .map(|perturbation| ((perturbation.side(), perturbation.symbol()), perturbation))
        .collect();
    let positions: HashMap<&Perturbation, u32> = all.values().copied().zip(0..).collect();
    let mut rows = Vec::new();
    for (screen, context) in screens.iter().zip(0..) {
        for (profile, perturbation) in screen.perturbations().enumerate() {
            let perturbation = positions.get(perturbation).copied().unwrap_or_default();
            rows.push(Row { key: ProfileKey { perturbation, context }, profile });
        }
    }
    rows.sort_by_key(|row| row.key);
    (all.into_values().cloned().collect(), rows)
}

/// Normalises each screen on its training entries and stores all rows in order.
fn normalised(
    rows: &[Row],
    screens: &[Screen],
    n_readouts: usize,
    options: &DatasetOptions,
) -> Result<(Profiles, Vec<f32>, Vec<Vec<f32>>)> {
    // Screens that together are too large for memory wait in files, whatever the size of each.
    let bytes = (rows.len() * n_readouts * size_of::<f32>()) as u64;
    let fits = bytes <= options.limits.memory_bytes;
    let memory_bytes = if fits { options.limits.memory_bytes } else { 0 };
    let limits = StorageLimits { memory_bytes, ..options.limits };
    let mut done = Vec::with_capacity(screens.len());
    for (screen, context) in screens.iter().zip(0..) {
        let mut positions = vec![0; screen.perturbations().count()];
        for (position, row) in rows.iter().enumerate().filter(|(_, row)| row.key.context == context)
        {
            positions[row.profile] = position;
        }
        let trains =
            |profile: usize, readout: usize| !options.split.holds_out(positions[profile], readout);
        done.push(screen.normalise(trains)?.store(limits)?);
    }
    let source = |row: &Row| done.get(row.key.context as usize);
    let keys = rows.iter().map(|row| row.key).collect();
    let profiles = Profiles::collect(keys, n_readouts, options.limits, |position, values| {
        if let Some((row, (profiles, ..))) = rows.get(position).and_then(|r| Some((r, source(r)?)))
        {
            profiles.copy_row(row.profile, values);
        }
        Ok(())
    })?;
    let spread = |row| source(row).and_then(|(_, spread, _)| spread.get(row.profile)).copied();
    let spread = rows.iter().map(|row| spread(row).unwrap_or(f32::NAN)).collect();
    Ok((profiles, spread, done.into_iter().map(|(_, _, means)| means).collect()))
}

/// Returns the names that each perturbation has in the assays' files.
fn raw_names<'a>(screens: &'a [Screen]) -> BTreeMap<&'a Perturbation, BTreeSet<&'a str>> {
    let mut names: BTreeMap<&Perturbation, BTreeSet<&str>> = BTreeMap::new();
    for (perturbation, raw) in screens.iter().flat_map(Screen::raw_names) {
        names.entry(perturbation).or_default().extend(raw);
    }
    names
}
