//! The dashboard: who gets in, what their role allows, and each of its pages.

mod applications;
mod organizations;
mod policy;
mod roles;
mod users;
mod welcome;
