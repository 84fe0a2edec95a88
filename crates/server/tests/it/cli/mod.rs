//! The program as an operator sees it.

mod apply;
mod commands;
mod database_tls;
mod doctor;
mod durability;
mod first_start;
mod logs;
