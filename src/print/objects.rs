//! Objects of a PDF file (ISO 32000-1, 7.3), parsed from bytes that may be hostile: no object nests deeper or has more parts than a
//! file of ours could have.

use super::PrintFault;

/// Arrays and dictionaries within each other.
const DEPTH_MAX: usize = 24;
/// Parts of one object.
const PARTS_MAX: usize = 100_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    /// Null, booleans and real numbers, none of which matters here.
    Other,
    Integer(i64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Object>),
    Dictionary(Dictionary),
    /// Number of the object that stands elsewhere.
    Reference(u32),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Dictionary(Vec<(Vec<u8>, Object)>);

impl Dictionary {
    pub(super) fn get(&self, key: &str) -> Option<&Object> {
        self.0.iter().find(|(name, _)| name == key.as_bytes()).map(|(_, value)| value)
    }

    #[cfg(test)]
    pub(super) fn values(&self) -> impl Iterator<Item = &Object> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(Object::Integer(number)) => Some(*number),
            _ => None,
        }
    }
}

/// A place in the bytes.
pub(super) struct Parser<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    parts: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, parts: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Skips white space and comments.
    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                0 | b'\t' | b'\n' | 12 | b'\r' | b' ' => self.at += 1,
                b'%' => self.at += self.rest().iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(self.rest().len()),
                _ => break,
            }
        }
    }

    /// Takes this word if it is next.
    pub(super) fn take(&mut self, word: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(word.as_bytes());
        if found {
            self.at += word.len();
        }
        found
    }

    /// A number without sign.
    pub(super) fn number(&mut self) -> Option<u64> {
        self.skip_space();
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(self.rest().get(..digits)?).ok()?.parse().ok()?;
        self.at += digits;
        Some(number)
    }

    /// The next object.
    ///
    /// # Errors
    /// None stands here, or it is larger than any of ours.
    pub(super) fn object(&mut self) -> Result<Object, PrintFault> {
        self.object_within(DEPTH_MAX)
    }

    fn object_within(&mut self, depth: usize) -> Result<Object, PrintFault> {
        self.parts += 1;
        if depth == 0 || self.parts > PARTS_MAX {
            return Err(PrintFault::NotAPdf);
        }
        self.skip_space();
        match (self.peek().ok_or(PrintFault::NotAPdf)?, self.rest().get(1)) {
            (b'<', Some(b'<')) => self.dictionary(depth).map(Object::Dictionary),
            (b'<', _) => self.hexadecimal(),
            (b'(', _) => self.literal(),
            (b'/', _) => Ok(Object::Name(self.name())),
            (b'[', _) => {
                self.at += 1;
                let mut items = Vec::new();
                while !self.take("]") {
                    items.push(self.object_within(depth - 1)?);
                }
                Ok(Object::Array(items))
            }
            (b'0'..=b'9' | b'+' | b'-' | b'.', _) => self.number_or_reference(),
            _ if ["true", "false", "null"].iter().any(|word| self.take(word)) => Ok(Object::Other),
            _ => Err(PrintFault::NotAPdf),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Dictionary, PrintFault> {
        self.at += 2;
        let mut entries = Vec::new();
        while !self.take(">>") {
            if self.peek() != Some(b'/') {
                return Err(PrintFault::NotAPdf);
            }
            let key = self.name();
            entries.push((key, self.object_within(depth - 1)?));
        }
        Ok(Dictionary(entries))
    }

    fn number_or_reference(&mut self) -> Result<Object, PrintFault> {
        let length = self.rest().iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.')).count();
        let text = std::str::from_utf8(&self.rest()[..length]).map_err(|_| PrintFault::NotAPdf)?;
        self.at += length;
        let Ok(number) = text.parse::<i64>() else { return Ok(Object::Other) };
        let back = self.at;
        if let Ok(id) = u32::try_from(number)
            && self.number().is_some()
            && self.take("R")
            && self.peek().is_none_or(|byte| !byte.is_ascii_alphanumeric())
        {
            return Ok(Object::Reference(id));
        }
        self.at = back;
        Ok(Object::Integer(number))
    }

    fn name(&mut self) -> Vec<u8> {
        self.at += 1;
        let mut name = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                0 | b'\t' | b'\n' | 12 | b'\r' | b' ' | b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%' => break,
                b'#' => match self.rest().get(1..3).and_then(two_digits) {
                    Some(escaped) => {
                        name.push(escaped);
                        self.at += 3;
                    }
                    None => {
                        name.push(byte);
                        self.at += 1;
                    }
                },
                _ => {
                    name.push(byte);
                    self.at += 1;
                }
            }
        }
        name
    }

    fn hexadecimal(&mut self) -> Result<Object, PrintFault> {
        let end = self.rest().iter().position(|byte| *byte == b'>').ok_or(PrintFault::NotAPdf)?;
        let mut digits: Vec<u8> = self.rest()[1..end].iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        // An odd last digit stands for that digit and a zero.
        if digits.len() % 2 == 1 {
            digits.push(b'0');
        }
        self.at += end + 1;
        digits.chunks(2).map(two_digits).collect::<Option<Vec<u8>>>().map(Object::Text).ok_or(PrintFault::NotAPdf)
    }

    fn literal(&mut self) -> Result<Object, PrintFault> {
        let mut text = Vec::new();
        let mut open = 0_usize;
        loop {
            let byte = self.peek().ok_or(PrintFault::NotAPdf)?;
            self.at += 1;
            match byte {
                b'(' => {
                    open += 1;
                    if open > 1 {
                        text.push(byte);
                    }
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(Object::Text(text));
                    }
                    text.push(byte);
                }
                b'\\' => self.escape(&mut text)?,
                _ => text.push(byte),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), PrintFault> {
        let byte = self.peek().ok_or(PrintFault::NotAPdf)?;
        self.at += 1;
        match byte {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\r' if self.peek() == Some(b'\n') => self.at += 1,
            b'\r' | b'\n' => {}
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    if let Some(digit @ b'0'..=b'7') = self.peek() {
                        code = code * 8 + u32::from(digit - b'0');
                        self.at += 1;
                    }
                }
                text.push((code & 0xff) as u8);
            }
            _ => text.push(byte),
        }
        Ok(())
    }
}

