//! `countersign demo`: runs a sample company until Ctrl-C.

use super::{CommandResult, say, serve};
use crate::demo::Demo;
use std::process::ExitCode;

pub(super) async fn run(port: u16) -> CommandResult {
    let demo = Demo::start(port).await?;
    let places = &demo.places;
    say(format_args!(
        "\n  The demo is running. Open this and follow the steps:\n
    {}

  Countersign     {}
  Partner         {}
  Forum           {}
  API             {}

  Nothing is kept. Press Ctrl-C to stop.\n",
        places.start, places.countersign, places.partner, places.forum, places.api
    ))?;
    serve::signal().await?;
    demo.stop().await;
    Ok(ExitCode::SUCCESS)
}
