//! PDF files that strangers send: finding objects (ISO 32000-1, 7.5) with bounded work, whatever the file claims.
//!
//! Only what leads to the embedded files is read, and only when asked for, so that a file cannot make the reader do the same costly
//! thing a million times. The usual libraries read every object of a file as they open it.

use super::PrintFault;
use super::objects::{Dictionary, Object, Parser};
use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::ops::Range;

/// Cross-reference sections of one file: one for each time that it was saved.
const SECTIONS_MAX: usize = 64;
/// Objects of one file.
const OBJECTS_MAX: usize = 200_000;
/// A file can make the reader look at this many bytes, before and after unpacking.
const WORK_MAX: usize = 64 << 20;
/// What one internal stream (cross-references, packed objects) may unpack to.
const INTERNAL_MAX: usize = 4 << 20;
/// The end of the file, in which the last section is named.
const TAIL: usize = 2048;
/// References to references.
const HOPS_MAX: usize = 8;

/// Where an object stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    At(usize),
    /// In the object stream of this number.
    Within(u32),
    Free,
}

/// A stream with its bytes as they stand in the file.
pub(super) struct Stream {
    pub(super) dictionary: Dictionary,
    pub(super) place: Range<usize>,
}

/// A file whose cross-references were read.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    places: BTreeMap<u32, Place>,
    trailer: Dictionary,
    packed: BTreeMap<u32, (Dictionary, Vec<u8>)>,
    work_left: usize,
}

