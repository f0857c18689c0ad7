//! Credentials in pictures (Open Badges 3.0, "Document Formats"): an SVG or a PNG that shows the certificate and carries it.
//!
//! The picture proves nothing; its QR code opens the registry's answer, and what is checked is the credential inside.

use crate::domain::text::Text;
use fast_qr::{ECL, QRBuilder, QRCode};
use png::text_metadata::ITXtChunk;
use quick_xml::events::{BytesCData, BytesText, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, Writer};
use std::io::Cursor;

const NAMESPACE: &str = "https://purl.imsglobal.org/spec/ob/v3p0";
const KEYWORD: &str = "openbadgecredential";
const SVG: &str = "http://www.w3.org/2000/svg";
/// The accent colour of the product.
const GREEN: &str = "#0b5d4e";
const GREEN_PIXEL: [u8; 3] = [0x0b, 0x5d, 0x4e];
/// Width and height of the PNG.
const PIXELS: usize = 640;
/// More than any picture with a credential needs.
const PIXELS_MAX: usize = 16 << 20;

/// What a picture shows.
#[derive(Debug, Clone)]
pub struct Picture<'a> {
    pub kind: &'a str,
    pub title: &'a str,
    pub holder: &'a str,
    pub number: &'a str,
    pub issuer: &'a str,
    pub issued_on: String,
    /// What the QR code opens.
    pub url: &'a str,
}

/// Why no credential comes out of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BakedFault {
    #[error("a picture that cannot be read found")]
    NotAPicture,
    #[error("no credential found in the picture, one expected")]
    NoCredential,
    #[error("more than one credential found in the picture, one expected")]
    SeveralCredentials,
}

impl BakedFault {
    /// The same in both languages.
    pub fn text(self) -> Text {
        let zh = match self {
            BakedFault::NotAPicture => "图片无法读取",
            BakedFault::NoCredential => "图片中没有凭证",
            BakedFault::SeveralCredentials => "图片中的凭证不止一份",
        };
        Text::new(self.to_string(), zh)
    }
}

fn qr(url: &str) -> QRCode {
    QRBuilder::new(url).ecl(ECL::M).build().expect("an address is far below the limit of a QR code")
}

/// The dark squares of a QR code as a path, in a square of `side` at this place.
fn qr_path(code: &QRCode, [left, top, side]: [f64; 3]) -> String {
    let step = side / code.size as f64;
    let dark = (0..code.size).flat_map(|row| code[row].iter().enumerate().filter(|(_, module)| module.value()).map(move |(column, _)| (column, row)));
    dark.map(|(column, row)| format!("M{:.2} {:.2}h{step:.2}v{step:.2}h-{step:.2}z", left + column as f64 * step, top + row as f64 * step)).collect()
}

