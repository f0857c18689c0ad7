//! The photograph on a certificate (照片; certificate-formats, section 12): one inch (一寸), 25 by 35 mm, as it was handed in.
//!
//! It is made small, upright and plain here, and nothing of the file that came goes on: no place, no camera, no hidden picture.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgb, RgbImage};
use std::io::Cursor;

/// Width and height on paper, in points.
pub const SIZE: [f32; 2] = [70.87, 99.21];
/// Fewest pixels, wide and high: 300 to an inch, as photographers hand them in.
pub const LEAST: [u32; 2] = [295, 413];
/// Most pixels that are kept: 600 to an inch.
const MOST: [u32; 2] = [590, 826];
/// How wide a picture may be for its height. The squarest is that of identity cards, 26 by 32 mm; from it the sides are cut.
const PROPORTIONS: [f32; 2] = [0.66, 0.84];
/// Most pixels on one side, and bytes of memory, that a picture may take before it is made small.
pub const SIDE_MAX: u32 = 8_000;
const MEMORY_MAX: u64 = 160 << 20;
/// Of a hundred; a face stays smooth.
const QUALITY: u8 = 88;

/// A photograph that can be printed: a plain JPEG file of 25 by 35 parts.
#[derive(Clone, PartialEq, Eq)]
pub struct Portrait(Vec<u8>);

// A face is in no log.
impl std::fmt::Debug for Portrait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Portrait({} bytes)", self.0.len())
    }
}

/// Why a file is no photograph for a certificate; widths and heights are in pixels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPortrait {
    #[error("no JPEG or PNG picture of at most {SIDE_MAX} pixels on a side")]
    Unreadable,
    #[error("a picture of {width} by {height} pixels, at least {} by {} expected", LEAST[0], LEAST[1])]
    TooSmall { width: u32, height: u32 },
    #[error("a picture of {width} by {height} pixels, an upright one expected")]
    WrongProportions { width: u32, height: u32 },
}

impl Portrait {
    /// Reads a photograph that somebody handed in, turns it upright, cuts its sides to the proportions of the paper and makes it anew.
    ///
    /// # Errors
    /// It is no such picture, has too few pixels, or other proportions than photographs for documents.
    pub fn read(file: &[u8]) -> Result<Self, NoPortrait> {
        let picture = upright(file).map_err(|_| NoPortrait::Unreadable)?;
        let (width, height) = (picture.width(), picture.height());
        let [narrowest, widest] = PROPORTIONS;
        if !(narrowest..=widest).contains(&(width as f32 / height as f32)) {
            return Err(NoPortrait::WrongProportions { width, height });
        }
        let (cut_width, cut_height) = (width.min(height * LEAST[0] / LEAST[1]), height.min(width * LEAST[1] / LEAST[0]));
        if cut_width < LEAST[0] || cut_height < LEAST[1] {
            return Err(NoPortrait::TooSmall { width, height });
        }
        let cut = picture.crop_imm((width - cut_width) / 2, (height - cut_height) / 2, cut_width, cut_height);
        let cut = if cut_width > MOST[0] { cut.resize_exact(MOST[0], MOST[1], FilterType::CatmullRom) } else { cut };
        let mut made = Vec::new();
        on_white(&cut).write_with_encoder(JpegEncoder::new_with_quality(&mut made, QUALITY)).map_err(|_| NoPortrait::Unreadable)?;
        Ok(Portrait(made))
    }

    /// The JPEG file.
    pub(super) fn jpeg(&self) -> &[u8] {
        &self.0
    }
}

