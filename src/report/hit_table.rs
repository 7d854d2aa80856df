use std::io::{self, Write};

use super::aligned::{Aligned, shorten};
use super::hit_cautions::{cautions, explain_emptiness};
use super::mechanisms::write_mechanisms;
use super::{HitWriter, Source};
use crate::embedding::FeatureQuality;
use crate::experiment::Side;
use crate::index::Record;
use crate::search::{Answer, Engine, Flag, Hit, Origin, RankedBy, SignatureFit, Support};

const NARROWEST: u16 = 60;

/// Hits as aligned columns for a terminal.
#[derive(Debug)]
pub struct HitTable<W> {
    out: W,
    source: Source,
    width: u16,
    mechanisms_only: bool,
    is_by_response: bool,
}

impl<W: Write> HitTable<W> {
    /// Creates a writer for lines of at most `width` columns.
    pub fn new(out: W, source: Source, width: u16) -> Self {
        Self {
            out,
            source,
            width: width.max(NARROWEST),
            mechanisms_only: false,
            is_by_response: false,
        }
    }

    /// Leaves the hits out, so that only mechanisms are listed.
    #[must_use]
    pub fn of_mechanisms(self) -> Self {
        Self { mechanisms_only: true, ..self }
    }
}

impl<W: Write> HitWriter for HitTable<W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        self.is_by_response = answer.ranked_by == RankedBy::Responses;
        for line in heading(answer) {
            writeln!(self.out, "{}", shorten(&line, usize::from(self.width)))?;
        }
        writeln!(self.out, "{}", provenance(answer))?;
        for line in cautions(answer, !self.mechanisms_only) {
            writeln!(self.out, "{line}")?;
        }
        writeln!(self.out)?;
        if answer.hits.is_empty() {
            return writeln!(self.out, "{}\n", explain_emptiness(answer));
        }
        if !self.mechanisms_only {
            hits_table(answer).write(&mut self.out, self.width)?;
            for (flag, mark, meaning) in MARKS {
                if answer.hits.iter().any(|hit| hit.flags.contains(&flag)) {
                    writeln!(self.out, "{mark} {meaning}")?;
                }
            }
            writeln!(self.out)?;
        }
        write_mechanisms(&mut self.out, answer, self.width)
    }

    fn finish(&mut self) -> io::Result<()> {
        let Source { index, fingerprint, .. } = &self.source;
        let ranked_by = match self.is_by_response {
            _ if self.mechanisms_only => "mechanisms by z",
            true => "ranked by response, not significance",
            false => "ranked by similarity, not significance",
        };
        writeln!(self.out, "index {index} {fingerprint}; {ranked_by}")?;
        self.out.flush()
    }
}

/// Flags that are shown behind the name of a hit, and what they mean.
const MARKS: [(Flag, &str, &str); 2] = [
    (Flag::InactiveHit, "*", "itself no stronger than shuffled profiles"),
    (Flag::FoldedInHit, "+", "added to this index: folded in, not trained on"),
];

/// Two lines or three: what the query is, and what is known of it.
fn heading(answer: &Answer) -> Vec<String> {
    match &answer.origin {
        Origin::Row => title(&answer.query).into(),
        Origin::Combination(members) => vec![
            format!("{}: combination, not measured itself", answer.query.name()),
            format!("the mean of the embeddings of {}", members.join(" and ")),
        ],
        Origin::Signature(fit) => signature_heading(answer.query.name(), fit, "hits"),
        Origin::Features(quality) => features_heading(answer.query.name(), quality),
        Origin::Structure { quality, n_known, nearest, tanimoto } => {
            let mut lines = vec![
                answer.query.name().to_owned(),
                format!(
                    "never measured; PREDICTED from structures (ECFP4) of {n_known} compounds,"
                ),
                format!(
                    "the most alike {nearest} (Tanimoto {tanimoto:.2}); others as unlike, left out:"
                ),
            ];
            lines.extend(cross_validation(quality, "hits"));
            lines
        }
    }
}

