//! Where the gateway listens: partners, signing agents, administrators.

use crate::config::{Config, Limits};
use crate::http::{self, Gateway, GatewayFace, HttpMetrics};
use signing_protocol::routes::POLL_WAIT_SECONDS_MAX;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where it listens; bound already, so that port 0 is known.
pub struct Listeners {
    /// For partners.
    pub public: TcpListener,
    /// For signing agents; none: they are not served.
    pub agents: Option<TcpListener>,
    /// For administrators, metrics and probes.
    pub admin: TcpListener,
}

/// What a held poll is given beyond its wait before it counts as stuck.
const POLL_MARGIN_SECONDS: u64 = 10;

/// One listener that serves.
pub(crate) struct Listening {
    stop: watch::Sender<bool>,
    server: JoinHandle<serve::DrainReport>,
}

impl Listening {
    fn start<S, B>(server: serve::Server<S>) -> Self
    where
        S: tower_service::Service<
                ::http::Request<serve::Body>,
                Response = ::http::Response<B>,
                Error = std::convert::Infallible,
            > + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: http_body_util::BodyExt<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (stop, mut stopped) = watch::channel(false);
        let told = async move {
            // An error means that nobody can tell any more, which is as good as being told.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        Self {
            stop,
            server: tokio::spawn(server.run(told)),
        }
    }

    /// Accepts no more.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Completes when everything in flight has ended; none where the listener ended badly.
    pub(crate) async fn ended(&mut self) -> Option<serve::DrainReport> {
        (&mut self.server).await.ok()
    }
}

/// All of them.
pub(crate) struct Servers {
    pub(crate) public: Listening,
    pub(crate) agents: Option<Listening>,
    pub(crate) admin: Listening,
}

impl Servers {
    /// Serves.
    ///
    /// # Errors
    /// A sentence: a certificate that cannot be used.
    pub(crate) fn start(
        config: &Config,
        gateway: &Gateway,
        metrics: &HttpMetrics,
        listeners: Listeners,
    ) -> Result<Self, String> {
        let limits = limits(&config.limits);
        let face = |name| Arc::new(GatewayFace::new(name, metrics.clone()));
        let tls = |option: &str, certificate: &_, key: &_, ca: Option<&_>, required| {
            let (Some(certificate), Some(key)): (&Option<std::path::PathBuf>, &Option<_>) =
                (certificate, key)
            else {
                return Ok(None);
            };
            let tls = serve::Tls::from_pem_files(certificate, key, ca, required);
            tls.map(Some).map_err(|error| format!("TLS of {option}: {error}"))
        };
        let public = &config.public;
        let mut server = serve::Server::new(
            listeners.public,
            http::service(http::public(gateway)),
            face("public"),
            limits.clone(),
        );
        if let Some(tls) = tls(
            "public",
            &public.tls_certificate_file,
            &public.tls_key_file,
            public.tls_client_ca_file.as_deref(),
            public.tls_client_certificate_required,
        )? {
            server = server.tls(tls);
        }
        let public = Listening::start(server);
        let agents = match listeners.agents {
            None => None,
            Some(listener) => {
                let limits = agents_limits(&limits);
                let server = serve::Server::new(
                    listener,
                    http::service(http::agents(gateway)),
                    face("agents"),
                    limits,
                );
                let settings = &config.agents;
                let tls = tls(
                    "agents",
                    &settings.tls_certificate_file,
                    &settings.tls_key_file,
                    None,
                    false,
                )?;
                Some(Listening::start(match tls {
                    Some(tls) => server.tls(tls),
                    None => server,
                }))
            }
        };
        let admin = serve::Server::new(
            listeners.admin,
            http::service(http::admin(gateway)),
            face("admin"),
            limits,
        );
        Ok(Self {
            public,
            agents,
            admin: Listening::start(admin),
        })
    }

    /// Completes when one of them ends by itself, and says which.
    pub(crate) async fn failed(&mut self) -> String {
        let agents = async {
            match &mut self.agents {
                Some(agents) => drop(agents.ended().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.public.ended() => "the public listener ended",
            () = agents => "the agents' listener ended",
            _ = self.admin.ended() => "the administrators' listener ended",
        }
        .to_owned()
    }
}

/// Held polls end by themselves: the hold must be longer than the longest of them.
fn agents_limits(limits: &serve::Limits) -> serve::Limits {
    let longest_poll = Duration::from_secs(u64::from(POLL_WAIT_SECONDS_MAX) + POLL_MARGIN_SECONDS);
    serve::Limits {
        hold_max: limits.hold_max.max(longest_poll),
        ..limits.clone()
    }
}

fn limits(limits: &Limits) -> serve::Limits {
    let defaults = serve::Limits::default();
    serve::Limits {
        connections_max: if limits.connections_max == 0 {
            defaults.connections_max
        } else {
            limits.connections_max
        },
        in_flight_max: limits.in_flight_max,
        header_timeout: Duration::from_secs(limits.header_seconds),
        hold_max: Duration::from_secs(limits.hold_seconds),
        upload_max: Duration::from_secs(limits.upload_seconds),
        keep_alive_idle: Duration::from_secs(limits.keep_alive_seconds),
        drain_deadline: Duration::from_secs(limits.shutdown_seconds),
        ..defaults
    }
}
