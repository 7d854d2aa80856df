//! What the user reads when a command fails.

/// Returns the error and its causes, less the causes that a message before them quotes.
pub(super) fn chain_text(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// The reader of our output went away, as `head` does: that is its right.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// Refuses an option that needs candle, where the program was compiled without.
#[cfg(not(feature = "train"))]
pub(super) fn without_model(option: &str) -> phenocopy::Error {
    phenocopy::Error::data(
        format!("`{option}`"),
        "it needs the model of the index, which this program was compiled without",
        "compile it with the feature `train`, or leave the option out",
    )
}
