//! Uploaded images. The original file is never served: it is decoded within limits, and what is served is a new PNG
//! encoded from its pixels. So nothing hidden in a file (a script, a location and time, a second file) is passed on.

pub mod qr_code;
pub mod uploads;

use aws_lc_rs::digest::{SHA256, digest};
use countersign_pages::Palette;
use countersign_protocol::model::{Image, ImageDigest};
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::{FilterType, overlay, resize};
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader, Limits, Rgba,
    RgbaImage, metadata::Orientation,
};
use std::io::Cursor;

/// The maximum file size, in bytes.
pub const MAX_SIZE: usize = 2 * 1024 * 1024;
/// The maximum width or height of a decoded image, in pixels.
const MAX_SIDE_LENGTH: u32 = 8000;
/// The maximum number of pixels decoded.
const MAX_PIXELS: u64 = 8_000_000;
/// The maximum memory that decoding may use in addition to the pixels, in bytes.
const MEMORY: u64 = 128 * 1024 * 1024;

/// What an image is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A logo of any shape.
    Logo,
    /// A square icon.
    Icon,
}

impl Purpose {
    /// The maximum size that is stored: four times the space available on a page.
    fn bounds(self) -> (u32, u32) {
        match self {
            Self::Logo => (960, 192),
            Self::Icon => (256, 256),
        }
    }
}

/// An image that was decoded and encoded again.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Its metadata.
    pub image: Image,
    /// The PNG.
    pub png: Vec<u8>,
    /// What could be improved, for the uploader.
    pub warnings: Vec<String>,
}

/// Why a file is rejected. The message is for the uploader and says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many bytes.
    #[error("the file has more than {} KiB. Save it smaller: nothing above 960 × 192 pixels is of use", MAX_SIZE / 1024)]
    TooLarge,
    /// SVG files can contain scripts.
    #[error("an SVG can hold scripts and is not taken. Export it as a PNG with a transparent background")]
    Svg,
    /// None of the supported formats.
    #[error("not a PNG, JPEG or WebP picture. Save it as a PNG")]
    UnknownFormat,
    /// Too many pixels.
    #[error("more than {MAX_SIDE_LENGTH} pixels wide or high, or more than 8 million in all. Save it smaller")]
    TooManyPixels,
    /// The file is truncated, or is not what it claims to be.
    #[error("the file is damaged, or not what it says it is. Open it in a picture editor and save it again as a PNG")]
    Damaged,
    /// Only transparent pixels.
    #[error("there is nothing to be seen on it: every pixel is transparent")]
    Invisible,
}

fn digest_of(bytes: &[u8]) -> ImageDigest {
    let mut value = [0; 32];
    for (to, from) in value.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    ImageDigest::from_bytes(value)
}

/// Decodes a file. CPU-intensive, so not for a thread that serves requests.
///
/// # Errors
/// See [`Refused`].
pub fn read(file: &[u8], purpose: Purpose) -> Result<Upload, Refused> {
    if file.len() > MAX_SIZE {
        return Err(Refused::TooLarge);
    }
    let whole = decode(file)?;
    let mut warnings = Vec::new();
    let fitted = match purpose {
        Purpose::Logo => fit(&trimmed(whole)?, purpose),
        Purpose::Icon => {
            let (width, height) = whole.dimensions();
            if width != height {
                warnings.push(format!("{width} × {height} pixels are not square: the rest is left transparent"));
            }
            if width.max(height) < 160 {
                warnings.push(format!("{width} × {height} pixels are few: from 160 × 160 on it is sharp everywhere"));
            }
            if whole.pixels().all(|pixel| is_invisible(*pixel)) {
                return Err(Refused::Invisible);
            }
            squared(fit(&whole, purpose))
        }
    };
    let (width, height) = fitted.dimensions();
    if purpose == Purpose::Logo && height < 64 && width < 320 {
        warnings
            .push(format!("{width} × {height} pixels are few: from 128 pixels of height on it is sharp everywhere"));
    }
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Best, PngFilter::Adaptive)
        .write_image(fitted.as_raw(), width, height, ExtendedColorType::Rgba8)
        .map_err(|_| Refused::Damaged)?;
    let image = Image {
        digest: digest_of(&png),
        source: digest_of(file),
        width,
        height,
        seen_on_light: is_seen(&fitted, Palette::LIGHT_CARD.parts()),
        seen_on_dark: is_seen(&fitted, Palette::DARK_CARD.parts()),
    };
    Ok(Upload { image, png, warnings })
}

