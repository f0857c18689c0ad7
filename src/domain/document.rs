//! Documents that prove who a worker is: kinds, forms, checks and masks.
//!
//! Source: GB 11643-1999 for the 18-character forms; the others as collected in the domain book, with their confidence.

use super::rule::Malformed;
use chrono::NaiveDate;
use std::fmt;
use std::str::FromStr;

/// Kinds of documents that a worker may be known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdDocumentType {
    ResidentId,
    HkMacaoResidencePermit,
    TaiwanResidencePermit,
    HkMacaoTravelPermit,
    TaiwanTravelPermit,
    Passport,
    ForeignPermanentResidentId,
    MilitaryId,
}

impl IdDocumentType {
    pub const ALL: [IdDocumentType; 8] = [
        IdDocumentType::ResidentId,
        IdDocumentType::HkMacaoResidencePermit,
        IdDocumentType::TaiwanResidencePermit,
        IdDocumentType::HkMacaoTravelPermit,
        IdDocumentType::TaiwanTravelPermit,
        IdDocumentType::Passport,
        IdDocumentType::ForeignPermanentResidentId,
        IdDocumentType::MilitaryId,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            IdDocumentType::ResidentId => "resident_id",
            IdDocumentType::HkMacaoResidencePermit => "hk_macao_residence_permit",
            IdDocumentType::TaiwanResidencePermit => "taiwan_residence_permit",
            IdDocumentType::HkMacaoTravelPermit => "hk_macao_travel_permit",
            IdDocumentType::TaiwanTravelPermit => "taiwan_travel_permit",
            IdDocumentType::Passport => "passport",
            IdDocumentType::ForeignPermanentResidentId => "foreign_permanent_resident_id",
            IdDocumentType::MilitaryId => "military_id",
        }
    }

    pub fn name_zh(self) -> &'static str {
        match self {
            IdDocumentType::ResidentId => "居民身份证",
            IdDocumentType::HkMacaoResidencePermit => "港澳居民居住证",
            IdDocumentType::TaiwanResidencePermit => "台湾居民居住证",
            IdDocumentType::HkMacaoTravelPermit => "港澳居民来往内地通行证",
            IdDocumentType::TaiwanTravelPermit => "台湾居民来往大陆通行证",
            IdDocumentType::Passport => "护照",
            IdDocumentType::ForeignPermanentResidentId => "外国人永久居留身份证",
            IdDocumentType::MilitaryId => "军官证及其他",
        }
    }

    pub fn name_en(self) -> &'static str {
        match self {
            IdDocumentType::ResidentId => "Resident identity card",
            IdDocumentType::HkMacaoResidencePermit => "Residence permit for Hong Kong and Macao residents",
            IdDocumentType::TaiwanResidencePermit => "Residence permit for Taiwan residents",
            IdDocumentType::HkMacaoTravelPermit => "Travel permit for Hong Kong and Macao residents",
            IdDocumentType::TaiwanTravelPermit => "Travel permit for Taiwan residents",
            IdDocumentType::Passport => "Passport",
            IdDocumentType::ForeignPermanentResidentId => "Foreign permanent resident card",
            IdDocumentType::MilitaryId => "Military or other card",
        }
    }
}

impl FromStr for IdDocumentType {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            Malformed::new(format!("one of {} expected", names.join(", ")), format!("应为 {} 之一", names.join("、")))
        })
    }
}

/// A resident identity number (GB 11643-1999), or a residence permit of the same form.
///
/// `Debug` shows the masked form, so that a number cannot slip into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct ResidentIdNumber(String);

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_CHARACTERS: &[u8; 11] = b"10X98765432";
/// An age above this means a wrong number. GB 11643 gives no bound, and the domain book names 120 years; but its worked examples, the
/// invented people of 1900, are to be valid today, so the bound lies above them and still refuses every birth before 1890.
const AGE_YEARS_MAX: i32 = 130;

