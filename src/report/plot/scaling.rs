use super::picture::{BLUE, GAP, LEFT, PANEL_WIDTH, Panel, Picture, TOP, VERMILION, range};
use crate::evaluate::Estimate;
use crate::evaluate::scaling::ScalingPoint;
use crate::report::Source;

const PANEL_HEIGHT: f64 = 190.0;
const ROW_GAP: f64 = 95.0;
const COLOURS: [&str; 2] = [BLUE, VERMILION];

/// A figure, perhaps with an interval.
type Value = (f64, Option<(f64, f64)>);

/// One line of a panel: name and a figure per point, with an interval or without.
struct Series<'a> {
    name: &'a str,
    values: Vec<Value>,
}

/// Returns what more data buys as an SVG picture: one row of panels per way to have more data.
#[must_use]
pub fn scaling_plot(rows: &[(&str, &[ScalingPoint])], source: &Source) -> String {
    let height = TOP + rows.len() as f64 * (PANEL_HEIGHT + ROW_GAP);
    let mut picture = Picture::new("What more data buys", source, height);
    for (row, (label, points)) in rows.iter().enumerate() {
        let top = TOP + row as f64 * (PANEL_HEIGHT + ROW_GAP);
        let interval = |e: &Estimate| (e.value, Some((e.lower, e.upper)));
        let series = |name, of: &dyn Fn(&ScalingPoint) -> Value| Series {
            name,
            values: points.iter().map(of).collect(),
        };
        let retrieval =
            [series("hit@10", &|p| interval(&p.hit_at_10)), series("MRR", &|p| interval(&p.mrr))];
        let prediction = [series("RMSE", &|p| (p.rmse, None))];
        let names: Vec<&str> = points.iter().map(|point| point.name.as_str()).collect();
        let left = panel((LEFT, top), &retrieval, true);
        picture.axes(&left, "known targets found");
        fill(&mut picture, &left, (label, &names), &retrieval);
        let right = panel((LEFT + PANEL_WIDTH + GAP, top), &prediction, false);
        picture.axes(&right, "held-out RMSE (normalised units)");
        fill(&mut picture, &right, (label, &names), &prediction);
    }
    picture.finish()
}

/// Returns a panel whose axis holds all values and intervals.
fn panel((left, top): (f64, f64), series: &[Series<'_>], from_zero: bool) -> Panel {
    let ends = series.iter().flat_map(|series| &series.values).flat_map(|(value, interval)| {
        let (lower, upper) = interval.unwrap_or((*value, *value));
        [lower, upper]
    });
    let (low, high) = range(ends, from_zero);
    Panel { left, top, height: PANEL_HEIGHT, low, high }
}

fn fill(
    picture: &mut Picture,
    panel: &Panel,
    (label, names): (&str, &[&str]),
    series: &[Series<'_>],
) {
    for (at, name) in names.iter().enumerate() {
        // Sums of contexts are written one below the other.
        for (line, part) in name.split(" + ").enumerate() {
            let y = panel.bottom() + 16.0 + 12.0 * line as f64;
            picture.text((panel.slot(at, names.len()), y), "middle", 11, part);
        }
    }
    let middle = panel.left + PANEL_WIDTH / 2.0;
    picture.text((middle, panel.bottom() + 66.0), "middle", 12, label);
    for (number, one) in series.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        draw(picture, panel, one, colour, number as f64 * 6.0 - 3.0);
        if series.len() > 1 {
            let y = panel.top + 12.0 + 16.0 * number as f64;
            picture.legend((panel.left, y), colour, one.name);
        }
    }
}

fn draw(picture: &mut Picture, panel: &Panel, series: &Series<'_>, colour: &str, shift: f64) {
    let mut points = Vec::new();
    for (at, (value, interval)) in series.values.iter().enumerate() {
        let (x, y) = (panel.slot(at, series.values.len()) + shift, panel.y(*value));
        if let Some((lower, upper)) = interval {
            picture.interval(x, (panel.y(*lower), panel.y(*upper)), colour);
        }
        picture.dot((x, y), 4.0, colour);
        points.push((x, y));
    }
    picture.line(&points, colour, 1.5, "");
}
