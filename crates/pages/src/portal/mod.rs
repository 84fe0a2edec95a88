//! The organization's own page: the parts of an organization that the company opens to its customers' administrators. A
//! shared shell with the product's branding surrounds one view per part, in every language. The pages work without
//! scripts; where scripts may run, the dashboard's script adds copy buttons.

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
