//! Every route with every credential, and as the wrong person: generated from the OpenAPI document and from the routes of
//! the pages, so that none is forgotten.
//!
//! A new route needs an entry in `matrix/fixtures.rs`: a body, and for each id in its path something that belongs to
//! somebody. Without one these tests fail and say so.

mod fixtures;
mod routes;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::{Actor, send, start};
use fixtures::{Belongings, Person, body, fill, form};
use routes::{Route, documented, page_routes};

/// What came back, as far as admission goes. Streams are not read.
#[derive(Debug)]
struct Outcome {
    status: u16,
    code: String,
    detail: String,
    location: String,
}

async fn outcome(request: RequestBuilder) -> Outcome {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let location = response
        .headers()
        .get("location")
        .map(|value| value.to_str().unwrap().to_owned());
    let problem: Value = match status {
        400.. => serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default(),
        _ => Value::Null,
    };
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    Outcome {
        status,
        code: text("code"),
        detail: text("detail"),
        location: location.unwrap_or_default(),
    }
}

impl Outcome {
    /// Whether the guard, and not the handler, has said no.
    fn is_refused(&self) -> bool {
        let codes = ["unauthenticated", "session_revoked", "forbidden", "csrf_failed"];
        [401, 403].contains(&self.status) && codes.contains(&self.code.as_str())
    }

    fn is_nobody(&self) -> bool {
        self.status == 401 && self.detail.starts_with("Log in, or send an access token")
    }
}

fn request(actor: &Actor, route: &Route, ids: &Belongings) -> RequestBuilder {
    let mut request = actor.request(route.method.clone(), &fill(&route.path, ids));
    if let Some(csrf) = &actor.csrf {
        request = request.header("x-csrf-token", csrf);
    }
    match body(route) {
        Some(body) => request.json(&body),
        None => request,
    }
}

async fn drive(actor: &Actor, route: &Route) -> Outcome {
    outcome(request(actor, route, &Belongings::of_nobody())).await
}

#[tokio::test]
async fn ses_9_every_route_takes_the_credentials_that_it_declares_and_no_others() {
    let t = start().await;
    let routes = documented();
    assert!(routes.len() > 25, "the document lists the routes");
    for route in &routes {
        let anon = drive(&t.anon(), route).await;
        assert_eq!(anon.is_nobody(), !route.nobody, "{route} as nobody: {anon:?}");
        for (what, taken) in [("a cookie", route.cookie), ("a token", route.access_token)] {
            let person = Person::new(&t).await;
            let actor = if what == "a token" {
                &person.token
            } else {
                &person.browser
            };
            let found = drive(actor, route).await;
            match route.nobody {
                true => assert!(!found.is_nobody(), "{route} with {what}: {found:?}"),
                false => assert_eq!(found.is_refused(), !taken, "{route} with {what}: {found:?}"),
            }
        }
        if route.method != Method::GET {
            let person = Person::new(&t).await;
            let bare = drive(&person.without_csrf(), route).await;
            assert_eq!(bare.code, "csrf_failed", "{route} with a cookie alone: {bare:?}");
        }
    }
}

#[tokio::test]
async fn ses_9_every_route_takes_api_keys_with_its_scopes_or_none() {
    let t = start().await;
    let all = parlor_server::features::api_keys::Scope::ALL
        .iter()
        .map(|scope| scope.as_str());
    let all: Vec<&str> = all.collect();
    let mut taking = 0;
    for route in documented().iter().filter(|route| !route.nobody) {
        let person = Person::new(&t).await;
        let full = person.key(&all).await;
        let Some(needed) = &route.api_key else {
            for actor in [t.anon().with_token(&full), person.with_key_header(&full)] {
                let refused = drive(&actor, route).await;
                assert_eq!(
                    (refused.status, &*refused.code),
                    (403, "forbidden"),
                    "{route}: {refused:?}"
                );
                assert_eq!(refused.detail, "An API key cannot do this. Log in.", "{route}");
            }
            continue;
        };
        taking += 1;
        let others: Vec<&str> = all
            .iter()
            .copied()
            .filter(|scope| !needed.contains(&(*scope).to_owned()))
            .collect();
        let unfit = person.key(&others).await;
        let refused = drive(&t.anon().with_token(&unfit), route).await;
        assert_eq!(
            (refused.status, &*refused.code),
            (403, "forbidden"),
            "{route}: {refused:?}"
        );
        assert!(
            refused.detail.contains(&needed[0]),
            "{route} names what is missing: {refused:?}"
        );
        let only: Vec<&str> = needed.iter().map(String::as_str).collect();
        let fit = person.key(&only).await;
        let admitted = drive(&t.anon().with_token(&fit), route).await;
        assert!(!admitted.is_refused(), "{route} with {only:?}: {admitted:?}");
        let admitted = drive(&person.with_key_header(&full), route).await;
        assert!(!admitted.is_refused(), "{route} with X-API-Key: {admitted:?}");
    }
    assert!(taking >= 15, "keys are good for something: {taking}");
}

