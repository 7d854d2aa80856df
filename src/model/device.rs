use candle_core::Device;

use crate::error::Error;

/// Returns where tensors live: the one place to change for another device.
pub(super) fn device() -> Device {
    Device::Cpu
}

/// Returns a closure that turns candle's error into [`Error::Engine`], for `map_err`.
pub(super) fn engine(operation: &'static str) -> impl FnOnce(candle_core::Error) -> Error {
    Error::engine("candle", operation)
}
