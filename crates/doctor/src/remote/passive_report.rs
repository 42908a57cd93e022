//! What does the server say of a passive port that was not reached, after it has waited for us there?
//!
//! From here a port is silent, and that is all. The server knows more: whether a call of ours had begun. Ours
//! looks it up and says in its 425 which rule that points to; what others say is heard and means what it
//! means.
use std::time::Duration;

use net::dial::dial_explained;
use wire::Command;

use super::context::{Context, PassivePorts};
use super::facts::{Cover, End};
use super::trial::{port_of, silence};
use client::DataMethod;

/// Servers wait ten seconds (ours), or a minute; nobody waits here for the latter.
const WORD: Duration = Duration::from_millis(10_800);

/// Waits until a passive port was not reached, and asks; not any more where another is.
pub(super) async fn ask(context: &Context<'_>) {
    let passive_ports = context.passive_ports_change(PassivePorts::Unknown).await;
    let PassivePorts::Unreachable(cover) = passive_ports else { return };
    tokio::select! {
        said = Box::pin(word(context, cover)) => context.notebook.facts().passive_word = said,
        _ = context.passive_ports_change(passive_ports) => {}
    }
}

async fn word(context: &Context<'_>, cover: Cover) -> Option<String> {
    let mut call = context.session(context.to, cover, "word").await?;
    let mut announced = None;
    let target = match port_of(&mut call, DataMethod::Epsv, &mut announced).await {
        Err(End::Refused(_)) if context.to.is_ipv4() => {
            port_of(&mut call, DataMethod::Pasv, &mut announced).await
        }
        other => other,
    };
    let target = target.ok()?;
    call.say(&Command::List(None)).await.ok()?;
    // The call goes on while the server waits: a SYN that is sent again keeps what the server can look up.
    let called = async {
        match dial_explained(target).await {
            Ok(data) => data,
            Err(_) => std::future::pending().await,
        }
    };
    let said = tokio::select! {
        // It is reached this time, and what the server says is about something else.
        _data = called => return None,
        said = silence(&mut call, WORD) => said?,
    };
    call.quit().await;
    Some(said)
}
