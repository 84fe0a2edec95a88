//! Questions to the domain name system.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use std::net::SocketAddr;
use std::time::Duration;

/// How long an answer is waited for, over all name servers and attempts.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks name servers.
#[derive(Debug)]
pub struct Dns {
    /// `None` when the system names no name server: then nothing is ever found.
    resolver: Option<TokioResolver>,
}

impl Dns {
    /// Asks these name servers, or those of the system when there are none.
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
            // No cache: a repeated check is to see the records as they are now.
            builder.options_mut().cache_size = 0;
            builder.build()
        });
        let resolver = built
            .map_err(|error| tracing::warn!(%error, "no name server is configured: domains cannot be verified by DNS"))
            .ok();
        Self { resolver }
    }

    /// The TXT records of a name, each with its parts joined; none when there are none or nobody answers.
    pub async fn txt(&self, name: &str) -> Vec<String> {
        let Some(resolver) = &self.resolver else { return Vec::new() };
        let Ok(found) = tokio::time::timeout(PATIENCE, resolver.txt_lookup(name)).await else { return Vec::new() };
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
