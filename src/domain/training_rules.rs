//! The dated figures of training and credits: what the domain book leaves open (DECIDE), as a list of the catalogue.
//!
//! A new version of the list is a new set of rules from a day on; nothing is edited. A class is judged by the rules that were in
//! force on its first day, a certificate by those of its day of issue (RV-1).

use super::level::SkillLevel;
use super::organisation::names;
use super::rule::Malformed;

/// Rules of hours and credits in one version. Percentages are whole numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingRules {
    /// Version of the list, 1 for the shipped one.
    pub version: i32,
    /// HR-1: minutes of one class hour.
    pub class_hour_minutes: i32,
    /// HR-2: least class hours at level 5, and at the levels above.
    pub hours_level5_min: i32,
    pub hours_above_level5_min: i32,
    /// HR-3: least share of practical hours.
    pub practical_percent_min: i32,
    /// HR-4: what an online hour is worth, and the largest share of the planned hours that online ones may fill.
    pub online_factor_percent: i32,
    pub online_cap_percent: i32,
    /// HR-6: most class hours of a worker on one day.
    pub day_hours_max: i32,
    /// HR-7: hours of an apprentice in a year, of which in concentrated teaching; apprentices of a mentor and of a class.
    pub apprenticeship_year_hours_min: i32,
    pub apprenticeship_concentrated_hours_min: i32,
    pub mentor_apprentices_max: i32,
    pub apprenticeship_class_max: i32,
    /// CR-1: class hours of one credit.
    pub credit_hours: i32,
    /// CR-4: least attendance.
    pub attendance_percent_min: i32,
    /// CR-5: how the hours and the certificate of one class count together.
    pub class_and_certificate: Combination,
    /// Winners up to this place are recommended for promotion first (宁政办发〔2019〕53号, section 9).
    pub promotion_place_max: i32,
    /// CR-8: years after which credits expire; 0 means never.
    pub credit_valid_years: i32,
}

/// CR-5: the larger one, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combination {
    Larger,
    Sum,
}

names!(Combination {
    Larger => "larger",
    Sum => "sum",
});

impl TrainingRules {
    /// The defaults of the domain book, as version 1. The shipped list says the same; a test holds them equal.
    pub fn standard() -> Self {
        TrainingRules {
            version: 1,
            class_hour_minutes: 45,
            hours_level5_min: 40,
            hours_above_level5_min: 56,
            practical_percent_min: 60,
            online_factor_percent: 100,
            online_cap_percent: 50,
            day_hours_max: 10,
            apprenticeship_year_hours_min: 600,
            apprenticeship_concentrated_hours_min: 160,
            mentor_apprentices_max: 8,
            apprenticeship_class_max: 40,
            credit_hours: 16,
            attendance_percent_min: 80,
            class_and_certificate: Combination::Larger,
            promotion_place_max: 3,
            credit_valid_years: 0,
        }
    }

    /// Reads parameters and values; those that a list leaves away keep the domain book's default.
    ///
    /// # Errors
    /// Every parameter that is unknown and every value that cannot be, with what was expected.
    pub fn parse<'a>(version: i32, entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<(String, Malformed)>> {
        let (mut rules, mut faults) = (TrainingRules { version, ..Self::standard() }, Vec::new());
        for (name, value) in entries {
            if let Err(fault) = rules.set(name, value) {
                faults.push((name.to_owned(), fault));
            }
        }
        if faults.is_empty() { Ok(rules) } else { Err(faults) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Malformed> {
        let (figure, least, most) = match name {
            "class_hour_minutes" => (&mut self.class_hour_minutes, 1, 120),
            "hours_level5_min" => (&mut self.hours_level5_min, 0, 10_000),
            "hours_above_level5_min" => (&mut self.hours_above_level5_min, 0, 10_000),
            "practical_percent_min" => (&mut self.practical_percent_min, 0, 100),
            "online_factor_percent" => (&mut self.online_factor_percent, 0, 100),
            "online_cap_percent" => (&mut self.online_cap_percent, 0, 100),
            "day_hours_max" => (&mut self.day_hours_max, 1, 32),
            "apprenticeship_year_hours_min" => (&mut self.apprenticeship_year_hours_min, 0, 10_000),
            "apprenticeship_concentrated_hours_min" => (&mut self.apprenticeship_concentrated_hours_min, 0, 10_000),
            "mentor_apprentices_max" => (&mut self.mentor_apprentices_max, 1, 1_000),
            "apprenticeship_class_max" => (&mut self.apprenticeship_class_max, 1, 10_000),
            "credit_hours" => (&mut self.credit_hours, 1, 1_000),
            "attendance_percent_min" => (&mut self.attendance_percent_min, 0, 100),
            "promotion_place_max" => (&mut self.promotion_place_max, 0, 1_000),
            "credit_valid_years" => (&mut self.credit_valid_years, 0, 100),
            "class_and_certificate" => {
                self.class_and_certificate = value.parse()?;
                return Ok(());
            }
            _ => return Err(Malformed::new("no parameter of this name is known", "没有该参数")),
        };
        let number = value.parse().ok().filter(|number| (least..=most).contains(number));
        *figure = number.ok_or_else(|| Malformed::new(format!("a whole number from {least} to {most} expected"), format!("应为 {least} 至 {most} 的整数")))?;
        Ok(())
    }

    /// HR-2: least class hours for a level; none for what has no level.
    pub fn hours_min(&self, level: Option<SkillLevel>) -> i32 {
        match level {
            None | Some(SkillLevel::Apprentice) => 0,
            Some(SkillLevel::Level5) => self.hours_level5_min,
            Some(_) => self.hours_above_level5_min,
        }
    }

    /// HR-1: minutes as class hours, counted down.
    pub fn hours_of(&self, minutes: i32) -> i32 {
        minutes / self.class_hour_minutes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_added_first_and_divided_once() {
        assert_eq!(TrainingRules::standard().hours_of(400), 8);
        assert_eq!(TrainingRules::standard().hours_of(44), 0);
    }

    #[test]
    fn every_fault_of_a_version_is_named() {
        let rules = TrainingRules::parse(2, [("online_cap_percent", "40"), ("class_and_certificate", "sum")]).unwrap();
        assert_eq!((rules.version, rules.online_cap_percent, rules.class_and_certificate, rules.credit_hours), (2, 40, Combination::Sum, 16));
        let faults = TrainingRules::parse(2, [("online_cap_percent", "101"), ("credit_hours", "0"), ("bonus", "1"), ("class_and_certificate", "both")]).unwrap_err();
        assert_eq!(faults.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["online_cap_percent", "credit_hours", "bonus", "class_and_certificate"]);
    }
}