impl<'a> Reader<'a> {
    /// Reads the cross-references.
    ///
    /// # Errors
    /// It is no PDF that can be read, or it is encrypted.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PrintFault> {
        let mut reader = Self { bytes, places: BTreeMap::new(), trailer: Dictionary::default(), packed: BTreeMap::new(), work_left: WORK_MAX };
        if !bytes.starts_with(b"%PDF-") {
            return Err(PrintFault::NotAPdf);
        }
        let tail = bytes.len().saturating_sub(TAIL);
        let word = b"startxref";
        let last = bytes[tail..].windows(word.len()).rposition(|window| window == word).ok_or(PrintFault::NotAPdf)?;
        let mut next = Parser::new(bytes, tail + last + word.len()).number();
        let mut seen = HashSet::new();
        while let Some(offset) = next {
            let offset = usize::try_from(offset).map_err(|_| PrintFault::NotAPdf)?;
            if !seen.insert(offset) || seen.len() > SECTIONS_MAX {
                return Err(PrintFault::NotAPdf);
            }
            let section = reader.section(offset)?;
            if section.get("Encrypt").is_some() {
                return Err(PrintFault::Encrypted);
            }
            // A table for old readers may name a stream for new ones, which stands between it and the sections before.
            let hybrid = section.integer("XRefStm").and_then(|offset| usize::try_from(offset).ok());
            if let Some(offset) = hybrid.filter(|offset| seen.insert(*offset)) {
                reader.section(offset)?;
            }
            next = section.integer("Prev").map(|offset| u64::try_from(offset).map_err(|_| PrintFault::NotAPdf)).transpose()?;
            if seen.len() == 1 || reader.trailer.get("Root").is_none() {
                reader.trailer = section;
            }
        }
        Ok(reader)
    }

    /// The document's catalog.
    pub(super) fn catalog(&mut self) -> Result<Dictionary, PrintFault> {
        let root = self.trailer.get("Root").cloned().ok_or(PrintFault::NotAPdf)?;
        self.dictionary(&root)?.ok_or(PrintFault::NotAPdf)
    }

    /// The object itself, whether it stands here or elsewhere. An object that is not there is null.
    pub(super) fn resolve(&mut self, object: &Object) -> Result<Object, PrintFault> {
        let mut current = object.clone();
        for _ in 0..HOPS_MAX {
            match current {
                Object::Reference(id) => current = self.load(id)?,
                other => return Ok(other),
            }
        }
        Err(PrintFault::NotAPdf)
    }

    pub(super) fn dictionary(&mut self, object: &Object) -> Result<Option<Dictionary>, PrintFault> {
        Ok(match self.resolve(object)? {
            Object::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        })
    }

    /// The stream that a reference names.
    pub(super) fn stream(&mut self, object: &Object) -> Result<Option<Stream>, PrintFault> {
        match object {
            Object::Reference(id) => match self.places.get(id) {
                Some(Place::At(offset)) => self.stream_at(*offset, Some(*id)),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// What a stream holds.
    ///
    /// # Errors
    /// It is packed in another way than deflate, or holds more than `most` bytes.
    pub(super) fn unpack(&mut self, stream: &Stream, most: usize) -> Result<Vec<u8>, PrintFault> {
        let packed = &self.bytes[stream.place.clone()];
        let filter = match stream.dictionary.get("Filter") {
            Some(Object::Array(filters)) if filters.len() <= 1 => filters.first(),
            Some(Object::Array(_)) => return Err(PrintFault::NotAPdf),
            other => other,
        };
        let content = match filter {
            None | Some(Object::Other) => packed.to_vec(),
            Some(Object::Name(name)) if name == b"FlateDecode" => inflate(packed, most)?,
            Some(_) => return Err(PrintFault::NotAPdf),
        };
        self.charge(packed.len() + content.len())?;
        if content.len() > most {
            return Err(PrintFault::TooLong { found: content.len(), most });
        }
        let parameters = match stream.dictionary.get("DecodeParms") {
            Some(Object::Dictionary(parameters)) => Some(parameters),
            Some(Object::Array(list)) => list.first().and_then(|first| if let Object::Dictionary(parameters) = first { Some(parameters) } else { None }),
            _ => None,
        };
        match parameters.and_then(|parameters| Some((parameters.integer("Predictor")?, parameters))) {
            Some((10..=15, parameters)) => without_prediction(&content, parameters.integer("Columns").unwrap_or(1)),
            Some((2..=9, _)) => Err(PrintFault::NotAPdf),
            _ => Ok(content),
        }
    }

    fn charge(&mut self, bytes: usize) -> Result<(), PrintFault> {
        self.work_left = self.work_left.checked_sub(bytes).ok_or(PrintFault::NotAPdf)?;
        Ok(())
    }

    fn load(&mut self, id: u32) -> Result<Object, PrintFault> {
        match self.places.get(&id).copied() {
            Some(Place::At(offset)) => {
                let mut parser = header(self.bytes, offset, Some(id))?;
                let object = parser.object()?;
                self.charge(parser.at - offset)?;
                Ok(object)
            }
            Some(Place::Within(container)) => self.load_packed(container, id),
            Some(Place::Free) | None => Ok(Object::Other),
        }
    }

    fn load_packed(&mut self, container: u32, id: u32) -> Result<Object, PrintFault> {
        if !self.packed.contains_key(&container) {
            let stream = self.stream(&Object::Reference(container))?.ok_or(PrintFault::NotAPdf)?;
            let content = self.unpack(&stream, INTERNAL_MAX)?;
            self.packed.insert(container, (stream.dictionary, content));
        }
        let (dictionary, content) = &self.packed[&container];
        let first = usize::try_from(dictionary.integer("First").unwrap_or(-1)).map_err(|_| PrintFault::NotAPdf)?;
        let mut index = Parser::new(content.get(..first).ok_or(PrintFault::NotAPdf)?, 0);
        let mut place = None;
        while let (Some(number), Some(offset)) = (index.number(), index.number()) {
            if number == u64::from(id) {
                place = usize::try_from(offset).ok().and_then(|offset| first.checked_add(offset));
                break;
            }
        }
        let Some(place) = place else { return Ok(Object::Other) };
        let mut parser = Parser::new(content, place);
        let object = parser.object()?;
        let read = index.at + parser.at.saturating_sub(place);
        self.charge(read)?;
        Ok(object)
    }

    /// A stream at this offset, or None when another object stands there.
    fn stream_at(&mut self, offset: usize, id: Option<u32>) -> Result<Option<Stream>, PrintFault> {
        let mut parser = header(self.bytes, offset, id)?;
        let object = parser.object()?;
        let Object::Dictionary(dictionary) = object else { return Ok(None) };
        if !parser.take("stream") {
            return Ok(None);
        }
        self.charge(parser.at - offset)?;
        let start = parser.at + if self.bytes[parser.at..].starts_with(b"\r\n") { 2 } else { 1 };
        let length = match dictionary.get("Length") {
            // A length that stands in a packed object could need this very stream.
            Some(Object::Reference(id)) if !matches!(self.places.get(id), Some(Place::At(_))) => return Err(PrintFault::NotAPdf),
            Some(length) => self.resolve(&length.clone())?,
            None => return Err(PrintFault::NotAPdf),
        };
        let Object::Integer(length) = length else { return Err(PrintFault::NotAPdf) };
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length)).filter(|end| *end <= self.bytes.len()).ok_or(PrintFault::NotAPdf)?;
        if !Parser::new(self.bytes, end).take("endstream") {
            return Err(PrintFault::NotAPdf);
        }
        Ok(Some(Stream { dictionary, place: start..end }))
    }

    fn section(&mut self, offset: usize) -> Result<Dictionary, PrintFault> {
        let mut parser = Parser::new(self.bytes, offset);
        if !parser.take("xref") {
            return self.section_stream(offset);
        }
        while !parser.take("trailer") {
            let (Some(first), Some(count)) = (parser.number(), parser.number()) else { return Err(PrintFault::NotAPdf) };
            for index in 0..count {
                let (Some(at), Some(_)) = (parser.number(), parser.number()) else { return Err(PrintFault::NotAPdf) };
                let place = match (parser.take("n"), usize::try_from(at)) {
                    (true, Ok(at)) => Place::At(at),
                    _ if parser.take("f") => Place::Free,
                    _ => return Err(PrintFault::NotAPdf),
                };
                self.place(first.checked_add(index), place)?;
            }
        }
        let object = parser.object()?;
        self.charge(parser.at - offset)?;
        match object {
            Object::Dictionary(dictionary) => Ok(dictionary),
            _ => Err(PrintFault::NotAPdf),
        }
    }

    /// A cross-reference stream (7.5.8).
    fn section_stream(&mut self, offset: usize) -> Result<Dictionary, PrintFault> {
        let stream = self.stream_at(offset, None)?.ok_or(PrintFault::NotAPdf)?;
        let content = self.unpack(&stream, INTERNAL_MAX)?;
        let integers = |key: &str| match stream.dictionary.get(key) {
            Some(Object::Array(items)) => items.iter().map(|item| if let Object::Integer(number) = item { u64::try_from(*number).ok() } else { None }).collect::<Option<Vec<u64>>>(),
            _ => None,
        };
        let widths = integers("W").filter(|widths| widths.len() == 3 && widths.iter().all(|width| *width <= 8)).ok_or(PrintFault::NotAPdf)?;
        let size = stream.dictionary.integer("Size").and_then(|size| u64::try_from(size).ok()).ok_or(PrintFault::NotAPdf)?;
        let ranges = integers("Index").unwrap_or_else(|| vec![0, size]);
        let entry_length = usize::try_from(widths.iter().sum::<u64>()).unwrap_or(0).max(1);
        let mut entries = content.chunks_exact(entry_length);
        for range in ranges.chunks_exact(2) {
            for (index, entry) in (0..range[1]).zip(&mut entries) {
                let mut rest = entry;
                let mut parts = [0_u64; 3];
                for (part, width) in parts.iter_mut().zip(&widths) {
                    let (bytes, behind) = rest.split_at(*width as usize);
                    *part = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
                    rest = behind;
                }
                // A type that takes no room is 1.
                let place = match if widths[0] == 0 { 1 } else { parts[0] } {
                    1 => Place::At(usize::try_from(parts[1]).map_err(|_| PrintFault::NotAPdf)?),
                    2 => Place::Within(u32::try_from(parts[1]).map_err(|_| PrintFault::NotAPdf)?),
                    _ => Place::Free,
                };
                self.place(range[0].checked_add(index), place)?;
            }
        }
        Ok(stream.dictionary)
    }

    /// The section that is read first is the newest, and counts.
    fn place(&mut self, number: Option<u64>, place: Place) -> Result<(), PrintFault> {
        let number = number.and_then(|number| u32::try_from(number).ok()).ok_or(PrintFault::NotAPdf)?;
        self.places.entry(number).or_insert(place);
        if self.places.len() > OBJECTS_MAX { Err(PrintFault::NotAPdf) } else { Ok(()) }
    }
}

