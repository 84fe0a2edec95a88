//! The organization's own page: what a company opens of it to its customers' administrators. One shell with the product's
//! look around one view per part, in every language. They work without scripts; the script of the dashboard copies where it
//! may run.

mod connections;
mod domains;
mod keys;
mod machines;
mod new;
mod notice;
mod shell;

pub use connections::{Connection, Connections};
pub use domains::{Domain, DomainState, Domains};
pub use keys::{Key, Keys};
pub use machines::{Machine, MachineSecret, Machines};
pub use new::{AccessOption, New};
pub use notice::Notice;
pub use shell::{Pager, Shell, Tab};
