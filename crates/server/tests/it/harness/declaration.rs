//! Declarations as an operator makes them in a file, stored next to the database along with the images they refer to.

use super::{TestServer, binary};
use image::{ExtendedColorType, ImageEncoder, Rgba, RgbaImage, codecs::png::PngEncoder};

/// The output of `countersign apply`.
#[derive(Debug)]
pub struct Declared {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Declared {
    /// Panics unless it succeeded.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{} {}", self.out, self.err);
        self
    }
}

/// Returns a single-color PNG with a transparent margin.
pub fn picture(width: u32, height: u32, [red, green, blue]: [u8; 3]) -> Vec<u8> {
    let framed = |at: u32, length: u32| at < length / 10 || at >= length - length / 10;
    let pixels = RgbaImage::from_fn(width, height, |x, y| {
        if framed(x, width) || framed(y, height) { Rgba([0; 4]) } else { Rgba([red, green, blue, 255]) }
    });
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(pixels.as_raw(), width, height, ExtendedColorType::Rgba8).unwrap();
    file
}

impl TestServer {
    /// Writes a file where declarations find it.
    pub fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.database.directory.path().join(name), bytes).unwrap();
    }

    /// Applies a declaration for the server's default environment, and has the server catch up.
    pub async fn declare(&self, lines: &str) -> Declared {
        let declared = self.declare_with(&format!("[[environment]]\nname = \"default\"\n{lines}"), &[]).await;
        self.app.catch_up().await;
        declared
    }

    /// Applies a complete declarative file.
    pub async fn declare_with(&self, text: &str, flags: &[&str]) -> Declared {
        let directory = self.database.directory.path();
        std::fs::write(directory.join("declared.toml"), text).unwrap();
        let mut command = std::process::Command::new(binary());
        command.arg("apply").arg(directory.join("declared.toml")).args(flags);
        command.arg("--data").arg(directory.join("data")).args(["--database", &self.database.url]);
        let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Declared { code: done.status.code().unwrap(), out: text(&done.stdout), err: text(&done.stderr) }
    }
}
