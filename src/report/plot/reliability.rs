use super::picture::{BLUE, GAP, GREY, LEFT, PANEL_WIDTH, Panel, Picture, TOP};
use crate::calibrate::ReliabilityBin;
use crate::index::{CalibrationSummary, StratumSummary};
use crate::report::Source;

const PANEL_HEIGHT: f64 = 270.0;
/// Below the panels: numbers and the axis' name.
const FOOT: f64 = 50.0;
/// Decades of probability, from 10⁻⁴ to 1.
const LOWEST: f64 = -4.0;
/// Panels of a picture.
const MOST_PANELS: usize = 2;

/// Returns how reliable the probabilities of known pairs are as an SVG picture: for each bin of pairs whose genes were
/// held out the predicted and the observed share with its Wilson interval, on logarithmic axes; one panel for each of
/// the first two strata that have probabilities. None without any.
#[must_use]
pub fn reliability_plot(calibration: &CalibrationSummary, source: &Source) -> Option<String> {
    let strata = calibration.strata.iter().filter(|stratum| stratum.reliability.is_some());
    let strata: Vec<&StratumSummary> = strata.take(MOST_PANELS).collect();
    if strata.is_empty() {
        return None;
    }
    let height = TOP + PANEL_HEIGHT + FOOT;
    let mut picture = Picture::new("Reliability of prob, genes held out", source, height);
    for (at, stratum) in strata.into_iter().enumerate() {
        let left = LEFT + at as f64 * (PANEL_WIDTH + GAP);
        let panel = Panel { left, top: TOP, height: PANEL_HEIGHT, low: LOWEST, high: 0.0 };
        let types = stratum.key.trim_start_matches("embedding row ").replace(' ', " to ");
        picture.axes(&panel, &format!("log10 of the observed share, {types}"));
        for decade in 0..=4 {
            let value = LOWEST + f64::from(decade);
            picture.x_tick(&panel, x(&panel, value), &format!("{value:.0}"));
        }
        let middle = panel.left + PANEL_WIDTH / 2.0;
        picture.text((middle, panel.bottom() + 34.0), "middle", 12, "log10 of the predicted");
        let diagonal = [LOWEST, 0.0].map(|value| (x(&panel, value), panel.y(value)));
        picture.line(&diagonal, GREY, 1.0, "5 4");
        let bins = stratum.reliability.iter().flat_map(|table| &table.bins);
        bins.for_each(|bin| draw(&mut picture, &panel, bin));
    }
    Some(picture.finish())
}

fn draw(picture: &mut Picture, panel: &Panel, bin: &ReliabilityBin) {
    let y = |share: f64| panel.y(logarithm(share));
    let (low, high) = wilson_interval(bin.observed, bin.n_pairs as f64);
    let x = x(panel, logarithm(bin.predicted));
    picture.interval(x, (y(low), y(high)), BLUE);
    picture.dot((x, y(bin.observed)), 4.0, BLUE);
}

fn x(panel: &Panel, value: f64) -> f64 {
    panel.left + PANEL_WIDTH * (value - LOWEST) / -LOWEST
}

/// What lies below the axis stands at its end.
fn logarithm(share: f64) -> f64 {
    share.log10().max(LOWEST)
}

/// The 95 % interval of a share among n (Wilson 1927).
fn wilson_interval(share: f64, n: f64) -> (f64, f64) {
    const Z: f64 = 1.96;
    let n = n.max(1.0);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    ((middle - half) / scale, (middle + half) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_its_share_and_narrows_with_more_pairs() {
        let (few, many) = (wilson_interval(0.1, 20.0), wilson_interval(0.1, 2_000.0));
        assert!(few.0 < many.0 && many.0 < 0.1 && 0.1 < many.1 && many.1 < few.1);
        // Newcombe 1998, table I: 81 of 263.
        let (low, high) = wilson_interval(81.0 / 263.0, 263.0);
        assert!((low - 0.2553).abs() < 2e-4 && (high - 0.3662).abs() < 2e-4, "{low} {high}");
    }
}