/// A QR code alone, with the margin that readers want.
pub fn qr_svg(text: &str) -> String {
    let path = qr_path(&qr(text), [16.0, 16.0, 224.0]);
    format!(r##"<svg xmlns="{SVG}" viewBox="0 0 256 256" width="256" height="256" role="img" aria-label="QR"><rect width="256" height="256" fill="#ffffff"/><path d="{path}" fill="#16211e" shape-rendering="crispEdges"/></svg>"##)
}

/// A card with the certificate's face, and the credential as JSON right behind its beginning.
pub fn svg(picture: &Picture<'_>, credential: &str) -> String {
    let mut writer = Writer::new(Vec::new());
    let label = format!("{} {}", picture.kind, picture.title);
    writer
        .create_element("svg")
        .with_attributes([("xmlns", SVG), ("xmlns:openbadges", NAMESPACE), ("viewBox", "0 0 640 400"), ("width", "640"), ("height", "400"), ("role", "img"), ("aria-label", &label)])
        .write_inner_content(|writer| {
            writer.create_element("openbadges:credential").write_inner_content(|writer| {
                // The only place where this sequence can stand in JSON is a text, which may be written so.
                writer.write_event(Event::CData(BytesCData::new(credential.replace("]]>", "]]\\u003e"))))
            })?;
            writer.create_element("title").write_text_content(BytesText::new(&label))?;
            let rectangle = |writer: &mut Writer<Vec<u8>>, [x, y, width, height]: [&str; 4], fill: &str, radius: &str| {
                writer.create_element("rect").with_attributes([("x", x), ("y", y), ("width", width), ("height", height), ("rx", radius), ("fill", fill)]).write_empty().map(drop)
            };
            rectangle(writer, ["0", "0", "640", "400"], GREEN, "20")?;
            rectangle(writer, ["6", "6", "628", "388"], "#ffffff", "16")?;
            rectangle(writer, ["6", "6", "10", "388"], GREEN, "4")?;
            let line = |writer: &mut Writer<Vec<u8>>, y: &str, size: &str, fill: &str, text: &str| {
                let family = "'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',sans-serif";
                writer.create_element("text").with_attributes([("x", "44"), ("y", y), ("font-size", size), ("font-family", family), ("fill", fill)]).write_text_content(BytesText::new(text)).map(drop)
            };
            line(writer, "62", "18", GREEN, picture.kind)?;
            let size = if picture.title.chars().count() > 16 { "22" } else { "30" };
            line(writer, "120", size, "#16211e", picture.title)?;
            line(writer, "176", "24", "#16211e", picture.holder)?;
            line(writer, "258", "15", "#4a5a55", picture.number)?;
            line(writer, "290", "15", "#4a5a55", picture.issuer)?;
            line(writer, "322", "15", "#4a5a55", &picture.issued_on)?;
            line(writer, "366", "12", "#4a5a55", "扫码核验，或核验本文件 / scan, or verify this file")?;
            let path = qr_path(&qr(picture.url), [420.0, 190.0, 180.0]);
            writer.create_element("path").with_attributes([("d", path.as_str()), ("fill", "#16211e"), ("shape-rendering", "crispEdges")]).write_empty()?;
            Ok(())
        })
        .expect("writing to memory does not fail");
    String::from_utf8(writer.into_inner()).expect("XML is written as UTF-8")
}

/// A medallion with the QR code, and the credential as one uncompressed iTXt chunk.
pub fn png(url: &str, credential: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(Cursor::new(&mut bytes), PIXELS as u32, PIXELS as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.add_itxt_chunk(KEYWORD.to_owned(), credential.to_owned()).expect("the header is not written yet");
    let mut writer = encoder.write_header().expect("writing to memory does not fail");
    writer.write_image_data(&medallion(&qr(url))).expect("the data have the size of the picture");
    writer.finish().expect("writing to memory does not fail");
    bytes
}

/// Pixels of a ring with a QR code in it, four bytes each.
fn medallion(code: &QRCode) -> Vec<u8> {
    const SAMPLES: usize = 3;
    let modules = code.size;
    let side = PIXELS * 54 / 100 / modules;
    let from = (PIXELS - side * modules) / 2;
    let middle = PIXELS as f64 / 2.0;
    let mut pixels = Vec::with_capacity(PIXELS * PIXELS * 4);
    for y in 0..PIXELS {
        for x in 0..PIXELS {
            let module = |at: usize| at.checked_sub(from).map(|at| at / side).filter(|at| *at < modules);
            if let (Some(column), Some(row)) = (module(x), module(y))
                && code[row][column].value()
            {
                pixels.extend([0x16, 0x21, 0x1e, 0xff]);
                continue;
            }
            let (mut ring, mut inside) = (0, 0);
            for sample in 0..SAMPLES * SAMPLES {
                let offset = |part: usize| (part as f64 + 0.5) / SAMPLES as f64;
                let (dx, dy) = (x as f64 + offset(sample % SAMPLES) - middle, y as f64 + offset(sample / SAMPLES) - middle);
                match dx.hypot(dy) / middle {
                    distance if distance > 0.99 => {}
                    distance if distance > 0.90 || (0.86..0.875).contains(&distance) => ring += 1,
                    _ => inside += 1,
                }
            }
            let all = ring + inside;
            let mix = |green: u8| (usize::from(green) * ring + 255 * inside).checked_div(all).unwrap_or(0) as u8;
            pixels.extend([mix(GREEN_PIXEL[0]), mix(GREEN_PIXEL[1]), mix(GREEN_PIXEL[2]), (255 * all / (SAMPLES * SAMPLES)) as u8]);
        }
    }
    pixels
}

/// The credential in a PNG.
///
/// # Errors
/// It cannot be read, or carries none or several.
pub fn read_png(bytes: &[u8]) -> Result<String, BakedFault> {
    let decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: PIXELS_MAX });
    let mut reader = decoder.read_info().map_err(|_| BakedFault::NotAPicture)?;
    reader.finish().map_err(|_| BakedFault::NotAPicture)?;
    let found: Vec<&ITXtChunk> = reader.info().utf8_text.iter().filter(|chunk| chunk.keyword == KEYWORD).collect();
    match found.as_slice() {
        [] => Err(BakedFault::NoCredential),
        // Open Badges wants it uncompressed, and what is compressed may unpack to anything.
        [chunk] if chunk.compressed => Err(BakedFault::NotAPicture),
        [chunk] => chunk.get_text().map_err(|_| BakedFault::NotAPicture),
        _ => Err(BakedFault::SeveralCredentials),
    }
}

