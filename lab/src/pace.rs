//! When does a test run?

/// When a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Always: it takes less than ten seconds.
    Ordinary,
    /// With `--nightly`.
    Nightly,
}
