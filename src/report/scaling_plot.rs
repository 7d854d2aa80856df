use std::fmt::Write;

use super::Source;
use crate::evaluate::Estimate;
use crate::evaluate::scaling::ScalingPoint;

const WIDTH: f64 = 800.0;
const PANEL_WIDTH: f64 = 300.0;
const PANEL_HEIGHT: f64 = 190.0;
const LEFT: f64 = 65.0;
const GAP: f64 = 110.0;
const TOP: f64 = 70.0;
const ROW_GAP: f64 = 95.0;
/// Blue and vermilion of Okabe & Ito (2008), told apart by the colour-blind.
const COLOURS: [&str; 2] = ["#0072b2", "#d55e00"];

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
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n\
         <title>What more data buys: {}</title>\n<desc>index {} {}; {}</desc>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        escape(&source.index),
        escape(&source.index),
        source.fingerprint,
        escape(&source.command),
    );
    text(&mut svg, LEFT, 24.0, "start", 15, &format!("What more data buys: {}", source.index));
    let note = format!("95 % bootstrap intervals; index {}", source.fingerprint);
    text(&mut svg, LEFT, 42.0, "start", 11, &note);
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
        panel(&mut svg, (LEFT, top), "known targets found", label, &names, &retrieval, true);
        let right = (LEFT + PANEL_WIDTH + GAP, top);
        panel(
            &mut svg,
            right,
            "held-out RMSE (normalised units)",
            label,
            &names,
            &prediction,
            false,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(
    svg: &mut String,
    (left, top): (f64, f64),
    title: &str,
    x_label: &str,
    names: &[&str],
    series: &[Series<'_>],
    from_zero: bool,
) {
    let (low, high) = range(series, from_zero);
    let step = tick(high - low);
    let y = |value: f64| top + PANEL_HEIGHT - (value - low) / (high - low) * PANEL_HEIGHT;
    let x = |at: usize| left + PANEL_WIDTH * (at as f64 + 0.5) / names.len().max(1) as f64;
    text(svg, left, top - 8.0, "start", 12, title);
    let mut value = (low / step).ceil() * step;
    while value <= high + 1e-9 {
        let at = y(value);
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#dddddd\"/>",
            left + PANEL_WIDTH
        );
        text(svg, left - 8.0, at + 4.0, "end", 11, &format!("{value:.2}"));
        value += step;
    }
    let bottom = top + PANEL_HEIGHT;
    let _ = writeln!(
        svg,
        "<path d=\"M{left} {top} V{bottom} H{}\" fill=\"none\" stroke=\"#333333\"/>",
        left + PANEL_WIDTH
    );
    for (at, name) in names.iter().enumerate() {
        // Sums of contexts are written one below the other.
        for (line, part) in name.split(" + ").enumerate() {
            text(svg, x(at), bottom + 16.0 + 12.0 * line as f64, "middle", 11, part);
        }
    }
    text(svg, left + PANEL_WIDTH / 2.0, bottom + 66.0, "middle", 12, x_label);
    let series_count = series.len();
    for (number, series) in series.iter().enumerate() {
        draw(svg, series, COLOURS[number % COLOURS.len()], &x, &y, number as f64 * 6.0 - 3.0);
        if series_count > 1 {
            legend(svg, (left, top + 12.0 + 16.0 * number as f64), number, series.name);
        }
    }
}

fn legend(svg: &mut String, (left, y): (f64, f64), number: usize, name: &str) {
    let (x, y_of_mark, colour) = (left + 14.0, y - 4.0, COLOURS[number % COLOURS.len()]);
    let _ =
        writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y_of_mark:.1}\" r=\"4\" fill=\"{colour}\"/>");
    text(svg, left + 24.0, y, "start", 11, name);
}

fn draw(
    svg: &mut String,
    series: &Series<'_>,
    colour: &str,
    x: &dyn Fn(usize) -> f64,
    y: &dyn Fn(f64) -> f64,
    shift: f64,
) {
    let mut path = String::new();
    for (at, (value, interval)) in series.values.iter().enumerate() {
        let (cx, cy) = (x(at) + shift, y(*value));
        let _ = write!(path, "{}{cx:.1} {cy:.1} ", if at == 0 { "M" } else { "L" });
        if let Some((lower, upper)) = interval {
            let _ = writeln!(
                svg,
                "<path d=\"M{cx:.1} {:.1} V{:.1}\" stroke=\"{colour}\" stroke-opacity=\"0.5\" stroke-width=\"2\"/>",
                y(*lower),
                y(*upper)
            );
        }
        let _ = writeln!(svg, "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"4\" fill=\"{colour}\"/>");
    }
    let _ = writeln!(
        svg,
        "<path d=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
        path.trim_end()
    );
}

/// The lowest and the highest number of an axis.
fn range(series: &[Series<'_>], from_zero: bool) -> (f64, f64) {
    let ends = series.iter().flat_map(|series| &series.values).flat_map(|(value, interval)| {
        let (lower, upper) = interval.unwrap_or((*value, *value));
        [lower, upper]
    });
    let finite = ends.filter(|end| end.is_finite());
    let (low, high) = finite
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| (low.min(end), high.max(end)));
    if !low.is_finite() {
        return (0.0, 1.0);
    }
    let low = if from_zero { 0.0 } else { low };
    let step = tick((high - low).max(1e-3));
    ((low / step).floor() * step, ((high / step).floor() + 1.0) * step)
}

/// A round distance of about five ticks.
fn tick(span: f64) -> f64 {
    let rough = (span / 5.0).max(1e-6);
    let power = 10_f64.powf(rough.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough);
    (round.unwrap_or(10.0) * power).max(0.01)
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, size: u32, content: &str) {
    let content = escape(content);
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"#222222\">{content}</text>"
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
