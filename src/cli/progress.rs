//! Progress bars on stderr; silent when it is no terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::is_watched;

/// Returns a bar with a message and a count of `total` steps.
pub(crate) fn bar(message: &str, total: usize) -> ProgressBar {
    let bar = hidden_bar(message, total);
    if is_watched() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
    bar
}

/// Returns a bar that is drawn nowhere until it is given a place, such as among several.
pub(crate) fn hidden_bar(message: &str, total: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden());
    // The template is a constant; a wrong one falls back to indicatif's own.
    let style = ProgressStyle::with_template("{msg:<34} {bar:24} {pos}/{len} {eta:>5}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(message.to_owned());
    bar
}

/// Returns a bar of bytes that came, of `total` if that is known.
#[cfg(feature = "download")]
pub(crate) fn byte_bar(message: &str, total: Option<u64>) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg:<34} {bar:24} {bytes}/{total_bytes} {eta:>5}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(message.to_owned());
    bar
}

/// Returns a sign of life for work whose length is not known.
pub(crate) fn spinner(message: &str) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(message.to_owned());
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    spinner
}
