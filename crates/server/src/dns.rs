//! DNS lookups.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use std::net::SocketAddr;
use std::time::Duration;

/// How long to wait for an answer, across all name servers and attempts.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A DNS resolver.
#[derive(Debug)]
pub struct Dns {
    /// `None` when the system has no name server configured; lookups then find nothing.
    resolver: Option<TokioResolver>,
}

impl Dns {
    /// Creates a resolver that asks these name servers, or the system's if the list is empty.
    pub fn new(servers: &[SocketAddr]) -> Self {
        let builder = if servers.is_empty() {
            TokioResolver::builder_tokio()
        } else {
            let servers = servers.iter().map(|address| {
                let mut server = NameServerConfig::udp_and_tcp(address.ip());
                for connection in &mut server.connections {
                    connection.port = address.port();
                }
                server
            });
            let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            Ok(TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()))
        };
        let built = builder.and_then(|mut builder| {
            // No cache: a repeated check must see the current records.
            builder.options_mut().cache_size = 0;
            builder.build()
        });
        let resolver = built
            .map_err(|error| tracing::warn!(%error, "no name server is configured: domains cannot be verified by DNS"))
            .ok();
        Self { resolver }
    }

    /// Returns the TXT records of a name, each with its parts joined; empty if there are none or no server answers.
    pub async fn txt(&self, name: &str) -> Vec<String> {
        let Some(resolver) = &self.resolver else { return Vec::new() };
        let Ok(found) = tokio::time::timeout(TIMEOUT, resolver.txt_lookup(name)).await else { return Vec::new() };
        match found {
            Ok(found) => found
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
                    _ => None,
                })
                .collect(),
            Err(error) => {
                tracing::debug!(name, %error, "no TXT record");
                Vec::new()
            }
        }
    }
}
