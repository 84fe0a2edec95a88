//! The dashboard: who gets in, what their role allows, and each of its pages.

mod applications;
mod environments;
mod keys;
mod organizations;
mod policy;
mod roles;
mod staff;
mod users;
mod welcome;
