//! How many slots of an address may be held by claims that do not share?
use super::kind::Kind;

/// With `n` ports, one is kept from unencrypted claims where there are two or more, so that a first protected
/// claim, which says nothing of whose it is yet, finds a slot; and where there are four or more another is
/// kept from both, so that a claim whose connection says whose it is always finds one, as these share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    clear: usize,
    alone: usize,
}

/// Slots that are held by claims of these kinds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    clear: usize,
    lone: usize,
}

impl Held {
    pub(super) fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Clear => self.clear += 1,
            Kind::Lone(_) => self.lone += 1,
            Kind::Bound(_) => {}
        }
    }

    /// What is held when such a claim has gone.
    pub(super) fn without(self, kind: Kind) -> Self {
        let Self { clear, lone } = self;
        match kind {
            Kind::Clear => Self { clear: clear.saturating_sub(1), lone },
            Kind::Lone(_) => Self { clear, lone: lone.saturating_sub(1) },
            Kind::Bound(_) => self,
        }
    }
}

impl Quota {
    /// As many as there are.
    pub(super) const NONE: Self = Self { clear: usize::MAX, alone: usize::MAX };

    pub(super) fn of(ports: usize) -> Self {
        let alone = if ports >= 4 { ports - 1 } else { ports };
        Self { clear: if ports >= 2 { alone - 1 } else { alone }, alone }
    }

    /// May there be one more of this kind?
    pub(super) fn admits(self, held: Held, kind: Kind) -> bool {
        let fits = held.clear.saturating_add(held.lone) < self.alone;
        match kind {
            Kind::Clear => fits && held.clear < self.clear,
            Kind::Lone(_) => fits,
            Kind::Bound(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session_id::SessionId;

    #[test]
    fn what_is_kept_depends_on_how_many_there_are() {
        let most = |ports, kind: Kind| {
            let mut held = Held::default();
            (0..99)
                .take_while(|_| {
                    let admits = Quota::of(ports).admits(held, kind);
                    held.add(kind);
                    admits
                })
                .count()
        };
        let lone = Kind::Lone(SessionId(1));
        let all: Vec<_> = [1, 2, 3, 4, 10].map(|n| (most(n, Kind::Clear), most(n, lone))).into();
        assert_eq!(all, [(1, 1), (1, 2), (2, 3), (2, 3), (8, 9)]);
    }
}