/// Returns the format, detected from the first bytes of the file; the file name is ignored.
fn format(file: &[u8]) -> Result<ImageFormat, Refused> {
    match image::guess_format(file) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => Ok(format),
        _ => {
            let start = String::from_utf8_lossy(file.get(..1024).unwrap_or(file)).to_lowercase();
            Err(if start.contains("<svg") || start.contains("<!doctype svg") {
                Refused::Svg
            } else {
                Refused::UnknownFormat
            })
        }
    }
}

/// Returns the pixels, upright. The claimed dimensions are checked before memory is allocated for them.
fn decode(file: &[u8]) -> Result<RgbaImage, Refused> {
    let refused = |error: ImageError| match error {
        ImageError::Limits(_) => Refused::TooManyPixels,
        _ => Refused::Damaged,
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_LENGTH);
    limits.max_image_height = Some(MAX_SIDE_LENGTH);
    limits.max_alloc = Some(MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(file), format(file)?);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Refused::TooManyPixels);
    }
    // Phones store photos unrotated and give the orientation in metadata, which is dropped here.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgba8())
}

fn is_invisible(Rgba([_, _, _, alpha]): Rgba<u8>) -> bool {
    alpha < 8
}

/// Removes the transparent margin, so that a logo aligns with the text below it.
fn trimmed(picture: RgbaImage) -> Result<RgbaImage, Refused> {
    let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
    for (x, y, pixel) in picture.enumerate_pixels() {
        if !is_invisible(*pixel) {
            (left, top) = (left.min(x), top.min(y));
            (right, bottom) = (right.max(x), bottom.max(y));
        }
    }
    if left > right || top > bottom {
        return Err(Refused::Invisible);
    }
    if (left, top, right + 1, bottom + 1) == (0, 0, picture.width(), picture.height()) {
        return Ok(picture);
    }
    Ok(image::imageops::crop_imm(&picture, left, top, right - left + 1, bottom - top + 1).to_image())
}

/// Centers the image in a transparent square.
fn squared(picture: RgbaImage) -> RgbaImage {
    let (width, height) = picture.dimensions();
    if width == height {
        return picture;
    }
    let side = width.max(height);
    let mut square = RgbaImage::new(side, side);
    overlay(&mut square, &picture, i64::from((side - width) / 2), i64::from((side - height) / 2));
    square
}

/// Scales the image down to the maximum useful size.
fn fit(picture: &RgbaImage, purpose: Purpose) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let (widest, highest) = purpose.bounds();
    let scale = (f64::from(widest) / f64::from(width)).min(f64::from(highest) / f64::from(height));
    if scale >= 1.0 {
        return picture.clone();
    }
    let scaled = |length: u32| (f64::from(length) * scale).round().max(1.0) as u32;
    // Transparent pixels also have a color, usually black, which must not bleed into their neighbors, so each pixel is
    // weighted by its alpha.
    let weighted = image::ImageBuffer::from_fn(width, height, |x, y| {
        let Rgba([red, green, blue, alpha]) = *picture.get_pixel(x, y);
        let part = |part: u8| u16::from(part) * u16::from(alpha);
        Rgba([part(red), part(green), part(blue), u16::from(alpha) * 255])
    });
    let small: image::ImageBuffer<Rgba<u16>, Vec<u16>> =
        resize(&weighted, scaled(width), scaled(height), FilterType::Lanczos3);
    RgbaImage::from_fn(small.width(), small.height(), |x, y| {
        let Rgba([red, green, blue, alpha]) = *small.get_pixel(x, y);
        let alpha = u32::from(alpha);
        let part = |part: u16| ((u32::from(part) * 255 + alpha / 2) / alpha.max(1)).min(255) as u8;
        Rgba([part(red), part(green), part(blue), ((alpha + 127) / 255).min(255) as u8])
    })
}

/// The contrast below which two adjacent colors cannot be told apart.
const MADE_OUT: f32 = 1.6;

