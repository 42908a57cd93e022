//! What does a server tell of a file, by which it is known again?
use wire::facts::{EntryType, Precision};
use wire::{Command, Entry, Facts, Pathname, RepresentationType, Stamp};

use crate::client::Client;
use crate::directory::entry_in;
use crate::error::Error;

/// What is known of a file of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// SIZE, or the fact `size`.
    pub size: Option<u64>,
    /// MDTM, or the fact `modify`.
    pub modified: Option<Stamp>,
    /// The fact `unique`: another value is another file.
    pub unique: Option<Vec<u8>>,
    /// By which commands it was told. Servers disagree with themselves, so that only the like is compared.
    pub(super) told: Told,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    #[default]
    ByCommands,
    ByFacts,
}

/// Is one source the other, as far as anybody can tell?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The time is the same, and nothing else differs.
    Same,
    /// Something differs: which.
    Differs(&'static str),
    /// Nothing differs, but the time is not known of both.
    Unknown,
}

impl Source {
    /// What an entry of a listing tells, where it tells size and time exactly, as MLSD does.
    pub(super) fn of_entry(entry: &Entry) -> Option<Self> {
        let Facts { kind, size, modify, precision, unique, .. } = &entry.facts;
        // What is told of a link may be true of the link, and not of the file.
        let exact = *kind == Some(EntryType::File) && *precision == Precision::Second;
        (exact && size.is_some() && modify.is_some()).then(|| Self {
            size: *size,
            modified: *modify,
            unique: unique.clone(),
            told: Told::ByFacts,
        })
    }

    pub(super) fn likeness(&self, other: &Self) -> Likeness {
        let differ =
            |one: Option<u64>, other: Option<u64>| matches!((one, other), (Some(a), Some(b)) if a != b);
        if differ(self.size, other.size) {
            return Likeness::Differs("size");
        }
        if let (Some(one), Some(other)) = (&self.unique, &other.unique)
            && one != other
        {
            return Likeness::Differs("identity");
        }
        match (self.modified, other.modified) {
            (Some(one), Some(other)) if same_time(one, other) => Likeness::Same,
            (Some(_), Some(_)) => Likeness::Differs("time"),
            _ => Likeness::Unknown,
        }
    }
}

/// Some commands tell the fraction of a second and some do not.
pub(super) fn same_time(one: Stamp, other: Stamp) -> bool {
    one.seconds == other.seconds && (one.nanos == other.nanos || one.nanos == 0 || other.nanos == 0)
}

impl Client {
    /// What the server tells of a file: by MLST where that tells all, else by SIZE and MDTM. Nothing is known
    /// of what is not there; only fetching it says why.
    ///
    /// # Errors
    /// Of the session; a refusal is an answer.
    pub async fn source(&mut self, path: &Pathname) -> Result<Source, Error> {
        if self.features.tells(&["size", "modify", "unique"])
            && let Some(source) = self.source_by_facts(path).await?
        {
            return Ok(source);
        }
        self.source_by_commands(path).await
    }

    /// The same a second time, asked in the same way as the first.
    pub(super) async fn source_again(&mut self, path: &Pathname, first: &Source) -> Result<Source, Error> {
        match first.told {
            Told::ByFacts if self.features.has("MLST") => Ok(self
                .source_by_facts(path)
                .await?
                .unwrap_or_else(|| Source { told: Told::ByFacts, ..Source::default() })),
            Told::ByFacts => self.source_by_commands(path).await,
            Told::ByCommands => {
                let mut again = Source::default();
                if first.size.is_some() {
                    again.size = self.size(path).await?;
                }
                if first.modified.is_some() {
                    again.modified = self.modified(path).await?;
                }
                Ok(again)
            }
        }
    }

    async fn source_by_facts(&mut self, path: &Pathname) -> Result<Option<Source>, Error> {
        self.set_type(RepresentationType::Image).await?;
        let Some(reply) = self.ask_maybe(Command::Mlst(Some(path.clone()))).await? else { return Ok(None) };
        Ok(entry_in(&reply).as_ref().and_then(Source::of_entry))
    }

    async fn source_by_commands(&mut self, path: &Pathname) -> Result<Source, Error> {
        let size = self.size(path).await?;
        let modified = self.modified(path).await?;
        Ok(Source { size, modified, unique: None, told: Told::ByCommands })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_time_makes_the_same_source() {
        let source = |size, seconds: Option<i64>, unique: Option<&str>| Source {
            size,
            modified: seconds.map(Stamp::from_seconds),
            unique: unique.map(|u| u.as_bytes().to_vec()),
            told: Told::ByFacts,
        };
        let first = source(Some(5), Some(100), Some("a"));
        for (other, likeness) in [
            (source(Some(5), Some(100), Some("a")), Likeness::Same),
            (source(None, Some(100), None), Likeness::Same),
            (source(Some(5), None, Some("a")), Likeness::Unknown),
            (source(None, None, None), Likeness::Unknown),
            (source(Some(6), Some(100), Some("a")), Likeness::Differs("size")),
            (source(Some(5), Some(101), Some("a")), Likeness::Differs("time")),
            (source(Some(5), Some(100), Some("b")), Likeness::Differs("identity")),
        ] {
            assert_eq!(first.likeness(&other), likeness, "{other:?}");
            assert_eq!(other.likeness(&first), likeness, "{other:?}");
        }
        let exact = Stamp { nanos: 5, ..Stamp::from_seconds(100) };
        assert!(same_time(exact, Stamp::from_seconds(100)));
        assert!(!same_time(exact, Stamp { nanos: 6, ..exact }));
    }
}
