//! The pages for the company's own staff: one shell around all of them, and one view per page. English only. They work
//! without scripts; `dashboard.js` copies and refreshes where it may run.

mod application;
mod applications;
mod audit_log;
mod branding;
mod claims;
mod connect;
mod events;
mod new_application;
mod overview;
mod redirects;
mod refused;
mod shell;
mod webhook;
mod webhooks;
mod welcome;

pub use application::{Application, Secret, Snippet};
pub use applications::{ApplicationRow, Applications};
pub use audit_log::{
    AuditChain, AuditLog, AuditOrganization, AuditOrganizations, ExportRow, LogRow, Period, StreamFacts, TrailFields,
    TrailRow,
};
pub use branding::{BrandingPage, ColourField, PictureField, PreviewPage, WordOption};
pub use claims::Claims;
pub use connect::{Connect, DocumentRow, ResourceRow};
pub use events::{EventName, EventRow, Events};
pub use new_application::{NewApplication, OrganizationOption, ScopeOption};
pub use overview::{Fact, Overview, Step};
pub use redirects::{OriginRow, RedirectList, RedirectRow, Redirects};
pub use refused::Refused;
pub use shell::{EnvironmentLink, Pager, SECTIONS, Section, Shell, Tone};
pub use webhook::{Try, Webhook, WebhookDelivery};
pub use webhooks::{
    DeliveryRow, EndpointFields, EndpointSecrets, EventGroup, EventTick, NewWebhook, WebhookRow, WebhookSettings,
    Webhooks,
};
pub use welcome::Welcome;