/// Whether an image is visible on a background: most of its ink must contrast with it. For an image that is nearly
/// opaque throughout, and so brings its own background, a little is enough.
fn is_seen(picture: &RgbaImage, ground: [u8; 3]) -> bool {
    let linear: Vec<f32> = (0..=255_u16)
        .map(|part| {
            let part = f32::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
        .collect();
    let light = |part: u8| linear.get(usize::from(part)).copied().unwrap_or_default();
    let luminance = |[red, green, blue]: [u8; 3]| 0.2126 * light(red) + 0.7152 * light(green) + 0.0722 * light(blue);
    let behind = luminance(ground);
    let (mut ink, mut seen, mut pixels) = (0.0_f32, 0.0_f32, 0.0_f32);
    for Rgba([red, green, blue, alpha]) in picture.pixels() {
        let share = f32::from(*alpha) / 255.0;
        let mix = |part: u8, ground: u8| (f32::from(part) * share + f32::from(ground) * (1.0 - share)).round() as u8;
        let [r, g, b] = ground;
        let shown = luminance([mix(*red, r), mix(*green, g), mix(*blue, b)]);
        let contrast = (shown.max(behind) + 0.05) / (shown.min(behind) + 0.05);
        ink += share;
        pixels += 1.0;
        if contrast >= MADE_OUT {
            seen += share;
        }
    }
    let is_its_own_ground = ink > 0.97 * pixels;
    seen >= if is_its_own_ground { 0.02 } else { 0.6 } * ink
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::webp::WebPEncoder;
    use proptest::prelude::*;

    fn png(picture: &RgbaImage) -> Vec<u8> {
        let mut file = Vec::new();
        let (width, height) = picture.dimensions();
        PngEncoder::new(&mut file).write_image(picture.as_raw(), width, height, ExtendedColorType::Rgba8).unwrap();
        file
    }

    fn pixels(upload: &Upload) -> RgbaImage {
        image::load_from_memory_with_format(&upload.png, ImageFormat::Png).unwrap().into_rgba8()
    }

    /// Returns a PNG chunk.
    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let body = [kind.as_slice(), data].concat();
        let mut crc = u32::MAX;
        for byte in &body {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        [&u32::try_from(data.len()).unwrap().to_be_bytes(), body.as_slice(), &(!crc).to_be_bytes()].concat()
    }

    /// Inserts a chunk after the PNG header.
    fn with_chunk(file: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        [&file[..33], &chunk(kind, data), &file[33..]].concat()
    }

    const ORANGE: Rgba<u8> = Rgba([0xc2, 0x41, 0x0c, 255]);
    const CLEAR: Rgba<u8> = Rgba([0, 0, 0, 0]);

    /// Returns a colored rectangle with a transparent margin.
    fn mark(width: u32, height: u32, margin: u32, ink: Rgba<u8>) -> RgbaImage {
        let inside = |at: u32, length: u32| (margin..length - margin).contains(&at);
        RgbaImage::from_fn(width, height, |x, y| if inside(x, width) && inside(y, height) { ink } else { CLEAR })
    }

    #[test]
    fn threat_45_only_pictures_are_taken() {
        let good = png(&mark(200, 50, 0, ORANGE));
        let check = |file: &[u8], expected: Refused| {
            for purpose in [Purpose::Logo, Purpose::Icon] {
                assert_eq!(read(file, purpose).map(|_| ()), Err(expected), "{:?}", file.get(..20));
            }
        };
        check(b"", Refused::UnknownFormat);
        check(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", Refused::Svg);
        check(b"\xef\xbb\xbf<?xml version='1.0'?>\n<!DOCTYPE svg>", Refused::Svg);
        check(b"<!doctype html><script>alert(1)</script>", Refused::UnknownFormat);
        check(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", Refused::UnknownFormat);
        check(b"%PDF-1.7", Refused::UnknownFormat);
        // A polyglot file is classified by how it begins.
        check(&[b"<html><!--".as_slice(), &good].concat(), Refused::UnknownFormat);
        check(&[b"RIFF\x00\x00\x00\x00WEBP".as_slice(), &good].concat(), Refused::Damaged);
        check(&good[..good.len() / 2], Refused::Damaged);
        check(&good[..8], Refused::Damaged);
        check(&vec![0xff; MAX_SIZE + 1], Refused::TooLarge);
        check(&png(&RgbaImage::new(20, 20)), Refused::Invisible);
        let mut flipped = good.clone();
        flipped[45] ^= 0x40;
        check(&flipped, Refused::Damaged);
    }

    #[test]
    fn threat_43_a_bomb_is_refused_before_memory_is_taken_for_it() {
        for (width, height) in [(20_000_u32, 20_000_u32), (8_000, 8_000), (8_001, 1), (u32::MAX >> 1, u32::MAX >> 1)] {
            let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
            let file =
                [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &header), &chunk(b"IDAT", b""), &chunk(b"IEND", b"")];
            let began = std::time::Instant::now();
            assert_eq!(
                read(&file.concat(), Purpose::Icon).map(|_| ()),
                Err(Refused::TooManyPixels),
                "{width} {height}"
            );
            assert!(began.elapsed().as_millis() < 500, "{:?}", began.elapsed());
        }
    }

    #[test]
    fn what_hides_in_a_file_is_not_kept() {
        let picture = mark(64, 64, 4, ORANGE);
        let clean = read(&png(&picture), Purpose::Icon).unwrap();
        let secret = b"GPS 52.5200 13.4050 <script>alert(1)</script>";
        let comment = [b"Comment\0".as_slice(), secret].concat();
        let hiding =
            [&with_chunk(&with_chunk(&png(&picture), b"tEXt", &comment), b"eXIf", secret), secret.as_slice()].concat();
        let upload = read(&hiding, Purpose::Icon).unwrap();
        assert!(!upload.png.windows(3).any(|bytes| bytes == b"GPS"));
        assert_eq!((&upload.png, upload.image.digest), (&clean.png, clean.image.digest));
        assert_ne!(upload.image.source, clean.image.source);
    }

    #[test]
    fn a_telephones_picture_stands_upright_and_forgets_where_it_was() {
        // The left half is orange, the right half is white, and the Exif data says to rotate it 90° clockwise.
        let lying = image::RgbImage::from_fn(64, 32, |x, _| {
            if x < 32 { image::Rgb([0xc2, 0x41, 0x0c]) } else { image::Rgb([255, 255, 255]) }
        });
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, 95).encode_image(&lying).unwrap();
        let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0 Canon EOS";
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let file = [&file[..2], &[0xff, 0xe1], &length, exif, &file[2..]].concat();
        let upload = read(&file, Purpose::Logo).unwrap();
        let shown = pixels(&upload);
        assert_eq!(shown.dimensions(), (32, 64));
        let is_orange = |y| shown.get_pixel(16, y).0[2] < 100;
        assert!(is_orange(8) && !is_orange(56), "{:?}", shown.get_pixel(16, 8));
        assert!(!upload.png.windows(5).any(|bytes| bytes == b"Canon"));
    }

    #[test]
    fn every_format_gives_a_png() {
        let picture = mark(100, 40, 0, ORANGE);
        let mut webp = Vec::new();
        WebPEncoder::new_lossless(&mut webp).write_image(picture.as_raw(), 100, 40, ExtendedColorType::Rgba8).unwrap();
        let from_webp = read(&webp, Purpose::Logo).unwrap();
        let from_png = read(&png(&picture), Purpose::Logo).unwrap();
        assert_eq!(from_webp.png, from_png.png);
        assert!(from_png.png.starts_with(b"\x89PNG"));
    }

    #[test]
    fn logos_lose_their_margin_and_icons_become_square() {
        let logo = read(&png(&mark(300, 120, 20, ORANGE)), Purpose::Logo).unwrap();
        assert_eq!((logo.image.width, logo.image.height), (260, 80));
        let icon = read(&png(&mark(300, 120, 0, ORANGE)), Purpose::Icon).unwrap();
        assert_eq!((icon.image.width, icon.image.height), (256, 256));
        assert!(icon.warnings[0].contains("not square"), "{:?}", icon.warnings);
        let shown = pixels(&icon);
        assert!(is_invisible(*shown.get_pixel(128, 10)) && !is_invisible(*shown.get_pixel(128, 128)));
        let small = read(&png(&mark(32, 32, 0, ORANGE)), Purpose::Icon).unwrap();
        assert!(small.image.width == 32 && small.warnings[0].contains("are few"), "{:?}", small.warnings);
    }

    #[test]
    fn a_large_picture_is_made_smaller_without_a_dark_rim() {
        let upload = read(&png(&mark(1600, 1600, 37, Rgba([255, 255, 255, 255]))), Purpose::Icon).unwrap();
        assert_eq!((upload.image.width, upload.image.height), (256, 256));
        for pixel in pixels(&upload).pixels().filter(|pixel| !is_invisible(**pixel)) {
            assert!(pixel.0[..3].iter().all(|part| *part >= 250), "{pixel:?}");
        }
        let wide = read(&png(&mark(4000, 200, 0, ORANGE)), Purpose::Logo).unwrap();
        assert_eq!((wide.image.width, wide.image.height), (960, 48));
    }

    #[test]
    fn where_a_logo_is_made_out_is_told() {
        let check = |picture: &RgbaImage, expected: (bool, bool)| {
            let image = read(&png(picture), Purpose::Icon).unwrap().image;
            assert_eq!((image.seen_on_light, image.seen_on_dark), expected);
        };
        let rings = |ink: Rgba<u8>| mark(200, 200, 40, ink);
        check(&rings(Rgba([0x1b, 0x1c, 0x22, 255])), (true, false));
        check(&rings(Rgba([255, 255, 255, 255])), (false, true));
        check(&rings(ORANGE), (true, true));
        // It brings its own background: black letters on a white sheet are visible anywhere.
        let sheet = RgbaImage::from_fn(200, 200, |x, y| {
            if x.abs_diff(100) < 30 && y.abs_diff(100) < 30 { Rgba([0, 0, 0, 255]) } else { Rgba([255; 4]) }
        });
        check(&sheet, (true, true));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_file_panics(start in 0..4_usize, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let starts: [&[u8]; 4] = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x40\x00\x00\x00WEBPVP8L"];
            let _ = read(&[starts[start], &bytes].concat(), Purpose::Logo);
        }
    }
}