fn features_heading(name: &str, quality: &FeatureQuality) -> Vec<String> {
    let mut lines = vec![
        format!("{name}: never measured; PREDICTED from {} features", quality.n_features),
        format!("learnt from {} perturbations of the index; those left out of it:", quality.n_rows),
    ];
    lines.extend(cross_validation(quality, "hits"));
    lines
}

/// How near left-out rows came, what chance reaches, and a caution where that is no less.
pub(super) fn cross_validation(quality: &FeatureQuality, what: &str) -> Vec<String> {
    let mut lines = vec![format!(
        "cosine {:.2}; {:.0} % in the nearest tenth (random 10 %, by chance up to {:.0} %)",
        quality.mean_cosine,
        quality.top_tenth * 100.0,
        quality.chance_top_tenth * 100.0
    )];
    if !quality.predicts() {
        lines.push(format!("CAUTION: these features predict nothing; these {what} mean nothing"));
    }
    lines
}

/// How a signature was placed, and a caution where the model explains nothing of it.
pub(super) fn signature_heading(name: &str, fit: &SignatureFit, what: &str) -> Vec<String> {
    let how = if fit.is_guessed { "best fit" } else { "as asked" };
    let units = if fit.is_normalised_here { "normalised as there" } else { "as given" };
    let mut lines = vec![
        format!("{name}: signature of {} readouts, folded in", fit.n_matched),
        format!("as a profile of {} ({how}); values {units}", fit.context),
        format!(
            "held-out readouts: r {:.2}, R² {:.2}; chance reaches r {:.2}",
            fit.held_out_r, fit.held_out_r2, fit.chance_r
        ),
    ];
    if !fit.explains() {
        lines.push(format!("CAUTION: the model explains nothing of it; these {what} mean nothing"));
    }
    lines
}

/// Two lines: what the query is, and what is known of it.
fn title(record: &Record) -> [String; 2] {
    let annotation = &record.annotation;
    let kind = record.perturbation.perturbation_type().label();
    let what = match (record.gene(), annotation.phase.as_str()) {
        (Some(_), _) if annotation.description.is_empty() => kind.to_owned(),
        (Some(_), _) => format!("{kind} of {}", annotation.description),
        (None, "") => kind.to_owned(),
        (None, phase) => format!("{kind}, {phase}"),
    };
    let moas: Vec<&str> = annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
    let mut known = Vec::new();
    if !moas.is_empty() {
        known.push(moas.join(", "));
    }
    if record.gene().is_none() && !annotation.targets.is_empty() {
        known.push(format!("annotated with {}", record.acts_on().join(", ")));
    }
    if known.is_empty() {
        known.push("no annotation".to_owned());
    }
    [format!("{}: {what}", record.name()), known.join("; ")]
}

fn provenance(answer: &Answer) -> String {
    let engine = match answer.engine {
        Engine::Graph => "graph",
        Engine::Scan => "exact scan",
    };
    let contexts = answer.query.contexts.join(", ");
    let measured =
        if contexts.is_empty() { String::new() } else { format!("; measured in {contexts}") };
    let verb = if answer.engine == Engine::Scan { "compared" } else { "searched" };
    format!("{} perturbations {verb} ({engine}){measured}", answer.n_panel)
}

fn hits_table(answer: &Answer) -> Aligned {
    let columns = Columns::of(answer);
    let mut header = vec!["#", "hit"];
    header.extend(columns.with_type.then_some("type"));
    let first_number = header.len();
    header.extend(columns.ranks_by_response.then_some("response"));
    header.extend((!columns.ranks_by_response).then_some("similarity"));
    header.extend(columns.shows_response().then_some("response"));
    header.extend(columns.with_q.then_some("q"));
    header.extend(columns.with_probability.then_some("prob"));
    let last_number = header.len();
    header.extend(columns.with_support.then_some("in"));
    header.extend(columns.with_known.then_some("known"));
    header.extend(["mechanism", last_header(answer)]);
    let rows = answer.hits.iter().map(|hit| row_texts(hit, columns)).collect();
    let numbers = std::iter::once(0).chain(first_number..last_number).collect();
    Aligned { header, rows, numbers, n_flexible: 2, cut_last: Some(1) }
}

