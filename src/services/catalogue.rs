//! The catalogue: lists of official facts, shipped with the product, versioned by date, read from memory.

use super::Registry;
use super::error::Error;
use crate::domain::rule::invalid;
use super::intent::{Answer, Intent};
use crate::domain::access::{Act, Actor};
use crate::domain::calendar::WorkingCalendar;
use crate::domain::credit::Credits;
use crate::domain::id::ImportId;
use crate::domain::number::NumberTables;
use crate::domain::occupation::Occupation;
use crate::domain::rule::Violation;
use crate::domain::training_rules::TrainingRules;
use crate::domain::text::Text;
use crate::store::catalogue::{self, EntryRow, ImportRow};
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// A list of the catalogue: its name, its shipped file, and the columns that make an entry's key.
pub struct ListProfile {
    pub name: &'static str,
    pub key_columns: &'static [&'static str],
    shipped: &'static str,
}

/// Every list. To add one: put its file under `assets/catalogue/` and its profile here.
pub const LISTS: &[ListProfile] = &[
    ListProfile { name: "occupations", key_columns: &["edition", "code"], shipped: include_str!("../../assets/catalogue/occupations.csv") },
    ListProfile { name: "levels", key_columns: &["code_slug"], shipped: include_str!("../../assets/catalogue/levels.csv") },
    ListProfile { name: "certificate_kinds", key_columns: &["kind"], shipped: include_str!("../../assets/catalogue/certificate-kinds.csv") },
    ListProfile { name: "regions", key_columns: &["code"], shipped: include_str!("../../assets/catalogue/regions.csv") },
    ListProfile { name: "former_regions", key_columns: &["code", "valid_from_year"], shipped: include_str!("../../assets/catalogue/regions-jiangsu-history.csv") },
    ListProfile { name: "provinces", key_columns: &["code"], shipped: include_str!("../../assets/catalogue/provinces.csv") },
    ListProfile { name: "entry_class_items", key_columns: &["item_no", "occupation"], shipped: include_str!("../../assets/catalogue/entry-class-items.csv") },
    ListProfile { name: "special_operations", key_columns: &["category_no"], shipped: include_str!("../../assets/catalogue/special-operations.csv") },
    ListProfile { name: "holidays", key_columns: &["date"], shipped: include_str!("../../assets/catalogue/holidays.csv") },
    ListProfile { name: "assessment_body_letters", key_columns: &["letter"], shipped: include_str!("../../assets/catalogue/assessment-body-letters.csv") },
    ListProfile { name: "qualification_number_provinces", key_columns: &["code"], shipped: include_str!("../../assets/catalogue/qualification-number-provinces.csv") },
    ListProfile { name: "training_projects", key_columns: &["code"], shipped: include_str!("../../assets/catalogue/training-projects.csv") },
    ListProfile { name: "training_rules", key_columns: &["parameter"], shipped: include_str!("../../assets/catalogue/training-rules.csv") },
    ListProfile { name: "credit_values", key_columns: &["source", "what", "detail"], shipped: include_str!("../../assets/catalogue/credit-values.csv") },
    ListProfile { name: "credit_programmes", key_columns: &["programme"], shipped: include_str!("../../assets/catalogue/credit-programmes.csv") },
];

/// The first day of the shipped versions: before any certificate that can be asked about.
const SHIPPED_FROM: NaiveDate = NaiveDate::from_ymd_opt(1980, 1, 1).expect("a date of the calendar");

/// One entry: its key and its members, as texts. Of thousands few are ever asked for, so a body is read when somebody asks.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    /// A JSON object, as it is stored.
    body: String,
    members: OnceLock<Map<String, Value>>,
}

impl Entry {
    fn new(key: String, members: Map<String, Value>) -> Self {
        Entry { key, body: Value::Object(members).to_string(), members: OnceLock::new() }
    }

    /// The columns of the list, by name.
    pub fn members(&self) -> &Map<String, Value> {
        self.members.get_or_init(|| {
            serde_json::from_str(&self.body).unwrap_or_else(|error| {
                tracing::error!(key = self.key, %error, "an entry of the catalogue was edited by hand and cannot be read");
                Map::new()
            })
        })
    }