#[tokio::test]
async fn ses_11_garbage_and_what_was_ended_opens_no_route() {
    let t = start().await;
    let ended = Person::new(&t).await;
    let key = ended
        .key(&[
            "chats:read",
            "chats:write",
            "memories:read",
            "memories:write",
            "account:read",
        ])
        .await;
    ended.end_everything(&t).await;
    let fake = format!("{}{}", &key[..60], "0000");
    let garbage: [(&str, Actor); 8] = [
        ("a token of nonsense", t.anon().with_token("nonsense")),
        (
            "a token without a signature",
            t.anon().with_token("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."),
        ),
        ("a key that is none", t.anon().with_token("prl_nonsense")),
        ("a key with a wrong checksum", t.anon().with_token(&fake)),
        (
            "a cookie of nonsense",
            t.anon().with_cookie("parlor_session=nonsense", Some("nonsense")),
        ),
        ("an ended session's token", ended.token.clone()),
        ("an ended session's cookie", ended.browser.clone()),
        ("a revoked key", t.anon().with_token(&key)),
    ];
    for route in documented().iter().filter(|route| !route.nobody) {
        for (what, actor) in &garbage {
            let refused = drive(actor, route).await;
            assert_eq!(refused.status, 401, "{route} with {what}: {refused:?}");
        }
        for value in ["nonsense", &fake, &key, ""] {
            let asked = request(&t.anon(), route, &Belongings::of_nobody()).header("x-api-key", value);
            let refused = outcome(asked).await;
            assert_eq!(refused.status, 401, "{route} with X-API-Key {value:?}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn ses_13_nobody_reaches_what_is_somebody_elses() {
    let t = start().await;
    let (ada, bob) = (Person::new(&t).await, Person::new(&t).await);
    let hers = Belongings::of(&ada).await;
    let key = bob
        .key(&[
            "chats:read",
            "chats:write",
            "memories:read",
            "memories:write",
            "account:read",
        ])
        .await;
    let before = hers.seen_by(&ada).await;
    let mut driven = 0;
    for route in documented().iter().filter(|route| fixtures::is_owned(&route.path)) {
        let mut actors = vec![("cookie", bob.browser.clone()), ("token", bob.token.clone())];
        if route.api_key.is_some() {
            actors.push(("key", t.anon().with_token(&key)));
        }
        for (what, actor) in actors {
            for accept in ["application/json", "text/event-stream"] {
                let asked = request(&actor, route, &hers).header("accept", accept);
                let found = outcome(asked).await;
                assert_eq!(
                    (found.status, &*found.code),
                    (404, "not_found"),
                    "{route} with {what}: {found:?}"
                );
            }
        }
        assert_eq!(
            hers.seen_by(&ada).await,
            before,
            "{route} has changed what is not theirs"
        );
        driven += 1;
    }
    assert!(driven >= 12, "{driven}");
    // The owner reaches all of it, or this test means nothing.
    let own = documented()
        .into_iter()
        .filter(|route| fixtures::is_owned(&route.path) && route.method == Method::GET);
    for route in own {
        let found = outcome(request(&ada.token, &route, &hers)).await;
        assert_eq!(found.status, 200, "{route} as its owner: {found:?}");
    }
}

#[tokio::test]
async fn ses_12_every_page_sends_a_stranger_to_the_login_and_takes_cookies_alone() {
    let t = start().await;
    let person = Person::new(&t).await;
    let key = person.key(&["account:read"]).await;
    let pages: Vec<Route> = page_routes().into_iter().filter(|route| !route.nobody).collect();
    assert!(pages.len() > 12, "{pages:?}");
    for route in &pages {
        let path = fill(&route.path, &Belongings::of_nobody());
        let ask = |actor: &Actor| {
            let request = actor.request(route.method.clone(), &path).header("accept", "text/html");
            if route.method == Method::GET {
                request
            } else {
                request.form(&form(None))
            }
        };
        let stranger = outcome(ask(&t.anon())).await;
        if route.method == Method::GET {
            assert_eq!(stranger.status, 303, "{route}");
            assert!(
                stranger.location.starts_with("/en/login?next=%2Fen%2F"),
                "{route}: {stranger:?}"
            );
        } else {
            assert_eq!(stranger.status, 401, "{route}");
        }
        for actor in [person.token.clone(), t.anon().with_token(&key)] {
            assert_eq!(outcome(ask(&actor)).await.status, 403, "{route} takes cookies alone");
        }
    }
}

#[tokio::test]
async fn ses_13_pages_of_somebody_else_are_not_found() {
    let t = start().await;
    let (ada, bob) = (Person::new(&t).await, Person::new(&t).await);
    let hers = Belongings::of(&ada).await;
    let before = hers.seen_by(&ada).await;
    let pages: Vec<Route> = page_routes()
        .into_iter()
        .filter(|route| fixtures::is_owned(&route.path))
        .collect();
    assert!(pages.len() >= 9, "{pages:?}");
    for route in &pages {
        let ask = async |ids: &Belongings| {
            let asked = bob.browser.request(route.method.clone(), &fill(&route.path, ids));
            let asked = match route.method {
                Method::GET => asked,
                _ => asked.form(&form(bob.browser.csrf.as_deref())),
            };
            send(asked).await.status.as_u16()
        };
        let (found, nothing) = (ask(&hers).await, ask(&Belongings::of_nobody()).await);
        // Where a form may be sent twice, the page goes on as if it were done: alike for what exists nowhere.
        assert!(
            found == nothing && [404, 303].contains(&found),
            "{route}: {found}, {nothing}"
        );
        assert_eq!(
            hers.seen_by(&ada).await,
            before,
            "{route} has changed what is not theirs"
        );
    }
    let own = pages.iter().filter(|route| route.method == Method::GET);
    for route in own {
        ada.browser.get(&fill(&route.path, &hers)).await.expect(200);
    }
}
