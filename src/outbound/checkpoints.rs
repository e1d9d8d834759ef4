//! Checkpoints on their way out: into files, to webhooks. The note is signed, so that neither needs a secret.

use super::http_client::plain;
use actors::directory::SinkTarget;
use actors::evidence::CheckpointSink;
use futures_util::future::BoxFuture;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a webhook may take. The next round tries again.
const DEADLINE: Duration = Duration::from_secs(10);

/// Carries checkpoints out.
pub struct Checkpoints {
    client: reqwest::Client,
    directory: Option<PathBuf>,
}

impl Checkpoints {
    /// Files go into `directory`; without it none are written.
    pub fn new(client: reqwest::Client, directory: Option<PathBuf>) -> Self {
        Self { client, directory }
    }
}

impl CheckpointSink for Checkpoints {
    fn push<'a>(&'a self, target: &'a SinkTarget, note: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            match (target, &self.directory) {
                (SinkTarget::File(_), None) => Err("evidence.sink_directory is not set".to_owned()),
                (SinkTarget::File(name), Some(directory)) => {
                    let (directory, name, note) = (directory.clone(), name.clone(), note.to_owned());
                    let written = tokio::task::spawn_blocking(move || append(&directory, &name, &note)).await;
                    written
                        .map_err(|error| error.to_string())?
                        .map_err(|error| error.to_string())
                }
                (SinkTarget::Webhook(url), _) => {
                    let request = self.client.post(url).timeout(DEADLINE);
                    let request = request.header("content-type", "text/plain; charset=utf-8");
                    let answer = request.body(note.to_owned()).send().await.map_err(plain)?;
                    let status = answer.status();
                    if status.is_success() {
                        Ok(())
                    } else {
                        Err(format!("it answered {status}"))
                    }
                }
            }
        })
    }
}

/// Appends, and syncs: earlier checkpoints are what later ones are held against. A blank line stands between two.
fn append(directory: &Path, name: &str, note: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(directory.join(name))?;
    file.write_all(format!("{note}\n").as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_takes_one_checkpoint_behind_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let sink = Checkpoints::new(reqwest_client(), Some(directory.path().join("made")));
        let target = SinkTarget::File("log".to_owned());
        for note in ["first\n", "second\n"] {
            sink.push(&target, note).await.unwrap();
        }
        let text = std::fs::read_to_string(directory.path().join("made/log")).unwrap();
        assert_eq!(text, "first\n\nsecond\n\n");
        let without = Checkpoints::new(reqwest_client(), None);
        assert!(
            without
                .push(&target, "x")
                .await
                .unwrap_err()
                .contains("sink_directory")
        );
        let nowhere = SinkTarget::Webhook("http://127.0.0.1:1/x".to_owned());
        assert!(without.push(&nowhere, "x").await.is_err());
    }

    fn reqwest_client() -> reqwest::Client {
        crate::outbound::client().unwrap()
    }
}