impl ResidentIdNumber {
    /// Parses the 18-character form; dates are judged against `today`.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, Malformed> {
        let number = normalised(text);
        let count = number.chars().count();
        if count != 18 {
            return Err(Malformed::new(format!("{count} characters found, 18 expected (GB 11643-1999)"), format!("发现 {count} 个字符，应为 18 个（GB 11643-1999）")));
        }
        let bytes = number.as_bytes();
        if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) || !(bytes[17].is_ascii_digit() || bytes[17] == b'X') {
            return Err(Malformed::new("17 digits and a digit or X expected (GB 11643-1999)", "应为 17 位数字加一位数字或 X（GB 11643-1999）"));
        }
        let sum: u32 = bytes[..17].iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        if bytes[17] != CHECK_CHARACTERS[(sum % 11) as usize] {
            return Err(Malformed::new("the check character does not fit the 17 digits before it (GB 11643-1999)", "校验码与前 17 位不符（GB 11643-1999）"));
        }
        let birth = NaiveDate::parse_from_str(&number[6..14], "%Y%m%d")
            .map_err(|_| Malformed::new("positions 7 to 14 are not a date of the calendar", "第 7 至 14 位不是有效日期"))?;
        if birth > today {
            return Err(Malformed::new("the birth date lies after today", "出生日期晚于今天"));
        }
        let latest = birth.with_year_added(AGE_YEARS_MAX + 1);
        if latest <= today {
            return Err(Malformed::new(format!("the birth date means an age above {AGE_YEARS_MAX} years"), format!("按出生日期年龄超过 {AGE_YEARS_MAX} 岁")));
        }
        Ok(ResidentIdNumber(number))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn region_code(&self) -> &str {
        &self.0[..6]
    }

    pub fn birth_date(&self) -> NaiveDate {
        NaiveDate::parse_from_str(&self.0[6..14], "%Y%m%d").expect("parsing tested the date")
    }

    /// Odd order codes were given to men, even ones to women.
    pub fn is_female(&self) -> bool {
        self.0.as_bytes()[16].is_multiple_of(2)
    }

    /// GK: order code 000 does not occur; a warning, never a refusal.
    pub fn has_unusual_order(&self) -> bool {
        &self.0[14..17] == "000"
    }

    /// PR-2: first three and last four characters.
    pub fn masked(&self) -> String {
        format!("{}***********{}", &self.0[..3], &self.0[14..])
    }
}

impl fmt::Debug for ResidentIdNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

trait AddYears {
    fn with_year_added(self, years: i32) -> NaiveDate;
}

impl AddYears for NaiveDate {
    fn with_year_added(self, years: i32) -> NaiveDate {
        self.checked_add_months(chrono::Months::new(years.unsigned_abs() * 12)).unwrap_or(NaiveDate::MAX)
    }
}

/// Full years of age on a day.
pub fn age_on(birth: NaiveDate, day: NaiveDate) -> u32 {
    day.years_since(birth).unwrap_or(0)
}

fn normalised(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.trim().nfkc().collect::<String>().to_uppercase()
}

/// A document of a worker: its kind, its issuing country where the kind needs one, and its number in normal form.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityDocument {
    kind: IdDocumentType,
    /// ISO 3166-1 alpha-2, for passports only.
    country: Option<String>,
    number: String,
    resident: Option<ResidentIdNumber>,
}

