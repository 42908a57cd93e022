//! What does a server ask of data connections, and does the direction matter?

/// Whether data connections must resume their control connection's session (`data-reuse`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// Always.
    Require,
    /// A client that has done it once must from then on; one that never does is taken. The session of [kin](Outcome::Kin) does
    /// as well, where only one claim can be meant.
    #[default]
    Learn,
    /// Never asked for.
    Off,
}

/// Which way the bytes of the transfer go, from where we sit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// A download, or a listing.
    Sends,
    /// An upload.
    Receives,
}