/// The credential in an SVG: the first element in it.
///
/// # Errors
/// It cannot be read, or carries none or several.
pub fn read_svg(text: &str) -> Result<String, BakedFault> {
    let mut reader = NsReader::from_str(text);
    let (mut depth, mut is_svg, mut within, mut credential) = (0u32, false, false, None);
    let mut content = String::new();
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| BakedFault::NotAPicture)?;
        let is_in = |wanted: &str| namespace == ResolveResult::Bound(Namespace(wanted));
        match event {
            Event::Start(element) | Event::Empty(element) if depth == 0 => {
                is_svg = is_in(SVG) && element.local_name().as_ref() == "svg";
                depth = 1;
            }
            Event::Start(ref element) | Event::Empty(ref element) if is_in(NAMESPACE) && element.local_name().as_ref() == "credential" => {
                if credential.is_some() || within {
                    return Err(BakedFault::SeveralCredentials);
                }
                let verify = element.attributes().flatten().find(|attribute| attribute.key.as_ref() == "verify");
                let is_open = matches!(event, Event::Start(_));
                match verify {
                    Some(attribute) => credential = Some(attribute.value.into_owned()),
                    None if is_open => within = true,
                    None => return Err(BakedFault::NoCredential),
                }
                depth += u32::from(is_open);
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => {
                if within {
                    within = false;
                    credential = Some(std::mem::take(&mut content));
                }
                depth = depth.saturating_sub(1);
            }
            Event::CData(data) if within => content.push_str(&data),
            Event::Eof => break,
            _ => {}
        }
    }
    if !is_svg {
        return Err(BakedFault::NotAPicture);
    }
    credential.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).ok_or(BakedFault::NoCredential)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture<'static> {
        Picture { kind: "职业技能等级证书", title: "电工 三级/高级工 <&>", holder: "张三", number: "S000032000001263000001", issuer: "示例评价机构", issued_on: "2026-03-10".to_owned(), url: "https://registry.example/v/abcdefghijklmnopqrstuv" }
    }

    const CREDENTIAL: &str = r#"{"name":"a ]]\u003e b","x":"张三 <&> \""}"#;

    #[test]
    fn what_was_baked_comes_out() {
        let as_value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(as_value(&read_svg(&svg(&picture(), CREDENTIAL)).unwrap()), as_value(CREDENTIAL));
        assert_eq!(as_value(&read_svg(&svg(&picture(), r#"{"x":"]]>"}"#)).unwrap()), as_value(r#"{"x":"]]>"}"#));
        assert_eq!(read_png(&png(picture().url, CREDENTIAL)).unwrap(), CREDENTIAL);
    }

    #[test]
    fn the_credential_stands_where_open_badges_wants_it() {
        let text = svg(&picture(), CREDENTIAL);
        let (_, behind) = text.split_once('>').unwrap();
        assert!(behind.starts_with("<openbadges:credential><![CDATA["), "{text}");
        let bytes = png(picture().url, CREDENTIAL);
        let at = bytes.windows(4).position(|window| window == b"iTXt").unwrap();
        // Keyword, zero, then: not compressed.
        assert!(bytes[at + 4..].starts_with(b"openbadgecredential\0\0"));
    }

    #[test]
    fn a_jwt_in_an_attribute_is_read() {
        let text = format!(r#"<svg xmlns="{SVG}" xmlns:ob="{NAMESPACE}"><ob:credential verify="a.b.c"></ob:credential><path d="M0 0"/></svg>"#);
        assert_eq!(read_svg(&text).unwrap(), "a.b.c");
        assert_eq!(read_svg(&text.replace("></ob:credential>", "/>")).unwrap(), "a.b.c");
    }

    #[test]
    fn pictures_that_two_readers_could_read_in_two_ways_are_refused() {
        let one = format!(r#"<ob:credential xmlns:ob="{NAMESPACE}" verify="a.b.c"/>"#);
        let within = |inner: &str| format!(r#"<svg xmlns="{SVG}">{inner}</svg>"#);
        assert_eq!(read_svg(&within(&format!("{one}{one}"))), Err(BakedFault::SeveralCredentials));
        assert_eq!(read_svg(&within("<path/>")), Err(BakedFault::NoCredential));
        assert_eq!(read_svg(&within(&one.replace(NAMESPACE, "https://example.org"))), Err(BakedFault::NoCredential));
        assert_eq!(read_svg(&one), Err(BakedFault::NotAPicture));
        assert_eq!(read_svg("<svg"), Err(BakedFault::NotAPicture));
        let mut twice = png(picture().url, CREDENTIAL);
        let at = twice.windows(4).position(|window| window == b"iTXt").unwrap() - 4;
        let length = u32::from_be_bytes(twice[at..at + 4].try_into().unwrap()) as usize + 12;
        let chunk = twice[at..at + length].to_vec();
        twice.splice(at..at, chunk);
        assert_eq!(read_png(&twice), Err(BakedFault::SeveralCredentials));
        assert_eq!(read_png(b"\x89PNG\r\n\x1a\n"), Err(BakedFault::NotAPicture));
    }

    #[test]
    fn what_is_compressed_is_not_unpacked() {
        use std::io::Write;
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![b' '; 1 << 20]).unwrap();
        let data = [b"iTXt".as_slice(), KEYWORD.as_bytes(), &[0, 1, 0, 0, 0], &packed.finish().unwrap()].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&data);
        let chunk = [&(data.len() as u32 - 4).to_be_bytes()[..], &data, &sum.sum().to_be_bytes()].concat();
        let mut bytes = png(picture().url, CREDENTIAL);
        let at = bytes.windows(4).position(|window| window == b"iTXt").unwrap() - 4;
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize + 12;
        bytes.splice(at..at + length, chunk);
        assert_eq!(read_png(&bytes), Err(BakedFault::NotAPicture));
    }
}
