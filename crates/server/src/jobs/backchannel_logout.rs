//! Notifies applications that sessions have ended (OpenID Connect Back-Channel Logout 1.0 §2.5). Each notice is sent in
//! its own task, and each application can always have one in flight, so an application that responds slowly or never
//! holds up no other, however many notices it has. Applications take turns.

use crate::app::App;
use crate::domain::Failure;
use crate::domain::sessions::backchannel_logout::{logout_uri, reach, session_name};
use crate::outbound::Limits;
use bytes::Bytes;
use countersign_protocol::id::ApplicationId;
use countersign_protocol::model::ConnectApplication;
use countersign_protocol::oauth::logout_token::LogoutTokenClaims;
use countersign_protocol::outbound::Target;
use countersign_store::application;
use countersign_store::logout_notice::{self, Key, LogoutNotice};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Seconds until an application is notified again, by the number of attempts.
const PAUSES: [i64; 6] = [5, 30, 120, 600, 3600, 14_400];
/// How long one attempt may take in total, in seconds; until then no other node sends the notice.
const LEASE: i64 = 20;
/// The limits on a response.
const LIMITS: Limits = Limits { time: Duration::from_secs(10), bytes: 16 * 1024 };

/// The maximum number of notices that this node has in flight.
const ALL: usize = 256;
/// The maximum for one application.
const OF_ONE: usize = 4;
/// The maximum number in flight beyond the first of each application.
const MORE: usize = 32;

/// The notices that this node has in flight.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    /// The number in flight, by application.
    places: HashMap<ApplicationId, usize>,
    /// The application whose turn was last.
    last: Option<Key>,
}

impl Taken {
    fn all(&self) -> usize {
        self.places.values().sum()
    }
}

/// A notice's slot, held until dropped.
#[derive(Debug)]
struct Place {
    in_flight: InFlight,
    application_id: ApplicationId,
}

impl InFlight {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for a notice to an application, if one is free.
    fn take(&self, application_id: ApplicationId) -> Option<Place> {
        let mut taken = self.taken();
        let all = taken.all();
        let more = all - taken.places.len();
        let here = taken.places.get(&application_id).copied().unwrap_or(0);
        if all >= ALL || here >= OF_ONE || (here > 0 && more >= MORE) {
            return None;
        }
        taken.places.insert(application_id, here + 1);
        Some(Place { in_flight: self.clone(), application_id })
    }

    fn is_full(&self) -> bool {
        self.taken().all() >= ALL
    }

    /// Returns the applications in order, starting after the one whose turn was last.
    fn in_turn(&self, mut due: Vec<Key>) -> Vec<Key> {
        let last = self.taken().last;
        let begins = due.partition_point(|key| Some(*key) <= last);
        due.rotate_left(begins);
        due
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.in_flight.taken();
        match taken.places.get_mut(&self.application_id) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.places.remove(&self.application_id)),
        }
    }
}

/// Runs one round.
pub async fn run(app: Arc<App>, in_flight: InFlight) {
    if let Err(failure) = send(&app, &in_flight).await {
        tracing::warn!(%failure, "applications could not be told of sign-outs; the next round tries again");
    }
}

async fn send(app: &Arc<App>, in_flight: &InFlight) -> Result<(), Failure> {
    let now = app.clock.now();
    let mut reader = app.store.reader().await?;
    let due = logout_notice::due_applications(&mut reader, now).await?;
    for key in in_flight.in_turn(due) {
        if in_flight.is_full() {
            break;
        }
        let places: Vec<Place> = std::iter::from_fn(|| in_flight.take(key.1)).collect();
        if places.is_empty() {
            continue;
        }
        in_flight.taken().last = Some(key);
        let notices = logout_notice::due(&mut reader, key, now, places.len()).await?;
        for (notice, place) in notices.into_iter().zip(places) {
            let app = Arc::clone(app);
            tokio::spawn(async move {
                if let Err(failure) = tell(&app, notice).await {
                    tracing::warn!(%failure, "an application could not be told of a sign-out");
                }
                drop(place);
            });
        }
    }
    Ok(())
}