/// Skips `12 0 obj`. The number must be this one, if one is given.
fn header(bytes: &[u8], offset: usize, id: Option<u32>) -> Result<Parser<'_>, PrintFault> {
    let mut parser = Parser::new(bytes, offset);
    let number = parser.number();
    let is_object = number.is_some() && parser.number().is_some() && parser.take("obj");
    if is_object && id.is_none_or(|id| number == Some(u64::from(id))) { Ok(parser) } else { Err(PrintFault::NotAPdf) }
}

fn inflate(packed: &[u8], most: usize) -> Result<Vec<u8>, PrintFault> {
    let mut content = Vec::new();
    // One byte more than allowed tells that there is more.
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    flate2::read::ZlibDecoder::new(packed).take(limit).read_to_end(&mut content).map_err(|_| PrintFault::NotAPdf)?;
    Ok(content)
}

/// Undoes PNG's prediction by rows (RFC 2083, 6), which cross-reference streams use.
fn without_prediction(content: &[u8], columns: i64) -> Result<Vec<u8>, PrintFault> {
    let columns = usize::try_from(columns).ok().filter(|columns| (1..=4096).contains(columns)).ok_or(PrintFault::NotAPdf)?;
    let mut previous = vec![0_u8; columns];
    let mut plain = Vec::with_capacity(content.len());
    for row in content.chunks_exact(columns + 1) {
        let mut current = row[1..].to_vec();
        for index in 0..columns {
            let (left, up_left) = if index == 0 { (0, 0) } else { (current[index - 1], previous[index - 1]) };
            let up = previous[index];
            let predicted = match row[0] {
                0 => 0,
                1 => left,
                2 => up,
                3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                4 => paeth(left, up, up_left),
                _ => return Err(PrintFault::NotAPdf),
            };
            current[index] = current[index].wrapping_add(predicted);
        }
        plain.extend_from_slice(&current);
        previous = current;
    }
    Ok(plain)
}

