//! Callers are told, in whichever runtime they wait.

use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};

use super::{open, put, value};
use crate::{SledStore, Store};

/// More than are told one by one, in groups of as many as come.
const WRITERS: u64 = 200;

fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

async fn write_and_read(store: &Arc<SledStore>) {
    for _ in 0..5 {
        let writing: Vec<_> = (0..WRITERS).map(|n| store.commit(put(n, b"told"))).collect();
        for written in writing {
            written.await.unwrap();
        }
    }
    for number in 0..WRITERS {
        assert_eq!(value(&**store, number).await, Ok(Some(b"told".to_vec())));
    }
    store.close().await.unwrap();
}

#[test]
fn callers_are_told_in_the_runtime_of_the_store() {
    let directory = tempfile::tempdir().unwrap();
    threads().block_on(async {
        let store = open(directory.path());
        write_and_read(&store).await;
    });
}

#[test]
fn callers_are_told_after_the_runtime_of_the_store_has_ended() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = threads();
    let store = {
        let _inside = runtime.enter();
        open(directory.path())
    };
    drop(runtime);
    threads().block_on(write_and_read(&store));
}

#[test]
fn callers_are_told_where_the_runtime_of_the_store_stands_still() {
    let directory = tempfile::tempdir().unwrap();
    let still = Builder::new_current_thread().build().unwrap();
    let store = {
        let _inside = still.enter();
        assert!(Handle::try_current().is_ok());
        open(directory.path())
    };
    threads().block_on(write_and_read(&store));
    drop(still);
}
