//! From a configuration to a service that listens, and to its end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::book::Book;
use crate::config::Config;
use crate::environment::Nonsense;
use crate::guard::Guard;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::service::Service;
use crate::store::Store;
use crate::{ffmpeg, routes, scheduler};

/// ffmpegs and answers that are under way have this long each when the service ends.
const LAST_MOMENTS: Duration = Duration::from_secs(3);
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// A write to a file that may not grow any more brings this signal, whose default is to end us.
const SIGXFSZ: i32 = 25;

struct Ending {
    terminated: Signal,
    interrupted: Signal,
    _file_too_large: Signal,
}

impl Ending {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminated: signal(SignalKind::terminate())?,
            interrupted: signal(SignalKind::interrupt())?,
            _file_too_large: signal(SignalKind::from_raw(SIGXFSZ))?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminated.recv() => {}
            _ = self.interrupted.recv() => {}
        }
    }
}

/// Serves until it is asked to end, also while it starts.
pub async fn serve(config: Config, guard: Guard, logs: &Logs) -> Result<(), Nonsense> {
    let mut ending = Ending::new().map_err(|error| Nonsense::new("PORT", error))?;
    let (service, listener) = tokio::select! {
        started = start(config, Arc::new(guard)) => started?,
        () = ending.asked() => return Ok(()),
    };
    let address = listener.local_addr().map_err(|error| Nonsense::new("PORT", error))?;
    let (port, ip) = (address.port(), address.ip().to_string());
    tracing::info!(port, address = ip, version = env!("CARGO_PKG_VERSION"), "listening");

    let connections = TaskTracker::new();
    let last_words = CancellationToken::new();
    let router = routes::router(service.clone());
    tokio::spawn(scheduler::run(service.clone()));
    let clean = service.clone();
    tokio::spawn(async move { clean.keep_clean().await });
    tokio::select! {
        () = accept(&listener, &router, &service, &connections, &last_words) => {}
        () = ending.asked() => {}
    }
    tracing::info!("stopping");
    drop(listener);
    service.stopping.cancel();
    service.end_all(LAST_MOMENTS).await;
    last_words.cancel();
    connections.close();
    let in_time = timeout(LAST_MOMENTS, connections.wait()).await.is_ok();
    tracing::info!(connections_cut = !in_time, "stopped");
    logs.flush();
    Ok(())
}

async fn start(config: Config, guard: Arc<Guard>) -> Result<(Arc<Service>, TcpListener), Nonsense> {
    let data_dir = config.data_dir.clone();
    let store = tokio::task::spawn_blocking(move || Store::open(&data_dir))
        .await
        .map_err(|error| Nonsense::new("DATA_DIR", error))?
        .map_err(|error| Nonsense::new("DATA_DIR", error))?;
    let ffmpeg_version = ffmpeg::version(&config.ffmpeg, &guard)
        .await
        .map_err(|error| Nonsense::new("FFMPEG", error))?;
    let address = SocketAddr::new(config.bind, config.port);
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let variable =
            if error.kind() == std::io::ErrorKind::AddrNotAvailable { "BIND" } else { "PORT" };
        Nonsense::new(variable, error)
    })?;
    let service = Service {
        config,
        store,
        book: Book::default(),
        metrics: Metrics::default(),
        guard,
        ffmpeg_version,
        stopping: CancellationToken::new(),
    };
    Ok((Arc::new(service), listener))
}

async fn accept(
    listener: &TcpListener,
    router: &Router,
    service: &Service,
    connections: &TaskTracker,
    last_words: &CancellationToken,
) {
    let stall_timeout = service.config.stall_timeout;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let talk = talk(stream, router.clone(), stall_timeout, last_words.clone());
                connections.spawn(talk);
            }
            // No descriptor is left, or the client has gone already.
            Err(error) => {
                tracing::warn!(error = %error, "not_accepted");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

/// One connection. A head that does not come whole in time ends it, and so does, by the kernel's own
/// clock, a client that does not read its answer.
async fn talk(
    stream: TcpStream,
    router: Router,
    stall_timeout: Duration,
    last_words: CancellationToken,
) {
    let unread_millis = u32::try_from(stall_timeout.as_millis()).unwrap_or(u32::MAX);
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, unread_millis);
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(stall_timeout)
        // Who has sent all and closes that half still waits for the answer.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // How a client left is its own business.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = last_words.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = timeout(LAST_MOMENTS, connection).await;
}
