//! CSV as spreadsheets write it (RFC 4180), in UTF-8.

use super::{Row, Shape, columns_of, damaged};
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use serde_json::{Map, Value};
use std::io::{Read, Seek, SeekFrom};

/// A longer row is no row but a damaged file.
const RECORD_MAX: usize = 64 * 1024;

pub(super) fn read(file: &mut (impl Read + Seek), shape: &Shape, visit: &mut dyn FnMut(Row) -> Result<(), Violation>) -> Result<(), Vec<Violation>> {
    let unreadable = |_| vec![damaged("the file cannot be read", "文件无法读取")];
    let lines = inspect(file).map_err(unreadable)?.map_err(|fault| vec![fault])?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header = reader.headers().cloned().map_err(|error| vec![invalid("header", Text::new(error.to_string(), "表头无法读取"))])?;
    let columns = columns_of(header.iter(), shape)?;
    let mut record = csv::StringRecord::new();
    loop {
        let found = reader.read_record(&mut record);
        // Where a record begins is not told: empty lines before it are. So its line is counted from its end, which the reader sees as
        // the next line once it has read the LF; it stops between CR and LF.
        let is_behind_end = lines.end == LineEnd::Lf && (lines.is_last_ended || reader.position().byte() < lines.bytes);
        let within: usize = record.iter().map(|cell| cell.matches('\n').count()).sum();
        let number = (reader.position().line() as usize).saturating_sub(within + usize::from(is_behind_end));
        let cells = match found {
            Ok(false) => break,
            Ok(true) => {
                let given = columns.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty());
                Ok(given.map(|(name, cell)| ((*name).to_owned(), Value::from(cell))).collect::<Map<_, _>>())
            }
            Err(error) => {
                let found = match error.kind() {
                    csv::ErrorKind::UnequalLengths { len, .. } => format!("{len} columns found, "),
                    csv::ErrorKind::Io(_) => return Err(vec![damaged("the file cannot be read", "文件无法读取")]),
                    _ => String::new(),
                };
                let count = columns.len();
                Err(invalid("row", Text::new(format!("{found}{count} columns expected, as in the header"), format!("应与表头一致，共 {count} 列"))))
            }
        };
        visit(Row { number, cells }).map_err(|fault| vec![fault])?;
    }
    Ok(())
}

/// How lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    Lf,
    CrLf,
}

/// What the lines of a file look like.
struct Lines {
    end: LineEnd,
    /// Whether the last line has an end too.
    is_last_ended: bool,
    /// Length of the file.
    bytes: u64,
}

