//! NDJSON: one JSON object on each line.

use super::{Row, damaged};
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};

/// A longer line is no row but a damaged file.
const LINE_MAX: u64 = 64 * 1024;

pub(super) fn read(file: &mut impl Read, visit: &mut dyn FnMut(Row) -> Result<(), Violation>) -> Result<(), Vec<Violation>> {
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = (&mut lines).take(LINE_MAX + 1).read_until(b'\n', &mut line).map_err(|_| vec![damaged("the file cannot be read", "文件无法读取")])?;
        if length == 0 {
            break;
        }
        if length as u64 > LINE_MAX {
            return Err(vec![damaged(format!("line {number} is longer than {LINE_MAX} bytes"), format!("第 {number} 行超过 {LINE_MAX} 字节"))]);
        }
        let text = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let cells = match crate::credential::strict_json::parse(text) {
            Ok(Value::Object(cells)) if !super::has_nul(&cells) => Ok(cells.into_iter().filter(|(_, value)| !value.is_null()).collect()),
            Ok(_) => Err(invalid("row", Text::new("another JSON value found, an object expected", "应为 JSON 对象"))),
            Err(error) => {
                let what = error.classify();
                Err(invalid("row", Text::new(format!("not JSON in UTF-8 ({what:?} error at column {})", error.column()), "该行不是有效的 UTF-8 JSON")))
            }
        };
        visit(Row { number, cells }).map_err(|fault| vec![fault])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{rows, says};

    #[test]
    fn a_broken_line_is_a_faulty_row_and_an_endless_one_a_damaged_file() {
        let found = rows(Format::Ndjson, b"{\"a\":1,\"a\":2}\n[1]\n{\"a\":null}\n").unwrap();
        assert!(found[0].cells.is_err() && found[1].cells.is_err());
        assert!(found[2].cells.as_ref().unwrap().is_empty());
        assert!(says(Format::Ndjson, &vec![b' '; 70_000]).contains("longer than"));
    }
}
