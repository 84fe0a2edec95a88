//! A shell that commands are pasted into, as a reader of a guide does.

use crate::harness::TIMEOUT;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A running `bash`. A command that fails ends it, so nothing fails unseen.
pub struct Terminal {
    bash: Child,
    keyboard: ChildStdin,
    lines: UnboundedReceiver<String>,
    /// Output not yet returned.
    screen: String,
    pasted: usize,
}

impl Terminal {
    /// Opens it in a directory. Temporary files stay there too.
    pub fn open(directory: &Path, variables: &[(&str, &str)]) -> Self {
        let mut bash = Command::new("sh")
            .args(["-c", "exec bash --noprofile --norc -e 2>&1"])
            .current_dir(directory)
            .env("TMPDIR", directory)
            // The servers are on this machine, so no proxy is used for them.
            .envs([("NO_PROXY", "localhost,127.0.0.1"), ("no_proxy", "localhost,127.0.0.1")])
            .envs(variables.iter().copied())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(bash.stdout.take().unwrap());
        let (sender, lines) = unbounded_channel();
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while let Ok(1..) = output.read_until(b'\n', &mut line) {
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                line.clear();
            }
        });
        let keyboard = bash.stdin.take().unwrap();
        Self { bash, keyboard, lines, screen: String::new(), pasted: 0 }
    }

    /// Pastes commands and returns what they printed, once the last of them has ended.
    pub async fn paste(&mut self, commands: &str) -> String {
        self.pasted += 1;
        let end = format!("-- the end of paste {} --", self.pasted);
        let typed = self.keyboard.write_all(format!("{commands}\nprintf '\\n%s\\n' '{end}'\n").as_bytes());
        typed.unwrap_or_else(|error| panic!("the shell has ended ({error}) before:\n{commands}"));
        self.until(&end).await
    }

    /// Returns what is printed up to a line with these words, which a program in the background prints.
    pub async fn until(&mut self, words: &str) -> String {
        loop {
            if let Some((before, after)) = self.screen.split_once(words) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.screen = after;
                return before;
            }
            let line = tokio::time::timeout(TIMEOUT, self.lines.recv()).await;
            match line {
                Ok(Some(line)) => self.screen.push_str(&line),
                Ok(None) => panic!("a command failed; there was no {words:?} in:\n{}", self.screen),
                Err(_) => panic!("there was no {words:?} in:\n{}", self.screen),
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The programs in the background with it: they are in its group.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.bash.id())]).status();
        let _ = self.bash.wait();
    }
}
