//! What may a user do whose rights differ from directory to directory, and whose sessions are counted?
use std::fs;
use std::future::ready;
use std::sync::Arc;

use config::SiteConfig;
use storage::{
    Admission, Answer, Attempt, Denied, Gate, PathRights, Prompt, Rights, Tree, UserLimits, VPath,
};

use crate::client::in_each_tls_mode;
use crate::data::ClientData;
use crate::scene::{Scene, patiently};
use crate::tls_mode::TlsMode;

/// Everybody reads everything; `home` but for `home/kept` may be changed too, and `incoming` is for new files
/// only. One session each.
struct Various(Arc<dyn Tree>);

impl Gate for Various {
    fn greet<'a>(
        &'a self,
        user: &'a [u8],
        _certificate: Option<&'a storage::Certificate>,
    ) -> Answer<'a, Prompt> {
        let enough = || Prompt::Admitted(Box::new(self.admission(user)));
        Box::pin(ready(if user == b"trusted" { enough() } else { Prompt::Password }))
    }

    fn admit(&self, attempt: Attempt) -> Answer<'_, Result<Admission, Denied>> {
        Box::pin(ready(Ok(self.admission(&attempt.user))))
    }
}

impl Various {
    fn admission(&self, user: &[u8]) -> Admission {
        let at = |path: &str| VPath::root().join(path.as_bytes()).unwrap();
        let rights = PathRights::from(Rights::Read)
            .except(at("home"), Rights::Write)
            .except(at("home/kept"), Rights::Read)
            .except(at("incoming"), Rights::Drop);
        let admission = Admission::new(String::from_utf8_lossy(user), rights, Arc::clone(&self.0));
        Admission { limits: UserLimits { sessions: Some(1) }, ..admission }
    }
}

fn scene(tls_mode: TlsMode) -> Scene {
    let scene = Scene::with(SiteConfig::default(), tls_mode, |tree| Arc::new(Various(tree)));
    for folder in ["pub", "home", "home/kept", "incoming"] {
        fs::create_dir(scene.path(folder)).unwrap();
        fs::write(scene.path(folder).join("file"), "bytes").unwrap();
    }
    scene
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rights_of_the_longest_path_decide() {
    let scene = scene(TlsMode::Clear);
    let mut client = scene.member().await;
    for (command, reply) in [
        ("SIZE pub/file", "213 5"),
        ("DELE pub/file", "550 This server is read-only for you."),
        ("STOR pub/new", "550 This server is read-only for you."),
        ("SIZE incoming/file", "550 Anonymous users may only upload here."),
        ("DELE incoming/file", "550 Anonymous users may only upload here."),
        ("APPE incoming/file", "550 Anonymous users may only upload new"),
        ("MKD incoming/new", "550"),
        ("DELE home/kept/file", "550 This server is read-only for you."),
        ("SITE CHMOD 600 home/kept/file", "550"),
        ("MDTM 20240102030405 home/kept/file", "550"),
        ("MDTM 20240102030405 home/file", "213"),
        ("MKD home/new", "257"),
        ("RMD home/new", "250"),
        // A name on the way is as good as the whole.
        ("CWD home/kept", "250"),
        ("DELE file", "550"),
        ("SIZE ../../incoming/file", "550"),
        ("CWD /incoming", "250"),
        ("STAT file", "550"),
        ("SIZE ../home/file", "213 5"),
        ("CWD /", "250"),
        // What is below `home` would come out of its exception's reach.
        ("RNFR home", "550"),
        ("RNFR home/kept/file", "550"),
        ("RNFR home/file", "350"),
        ("RNTO pub/file2", "550"),
        ("RNFR home/file", "350"),
        ("RNTO home/file2", "250"),
        // What is moved along would come into it.
        ("MKD home/other", "257"),
        ("RNFR home/other", "350"),
        ("RNTO home", "550 This server is read-only for you."),
        ("RMD home/other", "250"),
    ] {
        client.command(command, reply).await;
    }
    let mut stores = async |command: &str, code: &str| {
        let mut data = client.data().await;
        client.command(command, 150).await;
        data.send(b"new").await.unwrap();
        data.end().await.unwrap();
        client.expect(code).await;
    };
    stores("STOR incoming/new", "226").await;
    stores("STOR home/file2", "226").await;
    assert_eq!(fs::read(scene.path("incoming/new")).unwrap(), b"new");
    let data: ClientData = client.data().await;
    client.command("STOR incoming/new", 553).await;
    drop(data);
    let data = client.data().await;
    client.command("MLSD /", 150).await;
    let (listing, _) = data.all().await.unwrap();
    client.expect(226).await;
    let listing = String::from_utf8(listing).unwrap();
    let perm = |name: &str| {
        let line = listing.lines().find(|line| line.ends_with(&format!(" {name}"))).unwrap();
        line.split(';').find_map(|fact| fact.strip_prefix("perm=")).unwrap().to_owned()
    };
    assert!(perm("home").contains('c') && !perm("pub").contains('c') && !perm("incoming").contains('c'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_no_more_sessions_than_may_be() {
    in_each_tls_mode(async |tls_mode| {
        let scene = scene(tls_mode);
        let (mut first, mut second) = (scene.member().await, scene.client().await);
        second.command("USER somebody", 331).await;
        second.command("PASS x", "530 You have too many sessions").await;
        second.command("USER trusted", 232).await;
        let mut third = scene.client().await;
        third.command("USER trusted", "530 You have too many sessions").await;
        third.command("PASS x", 503).await;
        // The place of a login that ends is free, whether its session goes on or not.
        first.command("REIN", 220).await;
        third.command("USER somebody", 331).await;
        third.command("PASS x", 230).await;
        second.command("QUIT", 221).await;
        patiently(async {
            while scene.registry.sessions().len() > 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        first.command("USER trusted", 232).await;
    })
    .await;
}
