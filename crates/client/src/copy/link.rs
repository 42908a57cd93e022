//! Where in a tree does a link lead?
//!
//! Only by what the server's listings told: the text of a link, and which other names on its way are links.
//! Nothing of that is believed further than to name the reason why a link is skipped, and to make a link of
//! ours that stays in the folder.
use std::collections::HashMap;

/// How many links one may lead through: as many as Linux follows.
const HOPS: usize = 40;

/// How many bytes the links of a tree may take. More is a server that tries what we can bear.
const HELD: usize = 16 * 1024 * 1024;

/// Names from the root of the tree.
pub(super) type Names = Vec<Vec<u8>>;

/// The links of a tree that were seen so far.
#[derive(Debug, Default)]
pub(super) struct Links {
    targets: HashMap<Names, Option<Vec<u8>>>,
    held: usize,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To a place in the tree, whether something is there or not: by these names.
    Inside(Names),
    /// Out of it.
    Outside,
    /// To itself.
    Loop,
    /// The server does not tell.
    Unknown,
}

/// How far a link is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    /// To its end.
    All,
    /// One step: what it leads to may be a link.
    One,
}

impl Links {
    /// Notes a link. False: there are too many.
    pub(super) fn add(&mut self, names: Names, target: Option<Vec<u8>>) -> bool {
        let size = |names: &Names| names.iter().map(|name| name.len() + size_of::<Vec<u8>>()).sum::<usize>();
        self.held += size(&names) + target.as_ref().map_or(0, Vec::len) + 64;
        if self.held > HELD {
            return false;
        }
        self.targets.insert(names, target);
        true
    }

    /// The texts of all links.
    pub(super) fn targets(&self) -> impl Iterator<Item = &Option<Vec<u8>>> {
        self.targets.values()
    }

    /// Where the link `names` leads. `root` is the path of the tree at the server, from its root directory,
    /// where that is known.
    pub(super) fn lead(&self, names: &[Vec<u8>], root: Option<&[u8]>, follow: Follow) -> Leads {
        let Some(Some(target)) = self.targets.get(names) else { return Leads::Unknown };
        let Some((_, directory)) = names.split_last() else { return Leads::Unknown };
        let mut here: Names = directory.to_vec();
        // What is still to be walked, last first.
        let mut ahead: Vec<Vec<u8>> = Vec::new();
        let mut hops = 0;
        if !step(target, root, &mut here, &mut ahead) {
            return Leads::Outside;
        }
        while let Some(name) = ahead.pop() {
            match name.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    if here.pop().is_none() {
                        return Leads::Outside;
                    }
                    continue;
                }
                _ => here.push(name),
            }
            let is_last = !ahead.iter().any(|name| !matches!(name.as_slice(), b"" | b"."));
            if follow == Follow::One && is_last {
                break;
            }
            if let Some(target) = self.targets.get(&here) {
                hops += 1;
                if hops >= HOPS {
                    return Leads::Loop;
                }
                let Some(target) = target else { return Leads::Unknown };
                here.pop();
                if !step(target, root, &mut here, &mut ahead) {
                    return Leads::Outside;
                }
            }
        }
        Leads::Inside(here)
    }
}

/// Puts the names of a target before those that are still to be walked. False: it leads to another place than
/// the tree.
fn step(target: &[u8], root: Option<&[u8]>, here: &mut Names, ahead: &mut Vec<Vec<u8>>) -> bool {
    let mut target = target;
    if target.starts_with(b"/") {
        let root = root.map(|root| root.strip_suffix(b"/").unwrap_or(root));
        let Some(rest) = root.and_then(|root| target.strip_prefix(root)) else { return false };
        if !rest.is_empty() && !rest.starts_with(b"/") {
            return false;
        }
        here.clear();
        target = rest;
    }
    ahead.extend(target.split(|b| *b == b'/').rev().map(<[u8]>::to_vec));
    true
}

/// The text of a link at `from` that leads to `to`, both in one tree.
pub(super) fn relative(from: &[Vec<u8>], to: &[Vec<u8>]) -> Vec<u8> {
    let directory = from.split_last().map_or(from, |(_, directory)| directory);
    let common = directory.iter().zip(to).take_while(|(one, other)| one == other).count();
    let up = directory.iter().skip(common).map(|_| &b".."[..]);
    let parts: Vec<&[u8]> = up.chain(to.iter().skip(common).map(Vec::as_slice)).collect();
    if parts.is_empty() { b".".to_vec() } else { parts.join(&b'/') }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str) -> Names {
        path.split('/').filter(|name| !name.is_empty()).map(|name| name.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_link_is_followed_in_the_tree_and_not_out_of_it() {
        let mut links = Links::default();
        for (link, target) in [
            ("l", "f"),
            ("d/up", "../f"),
            ("d/twice", "up"),
            ("out", "/etc/passwd"),
            ("climbs", "../f"),
            ("d/climbs", "../../f"),
            ("chain", "out"),
            ("dir", "d"),
            ("through", "dir/up"),
            ("dirout", "../elsewhere"),
            ("hidden", "dirout/f"),
            ("home", "/srv/tree/d/f"),
            ("root", "/srv/tree"),
            ("near", "/srv/treeless/f"),
            ("a", "b"),
            ("b", "a"),
            ("dots", "./d/./..//f"),
        ] {
            assert!(links.add(names(link), Some(target.into())));
        }
        links.add(names("dumb"), None);
        for (link, leads) in [
            ("l", Leads::Inside(names("f"))),
            ("d/up", Leads::Inside(names("f"))),
            ("d/twice", Leads::Inside(names("f"))),
            ("out", Leads::Outside),
            ("climbs", Leads::Outside),
            ("d/climbs", Leads::Outside),
            ("chain", Leads::Outside),
            ("dir", Leads::Inside(names("d"))),
            ("through", Leads::Inside(names("f"))),
            ("hidden", Leads::Outside),
            ("home", Leads::Inside(names("d/f"))),
            ("root", Leads::Inside(names(""))),
            ("near", Leads::Outside),
            ("a", Leads::Loop),
            ("dots", Leads::Inside(names("f"))),
            ("dumb", Leads::Unknown),
        ] {
            assert_eq!(links.lead(&names(link), Some(b"/srv/tree"), Follow::All), leads, "{link}");
        }
        assert_eq!(links.lead(&names("home"), None, Follow::All), Leads::Outside);
        assert_eq!(links.lead(&names("home"), Some(b"/"), Follow::All), Leads::Inside(names("srv/tree/d/f")));
        assert_eq!(links.lead(&names("d/twice"), None, Follow::One), Leads::Inside(names("d/up")));
        assert_eq!(links.lead(&names("through"), None, Follow::One), Leads::Inside(names("d/up")));
        assert_eq!(links.lead(&names("chain"), None, Follow::One), Leads::Inside(names("out")));
    }

    #[test]
    fn a_link_of_ours_is_relative() {
        for (from, to, text) in [
            ("l", "f", "f"),
            ("d/l", "f", "../f"),
            ("d/l", "d/f", "f"),
            ("d/e/l", "x/y", "../../x/y"),
            ("d/l", "d", "."),
            ("l", "", "."),
            ("d/l", "", ".."),
        ] {
            assert_eq!(relative(&names(from), &names(to)), text.as_bytes(), "{from} {to}");
        }
    }
}