    /// One of them; empty when the list has no such column.
    pub(super) fn member(&self, name: &str) -> &str {
        self.members().get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Any JSON object; nothing of it is kept.
#[derive(Deserialize)]
struct AnyObject {}

impl TryFrom<EntryRow> for Entry {
    type Error = Error;

    /// A broken catalogue must stop the start, although nothing of a body is kept yet.
    fn try_from(row: EntryRow) -> Result<Self, Error> {
        if !row.body.starts_with('{') {
            return Err(Error::Internal("a stored entry of the catalogue is not an object".to_owned()));
        }
        super::stored_json::<AnyObject>(&row.body)?;
        Ok(Entry { key: row.entry_key, body: row.body, members: OnceLock::new() })
    }
}

/// One version of one list.
pub struct ListVersion {
    pub import: ImportRow,
    pub entries: Vec<Entry>,
}

/// Everything that the catalogue says, as of one moment.
#[derive(Default)]
pub struct Catalogue {
    imports: i64,
    lists: HashMap<String, Vec<Arc<ListVersion>>>,
    /// Places in the newest list of occupations, by key.
    occupations: HashMap<String, usize>,
    pub numbers: NumberTables,
    pub calendar: WorkingCalendar,
}

/// The catalogue in memory; replaced as a whole.
#[derive(Default)]
pub struct CatalogueCache {
    current: RwLock<Arc<Catalogue>>,
}

/// What an import did.
#[derive(Debug, Clone)]
pub struct ImportedList {
    pub import: ImportRow,
    pub is_dry_run: bool,
}

impl Catalogue {
    /// The version of a list that is in force on a day: the newest of those whose first day has come.
    pub fn list_on(&self, list: &str, day: NaiveDate) -> Option<&Arc<ListVersion>> {
        self.lists.get(list)?.iter().filter(|version| version.import.valid_from <= day).max_by_key(|version| (version.import.valid_from, version.import.version))
    }

    /// The versions of a list whose first day is still to come, in that order.
    pub fn coming_after(&self, list: &str, day: NaiveDate) -> Vec<&Arc<ListVersion>> {
        let mut coming: Vec<_> = self.lists.get(list).into_iter().flatten().filter(|version| version.import.valid_from > day).collect();
        coming.sort_by_key(|version| (version.import.valid_from, version.import.version));
        coming
    }

    /// The name of an occupation, if the catalogue in force on the day knows it.
    pub fn find_occupation_name(&self, occupation: &Occupation, day: NaiveDate) -> Option<String> {
        let key = occupation.to_string();
        let newest = self.newest("occupations").filter(|version| version.import.valid_from <= day);
        match newest.and_then(|version| version.entries.get(*self.occupations.get(&key)?)) {
            Some(entry) => Some(entry.member("name").to_owned()),
            None => self.find_entry("occupations", &key, day).and_then(|entry| entry["name"].as_str().map(str::to_owned)),
        }
    }

    fn newest(&self, list: &str) -> Option<&Arc<ListVersion>> {
        self.lists.get(list)?.last()
    }

    pub fn find_entry(&self, list: &str, key: &str, day: NaiveDate) -> Option<Map<String, Value>> {
        self.list_on(list, day)?.entries.iter().find(|entry| entry.key == key).map(|entry| entry.members().clone())
    }

    /// IS-9: whether an occupation of this name is an entry-class item on a day.
    pub fn is_entry_class(&self, occupation_name: &str, day: NaiveDate) -> bool {
        self.list_on("entry_class_items", day).is_some_and(|version| version.entries.iter().any(|entry| entry.member("occupation") == occupation_name))
    }

    /// The rules of hours and credits that are in force on a day.
    pub fn training_rules_on(&self, day: NaiveDate) -> TrainingRules {
        self.list_on("training_rules", day).and_then(|version| training_rules(version.import.version, &version.entries).ok()).unwrap_or_else(TrainingRules::standard)
    }

    /// One version of them, as it was when something was decided by it.
    pub fn training_rules_of(&self, version: i32) -> Option<TrainingRules> {
        let list = self.lists.get("training_rules")?.iter().find(|list| list.import.version == version)?;
        training_rules(version, &list.entries).ok()
    }

    fn derive(&mut self) {
        if let Some(version) = self.newest("occupations") {
            self.occupations = version.entries.iter().enumerate().map(|(place, entry)| (entry.key.clone(), place)).collect();
        }
        if let (Some(letters), Some(provinces)) = (self.newest("assessment_body_letters").cloned(), self.newest("provinces").cloned()) {
            self.numbers.body_letters = letters.entries.iter().filter_map(|entry| entry.key.chars().next()).collect();
            let may_appear = |entry: &&Entry| entry.member("may_appear_in_level_certificate_number") == "1";
            self.numbers.provinces = provinces.entries.iter().filter(may_appear).map(|entry| entry.key.clone()).collect();
        }
        // Days of all versions count: a later list usually holds the later years only.
        for version in self.lists.get("holidays").into_iter().flatten() {
            for entry in &version.entries {
                let Ok(day) = entry.key.parse() else { continue };
                let (to, from) = match entry.member("kind") {
                    "working_day" => (&mut self.calendar.worked_weekends, &mut self.calendar.holidays),
                    _ => (&mut self.calendar.holidays, &mut self.calendar.worked_weekends),
                };
                from.remove(&day);
                to.insert(day);
            }
        }
    }
}

fn training_rules(version: i32, entries: &[Entry]) -> Result<TrainingRules, Vec<Violation>> {
    let parsed = TrainingRules::parse(version, entries.iter().map(|entry| (entry.key.as_str(), entry.member("value"))));
    parsed.map_err(|faults| faults.into_iter().map(|(parameter, fault)| invalid(parameter, fault.0)).collect())
}

/// What a list must say beside its form, because rules are read from it.
fn check_meaning(list: &str, entries: &[Entry]) -> Result<(), Vec<Violation>> {
    match list {
        "training_rules" => training_rules(0, entries).map(|_| ()),
        "credit_values" => {
            let faults: Vec<Violation> = entries.iter().filter_map(|entry| entry.member("credits").parse::<Credits>().err().map(|fault| invalid(entry.key.clone(), fault.0))).collect();
            if faults.is_empty() { Ok(()) } else { Err(faults) }
        }
        _ => Ok(()),
    }
}

/// Reads a CSV file as entries of a list.
///
/// # Errors
/// Every row that does not fit, with its number and what was expected there.
fn parse_entries(profile: &ListProfile, text: &str) -> Result<Vec<Entry>, Vec<Violation>> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let headers = reader.headers().cloned().map_err(|error| vec![invalid("file", Text::new(error.to_string(), "文件不是有效的 CSV"))])?;
    let mut faults: Vec<Violation> = profile
        .key_columns
        .iter()
        .filter(|column| !headers.iter().any(|name| name == **column))
        .map(|column| invalid("file", Text::new(format!("no column {column:?} found in the header"), format!("表头缺少列 {column:?}"))))
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut entries = Vec::new();
    let mut seen = HashMap::new();
    for (index, record) in reader.records().enumerate() {
        let row = index + 2;
        let field = format!("row {row}");
        let record = match record {
            Ok(record) => record,
            Err(_) => {
                let detail = Text::new(format!("{} columns expected, as in the header", headers.len()), format!("应与表头一致，共 {} 列", headers.len()));
                faults.push(invalid(field, detail));
                continue;
            }
        };
        let members: Map<String, Value> = headers.iter().zip(record.iter()).map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        let key = profile.key_columns.iter().map(|column| members[*column].as_str().unwrap_or_default()).collect::<Vec<_>>().join("/");
        if let Some(first) = seen.insert(key.clone(), row) {
            faults.push(invalid(field, Text::new(format!("the key {key} stands in row {first} already"), format!("键 {key} 已在第 {first} 行出现"))));
        }
        entries.push(Entry::new(key, members));
    }
    if entries.is_empty() && faults.is_empty() {
        faults.push(invalid("file", Text::new("no rows found, at least one expected", "没有数据行")));
    }
    if faults.is_empty() { Ok(entries) } else { Err(faults) }
}

impl Registry {
    /// The catalogue as this node knows it.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads what was imported since the catalogue was last read; what is in memory already stays.
    pub async fn refresh_catalogue(&self) -> Result<(), Error> {
        let before = self.catalogue();
        let known = before.imports;
        let ids: HashSet<String> = before.lists.values().flatten().map(|version| version.import.id.clone()).collect();
        let fresh = self
            .store
            .read(move |conn| {
                let imports = catalogue::count_imports(conn)?;
                if imports == known {
                    return Ok(None);
                }
                let mut lists = Vec::new();
                for import in catalogue::list_imports(conn)? {
                    let entries = if ids.contains(&import.id) { Vec::new() } else { catalogue::list_entries(conn, &import.id)? };
                    lists.push((import, entries));
                }
                Ok(Some((imports, lists)))
            })
            .await?;
        let Some((imports, lists)) = fresh else { return Ok(()) };
        let mut catalogue = Catalogue { imports, ..Catalogue::default() };
        for (import, rows) in lists {
            let version = match before.lists.get(&import.list).and_then(|versions| versions.iter().find(|version| version.import.id == import.id)) {
                Some(version) => Arc::clone(version),
                None => Arc::new(ListVersion { import, entries: rows.into_iter().map(Entry::try_from).collect::<Result<_, _>>()? }),
            };
            catalogue.lists.entry(version.import.list.clone()).or_default().push(version);
        }
        catalogue.derive();
        *self.catalogue.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
        Ok(())
    }