fn upright(file: &[u8]) -> image::ImageResult<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height, limits.max_alloc) = (Some(SIDE_MAX), Some(SIDE_MAX), Some(MEMORY_MAX));
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// PDF/A has no half-transparent pictures here: what shines through is paper.
fn on_white(picture: &DynamicImage) -> RgbImage {
    let with_alpha = picture.to_rgba8();
    RgbImage::from_fn(with_alpha.width(), with_alpha.height(), |x, y| {
        let [red, green, blue, alpha] = with_alpha.get_pixel(x, y).0.map(u32::from);
        Rgb([red, green, blue].map(|part| u8::try_from((part * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use image::codecs::png::PngEncoder;
    use image::{ImageEncoder, Rgba, RgbaImage};

    /// A picture whose left upper quarter is dark, as a JPEG that says how it was held.
    fn file(width: u32, height: u32, orientation: u8) -> Vec<u8> {
        let picture = RgbImage::from_fn(width, height, |x, y| if x < width / 2 && y < height / 2 { Rgb([20, 20, 20]) } else { Rgb([230, 230, 230]) });
        let mut made = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut made, 90);
        // TIFF, little endian, one entry: orientation (0x0112), one short (EXIF 2.3, 4.6.2).
        let exif = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(), &[orientation, 0, 0, 0], &[0; 4]].concat();
        encoder.set_exif_metadata(exif).unwrap();
        picture.write_with_encoder(encoder).unwrap();
        made
    }

    pub(in crate::print) fn portrait() -> Portrait {
        Portrait::read(&file(413, 531, 1)).unwrap()
    }

    fn picture_of(portrait: &Portrait) -> RgbImage {
        image::load_from_memory(&portrait.0).unwrap().into_rgb8()
    }

    fn is_dark(picture: &RgbImage, x: u32, y: u32) -> bool {
        picture.get_pixel(x, y).0.iter().all(|part| *part < 90)
    }

    #[test]
    fn a_photograph_comes_out_in_the_proportions_of_the_paper() {
        for (width, height) in [(295, 413), (358, 441), (413, 579), (600, 840), (480, 640), (1500, 2000)] {
            let made = picture_of(&Portrait::read(&file(width, height, 1)).unwrap());
            let proportion = made.width() as f32 / made.height() as f32;
            assert!((proportion - SIZE[0] / SIZE[1]).abs() < 0.004, "{width} by {height}: {proportion}");
            assert!(made.width() >= LEAST[0] && made.height() >= LEAST[1] && made.width() <= MOST[0] && made.height() <= MOST[1]);
            assert!(is_dark(&made, 5, 5) && !is_dark(&made, made.width() - 5, 5));
        }
    }

    #[test]
    fn a_telephone_that_was_held_aslant_is_turned_upright_and_what_it_told_is_dropped() {
        let lying = file(800, 600, 6);
        assert!(memchr::memmem::find(&lying, b"Exif").is_some());
        let made = Portrait::read(&lying).unwrap();
        assert!(memchr::memmem::find(&made.0, b"Exif").is_none());
        let picture = picture_of(&made);
        // Turned by a quarter clockwise, the left upper corner is the right upper one.
        assert!(is_dark(&picture, picture.width() - 5, 5) && !is_dark(&picture, 5, 5));
    }

    #[test]
    fn what_is_no_photograph_is_refused() {
        for (bytes, fault) in [
            (file(200, 280, 1), NoPortrait::TooSmall { width: 200, height: 280 }),
            (file(294, 440, 1), NoPortrait::TooSmall { width: 294, height: 440 }),
            (file(800, 600, 1), NoPortrait::WrongProportions { width: 800, height: 600 }),
            (file(600, 600, 1), NoPortrait::WrongProportions { width: 600, height: 600 }),
            (file(500, 900, 1), NoPortrait::WrongProportions { width: 500, height: 900 }),
            (b"<svg/>".to_vec(), NoPortrait::Unreadable),
            (file(600, 840, 1)[..300].to_vec(), NoPortrait::Unreadable),
            (Vec::new(), NoPortrait::Unreadable),
        ] {
            assert_eq!(Portrait::read(&bytes), Err(fault));
        }
    }

    #[test]
    fn paper_shines_through() {
        let mut file = Vec::new();
        let clear = RgbaImage::from_pixel(300, 420, Rgba([0, 0, 0, 0]));
        PngEncoder::new(&mut file).write_image(&clear, 300, 420, image::ExtendedColorType::Rgba8).unwrap();
        let made = picture_of(&Portrait::read(&file).unwrap());
        assert!(made.pixels().all(|pixel| pixel.0.iter().all(|part| *part > 250)));
    }
}
