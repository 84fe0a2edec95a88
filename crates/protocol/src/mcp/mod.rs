//! What Model Context Protocol clients require of a server and of its authorization server, as rules without I/O (MCP
//! authorization 2025-11-25, RFC 9728, RFC 8414).

pub mod authorization_server;
pub mod challenge;
pub mod protected_resource;
