use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Where a model is trained. Searching and predicting always run on the processor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor, by our own engine: reproducible to the bit.
    #[default]
    Cpu,
    /// A CUDA card by its number, through candle; needs a program built with the feature `cuda`.
    Cuda(usize),
}

impl Device {
    /// Opens the device.
    pub(super) fn open(self) -> Result<candle_core::Device, Error> {
        match self {
            Self::Cpu => Ok(candle_core::Device::Cpu),
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(Error::parameter(
                "device",
                "`cpu`, or a program built with `cargo build --release --features cuda`",
                "cuda",
            )),
            Self::Cuda(card) => {
                candle_core::Device::new_cuda(card).map_err(engine("open the CUDA card"))
            }
        }
    }
}

/// Returns a closure that turns candle's error into [`Error::Engine`], for `map_err`.
pub(super) fn engine(operation: &'static str) -> impl FnOnce(candle_core::Error) -> Error {
    Error::engine("candle", operation)
}
