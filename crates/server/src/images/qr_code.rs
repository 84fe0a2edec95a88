//! QR codes as images for pages and API responses.

use crate::domain::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fast_qr::ECL;
use fast_qr::qr::{QRBuilder, QRCode};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// The side length of a module, in pixels.
const SCALE: usize = 5;
/// The width of the light border that readers need, in modules (ISO/IEC 18004 §6.3.8).
const EDGE: usize = 4;

/// Returns a QR code for a text as a data URL: `data:image/png;base64,…`. Dark on white, whatever the background.
///
/// # Errors
/// When the text is longer than the 2,953 bytes that fit at the lowest error correction level, which suffices on a
/// screen.
pub fn picture(text: &str) -> Result<String, Failure> {
    let code = QRBuilder::new(text).ecl(ECL::L).build().map_err(Failure::internal)?;
    let side = (code.size + 2 * EDGE) * SCALE;
    let pixels: Vec<u8> = (0..side * side).map(|at| shade(&code, at % side, at / side)).collect();
    let side = u32::try_from(side).map_err(Failure::internal)?;
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::NoFilter)
        .write_image(&pixels, side, side, ExtendedColorType::L8)
        .map_err(Failure::internal)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png)))
}

fn shade(code: &QRCode, x: usize, y: usize) -> u8 {
    let module = |at: usize| (at / SCALE).checked_sub(EDGE).filter(|at| *at < code.size);
    let dark = module(x)
        .zip(module(y))
        .is_some_and(|(x, y)| code.data.get(y * code.size + x).is_some_and(|module| module.value()));
    if dark { 0 } else { 255 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_a_picture_with_its_corners_and_its_edge() {
        let address = picture("otpauth://totp/Acme:ada@example.com?secret=GEZDGNBVGY3TQOJQ").unwrap();
        let png = STANDARD.decode(address.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let read = image::load_from_memory(&png).unwrap().into_luma8();
        let at = |x: usize, y: usize| read.get_pixel((x * SCALE) as u32, (y * SCALE) as u32).0[0];
        let modules = read.width() as usize / SCALE - 2 * EDGE;
        assert!((21..=177).contains(&modules) && modules % 4 == 1, "{modules}");
        assert_eq!((0..EDGE).map(|edge| at(edge, 10)).collect::<Vec<_>>(), [255; EDGE]);
        // The finder patterns: seven dark modules, with a ring of light ones inside.
        for (left, top) in [(0, 0), (modules - 7, 0), (0, modules - 7)] {
            let row = |y: usize| (0..7).map(|x| at(EDGE + left + x, EDGE + top + y)).collect::<Vec<_>>();
            assert_eq!(row(0), [0; 7]);
            assert_eq!(row(1), [0, 255, 255, 255, 255, 255, 0]);
            assert_eq!(row(3), [0, 255, 0, 0, 0, 255, 0]);
        }
        assert!(picture(&"x".repeat(4000)).is_err());
    }
}