    /// Loads the shipped files as the first version of each list that has none yet.
    pub async fn load_shipped_catalogue(&self) -> Result<(), Error> {
        for profile in LISTS {
            if self.catalogue().lists.contains_key(profile.name) {
                continue;
            }
            let entries = parse_entries(profile, profile.shipped).map_err(Error::Invalid)?;
            let (import, rows) = self.make_import(profile.name, 1, SHIPPED_FROM, profile.shipped.as_bytes(), &entries, "init");
            let loaded = self.store.write(move |tx| insert(tx, &import, &rows)).await;
            // Another node may have loaded it at the same moment.
            if !matches!(loaded, Ok(()) | Err(StoreError::Conflict(Constraint::CatalogueVersion))) {
                loaded?;
            }
        }
        self.refresh_catalogue().await
    }

    /// Imports a new version of a list, in force from a day on.
    pub async fn import_catalogue(
        &self,
        actor: &Actor,
        list: &str,
        valid_from: NaiveDate,
        file: &str,
        is_dry_run: bool,
        intent: &Intent<ImportedList>,
    ) -> Result<Answer, Error> {
        self.authorise(actor, Act::AdministerRegistry)?;
        let names = LISTS.iter().map(|profile| profile.name).collect::<Vec<_>>().join(", ");
        let profile = LISTS
            .iter()
            .find(|profile| profile.name == list)
            .ok_or_else(|| Error::invalid("list", Text::new(format!("one of {names} expected"), format!("应为 {names} 之一"))))?;
        let entries = parse_entries(profile, file).map_err(Error::Invalid)?;
        check_meaning(list, &entries).map_err(Error::Invalid)?;
        self.refresh_catalogue().await?;
        let version = self.catalogue().lists.get(list).and_then(|versions| versions.last()).map_or(1, |newest| newest.import.version + 1);
        let (import, rows) = self.make_import(list, version, valid_from, file.as_bytes(), &entries, actor.client.as_str());
        let (answer, kept) = self.answer(intent, &ImportedList { import: import.clone(), is_dry_run });
        if !is_dry_run {
            self.store
                .write(move |tx| {
                    kept.keep(tx)?;
                    insert(tx, &import, &rows)
                })
                .await?;
            self.refresh_catalogue().await?;
        }
        Ok(answer)
    }

