//! The pages for the company's own staff: a shared shell and one view per page. English only. They work without
//! scripts; where scripts may run, `dashboard.js` adds copy buttons and live updates.

mod application;
mod applications;
mod audit_log;
mod branding;
mod claims;
mod connect;
mod environments;
mod events;
mod keys;
mod new_application;
mod organization;
mod organization_access;
mod organization_people;
mod organizations;
mod overview;
mod own_page;
mod redirects;
mod refused;
mod roles;
mod shell;
mod staff;
mod users;
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
pub use environments::{EnvironmentMade, EnvironmentRow, Environments, NewEnvironment, Settings};
pub use events::{EventName, EventRow, Events};
pub use keys::{ApiKeyRow, ApiKeys, KeysOfPurpose, SigningKeyRow, SigningKeys};
pub use new_application::{NewApplication, OrganizationOption, ScopeOption};
pub use organization::{Domain, Organization, Tick};
pub use organization_access::{ConnectedRow, CustomerKeyRow, MachineRow, OrganizationAccess};
pub use organization_people::{InvitationRow, Member, MemberRow, OrganizationPeople};
pub use organizations::{NewOrganization, OrganizationRow, Organizations};
pub use overview::{Fact, Overview, Step};
pub use own_page::OwnPage;
pub use redirects::{OriginRow, RedirectList, RedirectRow, Redirects};
pub use refused::Refused;
pub use roles::{Permission, PermissionRow, Permissions, Role, RoleRow, Roles};
pub use shell::{EnvironmentLink, Pager, SECTIONS, Section, Shell, Tone};
pub use staff::{Staff, StaffMember, StaffRoleOption};
pub use users::{NewUser, SessionRow, User, UserRow, Users};
pub use webhook::{Try, Webhook, WebhookDelivery};
pub use webhooks::{
    DeliveryRow, EndpointFields, EndpointSecrets, EventGroup, EventTick, NewWebhook, WebhookRow, WebhookSettings,
    Webhooks,
};
pub use welcome::Welcome;
