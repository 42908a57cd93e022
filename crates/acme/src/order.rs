//! How is a certificate ordered? Account, order, proof of each name, certificate (RFC 8555 7).
use std::time::Duration;

use instant_acme::{
    Account, AccountBuilder, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder,
    Order, OrderStatus, Problem, RetryPolicy,
};
use net::tls::client::Roots;
use tokio::time::timeout;
use wire::Secret;

use super::Terms;
use super::certificate::Certificate;
use super::error::{OrderError, is_unknown_account};
use super::https::Https;
use super::responder::Responder;
use super::store::Store;

/// For the whole of it: an authority that is slow today is asked again later.
const WITHIN: Duration = Duration::from_secs(5 * 60);

/// How often the authority is asked whether it is done: after a quarter of a second, then less and less
/// often.
const ASK: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120)).backoff(1.5);

/// Orders a certificate for all names, and keeps it.
pub(crate) async fn obtain(terms: &Terms, roots: &Roots, store: &Store) -> Result<Certificate, OrderError> {
    timeout(WITHIN, order(terms, roots, store)).await.unwrap_or(Err(OrderError::Late(WITHIN)))
}

async fn order(terms: &Terms, roots: &Roots, store: &Store) -> Result<Certificate, OrderError> {
    let names: Vec<_> = terms.names.iter().cloned().map(Identifier::Dns).collect();
    let wanted = NewOrder::new(&names);
    let account = account(terms, roots, store).await?;
    let mut order = match account.new_order(&wanted).await {
        Err(error) if is_unknown_account(&error) => {
            tracing::warn!("the authority does not know the saved account; creating a new one");
            store.forget_account().map_err(|error| OrderError::Keep(store.folder().to_owned(), error))?;
            self::account(terms, roots, store).await?.new_order(&wanted).await?
        }
        ordered => ordered?,
    };
    prove(&mut order, terms).await?;
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&ASK).await?;
    let key = Secret::new(key);
    let pem = Secret::new([key.expose(), chain.as_bytes()].concat());
    let certificate = Certificate::from_pem(pem.expose()).map_err(OrderError::Useless)?;
    if !certificate.covers(&terms.names) {
        return Err(OrderError::Useless("it is for other names".to_owned()));
    }
    if let Err(error) = store.save_certificate(&pem) {
        // It is used all the same: to order another would help nobody.
        let folder = store.folder().display();
        tracing::error!(%error, %folder, "cannot save the certificate; a new one will be ordered at the next start");
    }
    Ok(certificate)
}

/// The saved account, else a new one, which is saved before it is used.
async fn account(terms: &Terms, roots: &Roots, store: &Store) -> Result<Account, OrderError> {
    let keep = |error| OrderError::Keep(store.folder().to_owned(), error);
    if let Some(credentials) = store.account().map_err(keep)? {
        return Ok(builder(roots)?.from_credentials(credentials).await?);
    }
    let contact: Vec<_> = terms.contact.iter().map(String::as_str).collect();
    let asked = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) = builder(roots)?.create(&asked, terms.directory.clone(), None).await?;
    store.save_account(&credentials).map_err(keep)?;
    Ok(account)
}

fn builder(roots: &Roots) -> Result<AccountBuilder, OrderError> {
    let https = Https::new(roots).map_err(|error| Error::Other(Box::new(error)))?;
    Ok(Account::builder_with_http(Box::new(https)))
}

/// Proves each name that the authority does not believe yet. The port is open as long as that takes.
async fn prove(order: &mut Order, terms: &Terms) -> Result<(), OrderError> {
    if order.state().status == OrderStatus::Ready {
        return Ok(());
    }
    let listening = Responder::listen(terms.listen).await;
    let responder = listening.map_err(|error| OrderError::Listen(terms.listen, error))?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        // What has failed before shows in the state of the order.
        if authorization.status != AuthorizationStatus::Pending {
            continue;
        }
        let name = authorization.identifier().to_string();
        let mut challenge =
            authorization.challenge(ChallengeType::Http01).ok_or(OrderError::NoHttp01(name))?;
        responder.expect(&challenge.token, challenge.key_authorization().as_str());
        challenge.set_ready().await?;
    }
    match order.poll_ready(&ASK).await {
        Ok(OrderStatus::Invalid) => Err(refusal(order, None).await),
        Err(Error::Api(problem)) => Err(refusal(order, Some(problem)).await),
        Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Which name was not believed, and in which words: an order that has failed says at most why, and often
/// nothing.
async fn refusal(order: &mut Order, said: Option<Problem>) -> OrderError {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let refreshed = async {
            let mut authorization = authorization?;
            authorization.refresh().await?;
            let name = Some(authorization.identifier().to_string());
            let problem = authorization.challenges.iter().find_map(|challenge| challenge.error.clone());
            Ok::<_, Error>(problem.map(|problem| OrderError::Refused { problem, name }))
        };
        // What cannot be asked any more leaves us with what was said.
        if let Ok(Some(refused)) = refreshed.await {
            return refused;
        }
    }
    match said {
        Some(problem) => OrderError::Refused { problem, name: None },
        None => OrderError::Conversation(Error::Str("the authority's reason for refusing the order")),
    }
}