/// Which columns are worth their width.
#[derive(Debug, Clone, Copy)]
struct Columns {
    with_type: bool,
    ranks_by_response: bool,
    with_response: bool,
    with_q: bool,
    with_probability: bool,
    with_support: bool,
    with_known: bool,
}

impl Columns {
    fn of(answer: &Answer) -> Self {
        let any = |has: &dyn Fn(&Hit) -> bool| answer.hits.iter().any(has);
        let with_type = answer.types.len() > 1;
        Self {
            with_type,
            ranks_by_response: answer.ranked_by == RankedBy::Responses,
            // An index may hold no responses.
            with_response: any(&|hit| hit.response_similarity.is_some()),
            with_q: any(&|hit| hit.significance.is_some()),
            // The column of types takes the room of these two.
            with_probability: !with_type
                && any(&|hit| hit.significance.is_some_and(|s| s.probability.is_some())),
            with_support: !with_type
                && any(&|hit| hit.support.is_some_and(|support| support.measured > 1)),
            // Nothing is known of what was given.
            with_known: matches!(answer.origin, Origin::Row | Origin::Combination(_)),
        }
    }

    /// Eighty columns have room for the responses or for what similarities are worth.
    fn shows_response(self) -> bool {
        self.with_response && !self.ranks_by_response && !self.with_q
    }
}

fn row_texts(hit: &Hit, columns: Columns) -> Vec<String> {
    let annotation = &hit.record.annotation;
    let moas: Vec<&str> = annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
    let last = match hit.record.gene() {
        Some(_) => hit.record.targeted_by.join(", "),
        None => hit.record.acts_on().join(", "),
    };
    let marks = MARKS.iter().filter(|(flag, _, _)| hit.flags.contains(flag));
    let mark: String = marks.map(|(_, mark, _)| *mark).collect();
    let mut texts = vec![hit.rank.to_string(), format!("{}{mark}", hit.record.name())];
    texts
        .extend(columns.with_type.then(|| hit.record.perturbation.perturbation_type().to_string()));
    let response = || hit.response_similarity.map_or_else(String::new, |s| format!("{s:.3}"));
    texts.extend(columns.ranks_by_response.then(response));
    texts.extend((!columns.ranks_by_response).then(|| format!("{:.3}", hit.similarity)));
    texts.extend(columns.shows_response().then(response));
    let worth = hit.significance.as_ref();
    texts.extend(columns.with_q.then(|| small(worth.map(|worth| worth.q_value))));
    texts.extend(columns.with_probability.then(|| small(worth.and_then(|w| w.probability))));
    let support = |support: Support| format!("{}/{}", support.agreeing, support.measured);
    texts.extend(columns.with_support.then(|| hit.support.map(support).unwrap_or_default()));
    texts.extend(columns.with_known.then(|| if hit.is_known { "yes" } else { "" }.to_owned()));
    texts.extend([moas.join(", "), last]);
    texts
}

/// A chance in five characters or fewer.
pub(super) fn small(chance: Option<f64>) -> String {
    match chance {
        None => String::new(),
        Some(chance) if chance < 0.0005 => format!("{chance:.0e}"),
        Some(chance) => format!("{chance:.3}"),
    }
}

fn last_header(answer: &Answer) -> &'static str {
    let is_genetic = |hit: &Hit| hit.record.perturbation.side() == Side::Genetic;
    let n_genetic = answer.hits.iter().filter(|hit| is_genetic(hit)).count();
    match n_genetic {
        0 => "targets",
        n if n == answer.hits.len() => "compounds",
        _ => "annotation",
    }
}
