//! The field's types and rules, pure: no I/O, no clock, no chance, no SQL, no wire formats.
//!
//! Reading order: words first (`text`, `rule`, `id`), then identifiers of the field, then the nouns, then the rules about them.

pub mod text;
pub mod rule;
pub mod id;
pub mod credit_code;
pub mod person_name;
pub mod document;
pub mod level;
pub mod occupation;
pub mod certificate_kind;
pub mod number;
pub mod calendar;
pub mod settings;
pub mod access;
pub mod organisation;
pub mod filing;
pub mod assessment;
pub mod certificate;
pub mod issue;
pub mod permit;
pub mod training_rules;
pub mod training;
pub mod attendance;
pub mod credit;
pub mod competition;
pub mod priority_group;
pub mod platform;
pub mod sharing;
pub mod dispute;
pub mod verification;
pub mod xapi;
