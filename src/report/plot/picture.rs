//! What the pictures share: a head that names their source, panels with axes, marks and legends, as SVG text.

use std::fmt::Write;

use crate::report::Source;

/// Width of every picture in pixels.
pub(in crate::report) const WIDTH: f64 = 800.0;
/// Left end of the first panel.
pub(in crate::report) const LEFT: f64 = 65.0;
/// Top of the first row of panels.
pub(in crate::report) const TOP: f64 = 70.0;
/// Distance between two panels of a row.
pub(in crate::report) const GAP: f64 = 110.0;
/// Width of a panel.
pub(in crate::report) const PANEL_WIDTH: f64 = 300.0;

/// Colours of Okabe & Ito (2008), told apart by the colour-blind; their yellow is too pale for lines on white.
pub(in crate::report) const BLUE: &str = "#0072b2";
pub(in crate::report) const VERMILION: &str = "#d55e00";
pub(in crate::report) const SKY_BLUE: &str = "#56b4e9";
pub(in crate::report) const GREEN: &str = "#009e73";
pub(in crate::report) const ORANGE: &str = "#e69f00";
pub(in crate::report) const PURPLE: &str = "#cc79a7";
pub(in crate::report) const BLACK: &str = "#000000";
/// For what stands in the background.
pub(in crate::report) const GREY: &str = "#777777";

/// A rectangle with a vertical axis from `low` to `high`.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Panel {
    pub(in crate::report) left: f64,
    pub(in crate::report) top: f64,
    pub(in crate::report) height: f64,
    pub(in crate::report) low: f64,
    pub(in crate::report) high: f64,
}

impl Panel {
    pub(in crate::report) fn right(&self) -> f64 {
        self.left + PANEL_WIDTH
    }

    pub(in crate::report) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Returns where a value stands.
    pub(in crate::report) fn y(&self, value: f64) -> f64 {
        self.bottom() - (value - self.low) / (self.high - self.low) * self.height
    }

    /// Returns the middle of the `at`-th of `n` slots of equal width.
    pub(in crate::report) fn slot(&self, at: usize, n: usize) -> f64 {
        self.left + PANEL_WIDTH * (at as f64 + 0.5) / n.max(1) as f64
    }
}

/// An SVG picture under construction.
#[derive(Debug)]
pub(in crate::report) struct Picture {
    svg: String,
}

impl Picture {
    /// Begins a picture of a height with its title and where its figures come from.
    pub(in crate::report) fn new(title: &str, source: &Source, height: f64) -> Self {
        let mut picture = Self::titled(title, source, height);
        let note = format!("95 % intervals; index {}", source.fingerprint);
        picture.text((LEFT, 42.0), "start", 11, &note);
        picture
    }

