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
/// Width and height of the proportion, in millimetres.
const PROPORTION: [u32; 2] = [25, 35];
/// Fewest pixels, wide and high, of what is printed. A photograph of 26 by 32 mm with 300 of them to an inch has enough.
pub const LEAST: [u32; 2] = [265, 371];
/// Most pixels that are kept: 600 to an inch.
const MOST: [u32; 2] = [590, 826];
/// How wide a picture may be for its height. The squarest is that of identity cards, 26 by 32 mm.
const PROPORTIONS: [f32; 2] = [0.66, 0.84];
/// Most pixels of a picture: what telephones make. A decoder takes up to eleven bytes for each.
pub const PIXELS_MAX: u64 = 16_000_000;
/// Most bytes of memory for the unpacked picture, and beside it for what a PNG file tells of itself.
const MEMORY_MAX: u64 = 80 << 20;
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
    #[error("no whole JPEG or PNG picture")]
    Unreadable,
    #[error("a picture of {width} by {height} pixels, at most {PIXELS_MAX} in all expected")]
    TooLarge { width: u32, height: u32 },
    #[error("a picture of {width} by {height} pixels, at least {} by {} expected", LEAST[0], LEAST[1])]
    TooSmall { width: u32, height: u32 },
    #[error("a picture of {width} by {height} pixels, an upright one expected")]
    WrongProportions { width: u32, height: u32 },
}

impl Portrait {
    /// Reads a photograph that somebody handed in, turns it upright, cuts it around its middle to the proportions of the paper and makes
    /// it anew. Its colours are taken for sRGB.
    ///
    /// # Errors
    /// It is no such picture, is cut off, has too few or too many pixels, or other proportions than photographs for documents.
    pub fn read(file: &[u8]) -> Result<Self, NoPortrait> {
        let unreadable = |_: image::ImageError| NoPortrait::Unreadable;
        let mut decoder = decoder_of(file).map_err(unreadable)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        // Judged before anything is unpacked.
        let cut = cut_of(decoder.dimensions(), is_turned(orientation))?;
        if decoder.total_bytes() > MEMORY_MAX || !is_whole(file) {
            return Err(NoPortrait::Unreadable);
        }
        let mut picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
        // Only the first step has the whole picture in its hands.
        let [width, height] = [picture.width(), picture.height()];
        if width.min(height) > 2 * MOST[1] {
            picture = picture.thumbnail(2 * MOST[1], 2 * MOST[1]);
        }
        let scale = |length: u32| (f64::from(length) * f64::from(picture.width()) / f64::from(width)) as u32;
        let [left, top, cut_width, cut_height] = cut.map(scale);
        picture.apply_orientation(orientation);
        let mut picture = picture.crop_imm(left, top, cut_width, cut_height);
        if cut_width > MOST[0] {
            picture = picture.resize_exact(MOST[0], MOST[1], FilterType::CatmullRom);
        }
        let mut made = Vec::new();
        on_white(&picture).write_with_encoder(JpegEncoder::new_with_quality(&mut made, QUALITY)).map_err(unreadable)?;
        Ok(Portrait(made))
    }

    /// The JPEG file.
    pub(super) fn jpeg(&self) -> &[u8] {
        &self.0
    }
}

fn decoder_of(file: &[u8]) -> image::ImageResult<impl ImageDecoder + '_> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    reader.into_decoder()
}

/// Whether a picture is upright only when it is turned by a quarter.
fn is_turned(orientation: Orientation) -> bool {
    matches!(orientation, Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH)
}

/// What of an upright picture is printed: left, top, width and height.
fn cut_of((width, height): (u32, u32), is_turned: bool) -> Result<[u32; 4], NoPortrait> {
    let [width, height] = if is_turned { [height, width] } else { [width, height] };
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(NoPortrait::TooLarge { width, height });
    }
    let [narrowest, widest] = PROPORTIONS;
    if !(narrowest..=widest).contains(&(width as f32 / height as f32)) {
        return Err(NoPortrait::WrongProportions { width, height });
    }
    let [across, down] = PROPORTION;
    let [cut_width, cut_height] = [width.min(height * across / down), height.min(width * down / across)];
    if cut_width < LEAST[0] || cut_height < LEAST[1] {
        return Err(NoPortrait::TooSmall { width, height });
    }
    Ok([(width - cut_width) / 2, (height - cut_height) / 2, cut_width, cut_height])
}

/// Whether a JPEG file has its end (ITU-T T.81, B.1.1). Decoders make what is missing grey; of a PNG file they tell it. What follows the end,
/// as the film behind a telephone's photograph, is nobody's concern.
fn is_whole(file: &[u8]) -> bool {
    !file.starts_with(&[0xff, 0xd8]) || end_of(file).is_some()
}

