//! Invented people and organisations. Identity numbers have the birth year 1900, so that no living holder is likely.

use jilu::domain::credit_code::check_character;

const SURNAMES: &[&str] = &["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "欧阳", "司马"];
const GIVEN: &[&str] = &["明", "芳", "伟", "秀英", "强", "磊", "洋", "艳", "勇", "静", "杰", "娟", "涛", "桂兰", "超", "霞"];

/// One invented worker.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub document_number: String,
}

/// The `index`-th invented worker; no two share a number.
pub fn person(index: u32) -> Person {
    let day = chrono::NaiveDate::from_ymd_opt(1900, 1, 1).expect("a date of the calendar") + chrono::Days::new(u64::from(index % 365));
    let head = format!("320102{}{:03}", day.format("%Y%m%d"), 1 + index / 365);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = head.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = b"10X98765432"[(sum % 11) as usize] as char;
    let pick = |list: &'static [&'static str], step: u32| list[(index * step) as usize % list.len()];
    Person { name: format!("{}{}", pick(SURNAMES, 1), pick(GIVEN, 5)), document_number: format!("{head}{check}") }
}

/// An invented unified social credit code.
pub fn credit_code(head: &str) -> String {
    format!("{head}{}", check_character(head).expect("the head is of the alphabet"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jilu::domain::document::ResidentIdNumber;

    #[test]
    fn every_invented_number_is_valid_and_its_own() {
        let today = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
        let numbers: std::collections::HashSet<_> = (0..5000).map(|index| person(index).document_number).collect();
        assert_eq!(numbers.len(), 5000);
        assert!(numbers.iter().all(|number| ResidentIdNumber::parse(number, today).is_ok()));
    }
}
