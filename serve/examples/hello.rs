//! The least that `serve` can do: `cargo run --release -p serve --example hello -- 8080` answers every GET with `Hello`.
//! Benchmarks use it as the rival that does nothing.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serve::{Face, Head, Limits, Refusal, Server};
use tokio::net::TcpListener;
use warp::Filter as _;

struct Bare;

impl Face for Bare {
    fn refuse(&self, _head: &Head, refusal: Refusal) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        *response.status_mut() = refusal.status();
        response
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args()
        .nth(1)
        .ok_or("usage: hello PORT (0 takes a free one)")?
        .parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    let routes = warp::get().map(|| "Hello");
    let server = Server::new(listener, warp::service(routes), Arc::new(Bare), Limits::default());
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without the signal's handler the process is ended from outside.
            std::future::pending::<()>().await;
        }
    };
    let report = server.run(interrupted).await;
    writeln!(
        std::io::stdout(),
        "finished {}, cut {}",
        report.finished,
        report.cut
    )?;
    Ok(())
}
