//! `countersign demo`: a sample company, until Ctrl-C.

use super::{CommandResult, say, serve};
use crate::demo::Demo;
use std::process::ExitCode;

pub(super) async fn run(port: u16) -> CommandResult {
    let demo = Demo::start(port).await?;
    let places = &demo.places;
    say(format_args!(
        "\n  The demo runs. Open this, and walk through it:\n
    {}

  Countersign     {}
  Partner         {}
  Forum           {}
  API             {}

  Nothing is kept. Ctrl-C ends it.\n",
        places.start, places.countersign, places.partner, places.forum, places.api
    ))?;
    serve::signal().await?;
    demo.stop().await;
    Ok(ExitCode::SUCCESS)
}
