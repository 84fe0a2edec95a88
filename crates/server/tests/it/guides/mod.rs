//! The guides in `docs/`: their commands work when pasted, in order, as they are. A guide that gains a command fails here
//! until somebody has pasted it.

mod events;
mod machines;
mod operations;
mod people;
mod reader;
mod sign_in;
mod terminal;

/// Pages whose commands are for other machines or take minutes.
const NOT_PASTED: [&str; 3] = ["benchmarks.md", "configuration.md", "fuzzing.md"];

#[test]
fn every_guide_is_pasted() {
    let tests = [
        include_str!("events.rs"),
        include_str!("machines.rs"),
        include_str!("operations.rs"),
        include_str!("people.rs"),
        include_str!("sign_in.rs"),
    ]
    .concat();
    for page in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).unwrap() {
        let page = page.unwrap().path();
        let (Some("md"), Ok(text)) = (page.extension().and_then(|it| it.to_str()), std::fs::read_to_string(&page))
        else {
            continue;
        };
        let name = page.file_name().unwrap().to_str().unwrap();
        let shell = text.contains("\n```sh\n") || text.contains("\n```bash\n");
        let pasted = tests.contains(&format!("open(\"{name}\")"));
        assert!(!shell || pasted || NOT_PASTED.contains(&name), "nobody pastes docs/{name}");
    }
}
