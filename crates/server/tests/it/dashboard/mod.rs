//! The dashboard: who gets in, what their role allows, and each of its pages.

mod applications;
mod audit_log;
mod branding;
mod claims;
mod connect;
mod environments;
mod events;
mod keys;
mod organizations;
mod own_page;
mod parts;
mod policy;
mod redirects;
mod roles;
mod staff;
mod users;
mod webhooks;
mod welcome;
