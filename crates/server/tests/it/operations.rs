use reqwest::Method;

use crate::support::{send, start};

#[tokio::test]
async fn obs_6_the_probes_answer_without_an_account() {
    let t = start().await;
    t.anon().get("/live").await.expect(200);
    let ready = t.anon().get("/ready").await.expect(200).json();
    assert_eq!(ready["ready"], true);
    let health = t.anon().get("/health").await.expect(200).json();
    assert_eq!(health["status"], "healthy");
    for component in health["components"].as_array().unwrap() {
        assert!(
            ["healthy", "disabled"].contains(&component["status"].as_str().unwrap()),
            "{component}"
        );
    }
    t.app.stopping.cancel();
}

#[tokio::test]
async fn obs_7_metrics_are_for_this_machine() {
    parlor_server::telemetry::metrics::start();
    let t = start().await;
    t.anon().get("/live").await.expect(200);
    let metrics = t.anon().get("/metrics").await.expect(200).text;
    assert!(metrics.contains("parlor_http_requests_total{"), "{metrics}");
    assert!(metrics.contains("route=\"/live\""), "{metrics}");
    let through_a_proxy = t
        .anon()
        .request(Method::GET, "/metrics")
        .header("x-forwarded-for", "203.0.113.9");
    send(through_a_proxy).await.expect(404);
}

#[tokio::test]
async fn obs_7_with_a_token_only_the_token_counts() {
    let t = crate::support::start_configured(parlor_llm::Scripted::new(), |config| {
        config.telemetry.metrics_token = parlor_server::config::Secret::new("scrape-me".to_owned());
    })
    .await;
    t.anon().get("/metrics").await.expect(404);
    t.anon().with_token("wrong").get("/metrics").await.expect(404);
    t.anon().with_token("scrape-me").get("/metrics").await.expect(200);
}
