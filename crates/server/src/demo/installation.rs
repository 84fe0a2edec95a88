//! The temporary server, its private data directory, which is deleted when it stops, and the company's declaration.

use super::{DemoError, Places};
use crate::app::App;
use crate::cli::{apply, serve};
use crate::clock::Clock;
use crate::config::Config;
use crate::config::source::Sources;
use crate::entropy::Entropy;
use crate::http::server;
use crate::installation::{Installation, Invite, prepare_data_directory};
use crate::{jobs, router};
use countersign_protocol::model::Issuer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The password of every demo user, shown on the start page.
pub const PASSWORD: &str = "violet-tractor-humming-42";

/// The running server.
#[derive(Debug)]
pub struct Server {
    /// Its state. The demo's other programs use only its HTTP client, its clock, and its random bytes.
    pub app: Arc<App>,
    /// The management API key.
    pub api_key: String,
    /// The dashboard link.
    pub staff_link: Option<String>,
    tasks: JoinSet<()>,
    directory: Directory,
}

/// A directory that is deleted when its owner is dropped.
#[derive(Debug)]
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Returns a memory-backed directory if there is one, so that nothing is written to disk.
fn somewhere() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

impl Server {
    /// Starts the server.
    ///
    /// # Errors
    /// When something cannot be created.
    pub async fn start(
        listener: TcpListener,
        places: &Places,
        stopped: &watch::Receiver<bool>,
    ) -> Result<Self, DemoError> {
        let entropy = Entropy::default();
        let name: [u8; 8] = entropy.bytes().map_err(DemoError::because)?;
        let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        let directory = Directory(somewhere().join(format!("countersign-demo-{name}")));
        prepare_data_directory(&directory.0).map_err(DemoError::because)?;
        let flags = vec![
            ("data", directory.0.display().to_string()),
            ("public_url", places.countersign.clone()),
            ("rate_limit_management", "0".to_owned()),
            // No domains are verified here.
            ("dns_servers", "127.0.0.1:9".to_owned()),
        ];
        let sources = Sources::collect(flags, [], None).map_err(DemoError::because)?;
        let config = Config::load(&sources).map_err(DemoError::because)?;
        let public_url = Issuer::parse(&places.countersign).map_err(DemoError::because)?;
        let installation = Arc::new(Installation::open(&config, Clock::default()).await.map_err(DemoError::because)?);
        let secret = format!("demo_{name}_{}", entropy.link_token().map_err(DemoError::because)?.expose());
        declare(&installation, places, &directory, &secret).await?;
        let staff_link = installation.ensure_staff(&public_url, Invite::Always).await.map_err(DemoError::because)?.link;
        let installation =
            Arc::into_inner(installation).ok_or_else(|| DemoError("the installation is in use".to_owned()))?;
        let app = App::new(&config, installation.store, installation.keyring, installation.clock, public_url)
            .await
            .map_err(DemoError::because)?;
        let service = serve::service(&app, router::routes(), false).map_err(DemoError::because)?;
        let mut tasks = jobs::start(&app, config.key_rotation_days, stopped);
        tasks.spawn(server::serve(listener, None, service, stopped.clone(), Duration::from_secs(1)));
        Ok(Self { app, api_key: secret, staff_link, tasks, directory })
    }

    /// Waits until the server has stopped, then deletes its data.
    pub async fn stopped(mut self) {
        while self.tasks.join_next().await.is_some() {}
        drop(self.app);
        drop(self.directory);
    }
}

/// Applies the declaration that the company keeps in version control.
async fn declare(
    installation: &Arc<Installation>,
    places: &Places,
    directory: &Directory,
    api_key: &str,
) -> Result<(), DemoError> {
    let Places { countersign, partner, forum, .. } = places;
    let file = |name: &str, content: &[u8]| std::fs::write(directory.0.join(name), content).map_err(DemoError::because);
    file("api.key", api_key.as_bytes())?;
    file("acme.png", include_bytes!("assets/acme.png"))?;
    file("acme-dark.png", include_bytes!("assets/acme-dark.png"))?;
    file("acme-icon.png", include_bytes!("assets/acme-icon.png"))?;
    file("summit.png", include_bytes!("assets/summit.png"))?;
    let declaration = format!(
        r##"[[environment]]
name = "default"
kind = "staging"
issuer = "{countersign}"
signing_algorithm = "ES256"
sign_out_uris = ["{partner}/", "{forum}/"]

[environment.branding]
name = "Acme"
logo = "acme.png"
logo_dark = "acme-dark.png"
icon = "acme-icon.png"
primary = "#4338ca"
primary_dark = "#a5b4fc"
background = "#eef2ff"
background_dark = "#0d0e1a"

[[environment.api_key]]
name = "back end"
value = {{ file = "api.key" }}

[[environment.permission]]
slug = "reports:read"
name = "Read your reports"
description = "Titles and figures, not the drafts."

[[environment.organization]]
external_id = "acme"
name = "Acme"

[[environment.organization]]
external_id = "northwind"
name = "Northwind Traders"

[[environment.organization]]
external_id = "summit"
name = "Summit Software"

[[environment.application]]
name = "Summit Reports"
description = "Makes slides of your Acme reports."
application_type = "oauth"
is_first_party = false
organization = "summit"
scopes = ["reports:read"]
redirect_uris = [{{ uri = "{partner}/callback", default = true }}]
logo = "summit.png"

[[environment.application]]
name = "Acme Forum"
application_type = "oauth"
is_first_party = true
redirect_uris = [{{ uri = "{forum}/callback", default = true }}]

[[environment.application]]
name = "Reports API"
application_type = "m2m"
organization = "acme"

[[environment.application]]
name = "Nightly export"
application_type = "m2m"
organization = "northwind"
scopes = ["reports:read"]
"##
    );
    apply::bring(installation, &declaration, &directory.0, false).await.map(drop).map_err(DemoError)
}
