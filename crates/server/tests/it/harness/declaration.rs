//! What an operator declares in a file, beside the database and with the pictures it names.

use super::{TestServer, binary};
use image::{ExtendedColorType, ImageEncoder, Rgba, RgbaImage, codecs::png::PngEncoder};

/// What `countersign apply` said.
#[derive(Debug)]
pub struct Declared {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Declared {
    /// Fails unless it went well.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{} {}", self.out, self.err);
        self
    }
}

/// A PNG of one colour in a transparent frame.
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
    /// Puts a file where declarations find it.
    pub fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.database.directory.path().join(name), bytes).unwrap();
    }

    /// Declares something about the environment that the server was started with; the server follows at once.
    pub async fn declare(&self, lines: &str) -> Declared {
        let declared = self.declare_with(&format!("[[environment]]\nname = \"default\"\n{lines}"), &[]).await;
        self.app.catch_up().await;
        declared
    }

    /// Applies a whole file.
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