impl IdentityDocument {
    /// Parses a number by the form of its kind.
    ///
    /// Errors describe the number without repeating it. Region codes are never a reason to refuse: people keep the code of the
    /// place and time of their first registration.
    pub fn parse(kind: IdDocumentType, country: Option<&str>, number: &str, today: NaiveDate) -> Result<Self, Malformed> {
        let text = normalised(number);
        let resident = match kind {
            IdDocumentType::ResidentId => {
                let resident = ResidentIdNumber::parse(number, today)?;
                if resident.region_code().starts_with('8') || resident.region_code().starts_with('9') {
                    return Err(Malformed::new("a residence permit number found, a resident identity number expected", "这是居住证号码，应为居民身份证号码"));
                }
                Some(resident)
            }
            IdDocumentType::HkMacaoResidencePermit => Some(permit(number, today, &["810000", "820000"])?),
            IdDocumentType::TaiwanResidencePermit => Some(permit(number, today, &["830000"])?),
            _ => None,
        };
        let expected = match kind {
            IdDocumentType::HkMacaoTravelPermit if !matches_form(&text, b"HM", &[8, 10], true) => Some(("H or M and 8 (older: 10) digits", "H 或 M 加 8 位（旧为 10 位）数字")),
            IdDocumentType::TaiwanTravelPermit if !matches_form(&text, b"", &[8], false) => Some(("8 digits", "8 位数字")),
            IdDocumentType::Passport if !is_alphanumeric_between(&text, 5, 20) => Some(("5 to 20 letters and digits", "5 至 20 位字母和数字")),
            IdDocumentType::ForeignPermanentResidentId if !is_foreign_permanent_resident(&text) => Some((
                "18 characters beginning with 9 and closing with a check character, or 3 letters and 12 digits",
                "以 9 开头并带校验码的 18 位，或 3 个字母加 12 位数字",
            )),
            IdDocumentType::MilitaryId if !(4..=32).contains(&text.chars().count()) || text.chars().any(char::is_control) => Some(("4 to 32 characters", "4 至 32 个字符")),
            _ => None,
        };
        if let Some((en, zh)) = expected {
            return Err(Malformed::new(format!("{en} expected for a {}", kind.as_str()), format!("{}应为{zh}", kind.name_zh())));
        }
        let country = match (kind, country) {
            (IdDocumentType::Passport, Some(code)) if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) => Some(code.to_owned()),
            (IdDocumentType::Passport, _) => {
                return Err(Malformed::new("a passport needs its issuing country, two capital letters (ISO 3166-1)", "护照须注明签发国，两位大写字母（ISO 3166-1）"));
            }
            (_, Some(_)) => return Err(Malformed::new("only a passport names an issuing country", "只有护照需要签发国")),
            (_, None) => None,
        };
        Ok(IdentityDocument { kind, country, number: text, resident })
    }

    pub fn kind(&self) -> IdDocumentType {
        self.kind
    }

    pub fn country(&self) -> Option<&str> {
        self.country.as_deref()
    }

    /// The number in normal form. Personal data: seal or hash it before it leaves memory.
    pub fn number(&self) -> &str {
        &self.number
    }

    pub fn resident(&self) -> Option<&ResidentIdNumber> {
        self.resident.as_ref()
    }

    /// PR-2: first three and last four characters; short numbers show only the last two.
    pub fn masked(&self) -> String {
        mask_number(&self.number)
    }
}

impl fmt::Debug for IdentityDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.masked())
    }
}

/// PR-2 for any document number: first three and last four characters, a star for each other one.
pub fn mask_number(number: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    let (head, tail) = if characters.len() >= 12 { (3, 4) } else { (1, 2) };
    let hidden = characters.len().saturating_sub(head + tail);
    characters.iter().take(head).copied().chain(std::iter::repeat_n('*', hidden)).chain(characters.iter().skip(head + hidden).copied()).collect()
}

fn permit(number: &str, today: NaiveDate, regions: &[&str]) -> Result<ResidentIdNumber, Malformed> {
    let resident = ResidentIdNumber::parse(number, today)?;
    if !regions.contains(&resident.region_code()) {
        let names = regions.join(" or ");
        return Err(Malformed::new(format!("the number begins with another region than {names}"), format!("号码地区码应为 {}", regions.join(" 或 "))));
    }
    Ok(resident)
}

fn matches_form(text: &str, first: &[u8], digits: &[usize], has_letter: bool) -> bool {
    let bytes = text.as_bytes();
    let tail = if has_letter {
        match bytes.split_first() {
            Some((letter, tail)) if first.contains(letter) => tail,
            _ => return false,
        }
    } else {
        bytes
    };
    digits.contains(&tail.len()) && tail.iter().all(u8::is_ascii_digit)
}