    /// Begins a picture of a height with its title alone.
    pub(in crate::report) fn titled(title: &str, source: &Source, height: f64) -> Self {
        let (title, index) = (escape(title), escape(&source.index));
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n\
             <title>{title}: {index}</title>\n<desc>index {index} {}; {}</desc>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
            source.fingerprint,
            escape(&source.command),
        );
        let mut picture = Self { svg };
        picture.text((LEFT, 24.0), "start", 15, &format!("{title}: {}", source.index));
        picture
    }

    /// Adds elements as they are.
    pub(in crate::report) fn raw(&mut self, elements: &str) {
        self.svg.push_str(elements);
        self.svg.push('\n');
    }

    /// Ends the picture.
    pub(in crate::report) fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }

    /// Writes a text; `anchor` is which part of it stands at the point: `start`, `middle` or `end`.
    pub(in crate::report) fn text(
        &mut self,
        (x, y): (f64, f64),
        anchor: &str,
        size: u32,
        content: &str,
    ) {
        let content = escape(content);
        let _ = writeln!(
            self.svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"#222222\">{content}</text>"
        );
    }

    /// Draws a panel's title, the lines and numbers of its vertical axis, and its frame.
    pub(in crate::report) fn axes(&mut self, panel: &Panel, title: &str) {
        let (left, right) = (panel.left, panel.right());
        self.text((left, panel.top - 8.0), "start", 12, title);
        let step = tick(panel.high - panel.low);
        let mut value = (panel.low / step).ceil() * step;
        while value <= panel.high + 1e-9 {
            let at = panel.y(value);
            let _ = writeln!(
                self.svg,
                "<line x1=\"{left}\" x2=\"{right:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#dddddd\"/>"
            );
            self.text((left - 8.0, at + 4.0), "end", 11, &format!("{value:.2}"));
            value += step;
        }
        let _ = writeln!(
            self.svg,
            "<path d=\"M{left} {} V{} H{right}\" fill=\"none\" stroke=\"#333333\"/>",
            panel.top,
            panel.bottom()
        );
    }

    /// Draws a short line below a panel's frame with a number under it.
    pub(in crate::report) fn x_tick(&mut self, panel: &Panel, x: f64, name: &str) {
        let (top, bottom) = (panel.bottom(), panel.bottom() + 4.0);
        let _ = writeln!(self.svg, "<path d=\"M{x:.1} {top} V{bottom}\" stroke=\"#333333\"/>");
        self.text((x, bottom + 12.0), "middle", 11, name);
    }

    /// Draws a vertical bar from one end of an interval to the other.
    pub(in crate::report) fn interval(&mut self, x: f64, (from, to): (f64, f64), colour: &str) {
        let _ = writeln!(
            self.svg,
            "<path d=\"M{x:.1} {from:.1} V{to:.1}\" stroke=\"{colour}\" stroke-opacity=\"0.5\" stroke-width=\"2\"/>"
        );
    }

    /// Draws a filled circle.
    pub(in crate::report) fn dot(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        let _ = writeln!(
            self.svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"/>"
        );
    }

    /// Joins points; `dashes` are lengths drawn and left out, empty for a whole line.
    pub(in crate::report) fn line(
        &mut self,
        points: &[(f64, f64)],
        colour: &str,
        width: f64,
        dashes: &str,
    ) {
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1} ", if at == 0 { "M" } else { "L" });
        }
        let dashes = match dashes {
            "" => String::new(),
            dashes => format!(" stroke-dasharray=\"{dashes}\""),
        };
        let _ = writeln!(
            self.svg,
            "<path d=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>",
            path.trim_end()
        );
    }

    /// Writes a name beside a dot of its colour; the point is the left end of the text's line.
    pub(in crate::report) fn legend(&mut self, (left, y): (f64, f64), colour: &str, name: &str) {
        self.dot((left + 14.0, y - 4.0), 4.0, colour);
        self.text((left + 24.0, y), "start", 11, name);
    }
}

/// Returns the lowest and the highest number of an axis that holds all `ends`.
pub(in crate::report) fn range(ends: impl Iterator<Item = f64>, from_zero: bool) -> (f64, f64) {
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

/// Returns a text as XML has it.
pub(in crate::report) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_begins_and_ends_at_round_numbers_and_holds_its_values() {
        let close = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() + (b - d).abs() < 1e-9;
        assert!(close(range([0.13, 0.57].into_iter(), true), (0.0, 0.6)));
        assert!(close(range([0.76, 0.93].into_iter(), false), (0.75, 0.95)));
        assert!(close(range(std::iter::empty(), true), (0.0, 1.0)));
    }

    #[test]
    fn what_a_user_names_cannot_break_the_picture() {
        let source = Source {
            index: "a<b".to_owned(),
            fingerprint: "0".to_owned(),
            command: "search \"x\" & y".to_owned(),
            ..Source::default()
        };
        let svg = Picture::new("title", &source, 100.0).finish();
        assert!(svg.contains("title: a&lt;b</text>"), "{svg}");
        assert!(svg.contains("search &quot;x&quot; &amp; y</desc>"), "{svg}");
    }
}
