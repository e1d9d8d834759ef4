//! TLS on the agents' listener, which has certificates of its own and asks agents for none.

use super::face::{SESSION, enrolled_by};
use super::world::{World, answered, client};
use crate::tls::Authority;
use signing_protocol::routes;

fn trusting(authority: &Authority) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
    builder.build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_enrols_and_polls_over_tls_and_nothing_is_said_in_the_clear() {
    let authority = Authority::new();
    let issued = authority.issue("127.0.0.1");
    let files = tempfile::tempdir().unwrap();
    let (certificate, key) = (files.path().join("agents.pem"), files.path().join("agents.key"));
    std::fs::write(&certificate, issued.certificate).unwrap();
    std::fs::write(&key, issued.key).unwrap();
    let mut world = World::with(|config| {
        config.agents.tls_certificate_file = Some(certificate);
        config.agents.tls_key_file = Some(key);
    })
    .await;
    let plain = world.agents.clone();
    world.agents = plain.replace("http://", "https://");

    let agent = trusting(&authority);
    let secret = enrolled_by(&world, &agent).await;
    let poll = |base: &str| format!("{base}{}?wait=0&{SESSION}", routes::SIGNATURE_REQUESTS);
    let polled = answered(agent.get(poll(&world.agents)).bearer_auth(secret.expose())).await;
    assert_eq!(polled.0, 204, "{}", polled.1);

    let stranger = trusting(&Authority::new()).get(poll(&world.agents)).send().await;
    assert!(
        stranger.unwrap_err().is_connect(),
        "an agent that trusts another authority goes away"
    );
    let in_the_clear = client().get(poll(&plain)).bearer_auth("cas_unknown").send().await;
    assert!(
        in_the_clear.is_err(),
        "no HTTP without TLS is answered there: {in_the_clear:?}"
    );
    let partner = client()
        .get(format!("{}/openapi.json", world.public))
        .send()
        .await;
    assert_eq!(
        partner.unwrap().status(),
        200,
        "the partners' listener is another one"
    );
    world.stop().await;
}