fn two_digits(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?, 16).ok()
}

/// What a text string says (ISO 32000-1, 7.9.2.2). Codes of PDFDocEncoding that are not Latin-1 come out as other characters.
pub(super) fn text_of(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => {
            let units: Vec<u16> = rest.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Object, PrintFault> {
        Parser::new(text.as_bytes(), 0).object()
    }

    #[test]
    fn objects_of_every_kind_are_read() {
        let Ok(Object::Dictionary(all)) = parsed("<</A 1/B 2 0 R/C[1 2 0 R 3]/D(a\\(b(c)\\51\\n)/E<48 6>/F/x#2fy%c\n/G null/H -1.5>>") else { panic!() };
        assert_eq!(all.integer("A"), Some(1));
        assert_eq!(all.get("B"), Some(&Object::Reference(2)));
        assert_eq!(all.get("C"), Some(&Object::Array(vec![Object::Integer(1), Object::Reference(2), Object::Integer(3)])));
        assert_eq!(all.get("D"), Some(&Object::Text(b"a(b(c))\n".to_vec())));
        assert_eq!(all.get("E"), Some(&Object::Text(b"H`".to_vec())));
        assert_eq!(all.get("F"), Some(&Object::Name(b"x/y".to_vec())));
        assert_eq!((all.get("G"), all.get("H")), (Some(&Object::Other), Some(&Object::Other)));
    }

    #[test]
    fn what_is_cut_off_or_too_deep_is_refused() {
        let whole = "<</A[(x)<41>]/B/c>>";
        for end in 0..whole.len() {
            assert_eq!(parsed(&whole[..end]), Err(PrintFault::NotAPdf), "{}", &whole[..end]);
        }
        assert!(parsed(&format!("{}{}", "[".repeat(20), "]".repeat(20))).is_ok());
        assert_eq!(parsed(&"[".repeat(1_000_000)), Err(PrintFault::NotAPdf));
        assert_eq!(parsed(&format!("[{}]", "0 ".repeat(PARTS_MAX))), Err(PrintFault::NotAPdf));
        assert_eq!(text_of(&[0xfe, 0xff, 0x5f, 0x20, 0x4e, 0x09]), "张三");
    }
}
