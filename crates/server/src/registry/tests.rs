//! Does the table count, list, watch and end as it promises?
use super::*;

fn at(last: u8) -> SocketAddr {
    ([10, 0, 0, last], 4000).into()
}

fn enter(registry: &Registry, last: u8, limits: &Limits) -> Result<Registration, Reason> {
    registry.enter(at(last), at(0), at(0), limits)
}

#[test]
fn sessions_are_counted_in_all_and_by_address() {
    let registry = Registry::default();
    let limits = Limits { sessions: 3, sessions_per_address: 2, ..Limits::default() };
    let first = enter(&registry, 1, &limits).unwrap();
    let _second = enter(&registry, 1, &limits).unwrap();
    assert_eq!(enter(&registry, 1, &limits).err(), Some(Reason::AddressFull));
    let _other = enter(&registry, 2, &limits).unwrap();
    assert_eq!(enter(&registry, 3, &limits).err(), Some(Reason::SiteFull));
    drop(first);
    let again = enter(&registry, 1, &limits).unwrap();
    assert_eq!(again.id(), 4, "no number is given twice");
    assert_eq!(registry.sessions().iter().map(|s| s.id).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn fifty_people_with_eight_connections_behind_one_address_are_let_in() {
    let (registry, limits) = (Registry::default(), Limits::default());
    let all: Vec<_> = (0..400).map(|_| enter(&registry, 1, &limits).unwrap()).collect();
    drop(all);
    assert!(registry.table().addresses.is_empty() && registry.sessions().is_empty());
}

#[test]
fn handshakes_of_one_address_have_a_limit() {
    let registry = Registry::default();
    let limits = Limits { handshakes_per_address: 2, ..Limits::default() };
    let (one, other) = (enter(&registry, 1, &limits).unwrap(), enter(&registry, 2, &limits).unwrap());
    let first = one.handshake(&limits).unwrap();
    let _second = one.handshake(&limits).unwrap();
    assert_eq!(one.handshake(&limits).err(), Some(Reason::TooManyHandshakes));
    assert!(other.handshake(&limits).is_ok());
    drop(first);
    assert!(one.handshake(&limits).is_ok());
}

#[test]
fn a_user_has_as_many_sessions_as_may_be_and_one_who_logs_in_again_is_not_one_more() {
    let (registry, limits) = (Registry::default(), Limits::default());
    let (one, other) = (enter(&registry, 1, &limits).unwrap(), enter(&registry, 2, &limits).unwrap());
    let (ann, bob): (Arc<str>, Arc<str>) = ("ann".into(), "bob".into());
    assert!(one.set_user(Some(&ann), Some(1)) && one.set_user(Some(&ann), Some(1)));
    assert!(!other.set_user(Some(&ann), Some(1)));
    assert!(other.set_user(Some(&bob), Some(1)) && other.set_user(None, None));
    assert!(one.set_user(Some(&bob), Some(1)));
    assert!(other.set_user(Some(&ann), Some(1)), "the place of who logged in as another is free");
    drop((one, other));
    assert!(registry.table().users.is_empty());
}

#[test]
fn a_session_is_its_users_until_the_transfer_has_ended() {
    let (registry, limits) = (Registry::default(), Limits::default());
    let (one, other) = (enter(&registry, 1, &limits).unwrap(), enter(&registry, 2, &limits).unwrap());
    let ann: Arc<str> = "ann".into();
    assert!(one.set_user(Some(&ann), Some(1)));
    let transfer = one.begin(Verb::Retr, VPath::root(), Arc::clone(&ann), Arc::default());
    for user in [None, Some("bob".into())] {
        assert!(one.set_user(user.as_ref(), None));
        assert!(!other.set_user(Some(&ann), Some(1)), "as {user:?}");
    }
    assert!(one.set_user(Some(&ann), Some(1)), "it is not one more");
    assert!(one.set_user(None, None));
    drop(transfer);
    assert!(other.set_user(Some(&ann), Some(1)));
    drop((one, other));
    assert!(registry.table().users.is_empty());
}

#[test]
fn a_transfer_is_listed_as_long_as_it_runs_and_its_bytes_stay() {
    let (registry, limits) = (Registry::default(), Limits::default());
    let session = enter(&registry, 1, &limits).unwrap();
    let track = Arc::new(Track::default());
    let listed = session.begin(Verb::Retr, VPath::root(), "ann".into(), Arc::clone(&track));
    track.progress.add(5);
    let info = session.info();
    assert_eq!((info.transfer.map(|t| (t.verb, t.bytes)), info.sent), (Some((Verb::Retr, 5)), 5));
    drop(listed);
    let info = session.info();
    assert_eq!((info.transfer.is_none(), info.sent, info.received), (true, 5, 0));
}

#[tokio::test]
async fn a_slow_watcher_is_told_how_much_it_has_missed() {
    let (registry, limits) = (Registry::default(), Limits::default());
    let mut watcher = registry.watch();
    for _ in 0..CHANGES {
        drop(enter(&registry, 1, &limits).unwrap());
    }
    let Some(Watched::Missed(missed)) = watcher.next().await else { panic!("it has missed some") };
    assert_eq!(missed, CHANGES as u64);
    let Some(Watched::Change(change)) = watcher.next().await else { panic!("the others are there") };
    assert_eq!((change.what, change.session.id), (Happened::Connected, CHANGES as u64 / 2 + 1));
}

#[tokio::test]
async fn one_session_is_ended_or_all_are_and_no_other_comes() {
    let (registry, limits) = (Registry::default(), Limits::default());
    let (one, other) = (enter(&registry, 1, &limits).unwrap(), enter(&registry, 2, &limits).unwrap());
    assert!(registry.end(one.id(), Stop::Drain) && !registry.end(99, Stop::Now));
    one.ending().beyond(Stop::No).await;
    assert_eq!((one.ending().get(), one.ending_reason()), (Stop::Drain, Reason::Ended));
    assert_eq!(other.ending().get(), Stop::No);
    assert_eq!((registry.stop_further(), registry.stop_further()), (Stop::Drain, Stop::Now));
    other.ending().beyond(Stop::Drain).await;
    assert_eq!(other.ending_reason(), Reason::Stopping);
    assert_eq!(enter(&registry, 1, &limits).err(), Some(Reason::Stopping));
}
