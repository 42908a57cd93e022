//! Which seed do random tests start from?
//!
//! Two runs over the same code must say the same, so random inputs come from one seed. To look for what
//! it has never tried gives another one.

/// What proptest reads its seed from; the bounded run of the fuzz bodies takes the same.
pub(crate) const VARIABLE: &str = "PROPTEST_RNG_SEED";

/// Any number would do.
const SEED: &str = "959";

/// The seed of this run: the caller's, else always the same.
pub(crate) fn seed() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| SEED.to_owned())
}
