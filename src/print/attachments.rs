//! What a PDF carries: embedded files (ISO 32000-1, 7.11.4), read out of a file that anybody may have sent.

use super::objects::{Dictionary, Object, text_of};
use super::reader::Reader;
use super::{PrintFault, seal};
use std::ops::Range;

/// The largest file that is looked into.
pub const FILE_BYTES_MAX: usize = 8 << 20;
/// More attachments than any file of the registry has.
pub const ATTACHMENTS_MAX: usize = 16;
/// The largest attachment, unpacked.
pub const ATTACHMENT_BYTES_MAX: usize = 1 << 20;
/// Levels of the tree of names.
const LEVELS_MAX: usize = 8;

/// An embedded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A plain file name: letters, digits, `.`, `-`, `_`. What a stranger's file calls one can be anything.
    pub name: String,
    /// Type and subtype without parameters.
    pub media_type: String,
    pub description: String,
    pub bytes: Vec<u8>,
}

/// The embedded files of a PDF, in the order of its tree of names. None is no error.
///
/// # Errors
/// It is no PDF that can be read, is encrypted, or it or an attachment is larger than allowed.
pub fn read(bytes: &[u8]) -> Result<Vec<Attachment>, PrintFault> {
    Ok(find(bytes)?.into_iter().map(|(attachment, _)| attachment).collect())
}

/// Where the bytes of `seal.jws` stand, when there is exactly one and it is not packed.
#[must_use]
pub fn seal_place(bytes: &[u8]) -> Option<Range<usize>> {
    let mut seals = find(bytes).ok()?.into_iter().filter(|(attachment, _)| attachment.name == seal::NAME);
    match (seals.next(), seals.next()) {
        (Some((_, place)), None) => place,
        _ => None,
    }
}

type Found = (Attachment, Option<Range<usize>>);

fn find(bytes: &[u8]) -> Result<Vec<Found>, PrintFault> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(PrintFault::TooLong { found: bytes.len(), most: FILE_BYTES_MAX });
    }
    let mut reader = Reader::open(bytes)?;
    let catalog = reader.catalog()?;
    let mut found = Vec::new();
    if let Some(names) = catalog.get("Names")
        && let Some(names) = reader.dictionary(names)?
        && let Some(files) = names.get("EmbeddedFiles")
    {
        walk(&mut reader, files, LEVELS_MAX, &mut found)?;
    }
    Ok(found)
}

fn walk(reader: &mut Reader<'_>, node: &Object, levels: usize, found: &mut Vec<Found>) -> Result<(), PrintFault> {
    let Some(dictionary) = reader.dictionary(node)? else { return Ok(()) };
    if levels == 0 {
        return Err(PrintFault::NotAPdf);
    }
    if let Some(Object::Array(names)) = dictionary.get("Names").map(|names| reader.resolve(names)).transpose()? {
        for pair in names.chunks_exact(2) {
            if let Some(file) = file(reader, &pair[1])? {
                if found.len() == ATTACHMENTS_MAX {
                    return Err(PrintFault::TooManyAttachments { most: ATTACHMENTS_MAX });
                }
                found.push(file);
            }
        }
    }
    if let Some(Object::Array(kids)) = dictionary.get("Kids").map(|kids| reader.resolve(kids)).transpose()? {
        if kids.len() > ATTACHMENTS_MAX {
            return Err(PrintFault::TooManyAttachments { most: ATTACHMENTS_MAX });
        }
        for kid in &kids {
            walk(reader, kid, levels - 1, found)?;
        }
    }
    Ok(())
}

/// The file that a file specification embeds, if it does.
fn file(reader: &mut Reader<'_>, specification: &Object) -> Result<Option<Found>, PrintFault> {
    let Some(specification) = reader.dictionary(specification)? else { return Ok(None) };
    let Some(streams) = specification.get("EF").map(|streams| reader.dictionary(streams)).transpose()?.flatten() else { return Ok(None) };
    let Some(reference) = streams.get("UF").or(streams.get("F")) else { return Ok(None) };
    let Some(stream) = reader.stream(reference)? else { return Ok(None) };
    let bytes = reader.unpack(&stream, ATTACHMENT_BYTES_MAX)?;
    let name = match text(reader, &specification, "UF")? {
        name if name.is_empty() => text(reader, &specification, "F")?,
        name => name,
    };
    let media_type = match stream.dictionary.get("Subtype") {
        Some(Object::Name(name)) => text_of(name),
        _ => String::new(),
    };
    let place = stream.dictionary.get("Filter").is_none().then_some(stream.place);
    Ok(Some((Attachment { name, media_type, description: text(reader, &specification, "Desc")?, bytes }, place)))
}

