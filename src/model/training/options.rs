use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

use super::report::EpochReport;
use crate::dataset::Split;
use crate::model::device::Device;

/// Called after each epoch, once its checkpoint is on the disk; `Break` stops the training. Members
/// train in parallel, so calls may come from several threads.
pub type Observer<'a> = dyn Fn(&EpochReport) -> ControlFlow<()> + Sync + 'a;

/// What training takes beside the data and the configuration.
#[derive(Clone, Copy)]
pub struct TrainingOptions<'a> {
    /// Values that no run ever sees, such as the test values of an evaluation.
    pub excluded: &'a Split,
    /// The folder for checkpoints; created if needed. Without one, nothing can be resumed.
    pub checkpoints: Option<&'a Path>,
    /// Whether to go on from the checkpoints there; otherwise they are replaced.
    pub resume: bool,
    /// Where the steps are made.
    pub device: Device,
    /// Told of each epoch; decides whether to go on.
    pub observer: &'a Observer<'a>,
}

impl Default for TrainingOptions<'_> {
    /// Trains on everything, on the processor, without checkpoints or observer.
    fn default() -> Self {
        Self {
            excluded: &Split::None,
            checkpoints: None,
            resume: false,
            device: Device::Cpu,
            observer: &go_on,
        }
    }
}

impl fmt::Debug for TrainingOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrainingOptions")
            .field("excluded", self.excluded)
            .field("checkpoints", &self.checkpoints)
            .field("resume", &self.resume)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

fn go_on(_: &EpochReport) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
