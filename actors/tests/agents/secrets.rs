//! What must not be seen: secrets and tokens are in no row, and no value that is printed shows one.

use crate::cashiers::{packet, register};
use crate::world::World;
use storage::{Key, Scan, Store};

#[tokio::test]
async fn neither_an_agents_secret_nor_a_users_token_is_in_any_row() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let registered = register(&world, &agent, &key, &packet(&world, &agent, &key))
        .await
        .unwrap();
    let secret = agent.secret.as_ref().unwrap().expose().to_owned();
    let token = registered.token.0.clone();
    let mut rows = 0;
    for table in [
        "agent",
        "agent-key",
        "agreement",
        "account",
        "cashier",
        "user-token",
    ] {
        let scan = Scan::of(Key::table(table).build());
        for row in world.store.scan(scan).await.unwrap() {
            rows += 1;
            let text = String::from_utf8_lossy(&row.stored.value).into_owned();
            for hidden in [&secret, &secret["cas_".len()..].to_owned(), &token] {
                assert!(!text.contains(hidden.as_str()), "in a row of {table}");
            }
        }
    }
    assert!(rows >= 8, "every table was looked at: {rows}");
    let record = world.agents.book().agent(agent.id).unwrap();
    for printed in [
        format!("{record:?}"),
        format!("{registered:?}"),
        format!("{:?}", agent.secret),
    ] {
        assert!(
            !printed.contains(&secret) && !printed.contains(&token),
            "{printed}"
        );
    }
}