fn text(reader: &mut Reader<'_>, dictionary: &Dictionary, key: &str) -> Result<String, PrintFault> {
    Ok(match dictionary.get(key).map(|text| reader.resolve(text)).transpose()? {
        Some(Object::Text(bytes)) => text_of(&bytes),
        _ => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::certificate::{certificate, tests::sample};
    use crate::print::fonts::tests::fonts;
    use std::io::Write;

    /// A PDF with these objects, its table of references and its trailer.
    fn pdf(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
        let mut bytes = b"%PDF-1.7\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
        for (index, object) in objects.iter().enumerate() {
            table += &format!("{:010} 00000 n \n", bytes.len());
            bytes.extend([format!("{} 0 obj\n", index + 1).as_bytes(), object, b"\nendobj\n"].concat());
        }
        let start = bytes.len();
        bytes.extend(format!("{table}trailer\n<</Size {}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF", objects.len() + 1).into_bytes());
        bytes
    }

    fn with_file(dictionary: &str, content: &[u8]) -> Vec<u8> {
        let stream = [format!("<</Type/EmbeddedFile/Length {}{dictionary}>>stream\n", content.len()).as_bytes(), content, b"\nendstream"].concat();
        let catalog = b"<</Type/Catalog/Names<</EmbeddedFiles<</Names[(a)2 0 R]>>>>>>".to_vec();
        pdf(&[catalog, b"<</Type/Filespec/F(a.txt)/UF<FEFF5F204E09>/EF<</F 3 0 R>>/Desc(d)>>".to_vec(), stream], "")
    }

    fn deflated(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_and_packed_files_are_read() {
        let expected = Attachment { name: "张三".to_owned(), media_type: "text/plain".to_owned(), description: "d".to_owned(), bytes: b"hello".to_vec() };
        assert_eq!(read(&with_file("/Subtype/text#2Fplain", b"hello")).unwrap(), std::slice::from_ref(&expected));
        assert_eq!(read(&with_file("/Subtype/text#2Fplain/Filter/FlateDecode", &deflated(b"hello"))).unwrap(), [expected]);
        assert_eq!(read(&pdf(&[b"<<>>".to_vec()], "")), Ok(Vec::new()));
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let just = vec![b' '; ATTACHMENT_BYTES_MAX];
        assert_eq!(read(&with_file("/Filter/FlateDecode", &deflated(&just))).unwrap()[0].bytes.len(), ATTACHMENT_BYTES_MAX);
        let bomb = deflated(&vec![b' '; 64 << 20]);
        let refused = PrintFault::TooLong { found: ATTACHMENT_BYTES_MAX + 1, most: ATTACHMENT_BYTES_MAX };
        assert_eq!(read(&with_file("/Filter/FlateDecode", &bomb)), Err(refused));
        assert_eq!(read(&vec![b' '; FILE_BYTES_MAX + 1]), Err(PrintFault::TooLong { found: FILE_BYTES_MAX + 1, most: FILE_BYTES_MAX }));
        let names = "(a)2 0 R".repeat(ATTACHMENTS_MAX + 1);
        let many = [format!("<</Names<</EmbeddedFiles<</Names[{names}]>>>>>>").into_bytes(), b"<</EF<</F 3 0 R>>>>".to_vec(), b"<</Length 1>>stream\nx\nendstream".to_vec()];
        assert_eq!(read(&pdf(&many, "")), Err(PrintFault::TooManyAttachments { most: ATTACHMENTS_MAX }));
    }

    #[test]
    fn what_is_encrypted_or_goes_in_circles_is_refused() {
        assert_eq!(read(&pdf(&[b"<<>>".to_vec()], "/Encrypt 2 0 R")), Err(PrintFault::Encrypted));
        assert_eq!(read(&pdf(&[b"<</Names<</EmbeddedFiles 2 0 R>>>>".to_vec(), b"<</Kids[2 0 R 2 0 R]>>".to_vec()], "")), Err(PrintFault::NotAPdf));
        assert_eq!(read(&pdf(&[b"1 0 R".to_vec()], "")), Err(PrintFault::NotAPdf));
        let looped = String::from_utf8(pdf(&[b"<<>>".to_vec()], "")).unwrap();
        let start = looped.find("xref\n").unwrap();
        assert_eq!(read(looped.replace("/Root", &format!("/Prev {start}/Root")).as_bytes()), Err(PrintFault::NotAPdf));
    }

    #[test]
    fn a_packed_or_repeated_seal_has_no_place() {
        let file = |names: &str, filter: &str, content: &[u8]| {
            let stream = [format!("<</Length {}{filter}>>stream\r\n", content.len()).as_bytes(), content, b"\nendstream"].concat();
            let catalog = format!("<</Names<</EmbeddedFiles<</Names[{names}]>>>>>>").into_bytes();
            pdf(&[catalog, b"<</F(seal.jws)/EF<</F 3 0 R>>>>".to_vec(), stream], "")
        };
        let once = file("(a)2 0 R", "", b"jws");
        assert_eq!(&once[seal_place(&once).unwrap()], b"jws");
        assert_eq!(seal_place(&file("(a)2 0 R(b)2 0 R", "", b"jws")), None);
        assert_eq!(seal_place(&file("(a)2 0 R", "/Filter/FlateDecode", &deflated(b"jws"))), None);
        assert_eq!(seal_place(&with_file("", b"jws")), None);
    }

    #[test]
    fn damaged_files_never_panic() {
        let whole = certificate(fonts(), &sample()).unwrap();
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        for _ in 0..2000 {
            let mut damaged = whole.clone();
            // The end holds what the reader looks at.
            let from = damaged.len() - damaged.len() / 3;
            for _ in 0..next() % 8 {
                let at = from + next() % (damaged.len() - from);
                damaged[at] = (next() & 0xff) as u8;
            }
            if next() % 4 == 0 {
                damaged.truncate(next() % damaged.len());
            }
            let _ = read(&damaged);
            let _ = seal_place(&damaged);
        }
    }
}
