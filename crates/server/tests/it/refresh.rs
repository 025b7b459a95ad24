//! Refresh tokens: what a replay, a lost answer and many tabs lead to.

use std::time::Duration;

use parlor_db::{
    entities::{audit_events, mails, sessions},
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};
use parlor_llm::Scripted;
use proptest::{prelude::*, test_runner::TestRunner};
use reqwest::Method;
use serde_json::json;

use crate::support::{Actor, Answer, PASSWORD, TestApp, node::Node, send, start, start_configured};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

async fn refresh(anon: &Actor, token: &str) -> Answer {
    anon.post("/api/v1/auth/refresh", &json!({ "refresh_token": token }))
        .await
}

/// The next pair: access token, refresh token.
async fn pair(anon: &Actor, token: &str) -> (String, String) {
    let body = refresh(anon, token).await.expect(200).json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn alerts(t: &TestApp) -> (u64, u64) {
    let db = t.app.db.write();
    let mails = mails::Entity::find().filter(mails::Column::Kind.eq("session_ended_for_safety"));
    let events = audit_events::Entity::find().filter(audit_events::Column::Action.eq("session.ended_for_safety"));
    (mails.count(db).await.unwrap(), events.count(db).await.unwrap())
}

fn reused() -> (u16, String) {
    (401, "refresh_token_reused".to_owned())
}

fn ended() -> (u16, String) {
    (401, "session_revoked".to_owned())
}

#[tokio::test]
async fn ses_8_a_token_is_exchanged_for_the_next() {
    let t = start().await;
    let ada = t.user("ada").await;
    let first = ada.refresh_token.clone().unwrap();
    let (access, second) = pair(&t.anon(), &first).await;
    assert_ne!(first, second);
    assert_eq!(second.len(), 43, "256 bits");
    t.anon().with_token(&access).get("/api/v1/me").await.expect(200);
    let (_, third) = pair(&t.anon(), &second).await;
    assert!(third != first && third != second);
    for not_one in ["nonsense", access.as_str()] {
        let answer = refresh(&t.anon(), not_one).await;
        assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()));
    }
    assert_eq!(alerts(&t).await, (0, 0));
}

#[tokio::test]
async fn ses_8_a_lost_answer_is_given_again() {
    let t = start().await;
    let ada = t.user("ada").await;
    let first = ada.refresh_token.clone().unwrap();
    let (_, lost) = pair(&t.anon(), &first).await;
    t.clock.advance(SECOND * 8);
    let (access, again) = pair(&t.anon(), &first).await;
    assert_eq!(lost, again, "the same next token");
    t.anon().with_token(&access).get("/api/v1/me").await.expect(200);
    pair(&t.anon(), &again).await;
    assert_eq!(alerts(&t).await, (0, 0));
}

#[tokio::test]
async fn ses_8_ten_tabs_at_once_stay_logged_in() {
    let t = start().await;
    let ada = t.user("ada").await;
    let second_node = Node::beside(&t).await;
    let anons = [t.anon(), second_node.as_ref().map_or_else(|| t.anon(), Node::anon)];
    let mut token = ada.refresh_token.clone().unwrap();
    for _ in 0..5 {
        let tabs = (0..10).map(|tab| pair(&anons[tab % 2], &token));
        let pairs = futures_util::future::join_all(tabs).await;
        for (access, next) in &pairs {
            assert_eq!(next, &pairs[0].1, "all have the same next token");
            t.anon().with_token(access).get("/api/v1/me").await.expect(200);
        }
        token = pairs[0].1.clone();
    }
    assert_eq!(alerts(&t).await, (0, 0));
}

#[tokio::test]
async fn ses_8_a_replay_after_the_grace_ends_the_session_and_tells_its_person_once() {
    let t = start().await;
    let ada = t.user("ada").await;
    let elsewhere = t.anon().log_in("ada@example.org").await;
    let first = ada.refresh_token.clone().unwrap();
    let (access, second) = pair(&t.anon(), &first).await;
    let renewed = t.anon().with_token(&access);
    t.clock.advance(SECOND * 11);
    renewed.get("/api/v1/me").await.expect(200);
    // A thief with many hands.
    let replays = (0..5).map(async |_| refresh(&t.anon(), &first).await.problem());
    let replays = futures_util::future::join_all(replays).await;
    assert!(replays.iter().all(|replay| *replay == reused()), "{replays:?}");
    assert_eq!(renewed.get("/api/v1/me").await.problem(), ended());
    assert_eq!(refresh(&t.anon(), &second).await.problem(), ended());
    assert_eq!(alerts(&t).await, (1, 1), "one mail, one event");
    elsewhere.get("/api/v1/me").await.expect(200);
    let rows = sessions::Entity::find().all(t.app.db.write()).await.unwrap();
    let reasons: Vec<_> = rows.into_iter().filter_map(|row| row.revoked_reason).collect();
    assert_eq!(reasons, ["refresh_token_reused"]);
}

#[tokio::test]
async fn ses_8_a_replay_whose_child_was_used_ends_the_session_also_within_the_grace() {
    let t = start().await;
    let ada = t.user("ada").await;
    let first = ada.refresh_token.clone().unwrap();
    let (_, second) = pair(&t.anon(), &first).await;
    let (access, third) = pair(&t.anon(), &second).await;
    assert_eq!(refresh(&t.anon(), &first).await.problem(), reused());
    let renewed = t.anon().with_token(&access);
    assert_eq!(renewed.get("/api/v1/me").await.problem(), ended());
    assert_eq!(refresh(&t.anon(), &third).await.problem(), ended());
    assert_eq!(alerts(&t).await, (1, 1));
}