/// Walks from marker to marker to the place of the end; None where the file is cut off before it.
fn end_of(file: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        at += memchr::memchr(0xff, file.get(at..)?)? + 1;
        match *file.get(at)? {
            0xd9 => return Some(at),
            // Stuffing in a scan, fill bytes, restarts: nothing that has a length.
            0x00 | 0x01 | 0xd0..=0xd7 => at += 1,
            0xff => {}
            // A segment says how long it is; the data of a scan follow its own, without an unstuffed 0xff.
            _ => at += 1 + usize::from(u16::from_be_bytes([*file.get(at + 1)?, *file.get(at + 2)?])),
        }
    }
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
        for (width, height) in [(265, 371), (295, 413), (307, 378), (358, 441), (413, 579), (600, 840), (480, 640), (1800, 2400)] {
            let made = picture_of(&Portrait::read(&file(width, height, 1)).unwrap());
            let proportion = made.width() as f32 / made.height() as f32;
            assert!((proportion - SIZE[0] / SIZE[1]).abs() < 0.004, "{width} by {height}: {proportion}");
            assert!(made.width() >= LEAST[0] && made.height() >= LEAST[1] && made.width() <= MOST[0] && made.height() <= MOST[1]);
            assert!(is_dark(&made, 5, 5) && !is_dark(&made, made.width() - 5, 5) && !is_dark(&made, 5, made.height() - 5));
            // The sides are cut alike: the edge between dark and light stays in the middle.
            let middle = made.width() / 2;
            assert!(is_dark(&made, middle - 8, 5) && !is_dark(&made, middle + 8, 5), "{width} by {height}");
        }
    }

    #[test]
    fn a_telephone_that_was_held_aslant_is_turned_upright_and_what_it_told_is_dropped() {
        for (width, height) in [(800, 600), (2400, 1800)] {
            let lying = file(width, height, 6);
            assert!(memchr::memmem::find(&lying, b"Exif").is_some());
            let made = Portrait::read(&lying).unwrap();
            assert!(memchr::memmem::find(&made.0, b"Exif").is_none());
            let picture = picture_of(&made);
            // Turned by a quarter clockwise, the left upper corner is the right upper one.
            assert!(is_dark(&picture, picture.width() - 5, 5) && !is_dark(&picture, 5, 5) && !is_dark(&picture, 5, picture.height() - 5));
        }
    }

    /// A JPEG file with another one in a segment of its own, as cameras write them.
    fn with_thumbnail(file: &[u8]) -> Vec<u8> {
        let length = u16::try_from(file.len() + 2).unwrap().to_be_bytes();
        [&file[..2], &[0xff, 0xe2], &length, file, &file[2..]].concat()
    }

    #[test]
    fn what_follows_the_picture_is_left_out() {
        let whole = file(600, 840, 1);
        let made = Portrait::read(&whole).unwrap();
        for behind in [&[0xff, 0xda][..], &[0xff, 0xd9, 0x00, 0xff, 0xda, 0x12], &whole[..whole.len() / 2]] {
            assert_eq!(Portrait::read(&[&whole, behind].concat()), Ok(made.clone()));
        }
        assert_eq!(Portrait::read(&with_thumbnail(&whole)), Ok(made));
    }

    #[test]
    fn what_is_no_photograph_is_refused() {
        let whole = file(600, 840, 1);
        let scan = memchr::memmem::rfind(&whole, &[0xff, 0xda]).unwrap();
        for (bytes, fault) in [
            (file(200, 280, 1), NoPortrait::TooSmall { width: 200, height: 280 }),
            (file(264, 371, 1), NoPortrait::TooSmall { width: 264, height: 371 }),
            (file(800, 600, 1), NoPortrait::WrongProportions { width: 800, height: 600 }),
            (file(600, 840, 6), NoPortrait::WrongProportions { width: 840, height: 600 }),
            (file(600, 600, 1), NoPortrait::WrongProportions { width: 600, height: 600 }),
            (file(500, 900, 1), NoPortrait::WrongProportions { width: 500, height: 900 }),
            (b"<svg/>".to_vec(), NoPortrait::Unreadable),
            (whole[..300].to_vec(), NoPortrait::Unreadable),
            // A third of the picture is not there: a decoder would make it grey.
            (whole[..scan + (whole.len() - scan) * 2 / 3].to_vec(), NoPortrait::Unreadable),
            // The end of the small picture within is not that of the picture.
            (with_thumbnail(&whole)[..whole.len() * 2 - 40].to_vec(), NoPortrait::Unreadable),
            (Vec::new(), NoPortrait::Unreadable),
        ] {
            assert_eq!(Portrait::read(&bytes), Err(fault));
        }
    }

    /// A small PNG file that unpacks to a large picture of nothing.
    fn bomb(width: u32, height: u32, color: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().unwrap();
        let row = vec![0_u8; width as usize * color.samples() * (if depth == png::BitDepth::Sixteen { 2 } else { 1 })];
        let mut stream = writer.stream_writer().unwrap();
        (0..height).for_each(|_| std::io::Write::write_all(&mut stream, &row).unwrap());
        stream.finish().unwrap();
        drop(writer);
        file
    }

    #[test]
    fn a_picture_that_would_fill_the_memory_is_refused_before_it_is_unpacked() {
        let vast = bomb(4000, 5200, png::ColorType::Grayscale, png::BitDepth::Eight);
        assert_eq!(Portrait::read(&vast), Err(NoPortrait::TooLarge { width: 4000, height: 5200 }));
        let deep = bomb(3000, 4000, png::ColorType::Rgba, png::BitDepth::Sixteen);
        assert_eq!(Portrait::read(&deep), Err(NoPortrait::Unreadable));
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
