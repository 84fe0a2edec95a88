//! A reader of the guides in `docs/`, who pastes what they show, in order, into one terminal.

use super::terminal::Terminal;
use crate::harness::{Database, TIMEOUT, TestServer, binary, skip};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A code block of a page.
struct Block {
    language: String,
    text: String,
}

impl Block {
    fn is_shell(&self) -> bool {
        matches!(self.language.as_str(), "sh" | "bash")
    }
}

/// The reader.
pub struct Reader {
    terminal: Terminal,
    /// What a guide leaves to its reader, and addresses of this machine, which tests cannot share; with what is there
    /// instead.
    filled_in: Vec<(String, String)>,
    page: String,
    blocks: Vec<Block>,
    /// The index of the first block that was neither pasted nor passed over.
    next: usize,
}

/// What the guides ask for, besides what they install.
const PROGRAMS: [&str; 4] = ["bash", "curl", "openssl", "python3"];

/// Instead of the network: `npm install` and `venv` find what `scripts/install-clients` has installed, if it is the
/// same version.
const OFFLINE: &str = r#"
npm() {
  case "$1" in
    init) echo '{}' > package.json ;;
    install)
      local package
      for package in "${@:2}"; do
        test "$(node -p "require('$CLIENTS/node/node_modules/${package%@*}/package.json').version")" = "${package##*@}"
      done
      ln -sfn "$CLIENTS/node/node_modules" node_modules ;;
    *) echo "npm $*: not known here"; return 1 ;;
  esac
}
python3() {
  if [ "${1-} ${2-}" = '-m venv' ]; then ln -s "$CLIENTS/python/.venv" "$3"; else command python3 "$@"; fi
}
"#;

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A port that was free a moment ago.
fn port() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

fn blocks(page: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(root().join("docs").join(page)).unwrap();
    let mut blocks = Vec::new();
    // What follows a fence is a block and a paragraph in turn.
    for part in text.split("\n```").skip(1).step_by(2) {
        let (language, text) = part.split_once('\n').unwrap_or((part, ""));
        blocks.push(Block { language: language.to_owned(), text: text.to_owned() });
    }
    blocks
}

impl Reader {
    /// Opens a terminal on the machine of a server, with the variables that the quickstart sets; `None` where programs
    /// are missing.
    pub async fn beside(server: &TestServer) -> Option<Self> {
        let own = [
            ("WORKOS_BASE_URL", server.base_url.as_str()),
            ("WORKOS_CLIENT_ID", &server.client_id),
            ("WORKOS_API_KEY", &server.api_key),
        ];
        let mut reader = Self::on(&server.database, &own).await?;
        let port = server.base_url.rsplit(':').next().unwrap();
        reader.fill_in("8080", port);
        Some(reader)
    }

    /// Opens a terminal on a machine with a database and no server; `None` where programs are missing.
    pub async fn on(database: &Database, variables: &[(&str, &str)]) -> Option<Self> {
        let there =
            |program: &str| Command::new("sh").args(["-c", &format!("command -v {program} >/dev/null")]).status();
        if let Some(missing) = PROGRAMS.into_iter().find(|program| !there(program).unwrap().success()) {
            skip("the guides", &format!("{missing} is missing (Debian: apt-get install {missing})"));
            return None;
        }
        let directory = database.directory.path();
        let path = format!("{}:/usr/bin:/bin", Path::new(binary()).parent().unwrap().display());
        let path = crate::harness::variable("PATH").map_or(path.clone(), |more| format!("{path}:{more}"));
        let clients = root().join("conformance");
        let data = directory.join("data");
        let common = [
            ("PATH", path.as_str()),
            ("CLIENTS", clients.to_str().unwrap()),
            ("PIP_NO_INDEX", "1"),
            ("COUNTERSIGN_DATA", data.to_str().unwrap()),
            ("COUNTERSIGN_DATABASE", &database.url),
        ];
        let folder = directory.join("reader");
        std::fs::create_dir(&folder).unwrap();
        let mut terminal = Terminal::open(&folder, &[common.as_slice(), variables].concat());
        terminal.paste(OFFLINE).await;
        let filled_in = ["3000", "3001", "4000", "8095"].map(|taken| (taken.to_owned(), port())).to_vec();
        Some(Self { terminal, filled_in, page: String::new(), blocks: Vec::new(), next: 0 })
    }