async fn tell(app: &App, notice: LogoutNotice) -> Result<(), Failure> {
    let pause = usize::try_from(notice.attempts).ok().and_then(|attempts| PAUSES.get(attempts));
    let last = pause.is_none();
    let next = app.clock.now().plus_secs(pause.copied().unwrap_or(60).max(LEASE));
    let claimed = notice.clone();
    let taken = app.store.write::<bool, Failure, _>(move |tx| {
        Box::pin(async move { Ok(logout_notice::claim(tx, &claimed, next).await?) })
    });
    if !taken.await? {
        return Ok(());
    }
    let mut reader = app.store.reader().await?;
    let found = application::find(&mut reader, notice.environment_id, notice.application_id).await?;
    drop(reader);
    let done = match &found {
        None => true,
        Some(application) => match post(app, &notice, application).await? {
            Told::Yes | Told::NotWanted => true,
            Told::Refused(why) => {
                tracing::warn!(application = %application.id, why, "an application refuses to be told of sign-outs");
                true
            }
            Told::NotYet(why) => {
                tracing::info!(application = %application.id, why, gives_up = last, "an application was not told of a sign-out");
                last
            }
        },
    };
    if done {
        app.store
            .write::<(), Failure, _>(move |tx| Box::pin(async move { Ok(logout_notice::delete(tx, &notice).await?) }))
            .await?;
    }
    Ok(())
}

enum Told {
    Yes,
    /// The application no longer gets logout notices.
    NotWanted,
    /// The application understood the request and refused it (§2.8).
    Refused(String),
    /// Worth retrying.
    NotYet(String),
}

async fn post(app: &App, notice: &LogoutNotice, application: &ConnectApplication) -> Result<Told, Failure> {
    let Some(environment) = app.environments().get(notice.environment_id).cloned() else { return Ok(Told::NotWanted) };
    let Some(uri) = logout_uri(application) else { return Ok(Told::NotWanted) };
    let issuer = &environment.environment.issuer;
    let reach = reach(environment.environment.kind, issuer);
    let target = match Target::parse(uri, reach) {
        Ok(target) => target,
        Err(error) => return Ok(Told::Refused(format!("backchannel_logout_uri {error}"))),
    };
    let now = app.clock.now();
    let sid = session_name(&app.keyring, notice.session_id, application.client_id);
    let jti = app.entropy.token_id(now)?;
    let aud = application.client_name();
    let claims = LogoutTokenClaims::new(issuer.as_str(), aud, &notice.subject, &sid, jti, now);
    let token = environment.delegated_signer.sign_logout(&claims).map_err(Failure::internal)?;
    let request = Request::post("/")
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
        .header(USER_AGENT, HeaderValue::from_static("Countersign"))
        .body(Full::new(Bytes::from(format!("logout_token={token}"))))
        .map_err(Failure::internal)?;
    Ok(match app.outbound.tell(&target, reach, request, LIMITS).await {
        // The specified status is 200 OK; some applications send 204 No Content, which is just as good.
        Ok(answer) if answer.status().is_success() => Told::Yes,
        Ok(answer) if answer.status() == StatusCode::BAD_REQUEST => {
            let said: String =
                String::from_utf8_lossy(answer.body()).chars().filter(|c| !c.is_control()).take(200).collect();
            Told::Refused(format!("400: {said}"))
        }
        Ok(answer) => Told::NotYet(answer.status().to_string()),
        Err(error) => Told::NotYet(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::id::{EnvironmentId, Id};

    #[test]
    fn every_application_has_a_place_whatever_the_others_take() {
        let in_flight = InFlight::default();
        let mut places = Vec::new();
        for number in 0..20 {
            while let Some(place) = in_flight.take(ApplicationId::from_ulid(number)) {
                places.push(place);
            }
        }
        assert_eq!(places.len(), 20 + MORE);
        let another = ApplicationId::from_ulid(99);
        let place = in_flight.take(another).unwrap();
        assert!(in_flight.take(another).is_none(), "no more than one while there is no room");
        drop(place);
        assert!(in_flight.take(another).is_some());
        drop(places);
        assert!(in_flight.taken().places.is_empty());
        let places: Vec<_> = std::iter::from_fn(|| in_flight.take(another)).collect();
        assert_eq!(places.len(), OF_ONE);
    }

    #[test]
    fn whose_turn_it_was_last_comes_last() {
        let in_flight = InFlight::default();
        let due: Vec<Key> =
            (0..4).map(|number| (EnvironmentId::from_ulid(1), ApplicationId::from_ulid(number))).collect();
        assert_eq!(in_flight.in_turn(due.clone()), due);
        in_flight.taken().last = Some(due[1]);
        assert_eq!(in_flight.in_turn(due.clone()), [due[2], due[3], due[0], due[1]]);
        in_flight.taken().last = Some(due[3]);
        assert_eq!(in_flight.in_turn(due.clone()), due);
        assert_eq!(in_flight.in_turn(Vec::new()), []);
    }
}