#[tokio::test]
async fn ses_8_without_a_grace_each_token_works_once() {
    let t = start_configured(Scripted::new(), |config| config.sessions.refresh_grace_s = 0).await;
    let ada = t.user("ada").await;
    let first = ada.refresh_token.clone().unwrap();
    pair(&t.anon(), &first).await;
    t.clock.advance(Duration::from_millis(1));
    assert_eq!(refresh(&t.anon(), &first).await.problem(), reused());
}

#[tokio::test]
async fn ses_8_refreshing_does_not_outlive_the_session() {
    let t = start_configured(Scripted::new(), |config| config.sessions.idle_days = 300).await;
    let ada = t.user("ada").await;
    let mut token = ada.refresh_token.clone().unwrap();
    for _ in 0..29 {
        t.clock.advance(DAY);
        token = pair(&t.anon(), &token).await.1;
    }
    t.clock.advance(DAY);
    assert_eq!(refresh(&t.anon(), &token).await.problem(), ended());
}

#[derive(Clone, Debug)]
enum Step {
    /// Presents the token that is so many back from the newest.
    Present(usize),
    Wait(u64),
    LogOut,
}

const GRACE: u64 = 100;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..4_usize).prop_map(Step::Present),
        // Far enough from the grace's end that the time that the test itself takes does not matter.
        3 => prop_oneof![Just(40), Just(140)].prop_map(Step::Wait),
        1 => Just(Step::LogOut),
    ];
    proptest::collection::vec(step, 1..14)
}

/// What the rules say, in as few words as they can be said.
struct Model {
    now: u64,
    alive: bool,
    /// When each token was used; the child of each is the next.
    used: Vec<Option<u64>>,
}

impl Model {
    fn present(&mut self, at: usize) -> Result<usize, &'static str> {
        let Some(used) = self.used[at] else {
            if !self.alive {
                return Err("session_revoked");
            }
            self.used[at] = Some(self.now);
            self.used.push(None);
            return Ok(at + 1);
        };
        if self.used[at + 1].is_some() || self.now - used > GRACE {
            self.alive = false;
            return Err("refresh_token_reused");
        }
        if self.alive { Ok(at + 1) } else { Err("session_revoked") }
    }
}

/// A session of somebody who can also log out, however old their access token is.
async fn log_in(t: &TestApp) -> (String, reqwest::RequestBuilder) {
    let account = json!({ "email": "ada@example.org", "password": PASSWORD });
    let login = t
        .anon()
        .request(Method::POST, "/api/v1/auth/login")
        .header("x-session", "cookie");
    let answer = send(login.json(&account)).await.expect(200);
    let cookies = answer.headers.get_all("set-cookie").iter();
    let mut cookies = cookies.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned());
    let cookie = cookies.find(|line| line.starts_with("parlor_session=")).unwrap();
    let body = answer.json();
    let out = t
        .anon()
        .request(Method::POST, "/api/v1/auth/logout")
        .header("cookie", cookie)
        .header("x-csrf-token", body["csrf_token"].as_str().unwrap());
    (body["refresh_token"].as_str().unwrap().to_owned(), out)
}

async fn run(t: &TestApp, steps: &[Step]) {
    let (first, out) = log_in(t).await;
    let mut tokens = vec![first];
    let mut model = Model {
        now: 0,
        alive: true,
        used: vec![None],
    };
    for step in steps {
        match step {
            Step::Wait(seconds) => {
                model.now += seconds;
                t.clock.advance(Duration::from_secs(*seconds));
            }
            Step::LogOut => {
                let status = send(out.try_clone().unwrap()).await.status.as_u16();
                assert_eq!(status, if model.alive { 204 } else { 401 }, "{steps:?}");
                model.alive = false;
            }
            Step::Present(back) => {
                let at = tokens.len().saturating_sub(1 + back);
                let answer = refresh(&t.anon(), &tokens[at]).await;
                match model.present(at) {
                    Ok(child) => {
                        let body = answer.expect(200).json();
                        let next = body["refresh_token"].as_str().unwrap();
                        assert!(
                            child < tokens.len() || !tokens.iter().any(|old| old == next),
                            "{steps:?}"
                        );
                        if child == tokens.len() {
                            tokens.push(next.to_owned());
                        }
                        assert_eq!(next, tokens[child], "{steps:?}");
                        let me = t.anon().with_token(body["access_token"].as_str().unwrap());
                        me.get("/api/v1/me").await.expect(200);
                    }
                    Err(code) => assert_eq!(answer.problem(), (401, code.to_owned()), "{steps:?}"),
                }
            }
        }
    }
}

#[test]
fn ses_8_any_order_of_steps_does_what_the_model_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let t = runtime.block_on(async {
        let t = start_configured(Scripted::new(), |config| {
            config.sessions.refresh_grace_s = u32::try_from(GRACE).unwrap();
            config.passwords.argon2_memory_kib = 19_456;
        })
        .await;
        t.user("ada").await;
        t
    });
    let config = ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(run(&t, &steps));
            Ok(())
        })
        .unwrap();
}
