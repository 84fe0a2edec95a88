//! The dashboard: who gets in, what their role allows, and each of its pages.

mod applications;
mod audit_log;
mod branding;
mod claims;
mod connect;
mod events;
mod policy;
mod redirects;
mod webhooks;
mod welcome;