    /// Has something replaced wherever a guide says it.
    pub fn fill_in(&mut self, said: &str, instead: &str) {
        self.filled_in.push((said.to_owned(), instead.to_owned()));
    }

    /// Returns a text of a guide with everything filled in.
    pub fn filled_in(&self, text: &str) -> String {
        self.filled_in.iter().fold(text.to_owned(), |text, (said, instead)| text.replace(said, instead))
    }

    /// Goes to the beginning of a guide.
    pub fn open(&mut self, page: &str) {
        self.done();
        (self.page, self.blocks, self.next) = (page.to_owned(), blocks(page), 0);
        assert!(!self.blocks.is_empty(), "{page} shows nothing");
    }

    /// Checks that nothing is left to paste in the guide that is open.
    pub fn done(&mut self) {
        let left = self.blocks[self.next..].iter().find(|block| block.is_shell());
        assert!(left.is_none(), "docs/{}: nobody has pasted\n{}", self.page, left.unwrap().text);
    }

    fn turn_to(&mut self, begins: &str) -> String {
        let more = self.blocks[self.next..].iter().position(Block::is_shell);
        let at = self.next + more.unwrap_or_else(|| panic!("docs/{} ends before {begins:?}", self.page));
        self.next = at + 1;
        let text = &self.blocks[at].text;
        assert!(text.starts_with(begins), "docs/{}: {begins:?} does not come now, but\n{text}", self.page);
        self.filled_in(text)
    }

    /// Passes over the commands that come next.
    pub fn pass_over(&mut self, begins: &str) {
        self.turn_to(begins);
    }

    /// Pastes the commands that come next, which begin with these words; returns what they print.
    pub async fn paste(&mut self, begins: &str) -> String {
        let commands = self.turn_to(begins);
        self.terminal.paste(&commands).await
    }

    /// Like [`Reader::paste`], in the background; returns once these words are printed.
    pub async fn start(&mut self, begins: &str, printed: &str) {
        let commands = self.turn_to(begins);
        self.terminal.paste(&format!("{commands} &")).await;
        self.terminal.until(printed).await;
    }

    /// Like [`Reader::paste`], and answers what it asks.
    pub async fn answer(&mut self, begins: &str, answer: &str) {
        let commands = self.turn_to(begins);
        self.terminal.paste(&format!("{commands}\n{answer}")).await;
    }

    /// Saves what the guide shows, and begins with these words, as a file in the terminal's folder.
    pub async fn save(&mut self, begins: &str, file: &str) {
        let shown = self.blocks.iter().find(|block| block.text.starts_with(begins));
        let shown = shown.unwrap_or_else(|| panic!("docs/{} does not show {begins:?}", self.page));
        let text = self.filled_in(&shown.text);
        self.terminal.paste(&format!("cat > '{file}' <<'END OF FILE'\n{text}\nEND OF FILE")).await;
    }

    /// Returns a block that is no shell's.
    pub fn shown(&self, begins: &str) -> String {
        let shown = self.blocks.iter().find(|block| block.text.starts_with(begins));
        self.filled_in(&shown.unwrap_or_else(|| panic!("docs/{} does not show {begins:?}", self.page)).text)
    }

    /// Defines the two functions that most guides take from the sign-in guide.
    pub async fn define_functions(&mut self) {
        let shown = blocks("sign-in.md").into_iter().find(|block| block.text.starts_with("manage() {")).unwrap();
        self.terminal.paste(&shown.text).await;
    }

    /// Types a command of the test's own.
    pub async fn type_in(&mut self, command: &str) -> String {
        self.terminal.paste(command).await
    }

    /// Types a command again and again until it prints these words.
    pub async fn until_it_prints(&mut self, command: &str, words: &str) {
        let command = self.filled_in(command);
        let began = std::time::Instant::now();
        loop {
            let printed = self.terminal.paste(&command).await;
            if printed.contains(words) {
                return;
            }
            assert!(began.elapsed() < TIMEOUT, "{command} does not print {words:?}, but\n{printed}");
        }
    }

    /// Returns the value of a variable.
    pub async fn variable(&mut self, name: &str) -> String {
        self.terminal.paste(&format!("echo \"${name}\"")).await.trim().to_owned()
    }

    /// Waits until a program in the background prints a line with these words.
    pub async fn until(&mut self, words: &str) -> String {
        self.terminal.until(words).await
    }
}
