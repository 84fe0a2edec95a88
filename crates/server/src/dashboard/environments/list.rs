//! `GET /dashboard/environments`.

use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::shown;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use countersign_pages::dashboard::{EnvironmentRow, Environments, Section};
use countersign_protocol::model::{EnvironmentKind, STAFF_BASE};

/// The list, oldest first. It is not paginated because there are few environments.
///
/// # Errors
/// Never; the signature is that of a page.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let environments = call.page.app.environments();
    let rows: Vec<EnvironmentRow> = environments
        .products()
        .into_iter()
        .map(|state| {
            let environment = &state.environment;
            let href = format!("{STAFF_BASE}/env/{}", environment.name);
            EnvironmentRow {
                settings: format!("{href}/settings"),
                href,
                name: environment.name.clone(),
                production: environment.kind == EnvironmentKind::Production,
                issuer: environment.issuer.to_string(),
                client_id: environment.client_id.to_string(),
            }
        })
        .collect();
    Ok(shown(&Environments { shell: &call.shell(Section::Environments), rows: &rows }))
}
