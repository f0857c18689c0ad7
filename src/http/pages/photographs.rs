//! QR codes in photographs: what somebody took at a gate with a phone.

use crate::services::error::Error;
use crate::services::pictures::SHOWN;
use image::{GrayImage, ImageReader, Limits};
use std::io::Cursor;

/// Most pixels on one side, and bytes of memory, that a photograph may take.
const SIDE_MAX: u32 = 12_000;
const MEMORY_MAX: u64 = 200 << 20;
/// Photographs are looked at in these sizes of their longer side: large codes are found in small pictures, small ones in large pictures.
const LOOKED_AT: [u32; 3] = [1_000, 2_000, 400];

/// Looks for QR codes when it is this picture's turn. A decoder that fails on a stranger's picture has found nothing.
pub async fn find_qr_codes(bytes: Vec<u8>) -> Result<Vec<String>, Error> {
    Ok(SHOWN.read(move || read_qr_codes(&bytes)).await?.unwrap_or_default())
}

/// The same at once; None when others are being looked at, who go first.
pub async fn find_qr_codes_now(bytes: Vec<u8>) -> Option<Vec<String>> {
    SHOWN.read_now(move || read_qr_codes(&bytes)).await.map(Option::unwrap_or_default)
}

/// Texts of the QR codes in a JPEG or PNG picture, each once. Empty when there is none or it is no such picture.
pub fn read_qr_codes(bytes: &[u8]) -> Vec<String> {
    let Ok(mut reader) = ImageReader::new(Cursor::new(bytes)).with_guessed_format() else { return Vec::new() };
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height, limits.max_alloc) = (Some(SIDE_MAX), Some(SIDE_MAX), Some(MEMORY_MAX));
    reader.limits(limits);
    let Ok(picture) = reader.decode() else { return Vec::new() };
    let longer = picture.width().max(picture.height());
    // A picture that is smaller than two of the sizes looks the same in both.
    for side in LOOKED_AT.into_iter().filter(|side| *side == LOOKED_AT[0] || *side < longer) {
        let grey = if longer > side { picture.thumbnail(side, side).into_luma8() } else { picture.to_luma8() };
        let texts = codes_in(&grey);
        if !texts.is_empty() {
            return texts;
        }
    }
    Vec::new()
}

/// Texts of the QR codes in a picture of this size.
pub fn codes_in(grey: &GrayImage) -> Vec<String> {
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| grey.get_pixel(x as u32, y as u32).0[0]);
    let mut texts: Vec<String> = prepared.detect_grids().iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect();
    texts.dedup();
    texts
}

/// The token in the address that a QR code of this registry holds.
pub fn token_of<'a>(text: &'a str, public_url: &str) -> Option<&'a str> {
    let token = text.trim().strip_prefix(public_url)?.strip_prefix("/v/")?;
    (!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::baked;

    #[test]
    fn a_code_is_found_in_a_picture_and_nothing_in_noise() {
        let picture = baked::png("http://localhost:8080/v/s9-T8dk5Ii_G4rvAl_JhAVm9", "{}");
        assert_eq!(read_qr_codes(&picture), ["http://localhost:8080/v/s9-T8dk5Ii_G4rvAl_JhAVm9"]);
        assert!(read_qr_codes(b"\xff\xd8\xff\xe0 not a picture").is_empty());
        assert!(read_qr_codes(&picture[..200]).is_empty());
    }

    #[test]
    fn only_an_address_of_this_registry_has_a_token() {
        let url = "https://jilu.example.cn";
        assert_eq!(token_of("https://jilu.example.cn/v/abc-_9", url), Some("abc-_9"));
        for foreign in ["https://jilu.example.cn.evil.example/v/abc", "https://jilu.example.cn/v/", "https://jilu.example.cn/v/a/b", "http://jilu.example.cn/v/abc", "javascript:alert(1)"] {
            assert_eq!(token_of(foreign, url), None, "{foreign}");
        }
    }
}