fn is_alphanumeric_between(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_foreign_permanent_resident(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() == 15 {
        return bytes[..3].iter().all(u8::is_ascii_uppercase) && bytes[3..].iter().all(u8::is_ascii_digit);
    }
    if bytes.len() != 18 || bytes[0] != b'9' || !bytes[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = bytes[..17].iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    bytes[17] == CHECK_CHARACTERS[(sum % 11) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, 6, 1).unwrap()
    }

    fn parse(kind: IdDocumentType, number: &str) -> Result<IdentityDocument, Malformed> {
        IdentityDocument::parse(kind, None, number, today())
    }

    #[test]
    fn the_worked_examples_of_section_7_hold() {
        for (number, is_female) in [
            ("32010219000101001X", false),
            ("32010219000101001x", false),
            ("320105190006150045", true),
            ("320115190012310079", false),
            ("320103190001010112", false),
            ("320124190001010130", false),
        ] {
            let document = parse(IdDocumentType::ResidentId, number).unwrap();
            assert_eq!(document.number(), number.to_uppercase());
            assert_eq!(document.resident().unwrap().is_female(), is_female, "{number}");
        }
        for (number, expected) in [
            ("320102190001010011", "check character"),
            ("320106190002290020", "not a date"),
            ("32010219000101001", "17 characters found"),
            ("320102000101001", "15 characters found"),
        ] {
            let fault = parse(IdDocumentType::ResidentId, number).unwrap_err().0.en;
            assert!(fault.contains(expected), "{fault}");
            assert!(!fault.contains(number), "an error must not repeat the number");
        }
        assert!(parse(IdDocumentType::HkMacaoResidencePermit, "810000190001010018").is_ok());
        assert!(parse(IdDocumentType::TaiwanResidencePermit, "83000019000101002X").is_ok());
        assert!(parse(IdDocumentType::HkMacaoResidencePermit, "83000019000101002X").is_err());
        assert!(parse(IdDocumentType::ResidentId, "810000190001010018").is_err());
    }

    #[test]
    fn births_after_today_and_impossible_ages_are_errors() {
        let parse_on = |y, m, d| ResidentIdNumber::parse("32010219000101001X", NaiveDate::from_ymd_opt(y, m, d).unwrap());
        assert!(parse_on(1899, 12, 31).is_err());
        assert!(parse_on(1900, 1, 1).is_ok());
        assert!(parse_on(2030, 12, 31).is_ok());
        assert!(parse_on(2031, 1, 1).is_err());
    }

    #[test]
    fn other_documents_have_their_forms() {
        for (kind, number, is_valid) in [
            (IdDocumentType::HkMacaoTravelPermit, "H12345678", true),
            (IdDocumentType::HkMacaoTravelPermit, "M1234567890", true),
            (IdDocumentType::HkMacaoTravelPermit, "A12345678", false),
            (IdDocumentType::HkMacaoTravelPermit, "H123456789", false),
            (IdDocumentType::TaiwanTravelPermit, "12345678", true),
            (IdDocumentType::TaiwanTravelPermit, "1234567", false),
            (IdDocumentType::ForeignPermanentResidentId, "ABC123456789012", true),
            (IdDocumentType::ForeignPermanentResidentId, "AB1234567890123", false),
            (IdDocumentType::MilitaryId, "军字第123456号", true),
            (IdDocumentType::MilitaryId, "123", false),
        ] {
            assert_eq!(parse(kind, number).is_ok(), is_valid, "{number}");
        }
        assert!(IdentityDocument::parse(IdDocumentType::Passport, Some("FR"), "12AB34567", today()).is_ok());
        assert!(IdentityDocument::parse(IdDocumentType::Passport, None, "12AB34567", today()).is_err());
        assert!(IdentityDocument::parse(IdDocumentType::Passport, Some("fr"), "12AB34567", today()).is_err());
    }

    #[test]
    fn masks_are_those_of_pr_2() {
        assert_eq!(mask_number("32010219000101001X"), "320***********001X");
        assert_eq!(mask_number("12345678"), "1*****78");
    }

    #[test]
    fn a_full_width_number_is_the_same_number() {
        let wide = "３２０１０２１９０００１０１００１Ｘ";
        assert_eq!(parse(IdDocumentType::ResidentId, wide).unwrap().number(), "32010219000101001X");
    }
}
