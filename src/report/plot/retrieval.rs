use super::picture::{
    BLACK, BLUE, GAP, GREEN, GREY, LEFT, ORANGE, PANEL_WIDTH, PURPLE, Panel, Picture, SKY_BLUE,
    TOP, VERMILION, WIDTH, range,
};
use crate::evaluate::retrieval::{CURVE_HITS, RankCurve, RetrievalReport, Role};
use crate::report::Source;

const PANEL_HEIGHT: f64 = 270.0;
/// From the bottom of the panels to the first line of the legend.
const LEGEND_GAP: f64 = 62.0;
const LEGEND_LINE: f64 = 18.0;
const LEGEND_COLUMNS: usize = 4;
/// Points of a curve: more than the panel has pixels in each decade.
const N_POINTS: u32 = 240;

/// What stands for a method in both panels.
struct Mark<'a> {
    curve: &'a RankCurve,
    colour: &'static str,
    width: f64,
    dashes: &'static str,
}

/// Returns a retrieval as an SVG picture of two panels: the share of queries with a target among the first k
/// genes, for every k; and the same share at a few k, with intervals.
///
/// `curves` are of the queries of `report`.
#[must_use]
pub fn retrieval_plot(report: &RetrievalReport, curves: &[RankCurve], source: &Source) -> String {
    let n_lines = curves.len().div_ceil(LEGEND_COLUMNS);
    let height = TOP + PANEL_HEIGHT + LEGEND_GAP + LEGEND_LINE * n_lines as f64;
    let title = format!(
        "Known targets of {} compounds among {} genes ({} queries)",
        report.n_queries,
        report.n_panel,
        report.half.as_str()
    );
    let mut picture = Picture::new(&title, source, height);
    let marks = marks(curves);
    rank_panel(&mut picture, &marks, report.n_panel);
    hit_panel(&mut picture, &marks, report.n_panel);
    for (at, mark) in marks.iter().enumerate() {
        let (line, column) = (at / LEGEND_COLUMNS, at % LEGEND_COLUMNS);
        let x = LEFT + (WIDTH - LEFT) / LEGEND_COLUMNS as f64 * column as f64;
        let y = TOP + PANEL_HEIGHT + LEGEND_GAP + LEGEND_LINE * line as f64;
        picture.legend((x - 10.0, y), mark.colour, &mark.curve.name);
    }
    picture.finish()
}

/// Candidates stand out, a random order stands back.
fn marks(curves: &[RankCurve]) -> Vec<Mark<'_>> {
    let mut baselines = [SKY_BLUE, BLUE, GREEN, ORANGE, PURPLE].into_iter().cycle();
    let mut candidates = [VERMILION, BLACK].into_iter().cycle();
    let mut mark = |curve: &RankCurve| match curve.role {
        Role::Baseline if curve.name == "random" => (Some(GREY), 1.5, "5 4"),
        Role::Baseline => (baselines.next(), 1.5, ""),
        Role::Candidate => (candidates.next(), 2.5, ""),
    };
    let mut marks = Vec::new();
    for curve in curves {
        let (colour, width, dashes) = mark(curve);
        marks.push(Mark { curve, colour: colour.unwrap_or(BLACK), width, dashes });
    }
    marks
}

fn rank_panel(picture: &mut Picture, marks: &[Mark<'_>], n_panel: usize) {
    let panel = Panel { left: LEFT, top: TOP, height: PANEL_HEIGHT, low: 0.0, high: 1.0 };
    picture.axes(&panel, "share of queries with a target among the first k genes");
    let decades = (n_panel as f64).ln().max(f64::MIN_POSITIVE);
    let x = |k: usize| panel.left + PANEL_WIDTH * (k as f64).ln() / decades;
    for k in ticks(n_panel) {
        picture.x_tick(&panel, x(k), &k.to_string());
    }
    picture.text((x_label(&panel), panel.bottom() + 34.0), "middle", 12, "k (log scale)");
    let ks = points(n_panel);
    for mark in marks {
        let share = |k: &usize| mark.curve.shares.get(*k - 1).map(|share| (x(*k), panel.y(*share)));
        let line: Vec<(f64, f64)> = ks.iter().filter_map(share).collect();
        picture.line(&line, mark.colour, mark.width, mark.dashes);
    }
}

/// Powers of ten up to the panel's size, and that where it does not crowd the last of them.
fn ticks(n_panel: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1_usize), |k| k.checked_mul(10));
    let mut ticks: Vec<usize> = powers.take_while(|k| *k <= n_panel).collect();
    if ticks.last().is_some_and(|last| n_panel >= 2 * last) {
        ticks.push(n_panel);
    }
    ticks
}

/// Ranks at equal distances on the logarithmic axis.
fn points(n_panel: usize) -> Vec<usize> {
    let at = |step: u32| {
        let k = (n_panel as f64).powf(f64::from(step) / f64::from(N_POINTS));
        (k.round() as usize).clamp(1, n_panel)
    };
    let mut ks: Vec<usize> = (0..=N_POINTS).map(at).collect();
    ks.dedup();
    ks
}

fn hit_panel(picture: &mut Picture, marks: &[Mark<'_>], n_panel: usize) {
    let ks: Vec<usize> = CURVE_HITS.into_iter().filter(|k| *k <= n_panel).collect();
    let shown = marks.iter().flat_map(|mark| mark.curve.hits.iter().take(ks.len()));
    let (low, high) = range(shown.flat_map(|hit| [hit.lower, hit.upper]), true);
    let left = LEFT + PANEL_WIDTH + GAP;
    // A share that is certain has no room above it.
    let panel = Panel { left, top: TOP, height: PANEL_HEIGHT, low, high: high.min(1.0) };
    picture.axes(&panel, "hit@k with intervals");
    for (at, k) in ks.iter().enumerate() {
        let x = panel.slot(at, ks.len());
        picture.x_tick(&panel, x, &k.to_string());
        for (number, mark) in marks.iter().enumerate() {
            let hit = mark.curve.hits[at];
            // Side by side, in the order of the legend.
            let x = x + (number as f64 - (marks.len() as f64 - 1.0) / 2.0) * 6.0;
            picture.interval(x, (panel.y(hit.lower), panel.y(hit.upper)), mark.colour);
            picture.dot((x, panel.y(hit.value)), mark.width + 1.5, mark.colour);
        }
    }
    picture.text((x_label(&panel), panel.bottom() + 34.0), "middle", 12, "k");
}

fn x_label(panel: &Panel) -> f64 {
    panel.left + PANEL_WIDTH / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_of_ranks_ends_at_the_size_of_the_panel() {
        assert_eq!(ticks(2732), [1, 10, 100, 1000, 2732]);
        assert_eq!(ticks(1500), [1, 10, 100, 1000]);
        assert_eq!((ticks(1), points(1)), (vec![1], vec![1]));
        assert_eq!(points(3), [1, 2, 3]);
        let ks = points(2732);
        assert!(ks.is_sorted_by(|a, b| a < b) && ks.last() == Some(&2732));
    }
}