fn paeth(left: u8, up: u8, up_left: u8) -> u8 {
    let [a, b, c] = [left, up, up_left].map(i16::from);
    let estimate = a + b - c;
    let [to_left, to_up, to_corner] = [a, b, c].map(|value| (estimate - value).abs());
    if to_left <= to_up && to_left <= to_corner {
        left
    } else if to_up <= to_corner {
        up
    } else {
        up_left
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Which of these keys any dictionary of the file has, wherever it stands.
    pub(in crate::print) fn keys_of(bytes: &[u8], keys: &[&str]) -> Vec<String> {
        let mut reader = Reader::open(bytes).unwrap();
        let ids: Vec<u32> = reader.places.keys().copied().collect();
        let mut found = Vec::new();
        for id in ids {
            collect(&reader.load(id).unwrap(), keys, &mut found);
        }
        found
    }

    /// How many elements of the structure are of this kind.
    pub(in crate::print) fn names_of(bytes: &[u8], kind: &str) -> usize {
        let mut reader = Reader::open(bytes).unwrap();
        let ids: Vec<u32> = reader.places.keys().copied().collect();
        let is_kind = |object: Object| matches!(object, Object::Dictionary(element) if element.get("S") == Some(&Object::Name(kind.as_bytes().to_vec())));
        ids.into_iter().filter(|id| is_kind(reader.load(*id).unwrap())).count()
    }

    fn collect(object: &Object, keys: &[&str], found: &mut Vec<String>) {
        match object {
            Object::Array(items) => items.iter().for_each(|item| collect(item, keys, found)),
            Object::Dictionary(dictionary) => {
                found.extend(keys.iter().filter(|key| dictionary.get(key).is_some()).map(|key| (*key).to_owned()));
                dictionary.values().for_each(|value| collect(value, keys, found));
            }
            _ => {}
        }
    }

    #[test]
    fn rows_are_predicted_as_png_does() {
        assert_eq!(without_prediction(&[0, 1, 2, 2, 1, 1, 1, 5, 1, 3, 2, 2, 4, 1, 1], 2).unwrap(), [1, 2, 2, 3, 5, 6, 4, 7, 5, 8]);
        assert_eq!(without_prediction(&[9, 1], 1), Err(PrintFault::NotAPdf));
        assert_eq!(without_prediction(&[0], 0), Err(PrintFault::NotAPdf));
    }

    #[test]
    fn packed_objects_and_streams_of_references_are_read() {
        // 1: the catalog, packed as the second object of 2. 3: the references, with two bytes for each offset.
        let mut file = b"%PDF-1.5\n".to_vec();
        let packed = file.len();
        file.extend(b"2 0 obj\n<</Type/ObjStm/N 2/First 8/Length 37>>stream\n9 0 1 3 12 <</Type/Catalog /Lang(x)>>\nendstream\nendobj\n");
        let start = file.len();
        let entries: Vec<u8> = [[0, 0, 0, 0], [2, 0, 2, 1], [1, 0, packed as u8, 0], [1, 0, start as u8, 0]].concat();
        file.extend(format!("3 0 obj\n<</Type/XRef/Size 4/W[1 2 1]/Root 1 0 R/Length {}>>stream\n", entries.len()).into_bytes());
        file.extend(entries);
        file.extend(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF").into_bytes());
        let catalog = Reader::open(&file).unwrap().catalog().unwrap();
        assert_eq!(catalog.get("Lang"), Some(&Object::Text(b"x".to_vec())));
    }
}
