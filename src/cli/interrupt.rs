//! Ctrl-C and the system's request to end: the only place that listens to signals.

use std::sync::atomic::{AtomicBool, Ordering};

use super::output::{complain, discard_staged};

static STOP: AtomicBool = AtomicBool::new(false);
static IS_GENTLE: AtomicBool = AtomicBool::new(false);

/// What a shell calls the exit of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Begins to listen: half of a result is removed before the program ends.
pub(super) fn listen() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        let is_gentle = IS_GENTLE.load(Ordering::Relaxed);
        if is_gentle && !STOP.swap(true, Ordering::Relaxed) {
            complain("stopping once what was done so far is safe; once more stops at once");
            return;
        }
        discard_staged();
        // Asked twice, the user means now; the last checkpoint is on the disk.
        #[allow(clippy::exit)]
        std::process::exit(if is_gentle { 1 } else { INTERRUPTED });
    })
}

/// From now on the first request to end is obeyed by whoever looks at the flag; training stops after the epoch's
/// checkpoint.
pub(super) fn stop_flag() -> &'static AtomicBool {
    IS_GENTLE.store(true, Ordering::Relaxed);
    &STOP
}
