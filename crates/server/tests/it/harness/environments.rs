//! Additional environments in a running server, declared as an operator does: with `countersign apply`.

use super::{Client, TestServer, binary};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Another environment of a running server.
pub struct Environment {
    /// Its name.
    pub name: String,
    /// A client of the same server with its API key.
    pub management: Client,
    /// The authority of its issuer, for the `Host` header.
    pub authority: String,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl TestServer {
    /// Declares another environment in this server's database and waits until the server knows it.
    pub async fn another_environment(&self) -> Environment {
        self.another_environment_with("").await
    }

    /// Like [`TestServer::another_environment`], with additional lines in its declaration.
    pub async fn another_environment_with(&self, settings: &str) -> Environment {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("another-{number}");
        // Never the default port of a scheme, which an origin omits.
        let authority = format!("localhost:{}", 10_000 + number % 1000);
        let api_key = format!("sk_another_environment_{number:032}");
        let file = self.database.directory.path().join(format!("environment-{number}.toml"));
        let declared = format!(
            "[[environment]]\nname = \"{name}\"\nissuer = \"http://{authority}\"\n{settings}\n\n\
             [[environment.api_key]]\nname = \"tests\"\nvalue = {{ env = \"ANOTHER_KEY\" }}\n"
        );
        std::fs::write(&file, declared).unwrap();
        self.command(&["apply", file.to_str().unwrap()], &[("ANOTHER_KEY", &api_key)]).await;
        let management = Client::new(&self.base_url).with_key(&api_key);
        until_status(&management, 200).await;
        Environment { name, management, authority }
    }

    /// Revokes an environment's key and waits until the server knows it.
    pub async fn revoke(&self, environment: &Environment) {
        self.command(&["api-keys", "revoke", "--environment", &environment.name, "tests"], &[]).await;
        until_status(&environment.management, 401).await;
    }

    /// Runs the program on this server's database.
    async fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) {
        self.command_with(arguments, variables).await.unwrap();
    }

    /// Runs the program on this server's database; returns its output, or why it failed.
    pub async fn command_says(&self, arguments: &[&str]) -> Result<String, String> {
        self.command_with(arguments, &[]).await
    }

    async fn command_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<String, String> {
        let mut command = std::process::Command::new(binary());
        command
            .args(arguments)
            .arg("--data")
            .arg(self.database.directory.path().join("data"))
            .args(["--database", &self.database.url])
            .envs(variables.iter().copied());
        let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }
}

/// Polls until the response has this status, within a time limit.
async fn until_status(management: &Client, status: u16) {
    let began = Instant::now();
    while management.get("/organizations").await.status != status {
        assert!(began.elapsed() < Duration::from_secs(20), "the server did not follow");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