    fn make_import(&self, list: &str, version: i32, valid_from: NaiveDate, file: &[u8], entries: &[Entry], by: &str) -> (ImportRow, Vec<EntryRow>) {
        let id = self.new_id(ImportId::new).to_string();
        let rows = entries
            .iter()
            .zip(0..)
            .map(|(entry, position)| EntryRow { import_id: id.clone(), position, entry_key: entry.key.clone(), body: entry.body.clone() })
            .collect();
        let import = ImportRow {
            id,
            list: list.to_owned(),
            version,
            valid_from,
            entries: i32::try_from(entries.len()).unwrap_or(i32::MAX),
            digest: format!("sha256:{}", hex::encode(Sha256::digest(file))),
            imported_at: self.now_micros(),
            imported_by: by.to_owned(),
        };
        (import, rows)
    }
}

fn insert(tx: &mut crate::store::writer::Tx<'_>, import: &ImportRow, rows: &[EntryRow]) -> Result<(), StoreError> {
    catalogue::insert_import(tx.conn, import, rows)?;
    tx.record(Fact::of(None, import)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_file_fits_its_list() {
        for profile in LISTS {
            let entries = parse_entries(profile, profile.shipped).unwrap();
            assert!(!entries.is_empty() && check_meaning(profile.name, &entries).is_ok(), "{}", profile.name);
            if profile.name == "training_rules" {
                assert_eq!(training_rules(1, &entries), Ok(TrainingRules::standard()), "the shipped figures are those of the domain book");
            }
        }
    }

    #[test]
    fn a_stored_entry_that_is_no_object_is_not_taken() {
        let entry = |body: &str| Entry::try_from(EntryRow { import_id: "imp_1".into(), position: 0, entry_key: "1".into(), body: body.into() });
        assert_eq!(entry(r#"{"name":"电工","code":"1"}"#).unwrap().member("name"), "电工");
        for broken in ["", "{", "[]", "\"x\"", r#"{"name":"x"} y"#, r#"{"name":}"#] {
            assert!(entry(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn every_bad_row_of_a_file_is_named() {
        let faults = parse_entries(&LISTS[3], "code,name,level,parent_code\n110000,北京市,province,\n110000,x,y,z\n1,2\n").unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.field.clone().unwrap()).collect::<Vec<_>>(), ["row 3", "row 4"]);
        assert!(parse_entries(&LISTS[3], "kode\n1\n").is_err());
        assert!(parse_entries(&LISTS[3], "code\n").is_err());
    }
}
