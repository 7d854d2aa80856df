use std::fmt::Write;

use super::tables::direction;
use crate::experiment::Side;
use crate::network::{Network, NetworkNode};
use crate::report::Source;
use crate::report::plot::picture::{
    BLUE, GREEN, GREY, LEFT, ORANGE, PURPLE, Picture, SKY_BLUE, TOP, VERMILION, WIDTH, escape,
};

const HEIGHT: f64 = 700.0;
/// Room for names beside the outermost nodes.
const MARGIN: f64 = 70.0;
/// Larger networks are no pictures.
const MOST_NODES: usize = 300;
const COLOURS: [&str; 6] = [BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY_BLUE];

/// Draws a network as SVG: genes as circles, compounds as squares, coloured by community; edges the wider the more alike,
/// dashed where they oppose. None of more than 300 nodes with edges.
#[must_use]
pub fn network_picture(network: &Network, source: &Source) -> Option<String> {
    let nodes = network.nodes.iter().enumerate().filter(|(_, node)| node.degree > 0);
    let (drawn, nodes): (Vec<usize>, Vec<&NetworkNode>) = nodes.unzip();
    if drawn.len() > MOST_NODES || drawn.is_empty() {
        return None;
    }
    let place = |at: usize| drawn.binary_search(&at).ok();
    let edges: Vec<(usize, usize, f64)> = network
        .edges
        .iter()
        .filter_map(|e| Some((place(e.nodes.0)?, place(e.nodes.1)?, f64::from(e.similarity))))
        .collect();
    let points = scale(&spread_out(drawn.len(), &edges));
    let mut picture = Picture::titled("Perturbations that act alike", source, HEIGHT);
    let note =
        format!("index {}; width of lines: similarity; dashed: opposites", source.fingerprint);
    picture.text((LEFT, 42.0), "start", 11, &note);
    for (edge, (i, j, similarity)) in network.edges.iter().zip(&edges) {
        let ((x1, y1), (x2, y2)) = (points[*i], points[*j]);
        let dash = if direction(edge) == "oppose" { " stroke-dasharray=\"4 3\"" } else { "" };
        let width = 0.5 + 4.0 * similarity.abs().min(1.0);
        picture.raw(&format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{GREY}\" stroke-opacity=\"0.45\" stroke-width=\"{width:.1}\"{dash}/>"
        ));
    }
    for (node, point) in nodes.into_iter().zip(&points) {
        picture.raw(&mark(node, *point));
    }
    Some(picture.finish())
}

fn mark(node: &NetworkNode, (x, y): (f64, f64)) -> String {
    let colour = node.community.map_or(GREY, |number| COLOURS[number % COLOURS.len()]);
    let mark = match node.record.perturbation.side() {
        Side::Genetic => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"{colour}\"/>"),
        Side::Chemical => format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"11\" height=\"11\" fill=\"{colour}\"/>",
            x - 5.5,
            y - 5.5
        ),
    };
    let name = escape(node.record.name());
    let mut text = mark;
    // Below the letters their own outline in white, as not every program knows `paint-order`.
    for style in ["fill=\"white\" stroke=\"white\" stroke-width=\"3\"", "fill=\"#111111\""] {
        let y = y - 9.0;
        let _ = write!(
            text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-size=\"11\" {style}>{name}</text>"
        );
    }
    text
}

/// Places nodes so that edges are short and nodes apart (Fruchterman & Reingold 1991), from a spiral: no chance is in it.
fn spread_out(n: usize, edges: &[(usize, usize, f64)]) -> Vec<(f64, f64)> {
    const STEPS: usize = 600;
    const GOLDEN_ANGLE: f64 = 2.399_963;
    let spiral = |i: usize| {
        let (radius, angle) = ((i as f64 + 0.5).sqrt(), i as f64 * GOLDEN_ANGLE);
        (radius * angle.cos(), radius * angle.sin())
    };
    let mut points: Vec<(f64, f64)> = (0..n).map(spiral).collect();
    for step in 0..STEPS {
        let mut forces = vec![(0.0, 0.0); n];
        let mut push = |i: usize, j: usize, by: &dyn Fn(f64) -> f64| {
            let (dx, dy) = (points[i].0 - points[j].0, points[i].1 - points[j].1);
            let distance = dx.hypot(dy).max(1e-6);
            let force = by(distance) / distance;
            forces[i] = (forces[i].0 + dx * force, forces[i].1 + dy * force);
            forces[j] = (forces[j].0 - dx * force, forces[j].1 - dy * force);
        };
        for i in 0..n {
            for j in i + 1..n {
                push(i, j, &|distance| 1.0 / distance);
            }
        }
        for (i, j, similarity) in edges {
            push(*i, *j, &|distance| -distance * distance * similarity.max(0.05));
        }
        let longest = 0.5 * (1.0 - step as f64 / STEPS as f64) + 0.005;
        for (point, (fx, fy)) in points.iter_mut().zip(forces) {
            // A weak pull to the middle keeps parts that are not joined together.
            let (fx, fy) = (fx - 0.02 * point.0, fy - 0.02 * point.1);
            let length = fx.hypot(fy).max(1e-9);
            let by = length.min(longest) / length;
            *point = (point.0 + fx * by, point.1 + fy * by);
        }
    }
    points
}

/// Fits points into the picture.
fn scale(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let range = |of: fn(&(f64, f64)) -> f64| {
        let low = points.iter().map(of).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        (low, (high - low).max(1e-9))
    };
    let ((left, width), (top, height)) = (range(|p| p.0), range(|p| p.1));
    let x = |value: f64| LEFT + (value - left) / width * (WIDTH - LEFT - MARGIN);
    let y = |value: f64| TOP + 15.0 + (value - top) / height * (HEIGHT - TOP - 45.0);
    points.iter().map(|point| (x(point.0), y(point.1))).collect()
}
