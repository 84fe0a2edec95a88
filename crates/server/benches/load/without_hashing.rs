//! The server with password hashing set aside, to measure what else a sign-in costs. It is the program's own code,
//! assembled as `countersign serve` does it; passwords are verified against imported hashes that cost next to nothing
//! and are not replaced.

use countersign::app::App;
use countersign::cli::serve::service;
use countersign::clock::Clock;
use countersign::config::Config;
use countersign::config::source::Sources;
use countersign::http::server;
use countersign::installation::Installation;
use countersign::passwords::Passwords;
use countersign::{jobs, router};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Serves the installation in a data directory until the parent exits.
pub fn serve(data: &str) {
    // Like the server with `--threads 1`.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.spawn(listen(data.to_owned()));
    // The parent holds the other end of standard input.
    let _ = std::io::Read::read(&mut std::io::stdin(), &mut [0]);
}

async fn listen(data: String) {
    let flags = [("data", data.as_str()), ("trusted_proxies", "127.0.0.1"), ("rate_limit_client", "0")];
    let flags = flags.map(|(key, value)| (key, value.to_owned()));
    let config = Config::load(&Sources::collect(flags.to_vec(), [], None).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let public_url = config.public_url_or_local(address.port()).unwrap();
    let installation = Installation::open(&config, Clock::default()).await.unwrap();
    let mut app =
        App::new(&config, installation.store, installation.keyring, installation.clock, public_url).await.unwrap();
    let parts = Arc::get_mut(&mut app).unwrap();
    parts.passwords = Passwords::new(Arc::clone(&parts.entropy)).leaving_hashes_as_they_are();
    let (stop, stopped) = watch::channel(false);
    let _jobs = jobs::start(&app, config.key_rotation_days, &stopped);
    let service = service(&app, router::routes(), false).unwrap();
    eprintln!("address={address}");
    server::serve(listener, None, service, stopped, Duration::from_secs(1)).await;
    drop(stop);
}