/// Looks through a whole file once: how its lines end. Says which encoding was found where UTF-8 was expected, and notices a file cut inside quotes.
fn inspect(file: &mut impl Read) -> std::io::Result<Result<Lines, Violation>> {
    let (mut utf8, mut gbk) = (encoding_rs::UTF_8.new_decoder_without_bom_handling(), encoding_rs::GB18030.new_decoder_without_bom_handling());
    let (mut is_utf8, mut is_gbk, mut quotes, mut has_nul, mut is_first) = (true, true, 0_u64, false, true);
    let (mut length_of_record, mut is_quoted, mut last, mut end, mut total) = (0, false, 0, None, 0);
    let (mut block, mut text) = (vec![0; 64 * 1024], String::with_capacity(256 * 1024));
    loop {
        let length = file.read(&mut block)?;
        let (bytes, is_last) = (&block[..length], length == 0);
        if std::mem::take(&mut is_first) {
            let found = match bytes {
                [] => Some(damaged("an empty file found, a header row and at least one row expected", "文件为空，应有表头和至少一行数据")),
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(damaged("UTF-16 found, UTF-8 expected; save the file as “CSV UTF-8”", "文件为 UTF-16 编码，应为 UTF-8；请另存为“CSV UTF-8”")),
                [b'P', b'K', 3, 4, ..] => Some(damaged("an XLSX or zip file found, CSV expected", "这是 XLSX 或 zip 文件，应为 CSV")),
                _ => None,
            };
            if let Some(fault) = found {
                return Ok(Err(fault));
            }
        }
        for (decoder, is_it) in [(&mut utf8, &mut is_utf8), (&mut gbk, &mut is_gbk)] {
            if *is_it {
                text.clear();
                let (_, _, is_broken) = decoder.decode_to_string(bytes, &mut text, is_last);
                *is_it = !is_broken;
            }
        }
        for byte in bytes {
            is_quoted ^= *byte == b'"';
            if *byte == b'\n' {
                end.get_or_insert(if last == b'\r' { LineEnd::CrLf } else { LineEnd::Lf });
            }
            last = *byte;
            length_of_record = if *byte == b'\n' && !is_quoted { 0 } else { length_of_record + 1 };
            if length_of_record > RECORD_MAX {
                return Ok(Err(damaged(format!("a row of more than {RECORD_MAX} bytes found; a quote may be missing"), format!("有一行超过 {RECORD_MAX} 字节，可能缺少引号"))));
            }
        }
        total += length as u64;
        quotes += bytes.iter().filter(|byte| **byte == b'"').count() as u64;
        has_nul |= bytes.contains(&0);
        if is_last {
            break;
        }
    }
    Ok(match (is_utf8, is_gbk) {
        (false, true) => Err(damaged("GBK (GB 18030) found, UTF-8 expected; save the file as “CSV UTF-8”", "文件为 GBK（GB 18030）编码，应为 UTF-8；请另存为“CSV UTF-8”")),
        (false, false) => Err(damaged("bytes that are not UTF-8 found, UTF-8 expected", "文件不是 UTF-8 编码")),
        (true, _) if has_nul => Err(damaged("a NUL character found; the file is damaged", "文件含有 NUL 字符，可能已损坏")),
        (true, _) if !quotes.is_multiple_of(2) => Err(damaged("the file ends inside a quoted value; it seems to be cut off", "文件在引号内结束，可能不完整")),
        _ => Ok(Lines { end: end.unwrap_or(LineEnd::Lf), is_last_ended: last == b'\n', bytes: total }),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{SHAPE, rows, says};

    #[test]
    fn foreign_encodings_and_cut_files_are_recognised() {
        let (gbk, _, _) = encoding_rs::GBK.encode("worker_id,theory,备注\nw,1,张三\n");
        for (bytes, expected) in [
            (&gbk[..], "GBK"),
            (b"\xff\xfew\0", "UTF-16"),
            (b"worker_id,theory\n\"wkr", "cut off"),
            (b"", "empty"),
            (b"PK\x03\x04....", "XLSX"),
            (b"worker_id,theory\nw\0,1\n", "NUL"),
            (b"worker_id,theory\n\xff\xff,1\n", "not UTF-8"),
        ] {
            let found = says(Format::Csv, bytes);
            assert!(found.contains(expected), "{expected}: {found}");
        }
    }

    #[test]
    fn rows_have_the_numbers_of_their_lines() {
        for mark in ["", "\u{feff}"] {
            for end in ["\n", "\r\n"] {
                for last in ["", end] {
                    let file = format!("{mark}worker_id,theory,note{end}a,1,{end}{end}{end}b,1,\"x{end}y\"{end}c,1{end}{end}d,1,{last}");
                    let numbers: Vec<(usize, bool)> = rows_of_any_number(file.as_bytes());
                    assert_eq!(numbers, [(2, true), (5, true), (7, false), (9, true)], "{file:?}");
                }
            }
        }
    }

    fn rows_of_any_number(bytes: &[u8]) -> Vec<(usize, bool)> {
        let shape = super::Shape { rows_max: 10, ..SHAPE };
        let mut found = Vec::new();
        super::read(&mut std::io::Cursor::new(bytes), &shape, &mut |row| {
            found.push((row.number, row.cells.is_ok()));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn headers_are_checked_and_short_rows_are_their_own_fault() {
        assert!(says(Format::Csv, b"worker_id,age\nw,1\n").contains("none of"));
        assert!(says(Format::Csv, b"note\nw\n").contains("a column worker_id expected"));
        assert!(says(Format::Csv, b"worker_id,theory,theory\nw,1,2\n").contains("twice"));
        let found = rows(Format::Csv, b"worker_id,theory\nw\nw,60\n").unwrap();
        assert!(found[0].cells.as_ref().unwrap_err().detail.en.contains("1 columns found, 2 columns expected"));
        assert_eq!((found[1].number, found[1].cells.as_ref().unwrap()["theory"].as_str()), (3, Some("60")));
    }
}
